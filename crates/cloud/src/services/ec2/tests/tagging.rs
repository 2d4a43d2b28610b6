//! Tags.

use super::{Asked, text};

#[test]
fn tags_are_limited_and_reserved() {
    let mut ec2 = Asked::new();
    let id = ec2.run(&[]);
    assert_eq!(
        ec2.fails(
            "CreateTags",
            &[
                ("ResourceId.1", &id),
                ("Tag.1.Key", "aws:mine"),
                ("Tag.1.Value", "x")
            ]
        ),
        "InvalidParameterValue: Tag keys starting with 'aws:' are reserved for internal use"
    );
    let keys: Vec<(String, String)> = (1..=50)
        .map(|n| (format!("Tag.{n}.Key"), format!("key{n}")))
        .collect();
    let mut params = vec![("ResourceId.1", id.as_str())];
    params.extend(
        keys.iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    ec2.ok("CreateTags", &params);
    assert_eq!(
        ec2.fails(
            "CreateTags",
            &[("ResourceId.1", &id), ("Tag.1.Key", "one more")]
        ),
        "TagLimitExceeded: The maximum number of Tags for a resource has been reached."
    );
    ec2.ok(
        "CreateTags",
        &[
            ("ResourceId.1", &id),
            ("Tag.1.Key", "key7"),
            ("Tag.1.Value", "new"),
        ],
    );
}

#[test]
fn a_tag_given_with_a_value_goes_only_with_it() {
    let mut ec2 = Asked::new();
    let id = ec2.run(&[]);
    ec2.ok(
        "CreateTags",
        &[
            ("ResourceId.1", &id),
            ("Tag.1.Key", "a"),
            ("Tag.1.Value", "1"),
            ("Tag.2.Key", "b"),
            ("Tag.2.Value", "2"),
        ],
    );
    ec2.ok(
        "DeleteTags",
        &[
            ("ResourceId.1", &id),
            ("Tag.1.Key", "a"),
            ("Tag.1.Value", "other"),
        ],
    );
    let keys = |ec2: &mut Asked| {
        let seen = ec2.ok(
            "DescribeTags",
            &[("Filter.1.Name", "resource-id"), ("Filter.1.Value.1", &id)],
        );
        text(&seen, "key")
    };
    assert_eq!(keys(&mut ec2), ["a", "b"]);
    ec2.ok("DeleteTags", &[("ResourceId.1", &id), ("Tag.1.Key", "a")]);
    assert_eq!(keys(&mut ec2), ["b"]);
    ec2.ok("DeleteTags", &[("ResourceId.1", &id)]);
    assert!(keys(&mut ec2).is_empty());
}

#[test]
fn only_what_there_is_can_be_tagged() {
    let mut ec2 = Asked::new();
    for (id, wanted) in [
        ("thing", "InvalidID: The ID 'thing' is not valid"),
        (
            "vol-0123456789abcdef0",
            "InvalidVolume.NotFound: The volume 'vol-0123456789abcdef0' does not exist.",
        ),
    ] {
        assert_eq!(
            ec2.fails("CreateTags", &[("ResourceId.1", id), ("Tag.1.Key", "k")]),
            wanted
        );
    }
    let vpc = text(&ec2.ok("DescribeVpcs", &[]), "vpcId")[0].clone();
    ec2.ok(
        "CreateTags",
        &[
            ("ResourceId.1", &vpc),
            ("Tag.1.Key", "k"),
            ("Tag.1.Value", "v"),
        ],
    );
    let seen = ec2.ok(
        "DescribeVpcs",
        &[("Filter.1.Name", "tag-key"), ("Filter.1.Value.1", "k")],
    );
    assert_eq!(text(&seen, "value"), ["v"]);
}
