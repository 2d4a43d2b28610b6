//! Volumes attached, detached, made larger and faster, and their status.

use jiff::Timestamp;

use super::Event;
use super::filters::{Facet, Filters, Page, one, opt};
use super::instances::{Device, Stage};
use super::kinds;
use super::params::Params;
use super::places;
use super::region::{Action, Region, Site};
use super::volumes::{Modification, Speed, Volume, show_attachment};
use super::xml::{Xml, stamp};
use crate::api::ApiError;

/// The actions that change volumes.
pub const ACTIONS: &[(&str, Action)] = &[
    ("AttachVolume", attach),
    ("DescribeVolumeStatus", describe_status),
    ("DescribeVolumesModifications", describe_modifications),
    ("DetachVolume", detach),
    ("ModifyVolume", modify),
];

/// How many volumes an instance may have beside its interfaces
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/volume_limits.html>).
const MOST: u32 = 28;

fn attach(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let volume = params.need("VolumeId")?;
    let id = params.need("InstanceId")?;
    let name = params.need("Device")?;
    params.finish()?;
    let region = &*site.region;
    let found = Region::find(&region.volumes, &kinds::VOLUME, &volume)?;
    let instance = region.instance(&id, site.now)?;
    if let Some((other, ..)) = region.attached(&volume) {
        return Err(ApiError::new(
            "VolumeInUse",
            format!("{volume} is already attached to an instance ({other})"),
        ));
    }
    if found.creating {
        return Err(ApiError::new(
            "IncorrectState",
            format!("Volume '{volume}' is not in the 'available' state."),
        ));
    }
    if name == instance.root_device {
        return Err(ApiError::not_modelled(format_args!(
            "another root volume for instance '{id}'"
        )));
    }
    if found.zone != instance.zone {
        return Err(ApiError::new(
            "InvalidVolume.ZoneMismatch",
            format!(
                "The volume '{volume}' is not in the same availability zone as instance '{id}'"
            ),
        ));
    }
    if !matches!(instance.stage, Stage::Running | Stage::Stopped) {
        return Err(ApiError::new(
            "IncorrectState",
            format!("Instance '{id}' is not 'running'."),
        ));
    }
    if instance.devices.contains_key(&name) {
        return Err(ApiError::new(
            "InvalidParameterValue",
            format!(
                "Invalid value '{name}' for unixDevice. Attachment point {name} is already in use"
            ),
        ));
    }
    let interfaces = u32::try_from(region.interfaces_of(&id).len()).unwrap_or(u32::MAX);
    let volumes = u32::try_from(instance.devices.len()).unwrap_or(u32::MAX);
    if volumes.saturating_add(interfaces) >= MOST {
        return Err(ApiError::new(
            "AttachmentLimitExceeded",
            format!("Instance {id} has the maximum number of volumes attached"),
        ));
    }
    let device = Device {
        volume,
        delete_on_termination: false,
        since: site.now,
    };
    let mut xml = Xml::new();
    show_attachment(&mut xml, &id, &name, &device, "attaching");
    let instance = Region::find_mut(&mut site.region.instances, &kinds::INSTANCE, &id)?;
    instance.devices.insert(name, device);
    Ok(xml)
}

fn detach(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let volume = params.need("VolumeId")?;
    let wanted_instance = params.text("InstanceId")?;
    let wanted_device = params.text("Device")?;
    // Forced or not, an embedded volume lets go at once.
    let _ = params.flag("Force")?;
    params.finish()?;
    let region = &*site.region;
    Region::find(&region.volumes, &kinds::VOLUME, &volume)?;
    let Some((instance, name, device, stage)) =
        region
            .attached(&volume)
            .map(|(instance, name, device, stage)| {
                (instance.to_owned(), name.to_owned(), device.clone(), stage)
            })
    else {
        return Err(ApiError::new(
            "IncorrectState",
            format!("Volume '{volume}' is in the 'available' state."),
        ));
    };
    if wanted_instance.is_some_and(|wanted| wanted != instance)
        || wanted_device.is_some_and(|wanted| wanted != name)
    {
        return Err(ApiError::new(
            "InvalidAttachment.NotFound",
            format!(
                "The volume '{volume}' is not attached as is said: it is {name} of '{instance}'"
            ),
        ));
    }
    let root = region
        .instances
        .get(&instance)
        .is_some_and(|instance| instance.root_device == name);
    if root && stage != Stage::Stopped {
        return Err(ApiError::new(
            "OperationNotPermitted",
            format!("Unable to detach root volume '{volume}' from instance '{instance}'"),
        ));
    }
    if root {
        site.keep_disk(&volume, &volume);
    }
    if let Some(instance) = site.region.instances.get_mut(&instance) {
        instance.devices.remove(&name);
    }
    let mut xml = Xml::new();
    show_attachment(&mut xml, &instance, &name, &device, "detaching");
    Ok(xml)
}

