//! Public addresses: those that come with an instance and elastic ones.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::filters::{Facet, Filters, one, opt};
use super::instances::Stage;
use super::kinds;
use super::params::Params;
use super::region::{Action, Region, Site};
use super::tags;
use super::xml::Xml;
use crate::api::ApiError;

/// The actions on elastic addresses.
pub const ACTIONS: &[(&str, Action)] = &[
    ("AllocateAddress", allocate),
    ("AssociateAddress", associate),
    ("DescribeAddresses", describe),
    ("DescribeAddressesAttribute", describe_attribute),
    ("DisassociateAddress", disassociate),
    ("ReleaseAddress", release),
];

/// The most elastic addresses that an account has at first
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html>).
const MOST: usize = 5;

/// The addresses for documentation (RFC 5737), of which the embedded world consists.
const BLOCKS: [[u8; 3]; 3] = [[203, 0, 113], [198, 51, 100], [192, 0, 2]];
/// The first and the last number given out in each; those before are for other uses (the caller).
const FIRST: u32 = 10;
const LAST: u32 = 254;

/// Which public addresses are taken.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PublicPool {
    next: u32,
    taken: BTreeSet<Ipv4Addr>,
}

impl PublicPool {
    /// Takes the next free address; one that was freed comes again only after all others.
    pub fn take(&mut self) -> Result<Ipv4Addr, ApiError> {
        let per_block = LAST - FIRST + 1;
        let size = per_block * 3;
        for _ in 0..size {
            let index = self.next % size;
            self.next = (self.next + 1) % size;
            let [a, b, c] = BLOCKS[(index / per_block) as usize];
            let d = u8::try_from(FIRST + index % per_block).unwrap_or(u8::MAX);
            let address = Ipv4Addr::new(a, b, c, d);
            if self.taken.insert(address) {
                return Ok(address);
            }
        }
        Err(ApiError::new(
            "InsufficientAddressCapacity",
            "There are no more public addresses: the embedded cloud has those of RFC 5737.",
        ))
    }

    /// Frees an address.
    pub fn release(&mut self, address: Ipv4Addr) {
        self.taken.remove(&address);
    }
}

/// An elastic address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Address {
    /// `eipalloc-…`.
    pub id: String,
    /// The address.
    pub public: Ipv4Addr,
    /// `eipassoc-…`, if it is associated.
    pub association: Option<String>,
    /// The interface that it is associated with.
    pub interface: Option<String>,
}

impl Address {
    /// Ends its association.
    pub fn free(&mut self) {
        self.association = None;
        self.interface = None;
    }
}

fn allocate(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    params.choice("Domain", &["vpc"])?;
    let tags = tags::specification(params, &kinds::ADDRESS)?;
    params.finish()?;
    if site.region.addresses.len() >= MOST {
        return Err(ApiError::new(
            "AddressLimitExceeded",
            "The maximum number of addresses has been reached.",
        ));
    }
    let id = site.new_id(&kinds::ADDRESS);
    let public = site.public.take()?;
    site.region.addresses.insert(
        id.clone(),
        Address {
            id: id.clone(),
            public,
            association: None,
            interface: None,
        },
    );
    site.tag(&id, &tags);
    let mut xml = Xml::new();
    xml.leaf("publicIp", public)
        .leaf("domain", "vpc")
        .leaf("allocationId", &id)
        .leaf("publicIpv4Pool", "amazon")
        .leaf("networkBorderGroup", &site.region.name);
    Ok(xml)
}

/// Takes `AllocationId` or `PublicIp` and finds the address.
fn named(region: &Region, params: &mut Params) -> Result<String, ApiError> {
    if let Some(id) = params.text("AllocationId")? {
        return Ok(Region::find(&region.addresses, &kinds::ADDRESS, &id)?
            .id
            .clone());
    }
    let ip = params.need("PublicIp")?;
    region
        .addresses
        .values()
        .find(|address| address.public.to_string() == ip)
        .map(|address| address.id.clone())
        .ok_or_else(|| missing_ip(&ip))
}

fn missing_ip(ip: &str) -> ApiError {
    ApiError::new(
        "InvalidAddress.NotFound",
        format!("Address '{ip}' not found."),
    )
}

fn associate(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = named(site.region, params)?;
    let instance = params.text("InstanceId")?;
    let interface = params.text("NetworkInterfaceId")?;
    let again = params.flag("AllowReassociation")?.unwrap_or(true);
    params.finish()?;
    let interface = match (instance, interface) {
        (Some(instance), None) => {
            let found = Region::find(&site.region.instances, &kinds::INSTANCE, &instance)?;
            if !matches!(
                found.stage,
                Stage::Running | Stage::Stopped | Stage::Stopping
            ) {
                return Err(ApiError::new(
                    "InvalidInstanceID",
                    format!(
                        "The instance ID '{instance}' is not in a valid state for this operation"
                    ),
                ));
            }
            site.region
                .primary_interface(&instance)
                .map(|interface| interface.id.clone())
                .ok_or_else(|| kinds::INSTANCE.not_found(&instance))?
        }
        (None, Some(interface)) => {
            Region::find(&site.region.interfaces, &kinds::INTERFACE, &interface)?
                .id
                .clone()
        }
        _ => {
            return Err(ApiError::new(
                "InvalidParameterCombination",
                "You must specify either an instance ID or a network interface ID, and not both",
            ));
        }
    };
    let address = Region::find(&site.region.addresses, &kinds::ADDRESS, &id)?;
    if address
        .interface
        .as_ref()
        .is_some_and(|other| *other != interface)
        && !again
    {
        return Err(ApiError::new(
            "Resource.AlreadyAssociated",
            format!(
                "resource {id} is already associated with associate-id {}",
                address.association.as_deref().unwrap_or_default()
            ),
        ));
    }
    if let Some(other) = site
        .region
        .address_on(&interface)
        .map(|other| other.id.clone())
        && other != id
        && let Some(other) = site.region.addresses.get_mut(&other)
    {
        other.free();
    }
    // The address that came with the instance goes back to Amazon.
    if let Some(interface) = site.region.interfaces.get_mut(&interface)
        && let Some(public) = interface.public.take()
    {
        site.public.release(public);
    }
    let association = site.ids.resource("eipassoc");
    let address = Region::find_mut(&mut site.region.addresses, &kinds::ADDRESS, &id)?;
    address.interface = Some(interface);
    address.association = Some(association.clone());
    let mut xml = Xml::done();
    xml.leaf("associationId", association);
    Ok(xml)
}

