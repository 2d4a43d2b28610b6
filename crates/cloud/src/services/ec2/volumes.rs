//! Volumes: made, described, deleted. Attached and changed in [`super::volume_changes`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Event;
use super::block_devices::Mapping;
use super::filters::{Facet, Filters, Page, many, one, opt};
use super::instances::{Device, Stage};
use super::kinds;
use super::params::Params;
use super::places;
use super::region::{Action, Region, Site, Tags};
use super::tags;
use super::xml::{Xml, stamp};
use crate::api::ApiError;
use crate::hosts::Flavour;

/// The actions on volumes.
pub const ACTIONS: &[(&str, Action)] = &[
    ("CreateVolume", create),
    ("DeleteVolume", delete),
    ("DescribeVolumes", describe),
];

/// A volume.
#[allow(clippy::struct_field_names)] // `type` is a word of Rust
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Volume {
    /// `vol-…`.
    pub id: String,
    /// Its availability zone.
    pub zone: String,
    /// In GiB.
    pub size: u32,
    /// E.g. `gp3`.
    pub volume_type: String,
    /// Operations a second.
    pub iops: Option<u32>,
    /// MiB a second.
    pub throughput: Option<u32>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The snapshot that it began as.
    pub snapshot: Option<String>,
    /// The operating system on it and its architecture, if there is one.
    pub system: Option<(Flavour, String)>,
    /// Since when.
    pub created: Timestamp,
    /// Whether it is still being made.
    pub creating: bool,
    /// The last change of its size or speed.
    pub modification: Option<Modification>,
}

/// A change of a volume's size or speed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Modification {
    /// Size, type, operations and throughput before.
    pub before: Speed,
    /// And after.
    pub after: Speed,
    /// Since when.
    pub started: Timestamp,
    /// When it was complete.
    pub ended: Option<Timestamp>,
}

/// What a modification changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speed {
    /// In GiB.
    pub size: u32,
    /// E.g. `gp3`.
    pub volume_type: String,
    /// Operations a second.
    pub iops: Option<u32>,
    /// MiB a second.
    pub throughput: Option<u32>,
}

/// What a volume is to be like, checked.
#[derive(Debug, Clone)]
pub struct NewVolume {
    /// Size and speed.
    pub speed: Speed,
    /// The snapshot that it begins as.
    pub snapshot: Option<String>,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

/// A type of volume with the smallest and the largest size in GiB
/// (<https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html>).
const TYPES: &[(&str, u32, u32)] = &[
    ("gp2", 1, 16_384),
    ("gp3", 1, 65_536),
    ("io1", 4, 16_384),
    ("io2", 4, 65_536),
    ("st1", 125, 16_384),
    ("sc1", 125, 16_384),
    ("standard", 1, 1024),
];

fn invalid(message: String) -> ApiError {
    ApiError::new("InvalidParameterValue", message)
}

impl Speed {
    /// Checks size and speed, and adds the type's own where nothing is said.
    pub fn new(
        volume_type: &str,
        size: u32,
        iops: Option<u32>,
        throughput: Option<u32>,
    ) -> Result<Self, ApiError> {
        let Some((_, least, most)) = TYPES.iter().find(|(name, ..)| *name == volume_type) else {
            return Err(ApiError::new(
                "UnknownVolumeType",
                format!("Unsupported volume type '{volume_type}' for volume creation."),
            ));
        };
        if !(*least..=*most).contains(&size) {
            return Err(invalid(format!(
                "Volume of {size}GiB is invalid for type {volume_type}; must be between {least}GiB and {most}GiB"
            )));
        }
        let provisioned = matches!(volume_type, "io1" | "io2" | "gp3");
        if iops.is_some() && !provisioned {
            return Err(ApiError::new(
                "InvalidParameterCombination",
                format!("The parameter iops is not supported for {volume_type} volumes."),
            ));
        }
        if throughput.is_some() && volume_type != "gp3" {
            return Err(ApiError::new(
                "InvalidParameterCombination",
                format!("The parameter throughput is not supported for {volume_type} volumes."),
            ));
        }
        let iops = match volume_type {
            "gp3" => Some(iops.unwrap_or(3000)),
            "io1" | "io2" => Some(iops.ok_or_else(|| {
                ApiError::new(
                    "MissingParameter",
                    format!("The parameter iops must be specified for {volume_type} volumes."),
                )
            })?),
            // Three a GiB, at least 100, at most 16 000.
            "gp2" => Some((size * 3).clamp(100, 16_000)),
            _ => None,
        };
        let range = match volume_type {
            "gp3" => Some(3000..=80_000),
            "io1" => Some(100..=64_000),
            "io2" => Some(100..=256_000),
            _ => None,
        };
        if let (Some(iops), Some(range)) = (iops, range)
            && !range.contains(&iops)
        {
            return Err(invalid(format!(
                "Volume iops of {iops} is invalid; must be between {} and {}.",
                range.start(),
                range.end()
            )));
        }
        let throughput = (volume_type == "gp3").then(|| throughput.unwrap_or(125));
        if let Some(throughput) = throughput.filter(|mib| !(125..=2000).contains(mib)) {
            return Err(invalid(format!(
                "Volume throughput of {throughput} is invalid; must be between 125 and 2000."
            )));
        }
        Ok(Self {
            size,
            volume_type: volume_type.to_owned(),
            iops,
            throughput,
        })
    }
}

impl NewVolume {
    /// The volume of a device of an instance.
    pub fn of(region: &Region, mapping: &Mapping) -> Result<Self, ApiError> {
        let ebs = &mapping.ebs;
        let snapshot = ebs.snapshot.as_ref();
        let snapshot = snapshot
            .map(|id| Region::find(&region.snapshots, &kinds::SNAPSHOT, id))
            .transpose()?;
        let size = ebs.size.or(snapshot.map(|snapshot| snapshot.size));
        let Some(size) = size else {
            return Err(ApiError::new(
                "InvalidBlockDeviceMapping",
                format!(
                    "The device '{}' needs a volume size or a snapshot",
                    mapping.device
                ),
            ));
        };
        if let Some(snapshot) = snapshot.filter(|snapshot| snapshot.size > size) {
            return Err(ApiError::new(
                "InvalidBlockDeviceMapping",
                format!(
                    "Volume of size {size}GB is smaller than snapshot '{}', expect size>= {}GB",
                    snapshot.id, snapshot.size
                ),
            ));
        }
        let encrypted = ebs.encrypted.unwrap_or(false);
        if let Some(snapshot) = snapshot.filter(|snapshot| snapshot.encrypted)
            && ebs.encrypted == Some(false)
        {
            return Err(ApiError::new(
                "InvalidParameterDependency",
                format!(
                    "The volume of the encrypted snapshot '{}' cannot be unencrypted",
                    snapshot.id
                ),
            ));
        }
        Ok(Self {
            speed: Speed::new(
                ebs.volume_type.as_deref().unwrap_or("gp2"),
                size,
                ebs.iops,
                ebs.throughput,
            )?,
            snapshot: ebs.snapshot.clone(),
            encrypted: encrypted || snapshot.is_some_and(|snapshot| snapshot.encrypted),
        })
    }
}

impl Region {
    /// The instance and the device that a volume is on.
    pub fn attached(&self, volume: &str) -> Option<(&str, &str, &Device, Stage)> {
        self.instances.values().find_map(|instance| {
            instance
                .devices
                .iter()
                .find(|(_, device)| device.volume == volume)
                .map(|(name, device)| (instance.id.as_str(), name.as_str(), device, instance.stage))
        })
    }

