//! Filters, pages, and the furnished account.

use super::{AL2023_X86_64, Asked, text};

#[test]
fn the_account_is_furnished() {
    let mut ec2 = Asked::new();
    let vpcs = ec2.ok(
        "DescribeVpcs",
        &[
            ("Filter.1.Name", "is-default"),
            ("Filter.1.Value.1", "true"),
        ],
    );
    assert_eq!(text(&vpcs, "cidrBlock")[0], "172.31.0.0/16");
    let subnets = ec2.ok(
        "DescribeSubnets",
        &[
            ("Filter.1.Name", "default-for-az"),
            ("Filter.1.Value.1", "true"),
        ],
    );
    let mut zones = text(&subnets, "availabilityZoneId");
    zones.sort();
    assert_eq!(zones, ["use1-az1", "use1-az2", "use1-az3"]);
    let routes = ec2.ok(
        "DescribeRouteTables",
        &[
            ("Filter.1.Name", "association.main"),
            ("Filter.1.Value.1", "true"),
        ],
    );
    assert_eq!(
        text(&routes, "destinationCidrBlock"),
        ["172.31.0.0/16", "0.0.0.0/0"]
    );
    let gateways = ec2.ok("DescribeInternetGateways", &[]);
    assert_eq!(text(&gateways, "vpcId"), text(&vpcs, "vpcId"));
    let groups = ec2.ok(
        "DescribeSecurityGroups",
        &[
            ("Filter.1.Name", "group-name"),
            ("Filter.1.Value.1", "default"),
        ],
    );
    assert_eq!(text(&groups, "groupName"), ["default"]);
    let zones = ec2.ok("DescribeAvailabilityZones", &[]);
    assert_eq!(
        text(&zones, "zoneName"),
        ["us-east-1a", "us-east-1b", "us-east-1c"]
    );
    assert!(
        text(&ec2.ok("DescribeRegions", &[]), "regionName").contains(&"eu-central-1".to_owned())
    );
}

#[test]
fn the_newest_amazon_linux_is_found_by_name() {
    let mut ec2 = Asked::new();
    let seen = ec2.ok(
        "DescribeImages",
        &[
            ("Owner.1", "amazon"),
            ("Filter.1.Name", "name"),
            ("Filter.1.Value.1", "al2023-ami-2*-x86_64"),
            ("Filter.2.Name", "state"),
            ("Filter.2.Value.1", "available"),
        ],
    );
    assert_eq!(text(&seen, "imageId"), [AL2023_X86_64]);
    assert_eq!(text(&seen, "rootDeviceName"), ["/dev/xvda"]);
    let ubuntu = ec2.ok(
        "DescribeImages",
        &[
            ("Owner.1", "099720109477"),
            ("Filter.1.Name", "name"),
            ("Filter.1.Value.1", "ubuntu/images/*24.04*"),
        ],
    );
    assert_eq!(text(&ubuntu, "rootDeviceName"), ["/dev/sda1"]);
    assert!(text(&ec2.ok("DescribeImages", &[("Owner.1", "self")]), "imageId").is_empty());
}

#[test]
fn names_are_anded_and_values_ored() {
    let mut ec2 = Asked::new();
    let a = ec2.run(&[("Placement.AvailabilityZone", "us-east-1a")]);
    let b = ec2.run(&[("Placement.AvailabilityZone", "us-east-1b")]);
    ec2.wait(20);
    ec2.ok("StopInstances", &[("InstanceId.1", &b)]);
    let find = |ec2: &mut Asked, filters: &[(&str, &str)]| {
        let mut found = text(&ec2.ok("DescribeInstances", filters), "instanceId");
        found.sort();
        found.dedup();
        found
    };
    let zones = [
        ("Filter.1.Name", "availability-zone"),
        ("Filter.1.Value.1", "us-east-1a"),
        ("Filter.1.Value.2", "us-east-1b"),
    ];
    let mut both = vec![a.clone(), b.clone()];
    both.sort();
    assert_eq!(find(&mut ec2, &zones), both);
    let running = [
        zones[0],
        zones[1],
        zones[2],
        ("Filter.2.Name", "instance-state-name"),
        ("Filter.2.Value.1", "running"),
    ];
    assert_eq!(find(&mut ec2, &running), [a]);
    assert_eq!(
        ec2.fails(
            "DescribeInstances",
            &[("Filter.1.Name", "colour"), ("Filter.1.Value.1", "red")]
        ),
        "NotModelled: not modelled by the embedded cloud: filter 'colour' of ec2:DescribeInstances"
    );
}

