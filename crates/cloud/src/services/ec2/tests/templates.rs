//! Launch templates.

use super::{AL2023_X86_64, Asked, text};

fn template(ec2: &mut Asked) -> String {
    let made = ec2.ok(
        "CreateLaunchTemplate",
        &[
            ("LaunchTemplateName", "web"),
            ("LaunchTemplateData.ImageId", AL2023_X86_64),
            ("LaunchTemplateData.InstanceType", "t3.nano"),
            (
                "LaunchTemplateData.TagSpecification.1.ResourceType",
                "instance",
            ),
            ("LaunchTemplateData.TagSpecification.1.Tag.1.Key", "from"),
            (
                "LaunchTemplateData.TagSpecification.1.Tag.1.Value",
                "template",
            ),
        ],
    );
    text(&made, "launchTemplateId")[0].clone()
}

fn launched(ec2: &mut Asked, more: &[(&str, &str)]) -> String {
    let mut params = vec![
        ("LaunchTemplate.LaunchTemplateName", "web"),
        ("MinCount", "1"),
        ("MaxCount", "1"),
    ];
    params.extend(more);
    ec2.ok("RunInstances", &params)
}

#[test]
fn versions_are_numbered_and_chosen() {
    let mut ec2 = Asked::new();
    let id = template(&mut ec2);
    ec2.ok(
        "CreateLaunchTemplateVersion",
        &[
            ("LaunchTemplateId", &id),
            ("SourceVersion", "1"),
            ("LaunchTemplateData.InstanceType", "t3.micro"),
        ],
    );
    let kind = |answer: &str| text(answer, "instanceType")[0].clone();
    assert_eq!(kind(&launched(&mut ec2, &[])), "t3.nano");
    let latest = launched(&mut ec2, &[("LaunchTemplate.Version", "$Latest")]);
    assert_eq!(kind(&latest), "t3.micro");
    assert_eq!(
        text(&latest, "imageId"),
        [AL2023_X86_64],
        "from the source version"
    );
    assert!(latest.contains("<key>aws:ec2launchtemplate:version</key><value>2</value>"));
    let overridden = launched(&mut ec2, &[("InstanceType", "t3.small")]);
    assert_eq!(kind(&overridden), "t3.small");
    assert!(overridden.contains("<key>from</key><value>template</value>"));
    ec2.ok(
        "ModifyLaunchTemplate",
        &[("LaunchTemplateId", &id), ("SetDefaultVersion", "2")],
    );
    assert_eq!(kind(&launched(&mut ec2, &[])), "t3.micro");
    let mut wrong = vec![("LaunchTemplate.Version", "9")];
    wrong.extend([
        ("LaunchTemplate.LaunchTemplateId", id.as_str()),
        ("MinCount", "1"),
        ("MaxCount", "1"),
    ]);
    assert_eq!(
        ec2.fails("RunInstances", &wrong),
        format!(
            "InvalidLaunchTemplateId.VersionNotFound: Could not find the specified version 9 for the launch template with ID {id}."
        )
    );
}

#[test]
fn versions_are_described_and_deleted() {
    let mut ec2 = Asked::new();
    let id = template(&mut ec2);
    let one = ("LaunchTemplateId", id.as_str());
    ec2.ok(
        "CreateLaunchTemplateVersion",
        &[one, ("LaunchTemplateData.InstanceType", "t3.micro")],
    );
    let seen = ec2.ok("DescribeLaunchTemplateVersions", &[one]);
    assert_eq!(text(&seen, "versionNumber"), ["2", "1"]);
    let default = ec2.ok(
        "DescribeLaunchTemplateVersions",
        &[one, ("LaunchTemplateVersion.1", "$Default")],
    );
    assert_eq!(text(&default, "instanceType"), ["t3.nano"]);
    let gone = ec2.ok(
        "DeleteLaunchTemplateVersions",
        &[
            one,
            ("LaunchTemplateVersion.1", "1"),
            ("LaunchTemplateVersion.2", "2"),
        ],
    );
    assert!(
        gone.contains("The default version of a launch template cannot be deleted."),
        "{gone}"
    );
    assert_eq!(
        text(
            &ec2.ok("DescribeLaunchTemplateVersions", &[one]),
            "versionNumber"
        ),
        ["1"]
    );
    ec2.ok("DeleteLaunchTemplate", &[one]);
    let error = ec2.fails(
        "DescribeLaunchTemplates",
        &[("LaunchTemplateName.1", "web")],
    );
    assert!(
        error.starts_with("InvalidLaunchTemplateName.NotFoundException: "),
        "{error}"
    );
}

#[test]
fn a_name_is_taken_once_and_a_token_stands_for_one_template() {
    let mut ec2 = Asked::new();
    let make = [
        ("LaunchTemplateName", "web"),
        ("LaunchTemplateData.InstanceType", "t3.nano"),
        ("ClientToken", "once"),
    ];
    let first = ec2.ok("CreateLaunchTemplate", &make);
    assert_eq!(ec2.ok("CreateLaunchTemplate", &make), first);
    assert_eq!(
        ec2.fails("CreateLaunchTemplate", &make[..2]),
        "InvalidLaunchTemplateName.AlreadyExistsException: Launch template name already in use."
    );
}
