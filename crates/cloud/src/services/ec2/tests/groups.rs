//! Security groups and their rules.

use super::{Asked, text};

fn group(ec2: &mut Asked, name: &str) -> String {
    let made = ec2.ok(
        "CreateSecurityGroup",
        &[("GroupName", name), ("GroupDescription", "for a test")],
    );
    text(&made, "groupId")[0].clone()
}

fn http(group: &str) -> Vec<(&str, &str)> {
    vec![
        ("GroupId", group),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "80"),
        ("IpPermissions.1.ToPort", "80"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
        ("IpPermissions.1.IpRanges.1.Description", "the world"),
    ]
}

#[test]
fn rules_come_and_go() {
    let mut ec2 = Asked::new();
    let web = group(&mut ec2, "web");
    let made = ec2.ok("AuthorizeSecurityGroupIngress", &http(&web));
    let rule = text(&made, "securityGroupRuleId")[0].clone();
    assert_eq!(
        ec2.fails("AuthorizeSecurityGroupIngress", &http(&web)),
        "InvalidPermission.Duplicate: the specified rule \"peer: 0.0.0.0/0, TCP, from port: 80, to port: 80, ALLOW\" already exists"
    );
    let seen = ec2.ok("DescribeSecurityGroups", &[("GroupId.1", &web)]);
    assert_eq!(text(&seen, "fromPort"), ["80"]);
    assert_eq!(text(&seen, "description"), ["the world"]);
    let rules = ec2.ok(
        "DescribeSecurityGroupRules",
        &[("Filter.1.Name", "group-id"), ("Filter.1.Value.1", &web)],
    );
    assert_eq!(text(&rules, "securityGroupRuleId").len(), 2, "and all out");
    ec2.ok(
        "RevokeSecurityGroupIngress",
        &[("GroupId", &web), ("SecurityGroupRuleId.1", &rule)],
    );
    assert_eq!(
        ec2.fails("RevokeSecurityGroupIngress", &http(&web)),
        "InvalidPermission.NotFound: The specified rule does not exist in this security group."
    );
    ec2.ok("DeleteSecurityGroup", &[("GroupId", &web)]);
    assert_eq!(
        ec2.fails("DescribeSecurityGroups", &[("GroupId.1", &web)]),
        format!("InvalidGroup.NotFound: The security group '{web}' does not exist")
    );
}

#[test]
fn several_rules_are_added_all_or_none() {
    let mut ec2 = Asked::new();
    let web = group(&mut ec2, "web");
    let mut rules = http(&web);
    rules.extend([
        ("IpPermissions.2.IpProtocol", "tcp"),
        ("IpPermissions.2.FromPort", "22"),
        ("IpPermissions.2.ToPort", "22"),
        ("IpPermissions.2.IpRanges.1.CidrIp", "198.51.100.7/24"),
    ]);
    assert_eq!(
        ec2.fails("AuthorizeSecurityGroupIngress", &rules),
        "InvalidParameterValue: CIDR block 198.51.100.7/24 is malformed"
    );
    let seen = ec2.ok("DescribeSecurityGroups", &[("GroupId.1", &web)]);
    assert!(text(&seen, "fromPort").is_empty());
}

#[test]
fn a_group_that_is_needed_stays() {
    let mut ec2 = Asked::new();
    let (web, balancer) = (group(&mut ec2, "web"), group(&mut ec2, "balancer"));
    ec2.ok(
        "AuthorizeSecurityGroupIngress",
        &[
            ("GroupId", &web),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.FromPort", "80"),
            ("IpPermissions.1.ToPort", "80"),
            ("IpPermissions.1.Groups.1.GroupId", &balancer),
        ],
    );
    let dependent = |id: &str| format!("DependencyViolation: resource {id} has a dependent object");
    assert_eq!(
        ec2.fails("DeleteSecurityGroup", &[("GroupId", &balancer)]),
        dependent(&balancer)
    );
    let instance = ec2.run(&[("SecurityGroupId.1", &web)]);
    ec2.wait(20);
    assert_eq!(
        ec2.fails("DeleteSecurityGroup", &[("GroupId", &web)]),
        dependent(&web)
    );
    ec2.ok("TerminateInstances", &[("InstanceId.1", &instance)]);
    assert_eq!(
        ec2.fails("DeleteSecurityGroup", &[("GroupId", &web)]),
        dependent(&web)
    );
    ec2.wait(60);
    ec2.ok("DeleteSecurityGroup", &[("GroupId", &web)]);
    ec2.ok("DeleteSecurityGroup", &[("GroupId", &balancer)]);
}

#[test]
fn names_are_unique_and_default_is_kept() {
    let mut ec2 = Asked::new();
    group(&mut ec2, "web");
    let error = ec2.fails(
        "CreateSecurityGroup",
        &[("GroupName", "web"), ("GroupDescription", "again")],
    );
    assert!(
        error.starts_with(
            "InvalidGroup.Duplicate: The security group 'web' already exists for VPC 'vpc-"
        ),
        "{error}"
    );
    let error = ec2.fails("DeleteSecurityGroup", &[("GroupName", "default")]);
    assert!(
        error.starts_with("CannotDelete: the specified group: \"sg-"),
        "{error}"
    );
}

#[test]
fn bad_rules_say_why() {
    let mut ec2 = Asked::new();
    let web = group(&mut ec2, "web");
    for (protocol, from, to, wanted) in [
        (
            "tcp",
            "90",
            "80",
            "InvalidParameterValue: Invalid TCP/UDP port range (90:80)",
        ),
        (
            "sctpx",
            "1",
            "2",
            "InvalidPermission.Malformed: Unsupported IP protocol \"sctpx\"  - supported: [tcp, udp, icmp]",
        ),
    ] {
        let rule = [
            ("GroupId", web.as_str()),
            ("IpPermissions.1.IpProtocol", protocol),
            ("IpPermissions.1.FromPort", from),
            ("IpPermissions.1.ToPort", to),
            ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
        ];
        assert_eq!(ec2.fails("AuthorizeSecurityGroupIngress", &rule), wanted);
    }
}

#[test]
fn a_rule_is_modified_in_place() {
    let mut ec2 = Asked::new();
    let web = group(&mut ec2, "web");
    let made = ec2.ok("AuthorizeSecurityGroupIngress", &http(&web));
    let rule = text(&made, "securityGroupRuleId")[0].clone();
    ec2.ok(
        "ModifySecurityGroupRules",
        &[
            ("GroupId", &web),
            ("SecurityGroupRule.1.SecurityGroupRuleId", &rule),
            ("SecurityGroupRule.1.SecurityGroupRule.IpProtocol", "tcp"),
            ("SecurityGroupRule.1.SecurityGroupRule.FromPort", "443"),
            ("SecurityGroupRule.1.SecurityGroupRule.ToPort", "443"),
            (
                "SecurityGroupRule.1.SecurityGroupRule.CidrIpv4",
                "10.0.0.0/8",
            ),
        ],
    );
    let seen = ec2.ok(
        "DescribeSecurityGroupRules",
        &[("SecurityGroupRuleId.1", &rule)],
    );
    assert_eq!(text(&seen, "fromPort"), ["443"]);
    assert_eq!(text(&seen, "cidrIpv4"), ["10.0.0.0/8"]);
}