#[test]
fn pages_together_are_the_whole() {
    let mut ec2 = Asked::new();
    ec2.run(&[("MinCount", "13"), ("MaxCount", "13")]);
    let mut seen = Vec::new();
    let mut token = String::new();
    for pages in 1.. {
        let answer = ec2.ok(
            "DescribeInstances",
            &[("MaxResults", "5"), ("NextToken", &token)],
        );
        let found = text(&answer, "instanceId");
        assert!(found.len() <= 5);
        seen.extend(found);
        let Some(next) = text(&answer, "nextToken").pop() else {
            assert_eq!(pages, 3);
            break;
        };
        token = next;
    }
    let mut all = text(&ec2.ok("DescribeInstances", &[]), "instanceId");
    seen.sort();
    all.sort();
    assert_eq!(seen, all);
    assert_eq!(
        ec2.fails("DescribeInstances", &[("MaxResults", "4")]),
        "InvalidParameterValue: Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than or equal to 5."
    );
    assert_eq!(
        ec2.fails(
            "DescribeInstances",
            &[("MaxResults", "5"), ("InstanceId.1", &all[0])]
        ),
        "InvalidParameterCombination: The parameter instancesSet cannot be used with the parameter maxResults"
    );
    assert_eq!(
        ec2.fails("DescribeInstances", &[("NextToken", "nonsense")]),
        "InvalidNextToken: The token 'nonsense' is invalid"
    );
}

#[test]
fn types_are_described_and_offered() {
    let mut ec2 = Asked::new();
    let nano = ec2.ok("DescribeInstanceTypes", &[("InstanceType.1", "t3.nano")]);
    assert_eq!(text(&nano, "freeTierEligible"), ["false"]);
    assert_eq!(text(&nano, "defaultVCpus"), ["2"]);
    let free = ec2.ok(
        "DescribeInstanceTypes",
        &[
            ("Filter.1.Name", "free-tier-eligible"),
            ("Filter.1.Value.1", "true"),
        ],
    );
    assert!(text(&free, "instanceType").contains(&"t3.micro".to_owned()));
    assert_eq!(
        ec2.fails("DescribeInstanceTypes", &[("InstanceType.1", "t3.pico")]),
        "InvalidInstanceType: The following supplied instance types do not exist: [t3.pico]"
    );
    let offered = ec2.ok(
        "DescribeInstanceTypeOfferings",
        &[
            ("LocationType", "availability-zone"),
            ("Filter.1.Name", "instance-type"),
            ("Filter.1.Value.1", "t3.nano"),
        ],
    );
    assert_eq!(
        text(&offered, "location"),
        ["us-east-1a", "us-east-1b", "us-east-1c"]
    );
}

#[test]
fn what_is_unknown_is_refused_by_name() {
    let mut ec2 = Asked::new();
    assert_eq!(
        ec2.fails("CreateVpnGateway", &[]),
        "NotModelled: not modelled by the embedded cloud: ec2:CreateVpnGateway"
    );
    assert_eq!(
        ec2.fails("DescribeInstances", &[("IncludeManagedResources", "true")]),
        "NotModelled: not modelled by the embedded cloud: parameter IncludeManagedResources of ec2:DescribeInstances"
    );
    let ids = [
        ("InstanceId.1", "i-0123456789abcdef0"),
        ("InstanceId.2", "i-0123456789abcdef1"),
    ];
    assert_eq!(
        ec2.fails("DescribeInstances", &ids),
        "InvalidInstanceID.NotFound: The instance IDs 'i-0123456789abcdef0, i-0123456789abcdef1' do not exist"
    );
    assert_eq!(
        ec2.fails("DescribeInstances", &[("InstanceId.1", "web")]),
        "InvalidInstanceID.Malformed: Invalid id: \"web\" (expecting \"i-...\")"
    );
}

#[test]
fn the_same_requests_get_the_same_answers() {
    let story = || {
        let mut ec2 = Asked::new();
        let id = ec2.run(&[]);
        ec2.wait(60);
        ec2.ok("CreateKeyPair", &[("KeyName", "k"), ("KeyType", "ed25519")])
            + &ec2.ok("DescribeInstances", &[("InstanceId.1", &id)])
            + &serde_json::to_string(&ec2.cloud.ec2).unwrap()
    };
    assert_eq!(story(), story());
}

#[test]
fn what_an_instance_does_beyond_its_credits_is_told() {
    let mut ec2 = Asked::new();
    let mut launch = |kind: &str| {
        let params = [
            ("ImageId", AL2023_X86_64),
            ("InstanceType", kind),
            ("MinCount", "1"),
            ("MaxCount", "1"),
        ];
        text(&ec2.ok("RunInstances", &params), "instanceId")[0].clone()
    };
    let (bursts, slows, steady) = (launch("t3.micro"), launch("t2.micro"), launch("m5.large"));
    let action = "DescribeInstanceCreditSpecifications";
    let both = ec2.ok(
        action,
        &[("InstanceId.1", &slows), ("InstanceId.2", &bursts)],
    );
    let mut credits = text(&both, "cpuCredits");
    credits.sort();
    assert_eq!(credits, ["standard", "unlimited"]);
    assert_eq!(text(&ec2.ok(action, &[]), "instanceId"), [bursts]);
    assert_eq!(
        ec2.fails(action, &[("InstanceId.1", &steady)]),
        format!("InvalidParameterValue: {steady} is not a burstable performance instance.")
    );
}
