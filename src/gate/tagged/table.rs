//! How each kind of resource is found by its tags: one line a kind.
//!
//! What opsh makes is either here or goes with what is here ([`GOES_WITH`]); a
//! test holds this against everything that operations declare to make.

/// How a kind is found.
#[derive(Debug)]
pub struct Search {
    /// Service and resource, e.g. `ec2:instance`.
    pub kind: &'static str,
    /// How much must be there before it can be made; what has more goes first.
    pub level: usize,
    /// The read that lists it, and its arguments; `input` is `#{ stack: … }`, or for
    /// what is found through a parent that parent's item.
    pub listing: (&'static str, Arguments),
    /// Where the items are in its result.
    pub items: &'static str,
    /// The id; `result` is the item.
    pub id: &'static str,
    /// Where its tags are.
    pub tags: Tags,
    /// Fields of an item and their values with which it does not count: it is going, or
    /// another kind's.
    pub unless: &'static [(&'static str, &'static [&'static str])],
    /// Two places where the same must stand, where a parent's listing lists others' too.
    pub same: Option<(&'static str, &'static str)>,
    /// A field of an item that says that something else removes it.
    pub owner: Option<&'static str>,
    /// The operation whose inverse removes it.
    pub made_by: &'static str,
}

/// Parameters and where their values come from; see [`opsh_operation::select::calls`].
pub type Arguments = &'static [(&'static str, &'static str)];

