//! Route tables.

use serde::{Deserialize, Serialize};

use super::cidr::Cidr;
use super::filters::{Facet, Filters, Page, many, one, opt};
use super::kinds;
use super::params::Params;
use super::region::{Action, Site};
use super::xml::Xml;
use crate::api::ApiError;

/// The actions on route tables.
pub const ACTIONS: &[(&str, Action)] = &[("DescribeRouteTables", describe)];

/// A route table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RouteTable {
    /// `rtb-…`.
    pub id: String,
    /// Its network.
    pub vpc: String,
    /// The association by which it is the network's main one.
    pub main: Option<String>,
    /// Its routes: where to, and through which gateway (`local` for the network itself).
    pub routes: Vec<(Cidr, String)>,
}

/// How a route came to be: the local one with its table, others by a call.
fn origin(gateway: &str) -> &'static str {
    if gateway == "local" {
        "CreateRouteTable"
    } else {
        "CreateRoute"
    }
}

const FACETS: &[Facet<RouteTable>] = &[
    ("route-table-id", |_, table| one(&table.id)),
    ("vpc-id", |_, table| one(&table.vpc)),
    ("owner-id", |region, _| one(&region.account)),
    ("association.main", |_, table| one(table.main.is_some())),
    ("association.route-table-association-id", |_, table| {
        opt(table.main.as_ref())
    }),
    ("association.route-table-id", |_, table| {
        opt(table.main.as_ref().map(|_| &table.id))
    }),
    // Subnets follow the main table: none is associated by itself.
    ("association.subnet-id", |_, _| Vec::new()),
    ("route.destination-cidr-block", |_, table| {
        many(table.routes.iter().map(|(to, _)| to))
    }),
    ("route.gateway-id", |_, table| {
        many(table.routes.iter().map(|(_, gateway)| gateway))
    }),
    ("route.origin", |_, table| {
        many(table.routes.iter().map(|(_, gateway)| origin(gateway)))
    }),
    ("route.state", |_, table| {
        many(table.routes.iter().map(|_| "active"))
    }),
];

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("RouteTableId")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 100)?;
    params.finish()?;
    let region = &*site.region;
    kinds::ROUTE_TABLE.check(region, &ids)?;
    let asked = region
        .route_tables
        .values()
        .filter(|table| ids.is_empty() || ids.contains(&table.id));
    let found = filters.select(region, FACETS, |table| &table.id, asked)?;
    let (found, next) = page.cut(found, |table| table.id.clone());
    let mut xml = Xml::new();
    xml.list("routeTableSet", found, |xml, table| {
        xml.leaf("routeTableId", &table.id)
            .leaf("vpcId", &table.vpc)
            .leaf("ownerId", &region.account)
            .list("associationSet", table.main.as_ref(), |xml, association| {
                xml.leaf("main", true)
                    .leaf("routeTableAssociationId", association)
                    .leaf("routeTableId", &table.id)
                    .node("associationState", |xml| {
                        xml.leaf("state", "associated");
                    });
            })
            .list("routeSet", &table.routes, |xml, (to, gateway)| {
                xml.leaf("destinationCidrBlock", to)
                    .leaf("gatewayId", gateway)
                    .leaf("origin", origin(gateway))
                    .leaf("state", "active");
            })
            .tags(region.tags_of(&table.id));
    })
    .maybe("nextToken", next);
    Ok(xml)
}
