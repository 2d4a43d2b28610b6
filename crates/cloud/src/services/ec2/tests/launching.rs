//! Launches that are refused, repeated, limited.

use super::{AL2023_X86_64, Asked, text};
use crate::furnish::AL2023_ARM64;

const LAUNCH: [(&str, &str); 4] = [
    ("ImageId", AL2023_X86_64),
    ("InstanceType", "t3.nano"),
    ("MinCount", "1"),
    ("MaxCount", "1"),
];

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut params = LAUNCH.to_vec();
    for (name, value) in more {
        params.retain(|(known, _)| known != name);
        params.push((name, value));
    }
    params
}

#[test]
fn what_is_wrong_is_named() {
    let mut ec2 = Asked::new();
    for (more, wanted) in [
        (
            ("ImageId", "ami-0123456789abcdef0"),
            "InvalidAMIID.NotFound: The image id '[ami-0123456789abcdef0]' does not exist",
        ),
        (
            ("ImageId", "image"),
            "InvalidAMIID.Malformed: Invalid id: \"image\" (expecting \"ami-...\")",
        ),
        (
            ("InstanceType", "t3.pico"),
            "InvalidParameterValue: Invalid value 't3.pico' for InstanceType.",
        ),
        (
            ("KeyName", "none"),
            "InvalidKeyPair.NotFound: The key pair 'none' does not exist",
        ),
        (
            ("SecurityGroupId.1", "sg-0123456789abcdef0"),
            "InvalidGroup.NotFound: The security group 'sg-0123456789abcdef0' does not exist",
        ),
        (
            ("SubnetId", "subnet-0123456789abcdef0"),
            "InvalidSubnetID.NotFound: The subnet ID 'subnet-0123456789abcdef0' does not exist",
        ),
        (
            ("Placement.AvailabilityZone", "us-east-1z"),
            "InvalidParameterValue: Invalid availability zone: [us-east-1z]",
        ),
        (
            ("UserData", "no base64!"),
            "InvalidParameterValue: Invalid BASE64 encoding of user data.",
        ),
        (
            ("CreditSpecification.CpuCredits", "some"),
            "InvalidParameterValue: Value (some) for parameter CreditSpecification.CpuCredits is invalid. Valid values: standard, unlimited.",
        ),
        (
            ("TagSpecification.1.ResourceType", "bucket"),
            "InvalidParameterValue: 'bucket' is not a valid taggable resource type for this operation.",
        ),
        (
            ("IamInstanceProfile.Name", "none"),
            "InvalidParameterValue: Value (none) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
        ),
        (
            ("HibernationOptions.Configured", "true"),
            "NotModelled: not modelled by the embedded cloud: HibernationOptions.Configured",
        ),
    ] {
        assert_eq!(ec2.fails("RunInstances", &with(&[more])), wanted);
    }
    let seen = ec2.ok("DescribeInstances", &[]);
    assert!(text(&seen, "instanceId").is_empty(), "{seen}");
    assert!(text(&ec2.ok("DescribeVolumes", &[]), "volumeId").is_empty());
}

#[test]
fn architectures_must_match() {
    let mut ec2 = Asked::new();
    let error = ec2.fails("RunInstances", &with(&[("ImageId", AL2023_ARM64)]));
    assert!(
        error.starts_with(
            "InvalidParameterValue: The architecture 'x86_64' of the specified instance type does not match the architecture 'arm64' of the specified AMI."
        ),
        "{error}"
    );
    ec2.ok(
        "RunInstances",
        &with(&[("ImageId", AL2023_ARM64), ("InstanceType", "t4g.nano")]),
    );
}

#[test]
fn a_token_stands_for_one_launch() {
    let mut ec2 = Asked::new();
    let token = ("ClientToken", "once");
    let first = ec2.ok("RunInstances", &with(&[token]));
    let again = ec2.ok("RunInstances", &with(&[token]));
    assert_eq!(text(&first, "instanceId"), text(&again, "instanceId"));
    assert_eq!(text(&first, "reservationId"), text(&again, "reservationId"));
    let error = ec2.fails(
        "RunInstances",
        &with(&[token, ("InstanceType", "t3.micro")]),
    );
    assert!(
        error.starts_with("IdempotentParameterMismatch: "),
        "{error}"
    );
    ec2.ok("RunInstances", &with(&[("ClientToken", "other")]));
    assert_eq!(
        text(&ec2.ok("DescribeInstances", &[]), "instanceId").len(),
        2
    );
}

#[test]
fn as_many_as_fit_are_launched() {
    let mut ec2 = Asked::new();
    let many = [
        ("InstanceType", "t3.2xlarge"),
        ("MinCount", "2"),
        ("MaxCount", "20"),
    ];
    let answer = ec2.ok("RunInstances", &with(&many));
    assert_eq!(text(&answer, "instanceId").len(), 8, "64 vCPUs by 8");
    assert_eq!(
        text(&answer, "amiLaunchIndex"),
        ["0", "1", "2", "3", "4", "5", "6", "7"]
    );
    let error = ec2.fails("RunInstances", &with(&[]));
    assert!(
        error.starts_with("VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 64 allows"),
        "{error}"
    );
}

