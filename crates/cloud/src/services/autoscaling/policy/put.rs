//! `PutScalingPolicy`.

use serde::Deserialize;

use super::super::group::changeable;
use super::adjust::{self, Adjustment, Step};
use super::tracking::{Configuration, Tracking};
use super::{Kind, Policy, describe, validation};
use crate::api::ApiError;
use crate::document::{Document, some};
use crate::state;

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    auto_scaling_group_name: String,
    policy_name: String,
    policy_type: Option<String>,
    adjustment_type: Option<String>,
    min_adjustment_magnitude: Option<u32>,
    scaling_adjustment: Option<i32>,
    cooldown: Option<i64>,
    metric_aggregation_type: Option<String>,
    #[serde(default)]
    step_adjustments: Vec<Step>,
    estimated_instance_warmup: Option<i64>,
    target_tracking_configuration: Option<Configuration>,
    enabled: Option<bool>,
}

/// Makes a policy, or replaces the one of this name.
///
/// # Errors
/// No such group; parameters that do not belong to the type of policy.
pub fn put(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    let group = changeable(cloud, &input.auto_scaling_group_name)?
        .name
        .clone();
    let name = &input.policy_name;
    if name.is_empty() || name.len() > 255 {
        return Err(validation("A policy's name must have 1 to 255 characters"));
    }
    let before = cloud
        .autoscaling
        .policies
        .values()
        .find(|policy| policy.group == group && policy.name == *name)
        .cloned();
    let arn = match &before {
        Some(policy) => policy.arn.clone(),
        None => format!(
            "arn:aws:autoscaling:{}:{}:scalingPolicy:{}:autoScalingGroupName/{group}:policyName/{name}",
            cloud.region,
            cloud.account,
            cloud.ids.uuid()
        ),
    };
    let enabled = input.enabled.unwrap_or(true);
    let warmup = input.estimated_instance_warmup;
    let name = input.policy_name.clone();
    let kind = kind(cloud, &group, &arn, input)?;
    // The alarms of what it was before are its own no longer.
    if let Some(Kind::Tracking(tracking)) = before.map(|policy| policy.kind) {
        tracking.remove_alarms(cloud);
    }
    let policy = Policy {
        arn: arn.clone(),
        name,
        group,
        kind,
        enabled,
        warmup,
        warming: None,
    };
    let alarms = describe::alarms(cloud, &policy);
    cloud.autoscaling.policies.insert(arn.clone(), policy);
    Ok(Document::fields([
        ("PolicyARN", some(arn)),
        ("Alarms", Some(alarms)),
    ]))
}

/// What the policy is to do.
fn kind(cloud: &mut state::State, group: &str, arn: &str, input: Input) -> Result<Kind, ApiError> {
    let adjustment = |kind: &str| {
        let named = input.adjustment_type.as_deref().ok_or_else(|| {
            validation(format_args!(
                "AdjustmentType is required for policy type {kind}"
            ))
        })?;
        Adjustment::named(named, input.min_adjustment_magnitude)
    };
    let simple = input.scaling_adjustment.is_some() || input.cooldown.is_some();
    let stepped = !input.step_adjustments.is_empty() || input.metric_aggregation_type.is_some();
    let misfit = |kind: &str| {
        validation(format_args!(
            "Some parameters do not belong to policy type {kind}"
        ))
    };
    Ok(
        match input.policy_type.as_deref().unwrap_or("SimpleScaling") {
            kind @ "SimpleScaling" => {
                if stepped
                    || input.target_tracking_configuration.is_some()
                    || input.estimated_instance_warmup.is_some()
                {
                    return Err(misfit(kind));
                }
                Kind::Simple {
                    adjustment: adjustment(kind)?,
                    by: input.scaling_adjustment.ok_or_else(|| {
                        validation("ScalingAdjustment is required for policy type SimpleScaling")
                    })?,
                    cooldown: input.cooldown,
                }
            }
            kind @ "StepScaling" => {
                if simple || input.target_tracking_configuration.is_some() {
                    return Err(misfit(kind));
                }
                adjust::check(&input.step_adjustments)?;
                Kind::Step {
                    adjustment: adjustment(kind)?,
                    steps: input.step_adjustments,
                    aggregation: input
                        .metric_aggregation_type
                        .unwrap_or_else(|| "Average".to_owned()),
                }
            }
            kind @ "TargetTrackingScaling" => {
                if simple || stepped || input.adjustment_type.is_some() {
                    return Err(misfit(kind));
                }
                let configuration = input.target_tracking_configuration.ok_or_else(|| {
                validation(
                    "TargetTrackingConfiguration is required for policy type TargetTrackingScaling",
                )
            })?;
                configuration.metric(group)?;
                Kind::Tracking(Tracking::begin(cloud, group, arn, configuration)?)
            }
            other => {
                return Err(ApiError::not_modelled(format_args!(
                    "policy type '{other}'"
                )));
            }
        },
    )
}
