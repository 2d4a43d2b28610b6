//! How interfaces are shown.

use super::super::filters::{Facet, Filters, Page, many, one, opt};
use super::super::kinds;
use super::super::params::Params;
use super::super::places;
use super::super::region::{Region, Site};
use super::super::xml::Xml;
use super::Interface;
use crate::api::ApiError;

pub(super) const FACETS: &[Facet<Interface>] = &[
    ("network-interface-id", |_, i| one(&i.id)),
    ("subnet-id", |_, i| one(&i.subnet)),
    ("vpc-id", |_, i| one(&i.vpc)),
    ("availability-zone", |_, i| one(&i.zone)),
    ("availability-zone-id", |region, i| {
        one(places::zone_id(&region.name, &i.zone))
    }),
    ("description", |_, i| one(&i.description)),
    ("mac-address", |_, i| one(&i.mac)),
    ("private-ip-address", |_, i| many(&i.private)),
    ("addresses.private-ip-address", |_, i| many(&i.private)),
    ("addresses.primary", |_, _| one(true)),
    ("addresses.association.public-ip", |region, i| {
        opt(region.public_address(i))
    }),
    ("association.public-ip", |region, i| {
        opt(region.public_address(i))
    }),
    ("association.public-dns-name", |region, i| {
        opt(region.public_address(i).map(|ip| region.public_dns(ip)))
    }),
    ("association.allocation-id", |region, i| {
        opt(region.address_on(&i.id).map(|address| &address.id))
    }),
    ("association.association-id", |region, i| {
        opt(region
            .address_on(&i.id)
            .and_then(|address| address.association.as_ref()))
    }),
    ("private-dns-name", |region, i| {
        one(region.private_dns(i.address()))
    }),
    ("group-id", |_, i| many(&i.groups)),
    ("group-name", |region, i| {
        many(
            i.groups
                .iter()
                .filter_map(|id| region.groups.get(id))
                .map(|group| &group.name),
        )
    }),
    ("attachment.instance-id", |_, i| {
        opt(i.attachment.as_ref().map(|a| &a.instance))
    }),
    ("attachment.attachment-id", |_, i| {
        opt(i.attachment.as_ref().map(|a| &a.id))
    }),
    ("attachment.device-index", |_, i| {
        opt(i.attachment.as_ref().map(|a| a.device_index))
    }),
    ("attachment.delete-on-termination", |_, i| {
        opt(i.attachment.as_ref().map(|a| a.delete_on_termination))
    }),
    ("attachment.status", |_, i| {
        opt(i.attachment.as_ref().map(|_| "attached"))
    }),
    ("attachment.instance-owner-id", |region, i| {
        opt(i.attachment.as_ref().map(|_| &region.account))
    }),
    ("status", |_, i| one(i.status())),
    ("source-dest-check", |_, i| one(i.source_dest_check)),
    ("interface-type", |_, _| one("interface")),
    ("requester-managed", |_, _| one(false)),
    ("owner-id", |region, _| one(&region.account)),
];

pub(super) fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("NetworkInterfaceId")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 1000)?;
    params.finish()?;
    page.not_with("networkInterfacesSet", &ids)?;
    let region = &*site.region;
    kinds::INTERFACE.check(region, &ids)?;
    let asked = region
        .interfaces
        .values()
        .filter(|interface| ids.is_empty() || ids.contains(&interface.id));
    let found = filters.select(region, FACETS, |interface| &interface.id, asked)?;
    let (found, next) = page.cut(found, |interface| interface.id.clone());
    let mut xml = Xml::new();
    xml.list("networkInterfaceSet", found, |xml, interface| {
        show(xml, region, interface);
    })
    .maybe("nextToken", next);
    Ok(xml)
}

/// `<groupSet>` of groups.
pub fn show_groups(xml: &mut Xml, region: &Region, ids: &[String]) {
    let groups = ids.iter().filter_map(|id| region.groups.get(id));
    xml.list("groupSet", groups, |xml, group| {
        xml.leaf("groupId", &group.id)
            .leaf("groupName", &group.name);
    });
}

/// `<association>` of an interface that has a public address; its ids only where they are `told`,
/// which they are not about instances.
pub fn show_association(xml: &mut Xml, region: &Region, interface: &Interface, told: bool) {
    let Some(public) = region.public_address(interface) else {
        return;
    };
    let elastic = region.address_on(&interface.id);
    xml.node("association", |xml| {
        xml.leaf("publicIp", public)
            .leaf("publicDnsName", region.public_dns(public))
            .leaf(
                "ipOwnerId",
                if elastic.is_some() {
                    &region.account
                } else {
                    "amazon"
                },
            );
        if let Some(address) = elastic.filter(|_| told) {
            xml.leaf("allocationId", &address.id)
                .maybe("associationId", address.association.as_ref());
        }
    });
}

pub(super) fn show(xml: &mut Xml, region: &Region, interface: &Interface) {
    xml.leaf("networkInterfaceId", &interface.id)
        .leaf("subnetId", &interface.subnet)
        .leaf("vpcId", &interface.vpc)
        .leaf("availabilityZone", &interface.zone)
        .leaf(
            "availabilityZoneId",
            places::zone_id(&region.name, &interface.zone),
        )
        .leaf("description", &interface.description)
        .leaf("ownerId", &region.account)
        .leaf("requesterManaged", false)
        .leaf("status", interface.status())
        .leaf("interfaceType", "interface")
        .leaf("macAddress", &interface.mac)
        .leaf("privateIpAddress", interface.address())
        .leaf("privateDnsName", region.private_dns(interface.address()))
        .leaf("sourceDestCheck", interface.source_dest_check);
    show_groups(xml, region, &interface.groups);
    show_association(xml, region, interface, true);
    if let Some(attachment) = &interface.attachment {
        xml.node("attachment", |xml| {
            xml.leaf("attachmentId", &attachment.id)
                .leaf("instanceId", &attachment.instance)
                .leaf("instanceOwnerId", &region.account)
                .leaf("deviceIndex", attachment.device_index)
                .leaf("networkCardIndex", 0)
                .leaf("status", "attached")
                .time("attachTime", attachment.since)
                .leaf("deleteOnTermination", attachment.delete_on_termination);
        });
    }
    xml.list(
        "privateIpAddressesSet",
        interface.private.iter().enumerate(),
        |xml, (index, address)| {
            xml.leaf("privateIpAddress", address)
                .leaf("privateDnsName", region.private_dns(*address))
                .leaf("primary", index == 0);
            if index == 0 {
                show_association(xml, region, interface, true);
            }
        },
    );
    xml.tags(region.tags_of(&interface.id));
}
