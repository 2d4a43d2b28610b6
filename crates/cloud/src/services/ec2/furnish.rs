//! What a new account finds: the default network and the images of Amazon and Canonical.

use jiff::{SignedDuration, Timestamp};

use super::block_devices::{Ebs, Mapping};
use super::cidr::Cidr;
use super::gateways::InternetGateway;
use super::groups::SecurityGroup;
use super::images::{Image, ImageState};
use super::places;
use super::region::Region;
use super::route_tables::RouteTable;
use super::rules::{Peer, Rule};
use super::snapshots::Snapshot;
use super::subnets::Subnet;
use super::vpcs::Vpc;
use crate::furnish::{AL2023_ARM64, AL2023_X86_64, UBUNTU_X86_64};
use crate::hosts::Flavour;
use crate::ids::Ids;

/// Amazon's account for images.
const AMAZON: &str = "137112412989";
/// Canonical's account.
const CANONICAL: &str = "099720109477";

/// The vCPUs of standard instances that an account may run at once at first
/// (<https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html>; new accounts
/// begin lower and are raised with use).
const VCPUS: u32 = 64;

/// A region as a new account finds it.
pub fn region(name: &str, account: &str, ids: &mut Ids, now: Timestamp) -> Region {
    let mut region = Region {
        name: name.to_owned(),
        account: account.to_owned(),
        vcpu_limit: VCPUS,
        ..Region::default()
    };
    network(&mut region, ids);
    images(&mut region, now);
    region
}

fn network(region: &mut Region, ids: &mut Ids) {
    let cidr = Cidr::around([172, 31, 0, 0].into(), 16);
    let vpc = Vpc {
        id: ids.resource("vpc"),
        cidr,
        is_default: true,
        dhcp_options: ids.resource("dopt"),
        association: ids.resource("vpc-cidr-assoc"),
    };
    for (zone, third) in places::zones(&region.name).into_iter().zip([0, 16, 32]) {
        let subnet = Subnet {
            id: ids.resource("subnet"),
            vpc: vpc.id.clone(),
            cidr: Cidr::around([172, 31, third, 0].into(), 20),
            zone,
            is_default: true,
            public: true,
        };
        region.subnets.insert(subnet.id.clone(), subnet);
    }
    let gateway = InternetGateway {
        id: ids.resource("igw"),
        vpc: Some(vpc.id.clone()),
    };
    let table = RouteTable {
        id: ids.resource("rtb"),
        vpc: vpc.id.clone(),
        main: Some(ids.resource("rtbassoc")),
        routes: vec![
            (cidr, "local".to_owned()),
            (Cidr::around([0, 0, 0, 0].into(), 0), gateway.id.clone()),
        ],
    };
    let group = default_group(&vpc.id, ids);
    region.groups.insert(group.id.clone(), group);
    region.route_tables.insert(table.id.clone(), table);
    region.gateways.insert(gateway.id.clone(), gateway);
    region.vpcs.insert(vpc.id.clone(), vpc);
}

/// Everything may leave, and come in from the group itself.
fn default_group(vpc: &str, ids: &mut Ids) -> SecurityGroup {
    let id = ids.resource("sg");
    let out = Rule::all_out(&ids.resource("sgr"));
    let within = Rule {
        id: ids.resource("sgr"),
        egress: false,
        peer: Peer::Group(id.clone()),
        ..out.clone()
    };
    SecurityGroup {
        id,
        name: "default".to_owned(),
        description: "default VPC security group".to_owned(),
        vpc: vpc.to_owned(),
        rules: [(out.id.clone(), out), (within.id.clone(), within)].into(),
    }
}

fn images(region: &mut Region, now: Timestamp) {
    let released = now - SignedDuration::from_hours(24 * 14);
    let day = released.strftime("%Y%m%d").to_string();
    for (id, architecture) in [(AL2023_X86_64, "x86_64"), (AL2023_ARM64, "arm64")] {
        let release = format!("2023.9.{day}.0 {architecture} HVM kernel-6.1");
        let image = Image {
            id: id.to_owned(),
            name: format!("al2023-ami-2023.9.{day}.0-kernel-6.1-{architecture}"),
            description: format!("Amazon Linux 2023 AMI {release}"),
            owner: AMAZON.to_owned(),
            owner_alias: Some("amazon".to_owned()),
            architecture: architecture.to_owned(),
            public: true,
            users: Vec::new(),
            state: ImageState::Available,
            created: released,
            // Amazon deprecates these after ninety days.
            deprecated: Some(released + SignedDuration::from_hours(24 * 90)),
            root_device: "/dev/xvda".to_owned(),
            mappings: vec![root("/dev/xvda", &snapshot_id(id), "gp3")],
            imds_v2: true,
            flavour: Some(Flavour::AmazonLinux2023),
            source: None,
            ssm_parameter: Some(format!(
                "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"
            )),
        };
        publish(region, image);
    }
    let ubuntu = Image {
        id: UBUNTU_X86_64.to_owned(),
        name: format!("ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-{day}"),
        description: "Canonical, Ubuntu, 24.04, amd64 noble image".to_owned(),
        owner: CANONICAL.to_owned(),
        owner_alias: None,
        architecture: "x86_64".to_owned(),
        public: true,
        users: Vec::new(),
        state: ImageState::Available,
        created: released,
        deprecated: Some(released + SignedDuration::from_hours(24 * 730)),
        root_device: "/dev/sda1".to_owned(),
        mappings: vec![root("/dev/sda1", &snapshot_id(UBUNTU_X86_64), "gp3")],
        imds_v2: true,
        flavour: Some(Flavour::Ubuntu2404),
        source: None,
        ssm_parameter: None,
    };
    publish(region, ubuntu);
}

/// The snapshot that an image of someone else is made of.
fn snapshot_id(image: &str) -> String {
    image.replacen("ami-", "snap-", 1)
}

fn root(device: &str, snapshot: &str, volume_type: &str) -> Mapping {
    Mapping {
        device: device.to_owned(),
        none: false,
        ebs: Ebs {
            snapshot: Some(snapshot.to_owned()),
            size: Some(8),
            volume_type: Some(volume_type.to_owned()),
            iops: Some(3000),
            throughput: Some(125),
            encrypted: Some(false),
            delete_on_termination: Some(true),
        },
    }
}

fn publish(region: &mut Region, image: Image) {
    let snapshot = Snapshot {
        id: snapshot_id(&image.id),
        volume: "vol-ffffffff".to_owned(),
        size: 8,
        description: image.description.clone(),
        owner: image.owner.clone(),
        encrypted: false,
        system: image
            .flavour
            .map(|flavour| (flavour, image.architecture.clone())),
        started: image.created,
        completed: Some(image.created),
        percent: 100,
    };
    region.snapshots.insert(snapshot.id.clone(), snapshot);
    region.images.insert(image.id.clone(), image);
}
