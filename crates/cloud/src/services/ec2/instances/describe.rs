//! `DescribeInstances` and how an instance is shown.

use super::super::filters::{Filters, Page};
use super::super::instance_types::instance_type;
use super::super::interfaces::{Interface, show_association, show_groups};
use super::super::params::Params;
use super::super::places;
use super::super::region::{Action, Region, Site};
use super::super::xml::Xml;
use super::facets::FACETS;
use super::{Instance, Stage};
use crate::api::ApiError;

/// The action that describes.
pub const ACTIONS: &[(&str, Action)] = &[("DescribeInstances", describe)];

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("InstanceId")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 1000)?;
    params.finish()?;
    page.not_with("instancesSet", &ids)?;
    let region = &*site.region;
    region.check_instances(&ids, site.now)?;
    let asked = region
        .instances
        .values()
        .filter(|instance| region.visible(instance, site.now))
        .filter(|instance| ids.is_empty() || ids.contains(&instance.id));
    let found = filters.select(region, FACETS, |instance| &instance.id, asked)?;
    let (found, next) = page.cut(found, |instance| instance.id.clone());
    let mut xml = Xml::new();
    xml.list(
        "reservationSet",
        by_reservation(found),
        |xml, (id, instances)| {
            show_reservation(xml, region, &id, instances);
        },
    )
    .maybe("nextToken", next);
    Ok(xml)
}

/// Instances by their launch, the oldest launch first.
fn by_reservation(instances: Vec<&Instance>) -> Vec<(String, Vec<&Instance>)> {
    let mut groups: Vec<(String, Vec<&Instance>)> = Vec::new();
    for instance in instances {
        match groups
            .iter_mut()
            .find(|(id, _)| *id == instance.reservation)
        {
            Some((_, members)) => members.push(instance),
            None => groups.push((instance.reservation.clone(), vec![instance])),
        }
    }
    groups.sort_by_key(|(id, members)| (members.iter().map(|one| one.created).min(), id.clone()));
    groups
}

/// A launch with its instances.
pub fn show_reservation(
    xml: &mut Xml,
    region: &Region,
    reservation: &str,
    mut instances: Vec<&Instance>,
) {
    instances.sort_by_key(|instance| instance.launch_index);
    xml.leaf("reservationId", reservation)
        .leaf("ownerId", &region.account)
        .node("groupSet", |_| {})
        .list("instancesSet", instances, |xml, instance| {
            show(xml, region, instance);
        });
}

/// `<name><code>…</code><name>…</name></name>`.
pub fn show_stage(xml: &mut Xml, element: &str, stage: Stage) {
    xml.node(element, |xml| {
        xml.leaf("code", stage.code()).leaf("name", stage.name());
    });
}

/// The word for whether an instance has metrics every minute.
pub fn monitoring(instance: &Instance) -> &'static str {
    match (instance.monitored, instance.stage) {
        (true, Stage::Pending) => "pending",
        (true, _) => "enabled",
        (false, _) => "disabled",
    }
}

fn show(xml: &mut Xml, region: &Region, instance: &Instance) {
    let interfaces = region.interfaces_of(&instance.id);
    let primary = interfaces.first().copied();
    let public = primary.and_then(|interface| region.public_address(interface));
    xml.leaf("instanceId", &instance.id)
        .leaf("imageId", &instance.image);
    show_stage(xml, "instanceState", instance.stage);
    xml.leaf(
        "privateDnsName",
        primary.map_or_else(String::new, |interface| {
            region.private_dns(interface.address())
        }),
    )
    .leaf(
        "dnsName",
        public.map_or_else(String::new, |address| region.public_dns(address)),
    )
    .leaf("reason", &instance.transition)
    .maybe("keyName", instance.key_name.as_ref())
    .leaf("amiLaunchIndex", instance.launch_index)
    .leaf("instanceType", &instance.instance_type)
    .time("launchTime", instance.launched)
    .node("placement", |xml| {
        xml.leaf("availabilityZone", &instance.zone)
            .leaf(
                "availabilityZoneId",
                places::zone_id(&region.name, &instance.zone),
            )
            .leaf("groupName", "")
            .leaf("tenancy", "default");
    })
    .node("monitoring", |xml| {
        xml.leaf("state", monitoring(instance));
    })
    .leaf("architecture", &instance.architecture)
    .leaf("rootDeviceType", "ebs")
    .leaf("rootDeviceName", &instance.root_device)
    .leaf("virtualizationType", "hvm")
    .leaf("hypervisor", "xen")
    .leaf("platformDetails", "Linux/UNIX")
    .leaf("usageOperation", "RunInstances")
    .time("usageOperationUpdateTime", instance.created)
    .leaf("enaSupport", true)
    .leaf("ebsOptimized", instance.ebs_optimized)
    .leaf(
        "clientToken",
        instance.client_token.as_deref().unwrap_or(""),
    )
    .leaf("currentInstanceBootMode", boot_mode(instance));
    if let Some((code, message)) = &instance.reason {
        xml.node("stateReason", |xml| {
            xml.leaf("code", code).leaf("message", message);
        });
    }
    if let Some((arn, id)) = &instance.profile {
        xml.node("iamInstanceProfile", |xml| {
            xml.leaf("arn", arn).leaf("id", id);
        });
    }
    show_devices(xml, instance);
    if let Some(primary) = primary {
        xml.leaf("subnetId", &instance.subnet)
            .leaf("vpcId", &instance.vpc)
            .leaf("privateIpAddress", primary.address())
            .maybe("ipAddress", public)
            .leaf("sourceDestCheck", primary.source_dest_check);
        show_groups(xml, region, &primary.groups);
    }
    xml.list("networkInterfaceSet", interfaces, |xml, interface| {
        show_interface(xml, region, interface);
    });
    show_machine(xml, instance);
    xml.tags(region.tags_of(&instance.id));
}

