//! `DescribePolicies`.

use serde::Deserialize;

use super::super::page;
use super::adjust::{Adjustment, Step};
use super::{Kind, Policy};
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::services::cloudwatch::alarm;
use crate::state;

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    auto_scaling_group_name: Option<String>,
    #[serde(default)]
    policy_names: Vec<String>,
    #[serde(default)]
    policy_types: Vec<String>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

/// The policies of a group, or these, by name or ARN, or all.
///
/// # Errors
/// A token that no answer gave.
pub fn describe(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    let found: Vec<&Policy> = cloud
        .autoscaling
        .policies
        .values()
        .filter(|policy| {
            input
                .auto_scaling_group_name
                .as_ref()
                .is_none_or(|group| *group == policy.group)
                && (input.policy_names.is_empty()
                    || input.policy_names.contains(&policy.name)
                    || input.policy_names.contains(&policy.arn))
                && (input.policy_types.is_empty()
                    || input
                        .policy_types
                        .iter()
                        .any(|kind| kind == kind_name(policy)))
        })
        .collect();
    let (found, token) = page(found, input.next_token.as_deref(), input.max_records)?;
    let members = found.into_iter().map(|policy| shown(cloud, policy));
    Ok(Document::fields([
        ("ScalingPolicies", Some(Document::list(members))),
        ("NextToken", maybe(token.as_ref())),
    ]))
}

fn kind_name(policy: &Policy) -> &'static str {
    match policy.kind {
        Kind::Step { .. } => "StepScaling",
        Kind::Simple { .. } => "SimpleScaling",
        Kind::Tracking(_) => "TargetTrackingScaling",
    }
}

/// The alarms that ask a policy to act.
#[must_use]
pub fn alarms(cloud: &state::State, policy: &Policy) -> Document {
    Document::list(
        cloud
            .cloudwatch
            .alarms
            .values()
            .filter(|alarm| {
                let actions = &alarm.actions;
                [&actions.ok, &actions.alarm, &actions.insufficient]
                    .into_iter()
                    .flatten()
                    .any(|action| *action == policy.arn)
            })
            .map(|alarm| {
                Document::fields([
                    ("AlarmName", some(&alarm.name)),
                    ("AlarmARN", some(alarm::arn(cloud, &alarm.name))),
                ])
            }),
    )
}

fn shown(cloud: &state::State, policy: &Policy) -> Document {
    let mut fields = vec![
        ("AutoScalingGroupName", some(&policy.group)),
        ("PolicyName", some(&policy.name)),
        ("PolicyARN", some(&policy.arn)),
        ("PolicyType", some(kind_name(policy))),
        ("Enabled", some(policy.enabled)),
        ("EstimatedInstanceWarmup", policy.warmup.map(Into::into)),
        ("Alarms", Some(alarms(cloud, policy))),
    ];
    let mut adjusts = |adjustment: &Adjustment| {
        fields.push(("AdjustmentType", some(adjustment.name())));
        if let Adjustment::PercentChangeInCapacity(magnitude) = adjustment {
            fields.push(("MinAdjustmentMagnitude", some(i64::from(*magnitude))));
        }
    };
    match &policy.kind {
        Kind::Step {
            adjustment,
            steps,
            aggregation,
        } => {
            adjusts(adjustment);
            fields.push(("MetricAggregationType", some(aggregation)));
            fields.push((
                "StepAdjustments",
                Some(Document::list(steps.iter().map(Step::document))),
            ));
        }
        Kind::Simple {
            adjustment,
            by,
            cooldown,
        } => {
            adjusts(adjustment);
            fields.push(("ScalingAdjustment", some(i64::from(*by))));
            fields.push(("Cooldown", cooldown.map(Into::into)));
        }
        Kind::Tracking(tracking) => fields.push((
            "TargetTrackingConfiguration",
            Some(tracking.configuration.document()),
        )),
    }
    Document::fields(fields)
}
