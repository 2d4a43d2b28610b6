//! Volumes: made, described, deleted. Attached and changed in [`super::volume_changes`].

mod describe;
mod wish;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::describe::show_attachment;
use self::describe::{describe, show};
pub use self::wish::{NewVolume, Speed};
use super::Event;
use super::block_devices::Mapping;
use super::instances::{Device, Stage};
use super::kinds;
use super::params::Params;
use super::places;
use super::region::{Action, Region, Site, Tags};
use super::tags;
use super::xml::Xml;
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
