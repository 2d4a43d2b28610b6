//! Protected instances, stages in which something cannot be, status and attributes.

use super::{Asked, text};

#[test]
fn a_protected_instance_stays() {
    let mut ec2 = Asked::new();
    let id = ec2.run(&[
        ("DisableApiTermination", "true"),
        ("DisableApiStop", "true"),
    ]);
    let one = [("InstanceId.1", id.as_str())];
    ec2.wait(20);
    assert_eq!(
        ec2.fails("TerminateInstances", &one),
        format!(
            "OperationNotPermitted: The instance '{id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again."
        )
    );
    assert_eq!(
        ec2.fails("StopInstances", &one),
        format!(
            "OperationNotPermitted: The instance '{id}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again."
        )
    );
    ec2.ok(
        "ModifyInstanceAttribute",
        &[
            ("InstanceId", &id),
            ("DisableApiTermination.Value", "false"),
        ],
    );
    ec2.ok("TerminateInstances", &one);
    ec2.ok("TerminateInstances", &one);
}

#[test]
fn stages_are_respected() {
    let mut ec2 = Asked::new();
    let id = ec2.run(&[]);
    let one = [("InstanceId.1", id.as_str())];
    let wrong = |verb: &str| {
        format!(
            "IncorrectInstanceState: The instance '{id}' is not in a state from which it can be {verb}."
        )
    };
    assert_eq!(ec2.fails("StopInstances", &one), wrong("stopped"));
    ec2.wait(20);
    ec2.ok("StopInstances", &one);
    assert_eq!(ec2.fails("StartInstances", &one), wrong("started"));
    ec2.ok("TerminateInstances", &one);
    ec2.wait(60);
    assert_eq!(ec2.fails("StartInstances", &one), wrong("started"));
}

#[test]
fn an_instance_terminated_while_pending_never_runs() {
    let mut ec2 = Asked::new();
    let id = ec2.run(&[]);
    ec2.ok("TerminateInstances", &[("InstanceId.1", &id)]);
    for _ in 0..6 {
        ec2.wait(8);
        let seen = ec2.ok("DescribeInstances", &[("InstanceId.1", &id)]);
        assert!(!seen.contains("<name>running</name>"), "{seen}");
    }
    assert!(ec2.cloud.hosts.get(&id).is_none());
}

#[test]
fn checks_pass_two_minutes_after_the_start() {
    let mut ec2 = Asked::new();
    let id = ec2.run(&[]);
    let one = [("InstanceId.1", id.as_str())];
    assert!(text(&ec2.ok("DescribeInstanceStatus", &one), "instanceId").is_empty());
    ec2.wait(20);
    let seen = ec2.ok("DescribeInstanceStatus", &one);
    assert!(
        seen.contains("<instanceStatus><status>initializing</status>"),
        "{seen}"
    );
    ec2.wait(121);
    let seen = ec2.ok("DescribeInstanceStatus", &one);
    assert!(
        seen.contains("<instanceStatus><status>ok</status>"),
        "{seen}"
    );
    assert!(seen.contains("<systemStatus><status>ok</status>"), "{seen}");
}

#[test]
fn a_type_changes_only_while_stopped() {
    let mut ec2 = Asked::new();
    let id = ec2.run(&[]);
    ec2.wait(20);
    let change = [
        ("InstanceId", id.as_str()),
        ("InstanceType.Value", "t3.small"),
    ];
    let error = ec2.fails("ModifyInstanceAttribute", &change);
    assert!(error.starts_with("IncorrectInstanceState: "), "{error}");
    ec2.ok("StopInstances", &[("InstanceId.1", &id)]);
    ec2.wait(40);
    ec2.ok("ModifyInstanceAttribute", &change);
    let seen = ec2.ok(
        "DescribeInstanceAttribute",
        &[("InstanceId", &id), ("Attribute", "instanceType")],
    );
    assert_eq!(text(&seen, "value"), ["t3.small"]);
    ec2.ok("StartInstances", &[("InstanceId.1", &id)]);
    ec2.wait(20);
    assert_eq!(
        ec2.cloud.hosts.get(&id).unwrap().facts().instance_type,
        "t3.small"
    );
}

#[test]
fn monitoring_is_switched() {
    let mut ec2 = Asked::new();
    let id = ec2.run(&[("Monitoring.Enabled", "false")]);
    ec2.wait(20);
    let one = [("InstanceId.1", id.as_str())];
    assert!(
        ec2.ok("MonitorInstances", &one)
            .contains("<state>pending</state>")
    );
    let seen = ec2.ok(
        "DescribeInstances",
        &[
            ("Filter.1.Name", "monitoring-state"),
            ("Filter.1.Value.1", "enabled"),
        ],
    );
    assert_eq!(text(&seen, "instanceId"), [id.as_str()]);
    assert!(
        ec2.ok("UnmonitorInstances", &one)
            .contains("<state>disabling</state>")
    );
}
