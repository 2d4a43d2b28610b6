//! Images made, copied, registered, changed and removed.

mod attributes;

use self::attributes::{deregister, describe_attribute, modify_attribute};
use super::Event;
use super::block_devices::{self, Ebs, Mapping};
use super::images::{Image, ImageState};
use super::instances::Stage;
use super::kinds;
use super::params::Params;
use super::region::{Action, Region, Site, Tags};
use super::snapshots::other_region;
use super::tags;
use super::xml::Xml;
use crate::api::ApiError;

/// The actions that make and change images.
pub const ACTIONS: &[(&str, Action)] = &[
    ("CopyImage", copy),
    ("CreateImage", create),
    ("DeregisterImage", deregister),
    ("DescribeImageAttribute", describe_attribute),
    ("ModifyImageAttribute", modify_attribute),
    ("RegisterImage", register),
];

fn check_name(region: &Region, name: &str) -> Result<(), ApiError> {
    let allowed = |char: char| char.is_ascii_alphanumeric() || "()[] ./-'@_".contains(char);
    if !(3..=128).contains(&name.len()) || !name.chars().all(allowed) {
        return Err(ApiError::new(
            "InvalidAMIName.Malformed",
            format!(
                "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_': {name}"
            ),
        ));
    }
    let same = |image: &&Image| image.owner == region.account && image.name == name;
    if let Some(image) = region.images.values().find(same) {
        return Err(ApiError::new(
            "InvalidAMIName.Duplicate",
            format!("AMI name {name} is already in use by AMI {}", image.id),
        ));
    }
    Ok(())
}

/// Adds an image of the account's own; its id.
fn add(site: &mut Site<'_>, image: Image, tags: &Tags) -> String {
    let id = site.new_id(&kinds::IMAGE);
    let pending = image.state == ImageState::Pending;
    site.region.images.insert(
        id.clone(),
        Image {
            id: id.clone(),
            ..image
        },
    );
    site.tag(&id, tags);
    if pending {
        let seconds = 60 + site.ids.below(30);
        site.plan(seconds, Event::ImageDone { id: id.clone() });
    }
    id
}

fn answer(id: &str) -> Xml {
    let mut xml = Xml::new();
    xml.leaf("imageId", id);
    xml
}

fn create(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let instance = params.need("InstanceId")?;
    let name = params.need("Name")?;
    let description = params.text("Description")?.unwrap_or_default();
    let running = params.flag("NoReboot")?.unwrap_or(false);
    let changes = block_devices::read(params)?;
    let specifications = tags::specifications(params, &[&kinds::IMAGE, &kinds::SNAPSHOT])?;
    params.finish()?;
    check_name(site.region, &name)?;
    let instance = site.region.instance(&instance, site.now)?.clone();
    if !matches!(instance.stage, Stage::Running | Stage::Stopped) {
        return Err(ApiError::new(
            "IncorrectState",
            format!("Instance '{}' is not 'running' or 'stopped'.", instance.id),
        ));
    }
    let base = site.region.image(&instance.image)?.clone();
    let mut mappings = Vec::new();
    for (name, device) in &instance.devices {
        let change = changes.iter().find(|change| change.device == *name);
        if change.is_some_and(|change| change.none) {
            continue;
        }
        let snapshot = site.make_snapshot(
            &device.volume,
            format!("Created by CreateImage({})", instance.id),
            &tags::of_kind(&specifications, &kinds::SNAPSHOT),
        )?;
        let volume = Region::find(&site.region.volumes, &kinds::VOLUME, &device.volume)?;
        mappings.push(Mapping {
            device: name.clone(),
            none: false,
            ebs: Ebs {
                snapshot: Some(snapshot),
                size: Some(volume.size),
                volume_type: Some(volume.volume_type.clone()),
                iops: volume.iops.filter(|_| volume.volume_type != "gp2"),
                throughput: volume.throughput,
                encrypted: Some(volume.encrypted),
                delete_on_termination: Some(device.delete_on_termination),
            },
        });
    }
    let mappings = block_devices::merge(mappings, changes);
    let id = add(
        site,
        Image {
            name,
            description,
            state: ImageState::Pending,
            created: site.now,
            root_device: instance.root_device.clone(),
            mappings: mappings
                .into_iter()
                .filter(|mapping| !mapping.none)
                .collect(),
            source: Some(instance.id.clone()),
            ..own(site.region, &base)
        },
        &tags::of_kind(&specifications, &kinds::IMAGE),
    );
    if !running && instance.stage == Stage::Running {
        let change = instance.changes;
        site.plan(
            0,
            Event::Reboot {
                id: instance.id,
                change,
            },
        );
    }
    Ok(answer(&id))
}

