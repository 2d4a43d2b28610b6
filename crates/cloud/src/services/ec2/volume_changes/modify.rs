//! Volumes made larger and faster.

use jiff::Timestamp;

use super::super::Event;
use super::super::filters::{Facet, Filters, Page, one, opt};
use super::super::kinds;
use super::super::params::Params;
use super::super::region::{Region, Site};
use super::super::volumes::{Modification, Speed, Volume};
use super::super::xml::{Xml, stamp};
use crate::api::ApiError;

pub(super) fn speed(volume: &Volume) -> Speed {
    Speed {
        size: volume.size,
        volume_type: volume.volume_type.clone(),
        iops: volume.iops,
        throughput: volume.throughput,
    }
}

pub(super) fn modify(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("VolumeId")?;
    let gibs = params.number::<u32>("Size")?;
    let volume_type = params.text("VolumeType")?;
    let iops = params.number::<u32>("Iops")?;
    let mibs = params.number::<u32>("Throughput")?;
    if params.flag("MultiAttachEnabled")?.unwrap_or(false) {
        return Err(ApiError::not_modelled("MultiAttachEnabled=true"));
    }
    params.finish()?;
    let now = site.now;
    let volume = Region::find_mut(&mut site.region.volumes, &kinds::VOLUME, &id)?;
    if volume.creating {
        return Err(ApiError::new(
            "IncorrectState",
            format!("Volume '{id}' is in the 'creating' state."),
        ));
    }
    if let Some(last) = &volume.modification {
        let soon = now.duration_since(last.started).as_hours() < 6;
        if last.ended.is_none() || soon {
            return Err(ApiError::new(
                "VolumeModificationRateExceeded",
                format!(
                    "You've reached the maximum modification rate per volume limit. Wait at least 6 hours between modifications per EBS volume ({id})."
                ),
            ));
        }
    }
    let before = speed(volume);
    if let Some(size) = gibs.filter(|size| *size < before.size) {
        return Err(ApiError::new(
            "InvalidParameterValue",
            format!(
                "New size cannot be smaller than existing size: {size} GiB is less than {} GiB",
                before.size
            ),
        ));
    }
    // What is not said stays, unless the type changes and it belongs to the old one.
    let same = volume_type
        .as_ref()
        .is_none_or(|new| *new == before.volume_type);
    let provisioned = matches!(before.volume_type.as_str(), "gp3" | "io1" | "io2");
    let kept = |old: Option<u32>| old.filter(|_| same && provisioned);
    let after = Speed::new(
        volume_type.as_deref().unwrap_or(&before.volume_type),
        gibs.unwrap_or(before.size),
        iops.or(kept(before.iops)),
        mibs.or(kept(before.throughput)),
    )?;
    volume.size = after.size;
    volume.volume_type.clone_from(&after.volume_type);
    volume.iops = after.iops;
    volume.throughput = after.throughput;
    volume.modification = Some(Modification {
        before,
        after,
        started: now,
        ended: None,
    });
    let volume = volume.clone();
    site.plan(60, Event::VolumeModified { id: id.clone() });
    let mut xml = Xml::new();
    if let Some(modification) = &volume.modification {
        xml.node("volumeModification", |xml| {
            show_modification(xml, &id, modification);
        });
    }
    Ok(xml)
}

pub(super) fn state(modification: &Modification) -> &'static str {
    if modification.ended.is_some() {
        "completed"
    } else {
        "modifying"
    }
}

fn show_modification(xml: &mut Xml, id: &str, modification: &Modification) {
    let (before, after) = (&modification.before, &modification.after);
    xml.leaf("volumeId", id)
        .leaf("modificationState", state(modification))
        .leaf("targetSize", after.size)
        .leaf("targetVolumeType", &after.volume_type)
        .maybe("targetIops", after.iops)
        .maybe("targetThroughput", after.throughput)
        .leaf("originalSize", before.size)
        .leaf("originalVolumeType", &before.volume_type)
        .maybe("originalIops", before.iops)
        .maybe("originalThroughput", before.throughput)
        .leaf(
            "progress",
            if modification.ended.is_some() { 100 } else { 0 },
        )
        .time("startTime", modification.started)
        .maybe("endTime", modification.ended.map(stamp));
}

pub(super) fn of(volume: &Volume) -> Option<&Modification> {
    volume.modification.as_ref()
}

pub(super) fn started(modification: &Modification) -> Timestamp {
    modification.started
}

const MODIFICATION_FACETS: &[Facet<Volume>] = &[
    ("volume-id", |_, v| one(&v.id)),
    ("modification-state", |_, v| opt(of(v).map(state))),
    ("original-iops", |_, v| {
        opt(of(v).and_then(|m| m.before.iops))
    }),
    ("original-size", |_, v| opt(of(v).map(|m| m.before.size))),
    ("original-volume-type", |_, v| {
        opt(of(v).map(|m| &m.before.volume_type))
    }),
    ("start-time", |_, v| opt(of(v).map(started).map(stamp))),
    ("target-iops", |_, v| opt(of(v).and_then(|m| m.after.iops))),
    ("target-size", |_, v| opt(of(v).map(|m| m.after.size))),
    ("target-volume-type", |_, v| {
        opt(of(v).map(|m| &m.after.volume_type))
    }),
];

pub(super) fn describe_modifications(
    site: &mut Site<'_>,
    params: &mut Params,
) -> Result<Xml, ApiError> {
    let ids = params.list("VolumeId")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 1, 500)?;
    params.finish()?;
    let region = &*site.region;
    kinds::VOLUME.check(region, &ids)?;
    if let Some(id) = ids.iter().find(|id| {
        region
            .volumes
            .get(*id)
            .is_some_and(|v| v.modification.is_none())
    }) {
        return Err(ApiError::new(
            "InvalidVolumeModification.NotFound",
            format!("Modification for volume '{id}' does not exist."),
        ));
    }
    let asked = region.volumes.values().filter(|volume| {
        volume.modification.is_some() && (ids.is_empty() || ids.contains(&volume.id))
    });
    let found = filters.select(region, MODIFICATION_FACETS, |volume| &volume.id, asked)?;
    let (found, next) = page.cut(found, |volume| volume.id.clone());
    let mut xml = Xml::new();
    xml.list("volumeModificationSet", found, |xml, volume| {
        if let Some(modification) = of(volume) {
            show_modification(xml, &volume.id, modification);
        }
    })
    .maybe("nextToken", next);
    Ok(xml)
}
