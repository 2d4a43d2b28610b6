//! `UpdateAutoScalingGroup` and `SetDesiredCapacity`.

use serde::Deserialize;

use super::super::{life, stamp};
use super::{Care, Distribution, Limits, Template, changeable, places, validation};
use crate::api::ApiError;
use crate::document::Document;
use crate::state;

/// The parameters of `UpdateAutoScalingGroup`; what is not said stays.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    auto_scaling_group_name: String,
    launch_template: Option<Template>,
    min_size: Option<u32>,
    max_size: Option<u32>,
    desired_capacity: Option<u32>,
    default_cooldown: Option<i64>,
    #[serde(default)]
    availability_zones: Vec<String>,
    #[serde(rename = "VPCZoneIdentifier")]
    subnets: Option<String>,
    health_check_type: Option<String>,
    health_check_grace_period: Option<i64>,
    #[serde(default)]
    termination_policies: Vec<String>,
    new_instances_protected_from_scale_in: Option<bool>,
    default_instance_warmup: Option<i64>,
    availability_zone_distribution: Option<Distribution>,
}

/// Changes a group; instances that there are stay as they are.
///
/// # Errors
/// No such group; what AWS refuses.
pub fn update(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    let name = input.auto_scaling_group_name;
    let before = changeable(cloud, &name)?.clone();
    if let Some(template) = &input.launch_template {
        template.resolve(cloud)?;
    }
    let min = input.min_size.unwrap_or(before.limits.min);
    let max = input.max_size.unwrap_or(before.limits.max);
    // Without a capacity of its own, the present one is moved into the new bounds.
    let desired = input
        .desired_capacity
        .unwrap_or_else(|| before.limits.desired.max(min).min(max));
    let limits = Limits { min, max, desired }.check()?;
    let moved = input.subnets.is_some() || !input.availability_zones.is_empty();
    let placed = if moved {
        Some(places(
            cloud,
            input.subnets.as_deref(),
            &input.availability_zones,
        )?)
    } else {
        None
    };
    let by_balancer = input
        .health_check_type
        .as_deref()
        .map(Care::kind)
        .transpose()?;
    if let Some(distribution) = input.availability_zone_distribution {
        distribution.check()?;
    }
    let termination = match input.termination_policies {
        policies if policies.is_empty() => None,
        policies => Some(Care::termination(policies)?),
    };
    let now = cloud.now;
    let group = changeable(cloud, &name)?;
    if let Some(template) = input.launch_template {
        group.template = template;
    }
    if let Some(places) = placed {
        group.by_subnet = input.subnets.is_some();
        group.places = places;
    }
    let care = &mut group.care;
    care.by_balancer = by_balancer.unwrap_or(care.by_balancer);
    care.grace = input.health_check_grace_period.unwrap_or(care.grace);
    care.cooldown = input.default_cooldown.unwrap_or(care.cooldown);
    care.warmup = input.default_instance_warmup.or(care.warmup);
    care.protect = input
        .new_instances_protected_from_scale_in
        .unwrap_or(care.protect);
    if let Some(termination) = termination {
        care.termination = termination;
    }
    group.limits = limits;
    if limits.desired != before.limits.desired {
        group.cause = Some(format!(
            "At {} a user request update of AutoScalingGroup constraints to min: {min}, max: {max}, desired: {desired} changing the desired capacity from {} to {desired}.",
            stamp(now),
            before.limits.desired,
        ));
    }
    life::plan(cloud, &name, life::SOON);
    Ok(Document::empty())
}

/// The parameters of `SetDesiredCapacity`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SetDesired {
    auto_scaling_group_name: String,
    desired_capacity: u32,
    honor_cooldown: Option<bool>,
}

/// Sets how many instances there shall be.
///
/// # Errors
/// No such group; out of bounds; `ScalingActivityInProgress` in a cooldown that is honoured.
pub fn set_desired_capacity(
    cloud: &mut state::State,
    input: SetDesired,
) -> Result<Document, ApiError> {
    let now = cloud.now;
    let name = input.auto_scaling_group_name;
    let desired = input.desired_capacity;
    let group = changeable(cloud, &name)?;
    let limits = group.limits;
    if desired > limits.max {
        return Err(validation(format_args!(
            "New SetDesiredCapacity value {desired} is above max value {} for the AutoScalingGroup.",
            limits.max
        )));
    }
    if desired < limits.min {
        return Err(validation(format_args!(
            "New SetDesiredCapacity value {desired} is below min value {} for the AutoScalingGroup.",
            limits.min
        )));
    }
    if input.honor_cooldown == Some(true) && group.cooling(now) {
        return Err(ApiError::new(
            "ScalingActivityInProgress",
            format!("The AutoScalingGroup {name} is in its cooldown"),
        ));
    }
    if desired != limits.desired {
        group.limits.desired = desired;
        group.cause = Some(format!(
            "At {} a user request explicitly set group desired capacity changing the desired capacity from {} to {desired}.",
            stamp(now),
            limits.desired
        ));
        life::plan(cloud, &name, life::SOON);
    }
    Ok(Document::empty())
}
