//! EC2: instances and what they stand on.
//!
//! Every action is our own; what is not modelled — an action, a parameter, a filter — is refused by
//! name. Each file is one kind of resource with a table of its actions (`ACTIONS`), of what it can be
//! filtered by (`FACETS`), and its rules. An action that fails changes nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::addresses::PublicPool;
use self::instances::boot;
use self::params::Params;
use self::region::{Action, Region, Site};
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::hosts::Image as Disk;
use crate::state::State as Cloud;

mod addresses;
mod block_devices;
mod cidr;
mod facade;
mod filters;
mod furnish;
mod gateways;
mod groups;
mod image_making;
mod images;
mod instance_types;
mod instances;
mod interfaces;
mod key_pairs;
mod kinds;
mod launch_data;
mod launch_templates;
mod network_facts;
mod outlook;
mod params;
mod places;
mod region;
mod route_tables;
mod rules;
mod snapshots;
mod subnets;
mod tags;
mod volume_changes;
mod volumes;
mod vpcs;
mod xml;

pub use self::facade::{Facts, Reach, facts, instance_at, launch, reachable, terminate};
pub use self::instances::Stage;
pub use self::instances::launch::LaunchSpec;
pub use self::launch_data::{InterfaceWish, LaunchData, MetadataWish, Profile};
pub use self::launch_templates::TemplateRef;
pub use self::network_facts::{
    Place, Template, connect, default_group, default_subnet, disconnect, group_vpc, has_vpc,
    lets_through, place, regroup, template,
};
pub use self::outlook::{called, snapshots_since, stages};

/// What there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    region: Region,
    public: PublicPool,
    /// What is on snapshots, and on volumes that were let go, if a machine has written on them.
    disks: BTreeMap<String, Disk>,
}

/// What happens later. `change` is the instance's count of changes when it was planned: if it has
/// changed since, the event no longer means anything.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// A pending instance is running.
    Running {
        /// The instance.
        id: String,
        /// Its count of changes.
        change: u64,
    },
    /// The machine of a stopping or ending instance is switched off.
    PowerOff {
        /// The instance.
        id: String,
        /// Its count of changes.
        change: u64,
    },
    /// A running instance is rebooted.
    Reboot {
        /// The instance.
        id: String,
        /// Its count of changes.
        change: u64,
    },
    /// A stopping instance is stopped.
    Stopped {
        /// The instance.
        id: String,
        /// Its count of changes.
        change: u64,
    },
    /// An instance that is shutting down is terminated.
    Terminated {
        /// The instance.
        id: String,
        /// Its count of changes.
        change: u64,
    },
    /// A terminated instance is no longer shown.
    Gone {
        /// The instance.
        id: String,
        /// Its count of changes.
        change: u64,
    },
    /// A new volume is available.
    VolumeReady {
        /// The volume.
        id: String,
    },
    /// A volume has its new size and speed.
    VolumeModified {
        /// The volume.
        id: String,
    },
    /// A new image can be launched.
    ImageDone {
        /// The image.
        id: String,
    },
    /// More of a snapshot is in S3.
    SnapshotProgress {
        /// The snapshot.
        id: String,
        /// How much of it.
        percent: u32,
    },
    /// A snapshot is complete.
    SnapshotDone {
        /// The snapshot.
        id: String,
    },
}

/// The actions, file by file.
const TABLES: &[&[(&str, Action)]] = &[
    addresses::ACTIONS,
    gateways::ACTIONS,
    groups::ACTIONS,
    image_making::ACTIONS,
    images::ACTIONS,
    instance_types::ACTIONS,
    instances::attributes::ACTIONS,
    instances::credits::ACTIONS,
    instances::describe::ACTIONS,
    instances::life::ACTIONS,
    instances::profiles::ACTIONS,
    instances::run::ACTIONS,
    instances::status::ACTIONS,
    interfaces::ACTIONS,
    key_pairs::ACTIONS,
    launch_templates::ACTIONS,
    places::ACTIONS,
    route_tables::ACTIONS,
    rules::ACTIONS,
    snapshots::ACTIONS,
    subnets::ACTIONS,
    tags::ACTIONS,
    volume_changes::ACTIONS,
    volumes::ACTIONS,
    vpcs::ACTIONS,
];

fn action(name: &str) -> Option<Action> {
    TABLES
        .iter()
        .flat_map(|table| table.iter())
        .find(|(known, _)| *known == name)
        .map(|(_, action)| *action)
}

/// The part of the cloud that actions work on.
fn site(cloud: &mut Cloud) -> Site<'_> {
    Site {
        region: &mut cloud.ec2.region,
        public: &mut cloud.ec2.public,
        hosts: &mut cloud.hosts,
        disks: &mut cloud.ec2.disks,
        iam: &cloud.iam,
        ids: &mut cloud.ids,
        events: &mut cloud.events,
        now: cloud.now,
    }
}

