//! Regions and availability zones.

use super::filters::{Facet, Filters, one};
use super::params::Params;
use super::region::{Action, Region, Site};
use super::xml::Xml;
use crate::api::ApiError;

/// The actions on places.
pub const ACTIONS: &[(&str, Action)] = &[
    ("DescribeRegions", describe_regions),
    ("DescribeAvailabilityZones", describe_zones),
];

/// The regions that every account has, with the prefix of their zones' ids
/// (<https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html>).
const REGIONS: &[(&str, &str)] = &[
    ("ap-northeast-1", "apne1"),
    ("ap-northeast-2", "apne2"),
    ("ap-northeast-3", "apne3"),
    ("ap-south-1", "aps1"),
    ("ap-southeast-1", "apse1"),
    ("ap-southeast-2", "apse2"),
    ("ca-central-1", "cac1"),
    ("eu-central-1", "euc1"),
    ("eu-north-1", "eun1"),
    ("eu-west-1", "euw1"),
    ("eu-west-2", "euw2"),
    ("eu-west-3", "euw3"),
    ("sa-east-1", "sae1"),
    ("us-east-1", "use1"),
    ("us-east-2", "use2"),
    ("us-west-1", "usw1"),
    ("us-west-2", "usw2"),
];

/// The letters of the zones that the embedded cloud has in each region.
const ZONES: [char; 3] = ['a', 'b', 'c'];

/// Whether the embedded cloud has `region`.
pub fn is_region(region: &str) -> bool {
    REGIONS.iter().any(|(name, _)| *name == region)
}

/// The id of a zone, e.g. `use1-az1` of `us-east-1a`.
pub fn zone_id(region: &str, zone: &str) -> String {
    let prefix = REGIONS
        .iter()
        .find(|(name, _)| *name == region)
        .map_or(region, |(_, prefix)| prefix);
    let number = ZONES
        .iter()
        .position(|letter| zone.ends_with(*letter))
        .map_or(0, |index| index + 1);
    format!("{prefix}-az{number}")
}

/// The zones of a region.
pub fn zones(region: &str) -> Vec<String> {
    ZONES
        .iter()
        .map(|letter| format!("{region}{letter}"))
        .collect()
}

/// Refuses a zone that the region does not have.
pub fn check_zone(region: &Region, zone: &str) -> Result<(), ApiError> {
    if zones(&region.name).iter().any(|known| known == zone) {
        return Ok(());
    }
    Err(ApiError::new(
        "InvalidParameterValue",
        format!("Invalid availability zone: [{zone}]"),
    ))
}

const REGION_FACETS: &[Facet<String>] = &[
    ("region-name", |_, name| one(name)),
    ("endpoint", |_, name| one(endpoint(name))),
    ("opt-in-status", |_, _| one("opt-in-not-required")),
];

fn endpoint(region: &str) -> String {
    format!("ec2.{region}.amazonaws.com")
}

fn describe_regions(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let names = params.list("RegionName")?;
    // The regions that must be opted into are not modelled, so all of them are the enabled ones.
    let _ = params.flag("AllRegions")?;
    let filters = Filters::read(params)?;
    params.finish()?;
    if let Some(unknown) = names.iter().find(|name| !is_region(name)) {
        return Err(ApiError::new(
            "InvalidParameterValue",
            format!("Invalid region name: {unknown}"),
        ));
    }
    let all: Vec<String> = REGIONS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .filter(|name| names.is_empty() || names.contains(name))
        .collect();
    let found = filters.select(site.region, REGION_FACETS, |name| name, &all)?;
    let mut xml = Xml::new();
    xml.list("regionInfo", found, |xml, name| {
        xml.leaf("regionName", name)
            .leaf("regionEndpoint", endpoint(name))
            .leaf("optInStatus", "opt-in-not-required");
    });
    Ok(xml)
}

const ZONE_FACETS: &[Facet<String>] = &[
    ("zone-name", |_, zone| one(zone)),
    ("zone-id", |region, zone| one(zone_id(&region.name, zone))),
    ("zone-type", |_, _| one("availability-zone")),
    ("region-name", |region, _| one(&region.name)),
    ("state", |_, _| one("available")),
    ("group-name", |region, _| one(group(region))),
    ("group-long-name", |region, _| one(group(region))),
    ("opt-in-status", |_, _| one("opt-in-not-required")),
];

fn group(region: &Region) -> String {
    format!("{}-zg-1", region.name)
}

fn describe_zones(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let names = params.list("ZoneName")?;
    let ids = params.list("ZoneId")?;
    // Local and Wavelength Zones are not modelled, so all zones are the opted-in ones.
    let _ = params.flag("AllAvailabilityZones")?;
    let filters = Filters::read(params)?;
    params.finish()?;
    let region = &*site.region;
    for name in &names {
        check_zone(region, name)?;
    }
    let all = zones(&region.name);
    if let Some(unknown) = ids
        .iter()
        .find(|id| !all.iter().any(|zone| zone_id(&region.name, zone) == **id))
    {
        return Err(ApiError::new(
            "InvalidParameterValue",
            format!("Invalid availability zone-id: [{unknown}]"),
        ));
    }
    let asked = all.iter().filter(|zone| {
        (names.is_empty() || names.contains(zone))
            && (ids.is_empty() || ids.contains(&zone_id(&region.name, zone)))
    });
    let found = filters.select(region, ZONE_FACETS, |zone| zone, asked)?;
    let mut xml = Xml::new();
    xml.list("availabilityZoneInfo", found, |xml, zone| {
        xml.leaf("zoneName", zone)
            .leaf("zoneId", zone_id(&region.name, zone))
            .leaf("zoneState", "available")
            .leaf("zoneType", "availability-zone")
            .leaf("regionName", &region.name)
            .leaf("groupName", group(region))
            .leaf("networkBorderGroup", &region.name)
            .leaf("optInStatus", "opt-in-not-required");
    });
    Ok(xml)
}
