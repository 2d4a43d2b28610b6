//! What others see of EC2.

use std::net::Ipv4Addr;

use super::super::{LaunchData, LaunchSpec, Reach, Stage, facts, launch, reachable, terminate};
use super::{AL2023_X86_64, Asked, text};

#[test]
fn packets_arrive_where_rules_let_them() {
    let mut ec2 = Asked::new();
    let made = ec2.ok(
        "CreateSecurityGroup",
        &[("GroupName", "web"), ("GroupDescription", "web")],
    );
    let group = text(&made, "groupId")[0].clone();
    for (port, cidr) in [("80", "0.0.0.0/0"), ("22", "198.51.100.7/32")] {
        ec2.ok(
            "AuthorizeSecurityGroupIngress",
            &[
                ("GroupId", &group),
                ("IpPermissions.1.IpProtocol", "tcp"),
                ("IpPermissions.1.FromPort", port),
                ("IpPermissions.1.ToPort", port),
                ("IpPermissions.1.IpRanges.1.CidrIp", cidr),
            ],
        );
    }
    let id = ec2.run(&[("SecurityGroupId.1", &group)]);
    let public = facts(&ec2.cloud, &id).unwrap().public.unwrap();
    let caller: Ipv4Addr = crate::furnish::CALLER_ADDRESS.parse().unwrap();
    let stranger = Ipv4Addr::new(192, 0, 2, 1);
    assert_eq!(
        reachable(&ec2.cloud, public, 80, caller),
        Reach::Off(id.clone())
    );
    ec2.wait(20);
    let arrives = Reach::Instance(id.clone());
    let dropped = Reach::Dropped(id.clone());
    assert_eq!(reachable(&ec2.cloud, public, 80, stranger), arrives);
    assert_eq!(reachable(&ec2.cloud, public, 22, caller), arrives);
    assert_eq!(reachable(&ec2.cloud, public, 22, stranger), dropped);
    assert_eq!(reachable(&ec2.cloud, public, 443, caller), dropped);
    assert_eq!(reachable(&ec2.cloud, stranger, 80, caller), Reach::Nobody);
}

#[test]
fn others_launch_and_terminate() {
    let mut ec2 = Asked::new();
    let spec = LaunchSpec {
        data: LaunchData {
            image: Some(AL2023_X86_64.to_owned()),
            instance_type: Some("t3.nano".to_owned()),
            no_termination: Some(true),
            ..LaunchData::default()
        },
        min: 2,
        max: 2,
        system_tags: [("aws:autoscaling:groupName".to_owned(), "web".to_owned())].into(),
        ..LaunchSpec::default()
    };
    let ids = launch(&mut ec2.cloud, spec.clone()).unwrap();
    assert_eq!(ids.len(), 2);
    let seen = facts(&ec2.cloud, &ids[0]).unwrap();
    assert_eq!(seen.tags["aws:autoscaling:groupName"], "web");
    assert_eq!(seen.stage, Stage::Pending);
    terminate(&mut ec2.cloud, &ids).unwrap();
    ec2.wait(60);
    assert_eq!(facts(&ec2.cloud, &ids[1]).unwrap().stage, Stage::Terminated);
    let none = LaunchSpec { min: 0, ..spec };
    assert_eq!(
        launch(&mut ec2.cloud, none).unwrap_err().code,
        "InvalidParameterValue"
    );
}