/// Does something that changes nothing if it fails.
fn whole<T>(
    cloud: &mut Cloud,
    change: impl FnOnce(&mut Site<'_>) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let before = (
        cloud.ec2.region.clone(),
        cloud.ec2.public.clone(),
        cloud.ids.clone(),
        cloud.events.clone(),
    );
    let result = change(&mut site(cloud));
    if result.is_err() {
        (cloud.ec2.region, cloud.ec2.public, cloud.ids, cloud.events) = before;
    }
    boot::refresh(cloud);
    result
}

/// Answers a request.
///
/// # Errors
/// The service's own refusals.
pub fn handle(cloud: &mut Cloud, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    let name = request.action.as_str();
    let Some(action) = action(name) else {
        return Err(ApiError::not_modelled(format_args!("ec2:{name}")));
    };
    if request.region != cloud.ec2.region.name {
        return Err(ApiError::not_modelled(format_args!(
            "region {} (this cloud has {})",
            request.region, cloud.ec2.region.name
        )));
    }
    let mut params = Params::new(name, &request.params);
    let dry = params.flag("DryRun")?.unwrap_or(false);
    let mut answer = |site: &mut Site<'_>| {
        let xml = action(site, &mut params)?;
        // Every action takes all of its parameters before it changes anything; this is the proof.
        params.finish()?;
        if dry {
            return Err(ApiError::new(
                "DryRunOperation",
                "Request would have succeeded, but DryRun flag is set.",
            )
            .with_status(412));
        }
        Ok(xml)
    };
    let reads = name.starts_with("Describe") || name.starts_with("Get");
    let xml = if reads && !dry {
        answer(&mut site(cloud))?
    } else {
        let xml = whole(cloud, answer)?;
        // What happens at once, like switching a machine off, has happened when the caller hears of it.
        cloud.advance(cloud.now);
        xml
    };
    Ok(request.xml(xml.into_inside()))
}

/// Lets a planned event happen.
pub fn happen(cloud: &mut Cloud, event: Event) {
    let count = |cloud: &Cloud, id: &str| {
        cloud
            .ec2
            .region
            .instances
            .get(id)
            .map(|instance| instance.changes)
    };
    match event {
        Event::Running { id, change } if count(cloud, &id) == Some(change) => {
            boot::running(cloud, &id);
        }
        Event::PowerOff { id, change } if count(cloud, &id) == Some(change) => {
            cloud.hosts.stop(&id, cloud.now);
        }
        Event::Reboot { id, change } if count(cloud, &id) == Some(change) => {
            cloud.hosts.reboot(&id, cloud.now);
        }
        Event::Stopped { id, change } if count(cloud, &id) == Some(change) => site(cloud).halt(&id),
        Event::Terminated { id, change } if count(cloud, &id) == Some(change) => {
            site(cloud).bury(&id);
            cloud.hosts.terminate(&id);
        }
        Event::Gone { id, change } if count(cloud, &id) == Some(change) => site(cloud).forget(&id),
        Event::VolumeReady { id } => {
            if let Some(volume) = cloud.ec2.region.volumes.get_mut(&id) {
                volume.creating = false;
            }
        }
        Event::VolumeModified { id } => {
            let now = cloud.now;
            let volume = cloud.ec2.region.volumes.get_mut(&id);
            if let Some(modification) = volume.and_then(|volume| volume.modification.as_mut()) {
                modification.ended = Some(now);
            }
        }
        Event::ImageDone { id } => {
            if let Some(image) = cloud.ec2.region.images.get_mut(&id) {
                image.state = images::ImageState::Available;
            }
        }
        Event::SnapshotProgress { id, percent } => {
            if let Some(snapshot) = cloud.ec2.region.snapshots.get_mut(&id) {
                snapshot.percent = percent;
            }
        }
        Event::SnapshotDone { id } => {
            let now = cloud.now;
            if let Some(snapshot) = cloud.ec2.region.snapshots.get_mut(&id) {
                snapshot.completed = Some(now);
            }
        }
        // The instance has changed since: what was planned for it no longer happens.
        _ => {}
    }
}

/// Furnishes a new account: default VPC, subnets, security group, images.
pub fn furnish(cloud: &mut Cloud) {
    cloud.ec2.region = furnish::region(&cloud.region, &cloud.account, &mut cloud.ids, cloud.now);
}

/// New instances cannot be found by their id for so many seconds; 0 at first.
pub fn set_lag(cloud: &mut Cloud, seconds: u32) {
    cloud.ec2.region.lag_seconds = seconds;
}

#[cfg(test)]
mod tests;