fn speed(volume: &Volume) -> Speed {
    Speed {
        size: volume.size,
        volume_type: volume.volume_type.clone(),
        iops: volume.iops,
        throughput: volume.throughput,
    }
}

fn modify(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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

fn state(modification: &Modification) -> &'static str {
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

fn of(volume: &Volume) -> Option<&Modification> {
    volume.modification.as_ref()
}

fn started(modification: &Modification) -> Timestamp {
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

fn describe_modifications(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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

fn status(volume: &Volume) -> &'static str {
    if volume.creating {
        "insufficient-data"
    } else {
        "ok"
    }
}

fn describe_status(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::{Asked, text};

    #[test]
    fn a_volume_is_attached_grown_and_deleted() {
        let mut ec2 = Asked::new();
        let instance = ec2.run(&[]);
        ec2.wait(20);
        let made = ec2.ok(
            "CreateVolume",
            &[
                ("AvailabilityZone", "us-east-1a"),
                ("Size", "10"),
                ("VolumeType", "gp3"),
            ],
        );
        let volume = text(&made, "volumeId")[0].clone();
        let on = [
            ("VolumeId", volume.as_str()),
            ("InstanceId", &instance),
            ("Device", "/dev/sdf"),
        ];
        assert_eq!(
            ec2.fails("AttachVolume", &on),
            format!("IncorrectState: Volume '{volume}' is not in the 'available' state.")
        );
        ec2.wait(10);
        ec2.ok("AttachVolume", &on);
        assert!(ec2.fails("AttachVolume", &on).starts_with("VolumeInUse: "));
        assert!(
            ec2.fails("DeleteVolume", &[("VolumeId", &volume)])
                .starts_with("VolumeInUse: ")
        );
        ec2.ok("ModifyVolume", &[("VolumeId", &volume), ("Size", "20")]);
        assert!(
            ec2.fails("ModifyVolume", &[("VolumeId", &volume), ("Size", "30")])
                .starts_with("VolumeModificationRateExceeded: ")
        );
        ec2.wait(61);
        let seen = ec2.ok("DescribeVolumesModifications", &[("VolumeId.1", &volume)]);
        assert_eq!(text(&seen, "modificationState"), ["completed"]);
        assert_eq!(text(&seen, "targetSize"), ["20"]);
        ec2.ok("DetachVolume", &[("VolumeId", &volume)]);
        ec2.ok("DeleteVolume", &[("VolumeId", &volume)]);
        assert_eq!(
            ec2.fails("DescribeVolumes", &[("VolumeId.1", &volume)]),
            format!("InvalidVolume.NotFound: The volume '{volume}' does not exist.")
        );
    }

    #[test]
    fn the_zone_must_be_the_same() {
        let mut ec2 = Asked::new();
        let instance = ec2.run(&[]);
        let made = ec2.ok(
            "CreateVolume",
            &[("AvailabilityZone", "us-east-1b"), ("Size", "1")],
        );
        let volume = text(&made, "volumeId")[0].clone();
        ec2.wait(20);
        let on = [
            ("VolumeId", volume.as_str()),
            ("InstanceId", &instance),
            ("Device", "/dev/sdf"),
        ];
        assert!(
            ec2.fails("AttachVolume", &on)
                .starts_with("InvalidVolume.ZoneMismatch: ")
        );
    }
}
