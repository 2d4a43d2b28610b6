//! What instances can be filtered by
//! (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html>).

use super::super::filters::{Facet, many, one, opt};
use super::super::interfaces::Interface;
use super::super::places;
use super::super::region::Region;
use super::super::xml::stamp;
use super::describe::monitoring;
use super::{Instance, Stage};

/// What an interface has, for all interfaces of an instance.
fn of_interfaces<T: ToString>(
    region: &Region,
    instance: &Instance,
    read: impl Fn(&Interface) -> Option<T>,
) -> Vec<String> {
    many(
        region
            .interfaces_of(&instance.id)
            .into_iter()
            .filter_map(read),
    )
}

fn primary<'a>(region: &'a Region, instance: &'a Instance) -> Option<&'a Interface> {
    region.primary_interface(&instance.id)
}

fn group_names(region: &Region, ids: &[String]) -> Vec<String> {
    many(
        ids.iter()
            .filter_map(|id| region.groups.get(id))
            .map(|group| &group.name),
    )
}

/// The filters of `DescribeInstances`.
pub const FACETS: &[Facet<Instance>] = &[
    ("affinity", |_, _| Vec::new()),
    ("architecture", |_, i| one(&i.architecture)),
    ("availability-zone", |_, i| one(&i.zone)),
    ("availability-zone-id", |region, i| {
        one(places::zone_id(&region.name, &i.zone))
    }),
    ("block-device-mapping.attach-time", |_, i| {
        many(i.devices.values().map(|device| stamp(device.since)))
    }),
    ("block-device-mapping.delete-on-termination", |_, i| {
        many(
            i.devices
                .values()
                .map(|device| device.delete_on_termination),
        )
    }),
    ("block-device-mapping.device-name", |_, i| {
        many(i.devices.keys())
    }),
    ("block-device-mapping.status", |_, i| {
        many(i.devices.values().map(|_| {
            if i.stage == Stage::Pending {
                "attaching"
            } else {
                "attached"
            }
        }))
    }),
    ("block-device-mapping.volume-id", |_, i| {
        many(i.devices.values().map(|device| &device.volume))
    }),
    ("client-token", |_, i| opt(i.client_token.as_ref())),
    ("dns-name", |region, i| {
        opt(region
            .instance_public(&i.id)
            .map(|address| region.public_dns(address)))
    }),
    ("ebs-optimized", |_, i| one(i.ebs_optimized)),
    ("ena-support", |_, _| one(true)),
    ("enclave-options.enabled", |_, _| one(false)),
    ("hibernation-options.configured", |_, _| one(false)),
    ("hypervisor", |_, _| one("xen")),
    ("iam-instance-profile.arn", |_, i| {
        opt(i.profile.as_ref().map(|(arn, _)| arn))
    }),
    ("iam-instance-profile.id", |_, i| {
        opt(i.profile.as_ref().map(|(_, id)| id))
    }),
    ("iam-instance-profile.name", |_, i| {
        opt(i
            .profile
            .as_ref()
            .and_then(|(arn, _)| arn.rsplit('/').next()))
    }),
    ("image-id", |_, i| one(&i.image)),
    ("instance-id", |_, i| one(&i.id)),
    // Neither spot nor scheduled instances are modelled.
    ("instance-lifecycle", |_, _| Vec::new()),
    ("instance-state-code", |_, i| one(i.stage.code())),
    ("instance-state-name", |_, i| one(i.stage.name())),
    ("instance-type", |_, i| one(&i.instance_type)),
    ("instance.group-id", |region, i| {
        primary(region, i).map_or_else(Vec::new, |interface| many(&interface.groups))
    }),
    ("instance.group-name", |region, i| {
        primary(region, i).map_or_else(Vec::new, |interface| group_names(region, &interface.groups))
    }),
    ("ip-address", |region, i| opt(region.instance_public(&i.id))),
    ("key-name", |_, i| opt(i.key_name.as_ref())),
    ("launch-index", |_, i| one(i.launch_index)),
    ("launch-time", |_, i| one(stamp(i.launched))),
    ("metadata-options.http-endpoint", |_, i| {
        one(&i.metadata.endpoint)
    }),
    ("metadata-options.http-put-response-hop-limit", |_, i| {
        one(i.metadata.hop_limit)
    }),
    ("metadata-options.http-tokens", |_, i| {
        one(&i.metadata.tokens)
    }),
    ("metadata-options.instance-metadata-tags", |_, i| {
        one(&i.metadata.tags)
    }),
    ("monitoring-state", |_, i| one(monitoring(i))),
    (
        "network-interface.addresses.association.public-ip",
        |region, i| of_interfaces(region, i, |interface| region.public_address(interface)),
    ),
    (
        "network-interface.addresses.private-ip-address",
        |region, i| of_interfaces(region, i, |interface| Some(interface.address())),
    ),
    ("network-interface.association.public-ip", |region, i| {
        of_interfaces(region, i, |interface| region.public_address(interface))
    }),
    ("network-interface.attachment.attachment-id", |region, i| {
        of_interfaces(region, i, |interface| {
            Some(interface.attachment.as_ref()?.id.clone())
        })
    }),
    ("network-interface.attachment.device-index", |region, i| {
        of_interfaces(region, i, |interface| Some(interface.device_index()))
    }),
    ("network-interface.availability-zone", |region, i| {
        of_interfaces(region, i, |interface| Some(interface.zone.clone()))
    }),
    ("network-interface.description", |region, i| {
        of_interfaces(region, i, |interface| Some(interface.description.clone()))
    }),
    ("network-interface.group-id", |region, i| {
        region
            .interfaces_of(&i.id)
            .into_iter()
            .flat_map(|interface| interface.groups.clone())
            .collect()
    }),
    ("network-interface.group-name", |region, i| {
        region
            .interfaces_of(&i.id)
            .into_iter()
            .flat_map(|interface| group_names(region, &interface.groups))
            .collect()
    }),
    ("network-interface.mac-address", |region, i| {
        of_interfaces(region, i, |interface| Some(interface.mac.clone()))
    }),
    ("network-interface.network-interface-id", |region, i| {
        of_interfaces(region, i, |interface| Some(interface.id.clone()))
    }),
    ("network-interface.private-dns-name", |region, i| {
        of_interfaces(region, i, |interface| {
            Some(region.private_dns(interface.address()))
        })
    }),
    ("network-interface.status", |region, i| {
        of_interfaces(region, i, |_| Some("in-use"))
    }),
    ("network-interface.subnet-id", |region, i| {
        of_interfaces(region, i, |interface| Some(interface.subnet.clone()))
    }),
    ("network-interface.vpc-id", |region, i| {
        of_interfaces(region, i, |interface| Some(interface.vpc.clone()))
    }),
    ("owner-id", |region, _| one(&region.account)),
    // Windows only.
    ("platform", |_, _| Vec::new()),
    ("platform-details", |_, _| one("Linux/UNIX")),
    ("private-dns-name", |region, i| {
        opt(region
            .instance_private(&i.id)
            .map(|address| region.private_dns(address)))
    }),
    ("private-ip-address", |region, i| {
        opt(region.instance_private(&i.id))
    }),
    ("reason", |_, i| one(&i.transition)),
    ("reservation-id", |_, i| one(&i.reservation)),
    ("root-device-name", |_, i| one(&i.root_device)),
    ("root-device-type", |_, _| one("ebs")),
    ("source-dest-check", |region, i| {
        opt(primary(region, i).map(|interface| interface.source_dest_check))
    }),
    ("state-reason-code", |_, i| {
        opt(i.reason.as_ref().map(|(code, _)| code))
    }),
    ("state-reason-message", |_, i| {
        opt(i.reason.as_ref().map(|(_, message)| message))
    }),
    ("subnet-id", |region, i| {
        opt(primary(region, i).map(|_| &i.subnet))
    }),
    ("tenancy", |_, _| one("default")),
    ("usage-operation", |_, _| one("RunInstances")),
    ("virtualization-type", |_, _| one("hvm")),
    (
        "vpc-id",
        |region, i| opt(primary(region, i).map(|_| &i.vpc)),
    ),
];
