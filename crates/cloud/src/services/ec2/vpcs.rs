//! Networks.

use serde::{Deserialize, Serialize};

use super::cidr::Cidr;
use super::filters::{Facet, Filters, Page, one};
use super::kinds;
use super::params::Params;
use super::region::{Action, Region, Site};
use super::xml::Xml;
use crate::api::ApiError;

/// The actions on networks.
pub const ACTIONS: &[(&str, Action)] = &[
    ("DescribeVpcs", describe),
    ("DescribeVpcAttribute", describe_attribute),
];

/// A network.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vpc {
    /// `vpc-…`.
    pub id: String,
    /// Its addresses.
    pub cidr: Cidr,
    /// Whether it is the region's default one.
    pub is_default: bool,
    /// The id of its DHCP options.
    pub dhcp_options: String,
    /// The id of the association with its address block.
    pub association: String,
}

const FACETS: &[Facet<Vpc>] = &[
    ("vpc-id", |_, vpc| one(&vpc.id)),
    ("cidr", |_, vpc| one(vpc.cidr)),
    ("cidr-block-association.cidr-block", |_, vpc| one(vpc.cidr)),
    ("cidr-block-association.association-id", |_, vpc| {
        one(&vpc.association)
    }),
    ("cidr-block-association.state", |_, _| one("associated")),
    ("dhcp-options-id", |_, vpc| one(&vpc.dhcp_options)),
    ("is-default", |_, vpc| one(vpc.is_default)),
    ("isDefault", |_, vpc| one(vpc.is_default)),
    ("owner-id", |region, _| one(&region.account)),
    ("state", |_, _| one("available")),
];

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("VpcId")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 1000)?;
    params.finish()?;
    let region = &*site.region;
    kinds::VPC.check(region, &ids)?;
    let asked = region
        .vpcs
        .values()
        .filter(|vpc| ids.is_empty() || ids.contains(&vpc.id));
    let found = filters.select(region, FACETS, |vpc| &vpc.id, asked)?;
    let (found, next) = page.cut(found, |vpc| vpc.id.clone());
    let mut xml = Xml::new();
    xml.list("vpcSet", found, |xml, vpc| one_vpc(xml, region, vpc))
        .maybe("nextToken", next);
    Ok(xml)
}

fn one_vpc(xml: &mut Xml, region: &Region, vpc: &Vpc) {
    xml.leaf("vpcId", &vpc.id)
        .leaf("ownerId", &region.account)
        .leaf("state", "available")
        .leaf("cidrBlock", vpc.cidr)
        .list("cidrBlockAssociationSet", [vpc], |xml, vpc| {
            xml.leaf("associationId", &vpc.association)
                .leaf("cidrBlock", vpc.cidr)
                .node("cidrBlockState", |xml| {
                    xml.leaf("state", "associated");
                });
        })
        .leaf("dhcpOptionsId", &vpc.dhcp_options)
        .leaf("instanceTenancy", "default")
        .leaf("isDefault", vpc.is_default)
        .tags(region.tags_of(&vpc.id));
}

fn describe_attribute(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("VpcId")?;
    let attribute = params.need("Attribute")?;
    params.finish()?;
    let vpc = Region::find(&site.region.vpcs, &kinds::VPC, &id)?;
    let (element, value) = match attribute.as_str() {
        "enableDnsSupport" => ("enableDnsSupport", true),
        // On in default networks only, unless asked for.
        "enableDnsHostnames" => ("enableDnsHostnames", vpc.is_default),
        // Nobody can have switched it on: changing attributes is not modelled.
        "enableNetworkAddressUsageMetrics" => ("enableNetworkAddressUsageMetrics", false),
        other => {
            return Err(ApiError::not_modelled(format_args!(
                "attribute {other} of ec2:DescribeVpcAttribute"
            )));
        }
    };
    let mut xml = Xml::new();
    xml.leaf("vpcId", &id).node(element, |xml| {
        xml.leaf("value", value);
    });
    Ok(xml)
}
