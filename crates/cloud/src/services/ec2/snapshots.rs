//! Snapshots of volumes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Event;
use super::filters::{Facet, Filters, Page, one, opt};
use super::kinds;
use super::params::Params;
use super::region::{Action, Region, Site, Tags};
use super::tags;
use super::xml::{Xml, stamp};
use crate::api::ApiError;
use crate::hosts::Flavour;

/// The actions on snapshots.
pub const ACTIONS: &[(&str, Action)] = &[
    ("CreateSnapshot", create),
    ("CreateSnapshots", create_several),
    ("CopySnapshot", copy),
    ("DeleteSnapshot", delete),
    ("DescribeSnapshots", describe),
];

/// A snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// `snap-…`.
    pub id: String,
    /// The volume that it was made of.
    pub volume: String,
    /// The volume's size in GiB.
    pub size: u32,
    /// What it is for.
    pub description: String,
    /// The account that owns it.
    pub owner: String,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The operating system on it and its architecture, if it is of a root volume.
    pub system: Option<(Flavour, String)>,
    /// Since when.
    pub started: Timestamp,
    /// When it was complete.
    pub completed: Option<Timestamp>,
    /// How much of it is in S3, in percent.
    #[serde(default)]
    pub percent: u32,
}

impl Snapshot {
    fn status(&self) -> &'static str {
        if self.completed.is_some() {
            "completed"
        } else {
            "pending"
        }
    }

    fn progress(&self) -> String {
        let percent = self.completed.map_or(self.percent, |_| 100);
        format!("{percent}%")
    }
}

impl Site<'_> {
    /// Begins a snapshot of a volume; its id.
    pub fn make_snapshot(
        &mut self,
        volume: &str,
        description: String,
        tags: &Tags,
    ) -> Result<String, ApiError> {
        let volume = Region::find(&self.region.volumes, &kinds::VOLUME, volume)?.clone();
        let id = self.new_id(&kinds::SNAPSHOT);
        let mut earlier = self.region.snapshots.values();
        let first = !earlier.any(|one| one.volume == volume.id && one.completed.is_some());
        self.keep_disk(&volume.id, &id);
        self.region.snapshots.insert(
            id.clone(),
            Snapshot {
                id: id.clone(),
                volume: volume.id,
                size: volume.size,
                description,
                owner: self.region.account.clone(),
                encrypted: volume.encrypted,
                system: volume.system,
                started: self.now,
                completed: None,
                percent: 0,
            },
        );
        self.tag(&id, tags);
        // The first snapshot copies the volume, later ones what has changed since:
        // https://docs.aws.amazon.com/ebs/latest/userguide/how_snapshots_work.html
        let seconds = if first { 20 + volume.size.min(100) } else { 10 } + self.ids.below(10);
        self.plan_snapshot(&id, seconds);
        Ok(id)
    }
}

impl Site<'_> {
    /// Plans how a snapshot comes to its end in `seconds`, tenth by tenth.
    pub fn plan_snapshot(&mut self, id: &str, seconds: u32) {
        for tenth in 1..10 {
            let progress = Event::SnapshotProgress {
                id: id.to_owned(),
                percent: tenth * 10,
            };
            self.plan(seconds * tenth / 10, progress);
        }
        self.plan(seconds, Event::SnapshotDone { id: id.to_owned() });
    }
}

fn create(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let volume = params.need("VolumeId")?;
    let description = params.text("Description")?.unwrap_or_default();
    let tags = tags::specification(params, &kinds::SNAPSHOT)?;
    params.finish()?;
    let id = site.make_snapshot(&volume, description, &tags)?;
    let mut xml = Xml::new();
    show(
        &mut xml,
        site.region,
        Region::find(&site.region.snapshots, &kinds::SNAPSHOT, &id)?,
    );
    Ok(xml)
}

fn create_several(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let (instance, no_root, excluded) = params
        .part("InstanceSpecification", |part| {
            Ok((
                part.need("InstanceId")?,
                part.flag("ExcludeBootVolume")?.unwrap_or(false),
                part.list("ExcludeDataVolumeId")?,
            ))
        })?
        .ok_or_else(|| params.missing("InstanceSpecification"))?;
    let description = params.text("Description")?.unwrap_or_default();
    let with_tags = params.choice("CopyTagsFromSource", &["volume"])?.is_some();
    let tags = tags::specification(params, &kinds::SNAPSHOT)?;
    params.finish()?;
    let instance = site.region.instance(&instance, site.now)?.clone();
    let mut made = Vec::new();
    for (name, device) in &instance.devices {
        if (no_root && *name == instance.root_device) || excluded.contains(&device.volume) {
            continue;
        }
        let mut all = if with_tags {
            site.region
                .tags_of(&device.volume)
                .cloned()
                .unwrap_or_default()
        } else {
            Tags::new()
        };
        all.extend(tags.clone());
        made.push(site.make_snapshot(&device.volume, description.clone(), &all)?);
    }
    let mut xml = Xml::new();
    let snapshots = made.iter().filter_map(|id| site.region.snapshots.get(id));
    xml.list("snapshotSet", snapshots, |xml, snapshot| {
        xml.leaf("snapshotId", &snapshot.id)
            .leaf("volumeId", &snapshot.volume)
            .leaf("volumeSize", snapshot.size)
            .leaf("state", snapshot.status())
            .leaf("progress", snapshot.progress())
            .time("startTime", snapshot.started)
            .leaf("ownerId", &snapshot.owner)
            .leaf("description", &snapshot.description)
            .leaf("encrypted", snapshot.encrypted)
            .tags(site.region.tags_of(&snapshot.id));
    });
    Ok(xml)
}