/// Where the tags of a listed item are.
#[derive(Debug, Clone, Copy)]
pub enum Tags {
    /// The listing has listed only what has the tag.
    Filtered,
    /// Among the item's fields.
    Listed(&'static str),
    /// A read tells them: its name, its arguments, and where they are in its result.
    Asked(&'static str, Arguments, &'static str),
    /// It has none: it belongs to this kind's resource that was found.
    Of(&'static str),
}

const OURS: (&str, &str) = ("filters.tag:opsh:stack", "input.stack");

const fn ec2(
    kind: &'static str,
    level: usize,
    listing: (&'static str, Arguments),
    items: &'static str,
    id: &'static str,
    made_by: &'static str,
) -> Search {
    Search {
        kind,
        level,
        listing,
        items,
        id,
        tags: Tags::Filtered,
        unless: &[],
        same: None,
        owner: None,
        made_by,
    }
}

/// Every kind that is looked for.
pub static SEARCHES: &[Search] = &[
    Search {
        kind: "s3:bucket",
        level: 0,
        listing: ("s3::list_buckets", &[]),
        items: "result.buckets[]",
        id: "result.name",
        tags: Tags::Asked(
            "s3::get_bucket_tagging",
            &[("bucket", "result.name")],
            "result.tag_set",
        ),
        unless: &[],
        same: None,
        owner: None,
        made_by: "s3::create_bucket",
    },
    Search {
        kind: "iam:role",
        level: 0,
        listing: ("iam::list_roles", &[]),
        items: "result.roles[]",
        id: "result.role_name",
        tags: Tags::Asked(
            "iam::get_role",
            &[("role_name", "result.role_name")],
            "result.role.tags",
        ),
        unless: &[],
        same: None,
        owner: None,
        made_by: "iam::create_role",
    },
    Search {
        kind: "iam:attached-policy",
        level: 1,
        listing: (
            "iam::list_attached_role_policies",
            &[("role_name", "input.role_name")],
        ),
        items: "result.attached_policies[]",
        id: "{input.role_name}/{result.policy_arn}",
        tags: Tags::Of("iam:role"),
        unless: &[],
        same: None,
        owner: None,
        made_by: "iam::attach_role_policy",
    },
    Search {
        kind: "iam:role-policy",
        level: 1,
        listing: (
            "iam::list_role_policies",
            &[("role_name", "input.role_name")],
        ),
        items: "result.policy_names[]",
        id: "{input.role_name}/{result}",
        tags: Tags::Of("iam:role"),
        unless: &[],
        same: None,
        owner: None,
        made_by: "iam::put_role_policy",
    },
    Search {
        kind: "iam:instance-profile",
        level: 0,
        listing: ("iam::list_instance_profiles", &[]),
        items: "result.instance_profiles[]",
        id: "result.instance_profile_name",
        tags: Tags::Asked(
            "iam::get_instance_profile",
            &[("instance_profile_name", "result.instance_profile_name")],
            "result.instance_profile.tags",
        ),
        unless: &[],
        same: None,
        owner: None,
        made_by: "iam::create_instance_profile",
    },
    Search {
        kind: "iam:instance-profile-role",
        level: 1,
        listing: (
            "iam::get_instance_profile",
            &[("instance_profile_name", "input.instance_profile_name")],
        ),
        items: "result.instance_profile.roles[]",
        id: "{input.instance_profile_name}/{result.role_name}",
        tags: Tags::Of("iam:instance-profile"),
        unless: &[],
        same: None,
        owner: None,
        made_by: "iam::add_role_to_instance_profile",
    },
    Search {
        kind: "ssm:parameter",
        level: 0,
        listing: ("ssm::describe_parameters", &[]),
        items: "result.parameters[]",
        id: "result.name",
        tags: Tags::Asked(
            "ssm::list_tags_for_resource",
            &[
                ("resource_type", "=Parameter"),
                ("resource_id", "result.name"),
            ],
            "result.tag_list",
        ),
        unless: &[],
        same: None,
        owner: None,
        made_by: "ssm::put_parameter",
    },
    Search {
        kind: "sns:topic",
        level: 0,
        listing: ("sns::list_topics", &[]),
        items: "result.topics[]",
        id: "result.topic_arn",
        tags: Tags::Asked(
            "sns::list_tags_for_resource",
            &[("resource_arn", "result.topic_arn")],
            "result.tags",
        ),
        unless: &[],
        same: None,
        owner: None,
        made_by: "sns::create_topic",
    },
    Search {
        kind: "sqs:queue",
        level: 0,
        listing: ("sqs::list_queues", &[]),
        items: "result.queue_urls[]",
        id: "result",
        tags: Tags::Asked(
            "sqs::list_queue_tags",
            &[("queue_url", "result")],
            "result.tags",
        ),
        unless: &[],
        same: None,
        owner: None,
        made_by: "sqs::create_queue",
    },
    Search {
        kind: "lambda:function",
        level: 1,
        listing: ("lambda::list_functions", &[]),
        items: "result.functions[]",
        id: "result.function_name",
        tags: Tags::Asked(
            "lambda::list_tags",
            &[("resource", "result.function_arn")],
            "result.tags",
        ),
        unless: &[],
        same: None,
        owner: None,
        made_by: "lambda::create_function",
    },
    // A schedule has no tags: it is known by the function that it invokes.
    Search {
        kind: "scheduler:schedule",
        level: 2,
        listing: ("scheduler::list_schedules", &[]),
        items: "result.schedules[]",
        id: "{result.group_name}/{result.name}",
        tags: Tags::Of("lambda:function"),
        unless: &[],
        same: Some(("result.target.arn", "input.function_arn")),
        owner: None,
        made_by: "scheduler::create_schedule",
    },
    Search {
        kind: "scheduler:schedule-group",
        level: 0,
        listing: ("scheduler::list_schedule_groups", &[]),
        items: "result.schedule_groups[]",
        id: "result.name",
        tags: Tags::Asked(
            "scheduler::list_tags_for_resource",
            &[("resource_arn", "result.arn")],
            "result.tags",
        ),
        unless: &[],
        same: None,
        owner: None,
        made_by: "scheduler::create_schedule_group",
    },
    ec2(
        "ec2:key-pair",
        0,
        ("ec2::describe_key_pairs", &[OURS]),
        "result.key_pairs[]",
        "result.key_pair_id",
        "ec2::create_key_pair",
    ),
    ec2(
        "ec2:security-group",
        0,
        ("ec2::describe_security_groups", &[OURS]),
        "result.security_groups[]",
        "result.group_id",
        "ec2::create_security_group",
    ),
    Search {
        unless: &[("result.is_egress", &["true"])],
        ..ec2(
            "ec2:security-group-rule",
            1,
            ("ec2::describe_security_group_rules", &[OURS]),
            "result.security_group_rules[]",
            "result.security_group_rule_id",
            "ec2::authorize_security_group_ingress",
        )
    },
    Search {
        unless: &[("result.is_egress", &["false"])],
        ..ec2(
            "ec2:security-group-rule",
            1,
            ("ec2::describe_security_group_rules", &[OURS]),
            "result.security_group_rules[]",
            "result.security_group_rule_id",
            "ec2::authorize_security_group_egress",
        )
    },
    ec2(
        "ec2:elastic-ip",
        0,
        ("ec2::describe_addresses", &[OURS]),
        "result.addresses[]",
        "result.allocation_id",
        "ec2::allocate_address",
    ),
    ec2(
        "ec2:address-association",
        1,
        ("ec2::describe_addresses", &[OURS]),
        "result.addresses[]",
        "result.association_id",
        "ec2::associate_address",
    ),
    ec2(
        "ec2:snapshot",
        0,
        (
            "ec2::describe_snapshots",
            &[("owner_ids", r#"=["self"]"#), OURS],
        ),
        "result.snapshots[]",
        "result.snapshot_id",
        "ec2::create_snapshot",
    ),
    Search {
        unless: &[
            ("result.state", &["deleting", "deleted"]),
            // It goes with its instance.
            ("result.attachments[].delete_on_termination", &["true"]),
        ],
        ..ec2(
            "ec2:volume",
            0,
            ("ec2::describe_volumes", &[OURS]),
            "result.volumes[]",
            "result.volume_id",
            "ec2::create_volume",
        )
    },
    Search {
        unless: &[("result.state", &["deregistered"])],
        ..ec2(
            "ec2:image",
            1,
            ("ec2::describe_images", &[("owners", r#"=["self"]"#), OURS]),
            "result.images[]",
            "result.image_id",
            "ec2::create_image",
        )
    },
    ec2(
        "ec2:launch-template",
        2,
        ("ec2::describe_launch_templates", &[OURS]),
        "result.launch_templates[]",
        "result.launch_template_id",
        "ec2::create_launch_template",
    ),
    Search {
        unless: &[("result.state.name", &["shutting-down", "terminated"])],
        // Its group would launch another in its place.
        owner: Some("result.tags.aws:autoscaling:groupName"),
        ..ec2(
            "ec2:instance",
            2,
            ("ec2::describe_instances", &[OURS]),
            "result.reservations[].instances[]",
            "result.instance_id",
            "ec2::run_instances",
        )
    },
    Search {
        kind: "elasticloadbalancing:targetgroup",
        level: 1,
        listing: ("elbv2::describe_target_groups", &[]),
        items: "result.target_groups[]",
        id: "result.target_group_arn",
        tags: Tags::Asked(
            "elbv2::describe_tags",
            &[("resource_arns", "result.target_group_arn[]")],
            "result.tag_descriptions[0].tags",
        ),
        unless: &[],
        same: None,
        owner: None,
        made_by: "elbv2::create_target_group",
    },
    Search {
        kind: "elasticloadbalancing:loadbalancer",
        level: 2,
        listing: ("elbv2::describe_load_balancers", &[]),
        items: "result.load_balancers[]",
        id: "result.load_balancer_arn",
        tags: Tags::Asked(
            "elbv2::describe_tags",
            &[("resource_arns", "result.load_balancer_arn[]")],
            "result.tag_descriptions[0].tags",
        ),
        unless: &[],
        same: None,
        owner: None,
        made_by: "elbv2::create_load_balancer",
    },
    Search {
        kind: "autoscaling:group",
        level: 3,
        listing: ("autoscaling::describe_auto_scaling_groups", &[]),
        items: "result.auto_scaling_groups[]",
        id: "result.auto_scaling_group_name",
        tags: Tags::Listed("result.tags"),
        unless: &[],
        same: None,
        owner: None,
        made_by: "autoscaling::create_auto_scaling_group",
    },
    Search {
        kind: "cloudwatch:alarm",
        level: 3,
        listing: ("cloudwatch::describe_alarms", &[]),
        items: "result.metric_alarms[]",
        id: "result.alarm_name",
        tags: Tags::Asked(
            "cloudwatch::list_tags_for_resource",
            &[("resource_arn", "result.alarm_arn")],
            "result.tags",
        ),
        unless: &[],
        same: None,
        owner: None,
        made_by: "cloudwatch::put_metric_alarm",
    },
];

/// Kinds that are not looked for, and what removes them when it goes.
pub const GOES_WITH: &[(&str, &str)] = &[
    ("s3:object", "s3:bucket"),
    ("s3:multipart-upload", "s3:bucket"),
    ("sns:subscription", "sns:topic"),
    ("lambda:permission", "lambda:function"),
    (
        "elasticloadbalancing:listener",
        "elasticloadbalancing:loadbalancer",
    ),
    ("autoscaling:policy", "autoscaling:group"),
    ("ec2:volume-attachment", "ec2:instance"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::modules::registry::registry;

    /// Files of the caller's machine: no account lists them.
    const OUTSIDE: [&str; 1] = ["ssh:key"];

    #[test]
    fn everything_that_opsh_makes_is_found_or_goes_with_what_is() {
        for entry in registry().operations() {
            let makes = entry.operation.write().map_or(&[][..], |write| write.makes);
            for makes in makes.iter().filter(|makes| !OUTSIDE.contains(&makes.kind)) {
                let found = SEARCHES.iter().any(|search| search.kind == makes.kind);
                let goes = GOES_WITH.iter().any(|(kind, _)| *kind == makes.kind);
                assert!(
                    found != goes,
                    "{} makes {}, which must be in SEARCHES or in GOES_WITH",
                    entry.operation.full_name(),
                    makes.kind
                );
            }
        }
        for (_, with) in GOES_WITH {
            assert!(SEARCHES.iter().any(|search| search.kind == *with), "{with}");
        }
    }

    #[test]
    fn what_a_write_removes_is_gone_or_made_again() {
        for entry in registry().operations() {
            let Some(write) = entry.operation.write() else {
                continue;
            };
            assert!(
                write.removes.is_empty()
                    || !matches!(write.inverse, opsh_operation::Inverse::Impossible(_)),
                "{} removes something: say `inverse nothing …`, as others do",
                entry.operation.full_name()
            );
        }
    }

    #[test]
    fn every_search_names_operations_that_are_there() {
        for search in SEARCHES {
            let mut reads = vec![search.listing];
            if let Tags::Asked(operation, arguments, _) = search.tags {
                reads.push((operation, arguments));
            }
            for (operation, arguments) in reads {
                let entry = registry().get(operation).unwrap();
                assert!(entry.operation.write().is_none(), "{operation}");
                for (name, _) in arguments {
                    let name = name.split('.').next().unwrap();
                    assert!(
                        entry.operation.input.field(name).is_some(),
                        "{operation}: {name}"
                    );
                }
            }
            let makes = registry().get(search.made_by).unwrap().operation.write();
            assert!(
                makes
                    .unwrap()
                    .makes
                    .iter()
                    .any(|makes| makes.kind == search.kind),
                "{} does not make {}",
                search.made_by,
                search.kind
            );
            if let Tags::Of(parent) = search.tags {
                let parent = SEARCHES.iter().find(|other| other.kind == parent).unwrap();
                assert!(parent.level < search.level, "{}", search.kind);
            }
        }
    }
}
