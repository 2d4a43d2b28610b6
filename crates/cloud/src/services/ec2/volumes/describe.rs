//! How volumes are shown.

use super::super::filters::{Facet, Filters, Page, many, one, opt};
use super::super::instances::{Device, Stage};
use super::super::kinds;
use super::super::params::Params;
use super::super::places;
use super::super::region::{Region, Site};
use super::super::xml::{Xml, stamp};
use super::Volume;
use crate::api::ApiError;

pub(super) const FACETS: &[Facet<Volume>] = &[
    ("volume-id", |_, v| one(&v.id)),
    ("availability-zone", |_, v| one(&v.zone)),
    ("availability-zone-id", |region, v| {
        one(places::zone_id(&region.name, &v.zone))
    }),
    ("create-time", |_, v| one(stamp(v.created))),
    ("encrypted", |_, v| one(v.encrypted)),
    ("fast-restored", |_, _| one(false)),
    ("multi-attach-enabled", |_, _| one(false)),
    ("size", |_, v| one(v.size)),
    ("snapshot-id", |_, v| opt(v.snapshot.as_ref())),
    ("status", |region, v| one(region.volume_status(v))),
    ("volume-type", |_, v| one(&v.volume_type)),
    ("attachment.attach-time", |region, v| {
        opt(region
            .attached(&v.id)
            .map(|(_, _, device, _)| stamp(device.since)))
    }),
    ("attachment.delete-on-termination", |region, v| {
        opt(region
            .attached(&v.id)
            .map(|(_, _, device, _)| device.delete_on_termination))
    }),
    ("attachment.device", |region, v| {
        opt(region.attached(&v.id).map(|(_, name, ..)| name))
    }),
    ("attachment.instance-id", |region, v| {
        opt(region.attached(&v.id).map(|(instance, ..)| instance))
    }),
    ("attachment.status", |region, v| {
        many(region.attached(&v.id).map(|(.., stage)| status(stage)))
    }),
];

pub(super) fn status(stage: Stage) -> &'static str {
    if stage == Stage::Pending {
        "attaching"
    } else {
        "attached"
    }
}

pub(super) fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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
    let found = filters.select(region, FACETS, |volume| &volume.id, asked)?;
    let (found, next) = page.cut(found, |volume| volume.id.clone());
    let mut xml = Xml::new();
    xml.list("volumeSet", found, |xml, volume| show(xml, region, volume))
        .maybe("nextToken", next);
    Ok(xml)
}

pub(super) fn show(xml: &mut Xml, region: &Region, volume: &Volume) {
    xml.leaf("volumeId", &volume.id)
        .leaf("size", volume.size)
        .leaf("snapshotId", volume.snapshot.as_deref().unwrap_or(""))
        .leaf("availabilityZone", &volume.zone)
        .leaf(
            "availabilityZoneId",
            places::zone_id(&region.name, &volume.zone),
        )
        .leaf("status", region.volume_status(volume))
        .time("createTime", volume.created)
        .leaf("volumeType", &volume.volume_type)
        .maybe("iops", volume.iops)
        .maybe("throughput", volume.throughput)
        .leaf("encrypted", volume.encrypted)
        .leaf("multiAttachEnabled", false)
        .list("attachmentSet", region.attached(&volume.id), |xml, on| {
            let (instance, name, device, stage) = on;
            show_attachment(xml, instance, name, device, status(stage));
        })
        .tags(region.tags_of(&volume.id));
}

/// A volume on an instance.
pub fn show_attachment(xml: &mut Xml, instance: &str, name: &str, device: &Device, status: &str) {
    xml.leaf("volumeId", &device.volume)
        .leaf("instanceId", instance)
        .leaf("device", name)
        .leaf("status", status)
        .time("attachTime", device.since)
        .leaf("deleteOnTermination", device.delete_on_termination);
}
