//! Whether volumes are well.

use super::super::filters::{Facet, Filters, Page, one};
use super::super::kinds;
use super::super::params::Params;
use super::super::places;
use super::super::region::Site;
use super::super::volumes::Volume;
use super::super::xml::Xml;
use crate::api::ApiError;

const STATUS_FACETS: &[Facet<Volume>] = &[
    ("availability-zone", |_, v| one(&v.zone)),
    ("availability-zone-id", |region, v| {
        one(places::zone_id(&region.name, &v.zone))
    }),
    ("volume-status.status", |_, v| one(status(v))),
    ("volume-status.details-name", |_, _| {
        vec!["io-enabled".to_owned(), "io-performance".to_owned()]
    }),
    ("volume-status.details-status", |_, v| {
        one(if v.creating {
            "insufficient-data"
        } else {
            "passed"
        })
    }),
];

pub(super) fn status(volume: &Volume) -> &'static str {
    if volume.creating {
        "insufficient-data"
    } else {
        "ok"
    }
}

pub(super) fn describe_status(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("VolumeId")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 1000)?;
    params.finish()?;
    page.not_with("volumesSet", &ids)?;
    let region = &*site.region;
    kinds::VOLUME.check(region, &ids)?;
    let asked = region
        .volumes
        .values()
        .filter(|volume| ids.is_empty() || ids.contains(&volume.id));
    let found = filters.select(region, STATUS_FACETS, |volume| &volume.id, asked)?;
    let (found, next) = page.cut(found, |volume| volume.id.clone());
    let mut xml = Xml::new();
    xml.list("volumeStatusSet", found, |xml, volume| {
        xml.leaf("volumeId", &volume.id)
            .leaf("availabilityZone", &volume.zone)
            .leaf(
                "availabilityZoneId",
                places::zone_id(&region.name, &volume.zone),
            )
            .node("volumeStatus", |xml| {
                xml.leaf("status", status(volume));
            });
    })
    .maybe("nextToken", next);
    Ok(xml)
}
