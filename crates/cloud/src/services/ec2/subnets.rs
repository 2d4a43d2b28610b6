//! Subnets.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::cidr::Cidr;
use super::filters::{Facet, Filters, Page, one};
use super::kinds;
use super::params::Params;
use super::places;
use super::region::{Action, Region, Site};
use super::xml::Xml;
use crate::api::ApiError;

/// The actions on subnets.
pub const ACTIONS: &[(&str, Action)] = &[
    ("DescribeSubnets", describe),
    ("ModifySubnetAttribute", modify),
];

/// A subnet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subnet {
    /// `subnet-…`.
    pub id: String,
    /// Its network.
    pub vpc: String,
    /// Its addresses.
    pub cidr: Cidr,
    /// Its availability zone, e.g. `us-east-1a`.
    pub zone: String,
    /// Whether it is its zone's default one.
    pub is_default: bool,
    /// Whether instances get a public address unless they say otherwise.
    pub public: bool,
}

impl Region {
    /// The private addresses that are taken in a subnet.
    pub fn private_addresses(&self, subnet: &str) -> BTreeSet<Ipv4Addr> {
        self.interfaces
            .values()
            .filter(|interface| interface.subnet == subnet)
            .flat_map(|interface| interface.private.iter().copied())
            .collect()
    }

    fn free_addresses(&self, subnet: &Subnet) -> usize {
        (subnet.cidr.usable() as usize).saturating_sub(self.private_addresses(&subnet.id).len())
    }
}

const FACETS: &[Facet<Subnet>] = &[
    ("subnet-id", |_, subnet| one(&subnet.id)),
    ("subnet-arn", |region, subnet| {
        one(region.arn(&kinds::SUBNET, &subnet.id))
    }),
    ("vpc-id", |_, subnet| one(&subnet.vpc)),
    ("availability-zone", |_, subnet| one(&subnet.zone)),
    ("availabilityZone", |_, subnet| one(&subnet.zone)),
    ("availability-zone-id", |region, subnet| {
        one(places::zone_id(&region.name, &subnet.zone))
    }),
    ("availabilityZoneId", |region, subnet| {
        one(places::zone_id(&region.name, &subnet.zone))
    }),
    ("available-ip-address-count", |region, subnet| {
        one(region.free_addresses(subnet))
    }),
    ("cidr-block", |_, subnet| one(subnet.cidr)),
    ("cidr", |_, subnet| one(subnet.cidr)),
    ("cidrBlock", |_, subnet| one(subnet.cidr)),
    ("default-for-az", |_, subnet| one(subnet.is_default)),
    ("defaultForAz", |_, subnet| one(subnet.is_default)),
    ("map-public-ip-on-launch", |_, subnet| one(subnet.public)),
    ("owner-id", |region, _| one(&region.account)),
    ("state", |_, _| one("available")),
];

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("SubnetId")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 1000)?;
    params.finish()?;
    let region = &*site.region;
    kinds::SUBNET.check(region, &ids)?;
    let asked = region
        .subnets
        .values()
        .filter(|subnet| ids.is_empty() || ids.contains(&subnet.id));
    let found = filters.select(region, FACETS, |subnet| &subnet.id, asked)?;
    let (found, next) = page.cut(found, |subnet| subnet.id.clone());
    let mut xml = Xml::new();
    xml.list("subnetSet", found, |xml, subnet| {
        xml.leaf("subnetId", &subnet.id)
            .leaf("subnetArn", region.arn(&kinds::SUBNET, &subnet.id))
            .leaf("state", "available")
            .leaf("ownerId", &region.account)
            .leaf("vpcId", &subnet.vpc)
            .leaf("cidrBlock", subnet.cidr)
            .leaf("availableIpAddressCount", region.free_addresses(subnet))
            .leaf("availabilityZone", &subnet.zone)
            .leaf(
                "availabilityZoneId",
                places::zone_id(&region.name, &subnet.zone),
            )
            .leaf("defaultForAz", subnet.is_default)
            .leaf("mapPublicIpOnLaunch", subnet.public)
            .leaf("assignIpv6AddressOnCreation", false)
            .leaf("ipv6Native", false)
            .tags(region.tags_of(&subnet.id));
    })
    .maybe("nextToken", next);
    Ok(xml)
}

fn modify(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("SubnetId")?;
    let public = params
        .part("MapPublicIpOnLaunch", |part| part.flag("Value"))?
        .flatten();
    params.finish()?;
    let subnet = Region::find_mut(&mut site.region.subnets, &kinds::SUBNET, &id)?;
    if let Some(public) = public {
        subnet.public = public;
    }
    Ok(Xml::done())
}
