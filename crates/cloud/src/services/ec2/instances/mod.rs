//! Instances: what one is. Asked for in [`run`], launched in [`launch`], shown in [`describe`],
//! brought from stage to stage in [`life`] and [`stages`], changed in [`attributes`] and [`profiles`], watched in [`status`];
//! its machine is switched and told in [`boot`].

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::interfaces::Interface;
use super::kinds;
use super::region::Region;
use crate::api::ApiError;
use crate::hosts::Flavour;

pub mod attributes;
pub mod boot;
pub mod credits;
pub mod describe;
pub mod facets;
pub mod launch;
pub mod life;
pub mod profiles;
pub mod run;
pub mod stages;
pub mod status;

/// Where an instance is in its life
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Being started.
    Pending,
    /// Started.
    Running,
    /// Being removed.
    ShuttingDown,
    /// Removed, and shown for an hour.
    Terminated,
    /// Being stopped.
    Stopping,
    /// Stopped.
    Stopped,
}

impl Stage {
    /// The name that the API gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    /// The number that the API gives it.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }

    /// Whether it is on its way out or gone.
    #[must_use]
    pub fn ended(self) -> bool {
        matches!(self, Self::ShuttingDown | Self::Terminated)
    }
}

/// An instance.
#[allow(clippy::struct_excessive_bools, clippy::struct_field_names)] // the API's attributes and words
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Instance {
    /// `i-…`.
    pub id: String,
    /// The launch that it was in, `r-…`.
    pub reservation: String,
    /// Its number in that launch, from 0.
    pub launch_index: u32,
    /// Its image.
    pub image: String,
    /// E.g. `t3.nano`.
    pub instance_type: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// What is on its image.
    pub flavour: Flavour,
    /// Its key pair's name.
    pub key_name: Option<String>,
    /// Its key pair's public half, as it was when it was launched.
    pub public_key: Option<String>,
    /// When it was launched, or last started.
    pub launched: Timestamp,
    /// When it was made.
    pub created: Timestamp,
    /// Since when it is running.
    pub running_since: Option<Timestamp>,
    /// Its availability zone.
    pub zone: String,
    /// Its subnet.
    pub subnet: String,
    /// Its network.
    pub vpc: String,
    /// Where it is in its life.
    pub stage: Stage,
    /// How many times it changed its stage: what was planned for an earlier count no longer happens.
    pub changes: u64,
    /// Why it is in its stage: code and sentence.
    pub reason: Option<(String, String)>,
    /// Why and when it was last brought to another stage.
    pub transition: String,
    /// Whether there are metrics every minute.
    pub monitored: bool,
    /// The token of its launch.
    pub client_token: Option<String>,
    /// What cloud-init runs, in base64.
    pub user_data: Option<String>,
    /// Its instance profile: ARN and id.
    pub profile: Option<(String, String)>,
    /// How its metadata is read.
    pub metadata: Metadata,
    /// E.g. `/dev/xvda`.
    pub root_device: String,
    /// Whether it has its own throughput for disks.
    pub ebs_optimized: bool,
    /// Whether it cannot be terminated by the API.
    pub no_termination: bool,
    /// Whether it cannot be stopped by the API.
    pub no_stop: bool,
    /// `stop` or `terminate`, when it shuts itself down.
    pub shutdown: String,
    /// `standard` or `unlimited`, for types that burst.
    pub credit: Option<String>,
    /// Its disks, by device.
    pub devices: BTreeMap<String, Device>,
}

/// How an instance's metadata is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// `optional` or `required`: whether a token is needed.
    pub tokens: String,
    /// How far an answer travels.
    pub hop_limit: u32,
    /// `enabled` or `disabled`.
    pub endpoint: String,
    /// Whether tags can be read.
    pub tags: String,
}

/// A volume on an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// `vol-…`.
    pub volume: String,
    /// Whether it goes with the instance.
    pub delete_on_termination: bool,
    /// Since when.
    pub since: Timestamp,
}

impl Region {
    /// An instance that can be found already, by id.
    pub fn instance(&self, id: &str, now: Timestamp) -> Result<&Instance, ApiError> {
        self.instances
            .get(id)
            .filter(|instance| self.visible(instance, now))
            .ok_or_else(|| kinds::INSTANCE.not_found(id))
    }

    /// Whether a new instance can be found already.
    pub fn visible(&self, instance: &Instance, now: Timestamp) -> bool {
        now.duration_since(instance.created).as_secs() >= i64::from(self.lag_seconds)
    }

    /// Refuses unless all of `ids` can be found, naming those that cannot.
    pub fn check_instances(&self, ids: &[String], now: Timestamp) -> Result<(), ApiError> {
        let missing: Vec<&str> = ids
            .iter()
            .filter(|id| self.instance(id, now).is_err())
            .map(String::as_str)
            .collect();
        match missing[..] {
            [] => Ok(()),
            [id] => Err(kinds::INSTANCE.not_found(id)),
            _ => {
                if let Some(bad) = missing.iter().find(|id| !kinds::INSTANCE.well_formed(id)) {
                    return Err(kinds::INSTANCE.not_found(bad));
                }
                Err(ApiError::new(
                    kinds::INSTANCE.missing,
                    format!("The instance IDs '{}' do not exist", missing.join(", ")),
                ))
            }
        }
    }

    /// The public address of an instance.
    pub fn instance_public(&self, id: &str) -> Option<Ipv4Addr> {
        self.public_address(self.primary_interface(id)?)
    }

    /// The private address of an instance.
    pub fn instance_private(&self, id: &str) -> Option<Ipv4Addr> {
        self.primary_interface(id).map(Interface::address)
    }
}