/// An image of the account's own with the insides of another.
fn own(region: &Region, base: &Image) -> Image {
    Image {
        owner: region.account.clone(),
        owner_alias: None,
        public: false,
        users: Vec::new(),
        deprecated: None,
        ssm_parameter: None,
        source: None,
        ..base.clone()
    }
}

fn copy(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let token = params
        .text("ClientToken")?
        .filter(|token| !token.is_empty());
    let asked = format!("{params:?}");
    let source = params.need("SourceImageId")?;
    let from = params.need("SourceRegion")?;
    let name = params.need("Name")?;
    let description = params.text("Description")?;
    let encrypted = params.flag("Encrypted")?.unwrap_or(false);
    let with_tags = params.flag("CopyImageTags")?.unwrap_or(false);
    let specifications = tags::specifications(params, &[&kinds::IMAGE, &kinds::SNAPSHOT])?;
    params.finish()?;
    other_region(site.region, &from)?;
    let before = site.made_before(token.as_deref(), &asked, "IdempotentParameterMismatch")?;
    if let Some(id) = before {
        return Ok(answer(&id));
    }
    check_name(site.region, &name)?;
    let base = site.region.image(&source)?.clone();
    let mut mappings = base.mappings.clone();
    for mapping in &mut mappings {
        if let Some(old) = mapping.ebs.snapshot.clone() {
            let snapshot = Region::find(&site.region.snapshots, &kinds::SNAPSHOT, &old)?.clone();
            let id = site.new_id(&kinds::SNAPSHOT);
            mapping.ebs.snapshot = Some(id.clone());
            mapping.ebs.encrypted = Some(encrypted || snapshot.encrypted);
            site.tag(&id, &tags::of_kind(&specifications, &kinds::SNAPSHOT));
            site.plan_snapshot(&id, 45);
            if let Some(disk) = site.disks.get(&old).cloned() {
                site.disks.insert(id.clone(), disk);
            }
            site.region.snapshots.insert(
                id.clone(),
                super::snapshots::Snapshot {
                    id,
                    volume: "vol-ffffffff".to_owned(),
                    description: format!("Copied for CopyImage from {source}"),
                    owner: site.region.account.clone(),
                    encrypted: encrypted || snapshot.encrypted,
                    system: snapshot.system,
                    started: site.now,
                    completed: None,
                    percent: 0,
                    size: snapshot.size,
                },
            );
        }
    }
    let mut tags = if with_tags {
        site.region.tags_of(&source).cloned().unwrap_or_default()
    } else {
        Tags::new()
    };
    tags.extend(tags::of_kind(&specifications, &kinds::IMAGE));
    let image = Image {
        name,
        description: description.unwrap_or_else(|| base.description.clone()),
        state: ImageState::Pending,
        created: site.now,
        mappings,
        ..own(site.region, &base)
    };
    let id = add(site, image, &tags);
    site.remember(token.as_deref(), asked, &id);
    Ok(answer(&id))
}

