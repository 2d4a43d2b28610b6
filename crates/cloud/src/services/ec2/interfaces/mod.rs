//! Network interfaces.

mod describe;

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::describe::{describe, show};
pub use self::describe::{show_association, show_groups};
use super::kinds;
use super::params::Params;
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
