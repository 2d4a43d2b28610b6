//! Internet gateways.

use serde::{Deserialize, Serialize};

use super::filters::{Facet, Filters, Page, one, opt};
use super::kinds;
use super::params::Params;
use super::region::{Action, Site};
use super::xml::Xml;
use crate::api::ApiError;

/// The actions on internet gateways.
pub const ACTIONS: &[(&str, Action)] = &[("DescribeInternetGateways", describe)];

/// An internet gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InternetGateway {
    /// `igw-…`.
    pub id: String,
    /// The network that it is attached to.
    pub vpc: Option<String>,
}

const FACETS: &[Facet<InternetGateway>] = &[
    ("internet-gateway-id", |_, gateway| one(&gateway.id)),
    ("attachment.vpc-id", |_, gateway| opt(gateway.vpc.as_ref())),
    ("attachment.state", |_, gateway| {
        opt(gateway.vpc.as_ref().map(|_| "available"))
    }),
    ("owner-id", |region, _| one(&region.account)),
];

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("InternetGatewayId")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 1000)?;
    params.finish()?;
    let region = &*site.region;
    kinds::INTERNET_GATEWAY.check(region, &ids)?;
    let asked = region
        .gateways
        .values()
        .filter(|gateway| ids.is_empty() || ids.contains(&gateway.id));
    let found = filters.select(region, FACETS, |gateway| &gateway.id, asked)?;
    let (found, next) = page.cut(found, |gateway| gateway.id.clone());
    let mut xml = Xml::new();
    xml.list("internetGatewaySet", found, |xml, gateway| {
        xml.leaf("internetGatewayId", &gateway.id)
            .leaf("ownerId", &region.account)
            .list("attachmentSet", gateway.vpc.as_ref(), |xml, vpc| {
                xml.leaf("vpcId", vpc).leaf("state", "available");
            })
            .tags(region.tags_of(&gateway.id));
    })
    .maybe("nextToken", next);
    Ok(xml)
}
