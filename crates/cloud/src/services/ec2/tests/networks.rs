//! Interfaces and elastic addresses.

use super::{Asked, text};

#[test]
fn an_elastic_address_takes_the_place_of_the_instances_own() {
    let mut ec2 = Asked::new();
    let id = ec2.run(&[]);
    ec2.wait(20);
    let made = ec2.ok("AllocateAddress", &[("Domain", "vpc")]);
    let allocation = text(&made, "allocationId")[0].clone();
    let public = text(&made, "publicIp")[0].clone();
    let answer = ec2.ok(
        "AssociateAddress",
        &[("AllocationId", &allocation), ("InstanceId", &id)],
    );
    let association = text(&answer, "associationId")[0].clone();
    let seen = ec2.ok("DescribeInstances", &[("InstanceId.1", &id)]);
    assert_eq!(text(&seen, "ipAddress"), [public.as_str()]);
    let error = ec2.fails("ReleaseAddress", &[("AllocationId", &allocation)]);
    assert!(error.starts_with("InvalidIPAddress.InUse: "), "{error}");
    ec2.ok("DisassociateAddress", &[("AssociationId", &association)]);
    assert_eq!(
        ec2.fails("DisassociateAddress", &[("AssociationId", &association)]),
        format!("InvalidAssociationID.NotFound: The association ID '{association}' does not exist")
    );
    let release = |group| {
        [
            ("AllocationId", allocation.as_str()),
            ("NetworkBorderGroup", group),
        ]
    };
    assert_eq!(
        ec2.fails("ReleaseAddress", &release("us-east-1-bos-1")),
        "InvalidParameterValue: Value (us-east-1-bos-1) for parameter NetworkBorderGroup is invalid. Valid values: us-east-1."
    );
    ec2.ok("ReleaseAddress", &release("us-east-1"));
    assert_eq!(
        ec2.fails("DescribeAddresses", &[("AllocationId.1", &allocation)]),
        format!("InvalidAllocationID.NotFound: The allocation ID '{allocation}' does not exist")
    );
}

#[test]
fn there_are_five_addresses_for_an_account() {
    let mut ec2 = Asked::new();
    for _ in 0..5 {
        ec2.ok("AllocateAddress", &[]);
    }
    assert_eq!(
        ec2.fails("AllocateAddress", &[]),
        "AddressLimitExceeded: The maximum number of addresses has been reached."
    );
}

#[test]
fn an_interface_of_ones_own_outlives_its_instance() {
    let mut ec2 = Asked::new();
    let subnet = text(&ec2.ok("DescribeSubnets", &[]), "subnetId")[0].clone();
    let made = ec2.ok("CreateNetworkInterface", &[("SubnetId", &subnet)]);
    let interface = text(&made, "networkInterfaceId")[0].clone();
    let id = ec2.run(&[
        ("NetworkInterface.1.DeviceIndex", "0"),
        ("NetworkInterface.1.NetworkInterfaceId", &interface),
    ]);
    ec2.wait(20);
    assert_eq!(
        ec2.fails(
            "DeleteNetworkInterface",
            &[("NetworkInterfaceId", &interface)]
        ),
        format!("InvalidParameterValue: Network interface '{interface}' is currently in use.")
    );
    ec2.ok("TerminateInstances", &[("InstanceId.1", &id)]);
    ec2.wait(60);
    let seen = ec2.ok("DescribeNetworkInterfaces", &[]);
    assert_eq!(text(&seen, "networkInterfaceId"), [interface.as_str()]);
    assert_eq!(text(&seen, "status"), ["available"]);
    ec2.ok(
        "DeleteNetworkInterface",
        &[("NetworkInterfaceId", &interface)],
    );
}

#[test]
fn a_private_subnet_gives_no_public_address() {
    let mut ec2 = Asked::new();
    let seen = ec2.ok(
        "DescribeSubnets",
        &[
            ("Filter.1.Name", "availability-zone"),
            ("Filter.1.Value.1", "us-east-1b"),
        ],
    );
    let subnet = text(&seen, "subnetId")[0].clone();
    ec2.ok(
        "ModifySubnetAttribute",
        &[
            ("SubnetId", &subnet),
            ("MapPublicIpOnLaunch.Value", "false"),
        ],
    );
    let id = ec2.run(&[("SubnetId", &subnet)]);
    let seen = ec2.ok("DescribeInstances", &[("InstanceId.1", &id)]);
    assert!(text(&seen, "ipAddress").is_empty());
    assert_eq!(text(&seen, "availabilityZone")[0], "us-east-1b");
}