#[test]
fn a_dry_run_changes_nothing() {
    let mut ec2 = Asked::new();
    let ids = format!("{:?}", ec2.cloud.ids);
    assert_eq!(
        ec2.fails("RunInstances", &with(&[("DryRun", "true")])),
        "DryRunOperation: Request would have succeeded, but DryRun flag is set."
    );
    assert!(text(&ec2.ok("DescribeInstances", &[]), "instanceId").is_empty());
    assert_eq!(format!("{:?}", ec2.cloud.ids), ids);
    let error = ec2.fails(
        "RunInstances",
        &with(&[("DryRun", "true"), ("InstanceType", "t3.pico")]),
    );
    assert!(error.starts_with("InvalidParameterValue: "), "{error}");
}

#[test]
fn devices_override_those_of_the_image() {
    let mut ec2 = Asked::new();
    let small = [
        ("BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
        ("BlockDeviceMapping.1.Ebs.VolumeSize", "4"),
    ];
    let error = ec2.fails("RunInstances", &with(&small));
    assert!(
        error.starts_with("InvalidBlockDeviceMapping: Volume of size 4GB is smaller than snapshot"),
        "{error}"
    );
    ec2.run(&[
        ("BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
        ("BlockDeviceMapping.1.Ebs.VolumeSize", "20"),
        ("BlockDeviceMapping.1.Ebs.Encrypted", "true"),
        ("BlockDeviceMapping.2.DeviceName", "/dev/sdf"),
        ("BlockDeviceMapping.2.Ebs.VolumeSize", "100"),
        ("BlockDeviceMapping.2.Ebs.DeleteOnTermination", "false"),
        ("TagSpecification.1.ResourceType", "volume"),
        ("TagSpecification.1.Tag.1.Key", "of"),
        ("TagSpecification.1.Tag.1.Value", "web"),
    ]);
    let seen = ec2.ok(
        "DescribeVolumes",
        &[
            ("Filter.1.Name", "attachment.device"),
            ("Filter.1.Value.1", "/dev/xvda"),
        ],
    );
    assert_eq!(text(&seen, "size"), ["20"]);
    assert_eq!(text(&seen, "volumeType"), ["gp3"], "said by the image");
    assert_eq!(text(&seen, "encrypted"), ["true"]);
    assert_eq!(
        text(
            &ec2.ok(
                "DescribeVolumes",
                &[("Filter.1.Name", "tag:of"), ("Filter.1.Value.1", "web")]
            ),
            "size"
        )
        .len(),
        2
    );
}

#[test]
fn volumes_that_are_not_deleted_stay() {
    let mut ec2 = Asked::new();
    let id = ec2.run(&[
        ("BlockDeviceMapping.1.DeviceName", "/dev/sdf"),
        ("BlockDeviceMapping.1.Ebs.VolumeSize", "7"),
        ("BlockDeviceMapping.1.Ebs.DeleteOnTermination", "false"),
    ]);
    ec2.wait(20);
    ec2.ok("TerminateInstances", &[("InstanceId.1", &id)]);
    ec2.wait(60);
    let seen = ec2.ok("DescribeVolumes", &[]);
    assert_eq!(text(&seen, "size"), ["7"]);
    assert_eq!(text(&seen, "status"), ["available"]);
}

#[test]
fn an_interface_says_what_the_launch_may_not() {
    let mut ec2 = Asked::new();
    let own = ("NetworkInterface.1.DeviceIndex", "0");
    let group = text(&ec2.ok("DescribeSecurityGroups", &[]), "groupId")[0].clone();
    assert_eq!(
        ec2.fails("RunInstances", &with(&[own, ("SecurityGroupId.1", &group)])),
        "InvalidParameterCombination: Network interfaces and instance-level security groups may not be specified on the same request"
    );
    let id = ec2.run(&[
        own,
        ("NetworkInterface.1.AssociatePublicIpAddress", "false"),
        ("NetworkInterface.1.SecurityGroupId.1", &group),
        ("NetworkInterface.1.PrivateIpAddress", "172.31.5.5"),
    ]);
    let seen = ec2.ok("DescribeInstances", &[("InstanceId.1", &id)]);
    assert!(text(&seen, "ipAddress").is_empty());
    assert_eq!(text(&seen, "privateIpAddress")[0], "172.31.5.5");
    assert_eq!(text(&seen, "dnsName"), [""]);
    let error = ec2.fails(
        "RunInstances",
        &with(&[own, ("NetworkInterface.1.PrivateIpAddress", "172.31.5.5")]),
    );
    assert_eq!(
        error,
        "InvalidIPAddress.InUse: Address 172.31.5.5 is in use."
    );
}

#[test]
fn a_new_instance_may_be_late_to_be_found() {
    let mut ec2 = Asked::new();
    super::super::set_lag(&mut ec2.cloud, 3);
    let id = ec2.run(&[]);
    assert_eq!(
        ec2.fails("DescribeInstances", &[("InstanceId.1", &id)]),
        format!("InvalidInstanceID.NotFound: The instance ID '{id}' does not exist")
    );
    ec2.wait(3);
    ec2.ok("DescribeInstances", &[("InstanceId.1", &id)]);
}

#[test]
fn amazon_linux_asks_for_tokens_unless_told_otherwise() {
    let mut ec2 = Asked::new();
    let strict = ec2.run(&[]);
    let seen = ec2.ok("DescribeInstances", &[("InstanceId.1", &strict)]);
    assert_eq!(text(&seen, "httpTokens"), ["required"]);
    assert_eq!(text(&seen, "httpPutResponseHopLimit"), ["2"]);
    let loose = ec2.run(&[("MetadataOptions.HttpTokens", "optional")]);
    let seen = ec2.ok("DescribeInstances", &[("InstanceId.1", &loose)]);
    assert_eq!(text(&seen, "httpTokens"), ["optional"]);
}
