//! Network interfaces.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::filters::{Facet, Filters, Page, many, one, opt};
use super::kinds;
use super::params::Params;
use super::places;
use super::region::{Action, Region, Site, Tags};
use super::tags;
use super::xml::Xml;
use crate::api::ApiError;

/// The actions on network interfaces.
pub const ACTIONS: &[(&str, Action)] = &[
    ("CreateNetworkInterface", create),
    ("DeleteNetworkInterface", delete),
    ("DescribeNetworkInterfaces", describe),
    ("ModifyNetworkInterfaceAttribute", modify),
];

/// A network interface.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Interface {
    /// `eni-…`.
    pub id: String,
    /// Its subnet.
    pub subnet: String,
    /// Its network.
    pub vpc: String,
    /// Its availability zone.
    pub zone: String,
    /// What it is for.
    pub description: String,
    /// Its hardware address.
    pub mac: String,
    /// Its private addresses, the primary one first.
    pub private: Vec<Ipv4Addr>,
    /// The public address that came with it, unlike an elastic one.
    pub public: Option<Ipv4Addr>,
    /// Whether it gets a public address when its instance starts.
    pub wants_public: bool,
    /// Its security groups.
    pub groups: Vec<String>,
    /// Whether it drops what is not addressed to it.
    pub source_dest_check: bool,
    /// What it is attached to.
    pub attachment: Option<Attachment>,
}

/// An interface's attachment to an instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attachment {
    /// `eni-attach-…`.
    pub id: String,
    /// The instance.
    pub instance: String,
    /// 0 for the primary interface.
    pub device_index: u32,
    /// Whether it is deleted with the instance.
    pub delete_on_termination: bool,
    /// Since when.
    pub since: Timestamp,
}

/// What an interface is to be like.
#[derive(Debug, Clone)]
pub struct NewInterface {
    /// Its subnet.
    pub subnet: String,
    /// Its private address, or any.
    pub private: Option<Ipv4Addr>,
    /// Its groups; none for the network's default one.
    pub groups: Vec<String>,
    /// What it is for.
    pub description: String,
    /// Its tags.
    pub tags: Tags,
}

impl Interface {
    /// 0 for a primary interface, also where there is no attachment.
    pub fn device_index(&self) -> u32 {
        self.attachment
            .as_ref()
            .map_or(0, |attachment| attachment.device_index)
    }

    /// The primary private address.
    pub fn address(&self) -> Ipv4Addr {
        self.private
            .first()
            .copied()
            .unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    fn status(&self) -> &'static str {
        if self.attachment.is_some() {
            "in-use"
        } else {
            "available"
        }
    }
}

impl Region {
    /// The public address of an interface, elastic or not.
    pub fn public_address(&self, interface: &Interface) -> Option<Ipv4Addr> {
        self.address_on(&interface.id)
            .map(|address| address.public)
            .or(interface.public)
    }

    /// Refuses unless all of `groups` are of the subnet's network.
    pub fn check_groups(&self, groups: &[String], subnet: &str) -> Result<(), ApiError> {
        let vpc = &Self::find(&self.subnets, &kinds::SUBNET, subnet)?.vpc;
        for id in groups {
            if self.group(id)?.vpc != *vpc {
                return Err(ApiError::new(
                    "InvalidParameter",
                    format!(
                        "Security group {id} and subnet {subnet} belong to different networks."
                    ),
                ));
            }
        }
        Ok(())
    }
}

