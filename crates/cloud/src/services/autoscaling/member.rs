//! A group's instances, and the actions on single ones.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::activity::{self, Activity};
use super::group::{Group, Template};
use super::{life, page, stamp, validation};
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::state;

/// Where a member is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Being launched.
    Pending,
    /// At work.
    InService,
    /// Deregistered; its requests are still ending, until then.
    Draining(Timestamp),
    /// Being terminated.
    Terminating,
}

/// An instance of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The instance.
    pub id: String,
    /// Its type.
    pub instance_type: String,
    /// Its zone.
    pub zone: String,
    /// Its subnet.
    pub subnet: String,
    /// The template's id, name and version that it was launched from.
    pub template: (String, String, u64),
    /// Where it is in its life.
    pub stage: Stage,
    /// Whether somebody said that it is unhealthy, and why.
    pub unhealthy: Option<String>,
    /// Whether it is kept when the group shrinks.
    pub protected: bool,
    /// Since when there is one.
    pub launched: Timestamp,
    /// Since when it is at work.
    pub in_service: Option<Timestamp>,
    /// The activity that is under way for it.
    pub activity: String,
}

impl Member {
    /// Whether it is on its way out.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        matches!(self.stage, Stage::Draining(_) | Stage::Terminating)
    }

    /// Whether it is at work.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.stage == Stage::InService
    }

    /// As the API shows it, with its group's name in `DescribeAutoScalingInstances`.
    #[must_use]
    pub fn document(&self, with_group: bool, group: &str) -> Document {
        let (id, name, version) = &self.template;
        let stage = match self.stage {
            Stage::Pending => "Pending",
            Stage::InService => "InService",
            Stage::Draining(_) | Stage::Terminating => "Terminating",
        };
        let well = self.unhealthy.is_none();
        // The two actions spell health differently.
        let health = match (well, with_group) {
            (true, false) => "Healthy",
            (true, true) => "HEALTHY",
            (false, false) => "Unhealthy",
            (false, true) => "UNHEALTHY",
        };
        Document::fields([
            ("InstanceId", some(&self.id)),
            ("InstanceType", some(&self.instance_type)),
            ("AutoScalingGroupName", with_group.then(|| group.into())),
            ("AvailabilityZone", some(&self.zone)),
            ("LifecycleState", some(stage)),
            ("HealthStatus", some(health)),
            (
                "LaunchTemplate",
                Some(Document::fields([
                    ("LaunchTemplateId", some(id)),
                    ("LaunchTemplateName", some(name)),
                    ("Version", some(version.to_string())),
                ])),
            ),
            ("ProtectedFromScaleIn", some(self.protected)),
        ])
    }

    /// Whether it was launched from the version that is meant now.
    #[must_use]
    pub fn is_current(&self, cloud: &state::State, template: &Template) -> bool {
        template
            .resolve(cloud)
            .is_ok_and(|now| now.id == self.template.0 && now.version == self.template.2)
    }

    /// Whether its metrics count already.
    #[must_use]
    pub fn is_warm(&self, now: Timestamp, warmup: i64) -> bool {
        self.in_service
            .is_some_and(|since| now >= since + SignedDuration::from_secs(warmup))
    }
}

/// The parameters of `DescribeAutoScalingInstances`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Describe {
    #[serde(default)]
    instance_ids: Vec<String>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

/// The instances of all groups, or these.
///
/// # Errors
/// A token that no answer gave.
pub fn describe(cloud: &mut state::State, input: Describe) -> Result<Document, ApiError> {
    let found: Vec<Document> = cloud
        .autoscaling
        .groups
        .values()
        .flat_map(|group| group.members.values().map(move |member| (group, member)))
        .filter(|(_, member)| {
            input.instance_ids.is_empty() || input.instance_ids.contains(&member.id)
        })
        .map(|(group, member)| member.document(true, &group.name))
        .collect();
    let (found, token) = page(found, input.next_token.as_deref(), input.max_records)?;
    Ok(Document::fields([
        ("AutoScalingInstances", Some(Document::List(found))),
        ("NextToken", maybe(token.as_ref())),
    ]))
}

fn group_of(cloud: &state::State, id: &str) -> Result<Group, ApiError> {
    cloud
        .autoscaling
        .groups
        .values()
        .find(|group| group.members.contains_key(id))
        .cloned()
        .ok_or_else(|| {
            validation(format_args!(
                "Instance Id not found - No managed instance found for instance ID: {id}"
            ))
        })
}

/// The parameters of `TerminateInstanceInAutoScalingGroup`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Terminate {
    instance_id: String,
    should_decrement_desired_capacity: bool,
}

/// Terminates an instance, which is replaced unless the capacity shrinks with it.
///
/// # Errors
/// No group has it; the capacity cannot shrink below its minimum.
pub fn terminate(cloud: &mut state::State, input: Terminate) -> Result<Document, ApiError> {
    let group = group_of(cloud, &input.instance_id)?;
    let shrink = input.should_decrement_desired_capacity;
    if shrink && group.limits.desired <= group.limits.min {
        return Err(validation(format_args!(
            "Currently, desiredSize equals minSize ({}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.",
            group.limits.min
        )));
    }
    if shrink && let Some(group) = cloud.autoscaling.groups.get_mut(&group.name) {
        group.limits.desired -= 1;
    }
    let cause = format!(
        "At {} instance {} was taken out of service in response to a user request{}.",
        stamp(cloud.now),
        input.instance_id,
        if shrink {
            ", shrinking the capacity"
        } else {
            ""
        }
    );
    let id = life::retire(cloud, &group.name, &input.instance_id, cause, false);
    life::plan(cloud, &group.name, life::SOON);
    let activity = activity::get(cloud, &id).map(Activity::document);
    Ok(Document::fields([("Activity", activity)]))
}

/// The parameters of `SetInstanceHealth`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SetHealth {
    instance_id: String,
    health_status: String,
    should_respect_grace_period: Option<bool>,
}

/// Says that an instance is healthy or not; who is not is replaced.
///
/// # Errors
/// No group has it; a status that is none.
pub fn set_health(cloud: &mut state::State, input: SetHealth) -> Result<Document, ApiError> {
    let group = group_of(cloud, &input.instance_id)?;
    let unhealthy = match input.health_status.as_str() {
        "Healthy" => None,
        "Unhealthy" => Some("a user health-check".to_owned()),
        other => {
            return Err(validation(format_args!(
                "Valid instance health states are: [Healthy, Unhealthy], not '{other}'"
            )));
        }
    };
    let now = cloud.now;
    let grace = SignedDuration::from_secs(group.care.grace);
    let found = cloud
        .autoscaling
        .groups
        .get_mut(&group.name)
        .and_then(|group| group.members.get_mut(&input.instance_id));
    if let Some(member) = found {
        let spared = input.should_respect_grace_period != Some(false)
            && member.in_service.is_none_or(|since| now < since + grace);
        if unhealthy.is_none() || !spared {
            member.unhealthy = unhealthy;
        }
    }
    life::plan(cloud, &group.name, life::SOON);
    Ok(Document::empty())
}
