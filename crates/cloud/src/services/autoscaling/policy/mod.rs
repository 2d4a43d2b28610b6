//! How alarms change what is desired: step, simple and target-tracking policies.
//!
//! <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html>,
//! <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html>

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub mod adjust;
pub mod describe;
pub mod put;
pub mod tracking;

use super::group::Group;
use super::{life, stamp, validation};
use crate::api::ApiError;
use crate::document::Document;
use crate::state;
use adjust::{Adjustment, Step};
use tracking::Tracking;

/// A policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its group's name.
    pub group: String,
    /// What it does.
    pub kind: Kind,
    /// Whether it does it.
    pub enabled: bool,
    /// Seconds until an instance that it launched counts.
    pub warmup: Option<i64>,
    /// What it last did: until when its instances are warming up, and the capacity before.
    pub warming: Option<(Timestamp, u32)>,
}

/// What a policy does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    /// By how far the alarm's metric is beyond its threshold.
    Step {
        /// How the steps count.
        adjustment: Adjustment,
        /// The steps.
        steps: Vec<Step>,
        /// How the metric's values are put together.
        aggregation: String,
    },
    /// Always the same, then nothing for a while.
    Simple {
        /// How the number counts.
        adjustment: Adjustment,
        /// By how many.
        by: i32,
        /// Seconds without another scaling.
        cooldown: Option<i64>,
    },
    /// Towards a value of a metric, by alarms of its own.
    Tracking(Tracking),
}

impl Group {
    /// Whether a simple scaling was a short while ago.
    #[must_use]
    pub fn cooling(&self, now: Timestamp) -> bool {
        let cooldown = SignedDuration::from_secs(self.care.cooldown);
        self.scaled.is_some_and(|at| now < at + cooldown)
    }
}

/// An alarm that asks a policy to act.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The alarm's name.
    pub alarm: &'a str,
    /// What it says.
    pub verdict: &'a str,
    /// Its threshold.
    pub threshold: f64,
    /// The latest value of its metric.
    pub value: Option<f64>,
}

/// Does what a policy does when an alarm asks for it.
///
/// # Errors
/// There is no such policy.
pub fn alarmed(cloud: &mut state::State, arn: &str, call: &Call<'_>) -> Result<(), ApiError> {
    let policy = cloud
        .autoscaling
        .policies
        .get(arn)
        .cloned()
        .ok_or_else(|| validation(format_args!("Policy '{arn}' not found")))?;
    let Some(group) = cloud.autoscaling.groups.get(&policy.group).cloned() else {
        return Ok(());
    };
    if !policy.enabled || group.deleting {
        return Ok(());
    }
    let now = cloud.now;
    let present = group.limits.desired;
    let warming = policy.warming.filter(|(until, _)| now < *until);
    // Instances that are warming up count already for growing, and forbid shrinking.
    let base = warming.map_or(present, |(_, base)| base);
    let wanted = match &policy.kind {
        Kind::Simple { adjustment, by, .. } => {
            if group.cooling(now) {
                return Ok(());
            }
            adjustment.apply(present, *by)
        }
        Kind::Step {
            adjustment, steps, ..
        } => {
            let beyond = call.value.unwrap_or(call.threshold) - call.threshold;
            match steps.iter().find(|step| step.covers(beyond)) {
                Some(step) => adjustment.apply(base, step.by()),
                None => return Ok(()),
            }
        }
        Kind::Tracking(tracking) => match call.value {
            Some(value) => tracking.wanted(base, value),
            None => return Ok(()),
        },
    };
    let wanted = wanted.clamp(group.limits.min, group.limits.max);
    let simple = matches!(policy.kind, Kind::Simple { .. });
    if wanted == present || (!simple && warming.is_some() && wanted < present) {
        return Ok(());
    }
    let warmup = policy
        .warmup
        .or(group.care.warmup)
        .unwrap_or(group.care.cooldown);
    let until = now + SignedDuration::from_secs(warmup);
    if let Some(policy) = cloud.autoscaling.policies.get_mut(arn) {
        policy.warming = (wanted > present).then_some((until, base));
    }
    if let Some(group) = cloud.autoscaling.groups.get_mut(&policy.group) {
        group.limits.desired = wanted;
        group.scaled = simple.then_some(now).or(group.scaled);
        group.cause = Some(format!(
            "At {} a monitor alarm {} in state {} triggered policy {} changing the desired capacity from {present} to {wanted}.",
            stamp(now),
            call.alarm,
            call.verdict,
            policy.name
        ));
    }
    life::plan(cloud, &policy.group, life::SOON);
    Ok(())
}

/// The parameters of `DeletePolicy`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Delete {
    auto_scaling_group_name: Option<String>,
    policy_name: String,
}

/// Removes a policy, by ARN or by name and group, with the alarms that are its own.
///
/// # Errors
/// There is none; a name without a group.
pub fn delete(cloud: &mut state::State, input: Delete) -> Result<Document, ApiError> {
    let named = input.policy_name;
    if !named.starts_with("arn:") && input.auto_scaling_group_name.is_none() {
        return Err(validation(
            "A policy that is named by its name needs the name of its group",
        ));
    }
    let policy = cloud
        .autoscaling
        .policies
        .values()
        .find(|policy| {
            (policy.arn == named || policy.name == named)
                && input
                    .auto_scaling_group_name
                    .as_ref()
                    .is_none_or(|group| *group == policy.group)
        })
        .cloned()
        .ok_or_else(|| validation(format_args!("Policy '{named}' not found")))?;
    remove(cloud, &policy);
    Ok(Document::empty())
}

/// Removes the policies of a group.
pub fn forget(cloud: &mut state::State, group: &str) {
    let policies: Vec<Policy> = cloud
        .autoscaling
        .policies
        .values()
        .filter(|policy| policy.group == group)
        .cloned()
        .collect();
    for policy in policies {
        remove(cloud, &policy);
    }
}

fn remove(cloud: &mut state::State, policy: &Policy) {
    if let Kind::Tracking(tracking) = &policy.kind {
        tracking.remove_alarms(cloud);
    }
    cloud.autoscaling.policies.remove(&policy.arn);
}