impl Site<'_> {
    /// Makes an interface.
    pub fn make_interface(&mut self, wanted: NewInterface) -> Result<Interface, ApiError> {
        let subnet = Region::find(&self.region.subnets, &kinds::SUBNET, &wanted.subnet)?.clone();
        self.region.check_groups(&wanted.groups, &subnet.id)?;
        let private = match wanted.private {
            None => self.private_address(&subnet.id)?,
            Some(address) if !subnet.cidr.contains(address) => {
                return Err(ApiError::new(
                    "InvalidParameterValue",
                    format!("Address {address} does not fall within the subnet's address range"),
                ));
            }
            Some(address) if self.region.private_addresses(&subnet.id).contains(&address) => {
                return Err(ApiError::new(
                    "InvalidIPAddress.InUse",
                    format!("Address {address} is in use."),
                ));
            }
            Some(address) => address,
        };
        let groups = if wanted.groups.is_empty() {
            let default = self.region.default_group(&subnet.vpc);
            default.map(|group| group.id.clone()).into_iter().collect()
        } else {
            wanted.groups
        };
        let id = self.new_id(&kinds::INTERFACE);
        let tail = self.ids.bytes::<5>();
        let mac = tail
            .iter()
            .fold("0a".to_owned(), |mac, byte| format!("{mac}:{byte:02x}"));
        let interface = Interface {
            id: id.clone(),
            subnet: subnet.id,
            vpc: subnet.vpc,
            zone: subnet.zone,
            description: wanted.description,
            mac,
            private: vec![private],
            public: None,
            wants_public: false,
            groups,
            source_dest_check: true,
            attachment: None,
        };
        self.region.interfaces.insert(id.clone(), interface.clone());
        self.tag(&id, &wanted.tags);
        Ok(interface)
    }

    /// Removes an interface and frees its addresses.
    pub fn remove_interface(&mut self, id: &str) {
        if let Some(interface) = self.region.interfaces.remove(id)
            && let Some(public) = interface.public
        {
            self.public.release(public);
        }
        for address in self.region.addresses.values_mut() {
            if address.interface.as_deref() == Some(id) {
                address.free();
            }
        }
        self.region.tags.remove(id);
    }
}

fn create(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let wanted = NewInterface {
        subnet: params.need("SubnetId")?,
        private: params
            .text("PrivateIpAddress")?
            .map(|text| parse_address(&text))
            .transpose()?,
        groups: params.list("SecurityGroupId")?,
        description: params.text("Description")?.unwrap_or_default(),
        tags: tags::specification(params, &kinds::INTERFACE)?,
    };
    params.finish()?;
    let interface = site.make_interface(wanted)?;
    let mut xml = Xml::new();
    xml.node("networkInterface", |xml| show(xml, site.region, &interface));
    Ok(xml)
}

/// A private address as it is written in a request.
pub fn parse_address(text: &str) -> Result<Ipv4Addr, ApiError> {
    text.parse().map_err(|_| {
        ApiError::new(
            "InvalidParameterValue",
            format!("Invalid value for address: {text}"),
        )
    })
}

fn delete(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("NetworkInterfaceId")?;
    params.finish()?;
    let interface = Region::find(&site.region.interfaces, &kinds::INTERFACE, &id)?;
    if interface.attachment.is_some() {
        return Err(ApiError::new(
            "InvalidParameterValue",
            format!("Network interface '{id}' is currently in use."),
        ));
    }
    site.remove_interface(&id);
    Ok(Xml::done())
}

const FACETS: &[Facet<Interface>] = &[
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

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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

fn show(xml: &mut Xml, region: &Region, interface: &Interface) {
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

fn modify(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("NetworkInterfaceId")?;
    let description = params.part("Description", |part| part.need("Value"))?;
    let check = params
        .part("SourceDestCheck", |part| part.flag("Value"))?
        .flatten();
    let groups = params.list("SecurityGroupId")?;
    let attachment = params.part("Attachment", |part| {
        Ok((
            part.need("AttachmentId")?,
            part.flag("DeleteOnTermination")?,
        ))
    })?;
    params.finish()?;
    let subnet = Region::find(&site.region.interfaces, &kinds::INTERFACE, &id)?
        .subnet
        .clone();
    site.region.check_groups(&groups, &subnet)?;
    let interface = Region::find_mut(&mut site.region.interfaces, &kinds::INTERFACE, &id)?;
    if let Some((wanted, delete)) = attachment {
        match interface.attachment.as_mut().filter(|a| a.id == wanted) {
            None => {
                return Err(ApiError::new(
                    "InvalidAttachmentID.NotFound",
                    format!("The attachment ID '{wanted}' does not exist"),
                ));
            }
            Some(attachment) => {
                if let Some(delete) = delete {
                    attachment.delete_on_termination = delete;
                }
            }
        }
    }
    if let Some(description) = description {
        interface.description = description;
    }
    if let Some(check) = check {
        interface.source_dest_check = check;
    }
    if !groups.is_empty() {
        interface.groups = groups;
    }
    Ok(Xml::done())
}