fn register(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let name = params.need("Name")?;
    let description = params.text("Description")?.unwrap_or_default();
    let architecture = params
        .choice("Architecture", &["x86_64", "arm64"])?
        .unwrap_or_else(|| "x86_64".to_owned());
    let root_device = params.need("RootDeviceName")?;
    let imds = params.choice("ImdsSupport", &["v2.0"])?;
    params.choice("VirtualizationType", &["hvm"])?;
    // All that there is supports ENA.
    let _ = params.flag("EnaSupport")?;
    let mappings = block_devices::read(params)?;
    let tags = tags::specification(params, &kinds::IMAGE)?;
    params.finish()?;
    check_name(site.region, &name)?;
    let root = mappings
        .iter()
        .find(|mapping| mapping.device == root_device)
        .and_then(|mapping| mapping.ebs.snapshot.as_ref())
        .ok_or_else(|| {
            ApiError::new(
                "InvalidBlockDeviceMapping",
                format!("The root device {root_device} needs a snapshot"),
            )
        })?;
    let snapshot = Region::find(&site.region.snapshots, &kinds::SNAPSHOT, root)?;
    if snapshot.completed.is_none() {
        return Err(ApiError::new(
            "InvalidSnapshot.NotFound",
            format!("The snapshot '{root}' is not in the 'completed' state."),
        ));
    }
    // As with AWS, nobody looks whether what is registered can boot.
    let flavour = snapshot
        .system
        .as_ref()
        .filter(|(_, built)| *built == architecture)
        .map(|(flavour, _)| *flavour);
    let image = Image {
        id: String::new(),
        name,
        description,
        owner: site.region.account.clone(),
        owner_alias: None,
        architecture,
        public: false,
        users: Vec::new(),
        state: ImageState::Available,
        created: site.now,
        deprecated: None,
        root_device,
        mappings,
        imds_v2: imds.is_some(),
        flavour,
        source: None,
        ssm_parameter: None,
    };
    let id = add(site, image, &tags);
    Ok(answer(&id))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::{Asked, text};

    #[test]
    fn an_image_of_an_instance_keeps_its_snapshot_until_it_goes() {
        let mut ec2 = Asked::new();
        let instance = ec2.run(&[]);
        ec2.wait(20);
        let made = ec2.ok(
            "CreateImage",
            &[("InstanceId", &instance), ("Name", "golden")],
        );
        let image = text(&made, "imageId")[0].clone();
        let launch = [
            ("ImageId", image.as_str()),
            ("InstanceType", "t3.nano"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
        ];
        assert!(
            ec2.fails("RunInstances", &launch)
                .starts_with("InvalidAMIID.Unavailable: ")
        );
        ec2.wait(120);
        let seen = ec2.ok("DescribeImages", &[("Owner.1", "self")]);
        assert_eq!(text(&seen, "imageState"), ["available"]);
        let snapshot = text(&seen, "snapshotId")[0].clone();
        assert_eq!(
            ec2.fails("DeleteSnapshot", &[("SnapshotId", &snapshot)]),
            format!(
                "InvalidSnapshot.InUse: The snapshot {snapshot} is currently in use by {image}"
            )
        );
        ec2.ok("RunInstances", &launch);
        assert!(
            ec2.fails(
                "CreateImage",
                &[("InstanceId", &instance), ("Name", "golden")]
            )
            .starts_with("InvalidAMIName.Duplicate: ")
        );
        ec2.ok("DeregisterImage", &[("ImageId", &image)]);
        ec2.ok("DeleteSnapshot", &[("SnapshotId", &snapshot)]);
    }

    #[test]
    fn an_image_of_a_snapshot_boots_what_its_volume_began_as() {
        let mut ec2 = Asked::new();
        ec2.run(&[]);
        ec2.wait(20);
        let volume = text(&ec2.ok("DescribeVolumes", &[]), "volumeId")[0].clone();
        let made = ec2.ok("CreateSnapshot", &[("VolumeId", &volume)]);
        let snapshot = text(&made, "snapshotId")[0].clone();
        ec2.wait(60);
        let made = ec2.ok(
            "RegisterImage",
            &[
                ("Name", "from-snapshot"),
                ("RootDeviceName", "/dev/xvda"),
                ("BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
                ("BlockDeviceMapping.1.Ebs.SnapshotId", &snapshot),
            ],
        );
        let image = text(&made, "imageId")[0].clone();
        ec2.ok(
            "RunInstances",
            &[
                ("ImageId", &image),
                ("InstanceType", "t3.nano"),
                ("MinCount", "1"),
                ("MaxCount", "1"),
            ],
        );
    }

    #[test]
    fn an_image_of_an_empty_disk_is_registered_and_not_launched() {
        let mut ec2 = Asked::new();
        let zone = ("AvailabilityZone", "us-east-1a");
        let made = ec2.ok("CreateVolume", &[zone, ("Size", "8")]);
        let volume = text(&made, "volumeId")[0].clone();
        let made = ec2.ok("CreateSnapshot", &[("VolumeId", &volume)]);
        let snapshot = text(&made, "snapshotId")[0].clone();
        ec2.wait(60);
        let made = ec2.ok(
            "RegisterImage",
            &[
                ("Name", "empty"),
                ("RootDeviceName", "/dev/xvda"),
                ("BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
                ("BlockDeviceMapping.1.Ebs.SnapshotId", &snapshot),
            ],
        );
        let image = text(&made, "imageId")[0].clone();
        let launch = [
            ("ImageId", image.as_str()),
            ("InstanceType", "t3.nano"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
        ];
        assert_eq!(
            ec2.fails("RunInstances", &launch),
            format!(
                "NotModelled: not modelled by the embedded cloud: an instance of image {image}, on which there is no operating system"
            )
        );
    }

    #[test]
    fn images_of_others_cannot_be_removed() {
        let mut ec2 = Asked::new();
        let error = ec2.fails(
            "DeregisterImage",
            &[("ImageId", crate::furnish::AL2023_X86_64)],
        );
        assert!(error.starts_with("AuthFailure: "), "{error}");
    }
}