fn copy(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let source = params.need("SourceSnapshotId")?;
    let from = params.need("SourceRegion")?;
    let description = params.text("Description")?.unwrap_or_default();
    let encrypted = params.flag("Encrypted")?.unwrap_or(false);
    // The SDK adds these two by itself; where the request arrives is the destination.
    let _ = (
        params.text("DestinationRegion")?,
        params.text("PresignedUrl")?,
    );
    let tags = tags::specification(params, &kinds::SNAPSHOT)?;
    params.finish()?;
    other_region(site.region, &from)?;
    let source = Region::find(&site.region.snapshots, &kinds::SNAPSHOT, &source)?.clone();
    let id = site.new_id(&kinds::SNAPSHOT);
    if let Some(disk) = site.disks.get(&source.id).cloned() {
        site.disks.insert(id.clone(), disk);
    }
    site.region.snapshots.insert(
        id.clone(),
        Snapshot {
            id: id.clone(),
            // AWS gives copies a made-up volume id that must not be relied upon.
            volume: "vol-ffffffff".to_owned(),
            description,
            owner: site.region.account.clone(),
            encrypted: encrypted || source.encrypted,
            system: source.system.clone(),
            started: site.now,
            completed: None,
            percent: 0,
            size: source.size,
        },
    );
    site.tag(&id, &tags);
    site.plan_snapshot(&id, 30);
    let mut xml = Xml::new();
    xml.leaf("snapshotId", &id).tags(Some(&tags));
    Ok(xml)
}

/// Refuses another region than this one.
pub fn other_region(region: &Region, from: &str) -> Result<(), ApiError> {
    if from == region.name {
        return Ok(());
    }
    Err(ApiError::not_modelled(format_args!(
        "copying from another region ({from}; this one is {})",
        region.name
    )))
}

/// The image that a snapshot is in.
pub fn image_of<'a>(region: &'a Region, snapshot: &str) -> Option<&'a str> {
    region
        .images
        .values()
        .find(|image| {
            image
                .mappings
                .iter()
                .any(|mapping| mapping.ebs.snapshot.as_deref() == Some(snapshot))
        })
        .map(|image| image.id.as_str())
}

fn delete(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("SnapshotId")?;
    params.finish()?;
    let region = &mut *site.region;
    let snapshot = Region::find(&region.snapshots, &kinds::SNAPSHOT, &id)?;
    if snapshot.owner != region.account {
        return Err(ApiError::new(
            "UnauthorizedOperation",
            "You are not authorized to perform this operation.",
        )
        .with_status(403));
    }
    if let Some(image) = image_of(region, &id) {
        return Err(ApiError::new(
            "InvalidSnapshot.InUse",
            format!("The snapshot {id} is currently in use by {image}"),
        ));
    }
    region.snapshots.remove(&id);
    region.tags.remove(&id);
    Ok(Xml::done())
}

const FACETS: &[Facet<Snapshot>] = &[
    ("snapshot-id", |_, s| one(&s.id)),
    ("volume-id", |_, s| one(&s.volume)),
    ("volume-size", |_, s| one(s.size)),
    ("description", |_, s| one(&s.description)),
    ("encrypted", |_, s| one(s.encrypted)),
    ("owner-id", |_, s| one(&s.owner)),
    ("owner-alias", |region, s| opt(alias(region, s))),
    ("progress", |_, s| one(s.progress())),
    ("start-time", |_, s| one(stamp(s.started))),
    ("status", |_, s| one(s.status())),
    ("storage-tier", |_, _| one("standard")),
];

/// The well-known name of the owner: the alias of the image that the snapshot is in.
fn alias<'a>(region: &'a Region, snapshot: &Snapshot) -> Option<&'a str> {
    let image = region.images.get(image_of(region, &snapshot.id)?)?;
    image.owner_alias.as_deref()
}

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("SnapshotId")?;
    let owners = params.list("Owner")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 1000)?;
    params.finish()?;
    page.not_with("snapshotIds", &ids)?;
    let region = &*site.region;
    kinds::SNAPSHOT.check(region, &ids)?;
    let owned = |snapshot: &Snapshot| {
        owners.is_empty()
            || owners.iter().any(|owner| match owner.as_str() {
                "self" => snapshot.owner == region.account,
                owner => snapshot.owner == owner || alias(region, snapshot) == Some(owner),
            })
    };
    let asked = region
        .snapshots
        .values()
        .filter(|snapshot| (ids.is_empty() || ids.contains(&snapshot.id)) && owned(snapshot));
    let found = filters.select(region, FACETS, |snapshot| &snapshot.id, asked)?;
    let (found, next) = page.cut(found, |snapshot| snapshot.id.clone());
    let mut xml = Xml::new();
    xml.list("snapshotSet", found, |xml, snapshot| {
        show(xml, region, snapshot);
    })
    .maybe("nextToken", next);
    Ok(xml)
}

fn show(xml: &mut Xml, region: &Region, snapshot: &Snapshot) {
    xml.leaf("snapshotId", &snapshot.id)
        .leaf("volumeId", &snapshot.volume)
        .leaf("status", snapshot.status())
        .leaf("progress", snapshot.progress())
        .time("startTime", snapshot.started)
        .maybe("completionTime", snapshot.completed.map(stamp))
        .leaf("ownerId", &snapshot.owner)
        .maybe("ownerAlias", alias(region, snapshot))
        .leaf("description", &snapshot.description)
        .leaf("volumeSize", snapshot.size)
        .leaf("encrypted", snapshot.encrypted)
        .leaf("storageTier", "standard")
        .tags(region.tags_of(&snapshot.id));
}