    fn volume_status(&self, volume: &Volume) -> &'static str {
        if volume.creating {
            "creating"
        } else if self.attached(&volume.id).is_some() {
            "in-use"
        } else {
            "available"
        }
    }
}

impl Site<'_> {
    /// Makes a volume that is there at once; its id.
    pub fn make_volume(&mut self, wanted: &NewVolume, zone: &str, tags: &Tags) -> String {
        let id = self.new_id(&kinds::VOLUME);
        let began = wanted.snapshot.as_ref();
        let system = began
            .and_then(|began| self.region.snapshots.get(began))
            .and_then(|began| began.system.clone());
        self.region.volumes.insert(
            id.clone(),
            Volume {
                id: id.clone(),
                zone: zone.to_owned(),
                size: wanted.speed.size,
                volume_type: wanted.speed.volume_type.clone(),
                iops: wanted.speed.iops,
                throughput: wanted.speed.throughput,
                encrypted: wanted.encrypted,
                snapshot: wanted.snapshot.clone(),
                system,
                created: self.now,
                creating: false,
                modification: None,
            },
        );
        self.tag(&id, tags);
        id
    }
}

fn create(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let token = params
        .text("ClientToken")?
        .filter(|token| !token.is_empty());
    let asked = format!("{params:?}");
    let zone = params.need("AvailabilityZone")?;
    let mut mapping = Mapping::default();
    mapping.ebs.size = params.number("Size")?;
    mapping.ebs.snapshot = params.text("SnapshotId")?;
    mapping.ebs.volume_type = params.text("VolumeType")?;
    mapping.ebs.iops = params.number("Iops")?;
    mapping.ebs.throughput = params.number("Throughput")?;
    mapping.ebs.encrypted = params.flag("Encrypted")?;
    if params.flag("MultiAttachEnabled")?.unwrap_or(false) {
        return Err(ApiError::not_modelled("MultiAttachEnabled=true"));
    }
    let tags = tags::specification(params, &kinds::VOLUME)?;
    params.finish()?;
    if mapping.ebs.size.is_none() && mapping.ebs.snapshot.is_none() {
        return Err(ApiError::new(
            "MissingParameter",
            "The request must contain the parameter size/snapshot",
        ));
    }
    places::check_zone(site.region, &zone).map_err(|_| {
        ApiError::new(
            "InvalidZone.NotFound",
            format!("The zone '{zone}' does not exist."),
        )
    })?;
    let before = site.made_before(token.as_deref(), &asked, "IdempotentParameterMismatch")?;
    let id = if let Some(id) = before {
        id
    } else {
        let wanted = NewVolume::of(site.region, &mapping)?;
        let id = site.make_volume(&wanted, &zone, &tags);
        if let Some(volume) = site.region.volumes.get_mut(&id) {
            volume.creating = true;
        }
        let seconds = 2 + site.ids.below(4);
        site.plan(seconds, Event::VolumeReady { id: id.clone() });
        site.remember(token.as_deref(), asked, &id);
        id
    };
    let mut xml = Xml::new();
    show(
        &mut xml,
        site.region,
        Region::find(&site.region.volumes, &kinds::VOLUME, &id)?,
    );
    Ok(xml)
}

fn delete(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("VolumeId")?;
    params.finish()?;
    let region = &mut *site.region;
    Region::find(&region.volumes, &kinds::VOLUME, &id)?;
    if let Some((instance, ..)) = region.attached(&id) {
        return Err(ApiError::new(
            "VolumeInUse",
            format!("Volume {id} is currently attached to {instance}"),
        ));
    }
    region.volumes.remove(&id);
    region.tags.remove(&id);
    Ok(Xml::done())
}

const FACETS: &[Facet<Volume>] = &[
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

fn status(stage: Stage) -> &'static str {
    if stage == Stage::Pending {
        "attaching"
    } else {
        "attached"
    }
}

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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

fn show(xml: &mut Xml, region: &Region, volume: &Volume) {
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