fn disassociate(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let association = params.text("AssociationId")?;
    let ip = params.text("PublicIp")?;
    params.finish()?;
    let found = site.region.addresses.values_mut().find(|address| {
        (association.is_some() && address.association == association)
            || ip
                .as_ref()
                .is_some_and(|ip| address.public.to_string() == *ip)
    });
    match (found, association, ip) {
        (Some(address), _, _) => {
            address.free();
            Ok(Xml::done())
        }
        (None, Some(association), _) => Err(ApiError::new(
            "InvalidAssociationID.NotFound",
            format!("The association ID '{association}' does not exist"),
        )),
        (None, None, Some(ip)) => Err(missing_ip(&ip)),
        (None, None, None) => Err(params.missing("AssociationId")),
    }
}

fn release(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = named(site.region, params)?;
    // All addresses are of the region itself.
    params.choice("NetworkBorderGroup", &[&site.region.name])?;
    params.finish()?;
    let address = Region::find(&site.region.addresses, &kinds::ADDRESS, &id)?;
    if address.interface.is_some() {
        return Err(ApiError::new(
            "InvalidIPAddress.InUse",
            format!(
                "The address with allocation id [{id}] cannot be released because it is in use"
            ),
        ));
    }
    let public = address.public;
    site.public.release(public);
    site.region.addresses.remove(&id);
    site.region.tags.remove(&id);
    Ok(Xml::done())
}

fn instance_of(region: &Region, address: &Address) -> Option<String> {
    let interface = region.interfaces.get(address.interface.as_ref()?)?;
    Some(interface.attachment.as_ref()?.instance.clone())
}

fn private_of(region: &Region, address: &Address) -> Option<Ipv4Addr> {
    Some(
        region
            .interfaces
            .get(address.interface.as_ref()?)?
            .address(),
    )
}

const FACETS: &[Facet<Address>] = &[
    ("allocation-id", |_, a| one(&a.id)),
    ("public-ip", |_, a| one(a.public)),
    ("association-id", |_, a| opt(a.association.as_ref())),
    ("network-interface-id", |_, a| opt(a.interface.as_ref())),
    ("network-interface-owner-id", |region, a| {
        opt(a.interface.as_ref().map(|_| &region.account))
    }),
    ("instance-id", |region, a| opt(instance_of(region, a))),
    ("private-ip-address", |region, a| opt(private_of(region, a))),
    ("network-border-group", |region, _| one(&region.name)),
    ("domain", |_, _| one("vpc")),
];

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("AllocationId")?;
    let ips = params.list("PublicIp")?;
    let filters = Filters::read(params)?;
    params.finish()?;
    let region = &*site.region;
    kinds::ADDRESS.check(region, &ids)?;
    let known = |ip: &String| {
        region
            .addresses
            .values()
            .any(|a| a.public.to_string() == **ip)
    };
    if let Some(ip) = ips.iter().find(|ip| !known(ip)) {
        return Err(missing_ip(ip));
    }
    let asked = region.addresses.values().filter(|address| {
        (ids.is_empty() && ips.is_empty())
            || ids.contains(&address.id)
            || ips.contains(&address.public.to_string())
    });
    let found = filters.select(region, FACETS, |address| &address.id, asked)?;
    let mut xml = Xml::new();
    xml.list("addressesSet", found, |xml, address| {
        xml.leaf("allocationId", &address.id)
            .leaf("publicIp", address.public)
            .leaf("domain", "vpc")
            .leaf("publicIpv4Pool", "amazon")
            .leaf("networkBorderGroup", &region.name)
            .maybe("associationId", address.association.as_ref())
            .maybe("networkInterfaceId", address.interface.as_ref())
            .maybe(
                "networkInterfaceOwnerId",
                address.interface.as_ref().map(|_| &region.account),
            )
            .maybe("instanceId", instance_of(region, address))
            .maybe("privateIpAddress", private_of(region, address))
            .tags(region.tags_of(&address.id));
    });
    Ok(xml)
}

/// Nobody has given an address a name for reverse look-ups: `ModifyAddressAttribute` is not modelled.
fn describe_attribute(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("AllocationId")?;
    params.choice("Attribute", &["domain-name"])?;
    params.finish()?;
    kinds::ADDRESS.check(site.region, &ids)?;
    let mut xml = Xml::new();
    xml.list("addressSet", std::iter::empty::<()>(), |_, ()| {});
    Ok(xml)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_are_not_given_again_at_once() {
        let mut pool = PublicPool::default();
        let first = pool.take().unwrap();
        assert_eq!(first.to_string(), "203.0.113.10");
        pool.release(first);
        assert_eq!(pool.take().unwrap().to_string(), "203.0.113.11");
        for _ in 0..734 {
            pool.take().unwrap();
        }
        assert_eq!(
            pool.take().err().unwrap().code,
            "InsufficientAddressCapacity"
        );
    }
}