/// Every image prefers UEFI, which Nitro has.
fn boot_mode(instance: &Instance) -> &'static str {
    match instance_type(&instance.instance_type) {
        Some(kind) if kind.nitro() => "uefi",
        _ => "legacy-bios",
    }
}

fn show_devices(xml: &mut Xml, instance: &Instance) {
    let status = if instance.stage == Stage::Pending {
        "attaching"
    } else {
        "attached"
    };
    xml.list(
        "blockDeviceMapping",
        &instance.devices,
        |xml, (name, device)| {
            xml.leaf("deviceName", name).node("ebs", |xml| {
                xml.leaf("volumeId", &device.volume)
                    .leaf("status", status)
                    .time("attachTime", device.since)
                    .leaf("deleteOnTermination", device.delete_on_termination);
            });
        },
    );
}

fn show_machine(xml: &mut Xml, instance: &Instance) {
    if let Some(kind) = instance_type(&instance.instance_type) {
        xml.node("cpuOptions", |xml| {
            xml.leaf("coreCount", kind.cores())
                .leaf("threadsPerCore", kind.threads());
        });
    }
    xml.node("hibernationOptions", |xml| {
        xml.leaf("configured", false);
    })
    .node("enclaveOptions", |xml| {
        xml.leaf("enabled", false);
    })
    .node("maintenanceOptions", |xml| {
        xml.leaf("autoRecovery", "default");
    })
    .node("capacityReservationSpecification", |xml| {
        xml.leaf("capacityReservationPreference", "open");
    })
    .node("privateDnsNameOptions", |xml| {
        xml.leaf("hostnameType", "ip-name")
            .leaf("enableResourceNameDnsARecord", false)
            .leaf("enableResourceNameDnsAAAARecord", false);
    });
    show_metadata(xml, "metadataOptions", instance);
}

/// How the metadata is read.
pub fn show_metadata(xml: &mut Xml, element: &str, instance: &Instance) {
    let metadata = &instance.metadata;
    let state = if instance.stage == Stage::Pending {
        "pending"
    } else {
        "applied"
    };
    xml.node(element, |xml| {
        xml.leaf("state", state)
            .leaf("httpTokens", &metadata.tokens)
            .leaf("httpPutResponseHopLimit", metadata.hop_limit)
            .leaf("httpEndpoint", &metadata.endpoint)
            .leaf("httpProtocolIpv6", "disabled")
            .leaf("instanceMetadataTags", &metadata.tags);
    });
}

fn show_interface(xml: &mut Xml, region: &Region, interface: &Interface) {
    xml.leaf("networkInterfaceId", &interface.id)
        .leaf("subnetId", &interface.subnet)
        .leaf("vpcId", &interface.vpc)
        .leaf("description", &interface.description)
        .leaf("ownerId", &region.account)
        .leaf("status", "in-use")
        .leaf("macAddress", &interface.mac)
        .leaf("privateIpAddress", interface.address())
        .leaf("privateDnsName", region.private_dns(interface.address()))
        .leaf("sourceDestCheck", interface.source_dest_check)
        .leaf("interfaceType", "interface");
    show_groups(xml, region, &interface.groups);
    if let Some(attachment) = &interface.attachment {
        xml.node("attachment", |xml| {
            xml.leaf("attachmentId", &attachment.id)
                .leaf("deviceIndex", attachment.device_index)
                .leaf("networkCardIndex", 0)
                .leaf("status", "attached")
                .time("attachTime", attachment.since)
                .leaf("deleteOnTermination", attachment.delete_on_termination);
        });
    }
    show_association(xml, region, interface, false);
    xml.list(
        "privateIpAddressesSet",
        interface.private.iter().enumerate(),
        |xml, (index, address)| {
            xml.leaf("privateIpAddress", address)
                .leaf("privateDnsName", region.private_dns(*address))
                .leaf("primary", index == 0);
            if index == 0 {
                show_association(xml, region, interface, false);
            }
        },
    );
}
