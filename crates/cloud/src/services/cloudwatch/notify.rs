//! What alarms set off: messages to SNS topics and scaling policies.

use serde_json::json;

use super::alarm::{Alarm, Verdict, arn};
use super::evaluate::View;
use super::history;
use super::reason::stamp;
use crate::api::ApiError;
use crate::services::{autoscaling, sns};
use crate::state;

/// Whether the embedded cloud can perform an action.
///
/// # Errors
/// ARNs of nothing, and of what is not modelled.
pub fn check(cloud: &state::State, action: &str) -> Result<(), ApiError> {
    let parts: Vec<&str> = action.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", "aws", "sns" | "autoscaling", region, account, _] => {
            if *region != cloud.region || *account != cloud.account {
                return Err(ApiError::new(
                    "ValidationError",
                    format!("Invalid region or account in the action ARN: {action}"),
                ));
            }
            Ok(())
        }
        ["arn", "aws", service, _, _, _] => Err(ApiError::not_modelled(format_args!(
            "alarm action '{action}' ({service})"
        ))),
        _ => Err(ApiError::new(
            "ValidationError",
            format!("Invalid arn syntax: {action}"),
        )),
    }
}

/// A verdict changed: sets off the actions of the new one.
pub fn changed(cloud: &mut state::State, before: &Alarm, alarm: &Alarm) {
    if !alarm.actions.enabled {
        return;
    }
    for action in alarm.actions.of(alarm.verdict) {
        if is_policy(action) {
            scale(cloud, alarm, action, None);
            continue;
        }
        let subject = format!(
            "{}: \"{}\" in {}",
            alarm.verdict.name(),
            alarm.name,
            region_name(&cloud.region)
        );
        let message = message(cloud, before, alarm);
        let outcome = sns::publish::deliver(cloud, action, Some(&subject), &message);
        history::acted(cloud, alarm, action, outcome.err());
    }
}

/// The verdict is as before: scaling policies are asked again every time.
pub fn repeat(cloud: &mut state::State, alarm: &Alarm, view: &View) {
    if !alarm.actions.enabled {
        return;
    }
    for action in alarm.actions.of(alarm.verdict) {
        if is_policy(action) {
            scale(cloud, alarm, action, Some(view));
        }
    }
}

fn is_policy(action: &str) -> bool {
    action.starts_with("arn:aws:autoscaling:")
}

fn scale(cloud: &mut state::State, alarm: &Alarm, policy: &str, view: Option<&View>) {
    // A change comes with the reason just written; a repetition with a fresh look.
    let latest = view
        .and_then(|view| view.values.first())
        .map(|(_, _, value)| *value)
        .or_else(|| recent(alarm));
    let outcome = autoscaling::policy::alarmed(
        cloud,
        policy,
        &autoscaling::policy::Call {
            alarm: &alarm.name,
            verdict: alarm.verdict.name(),
            threshold: alarm.condition.threshold,
            value: latest,
        },
    );
    if view.is_none() || outcome.is_err() {
        history::acted(cloud, alarm, policy, outcome.err());
    }
}

/// The latest value that the reason tells of.
fn recent(alarm: &Alarm) -> Option<f64> {
    let data: serde_json::Value = serde_json::from_str(alarm.reason_data.as_deref()?).ok()?;
    data.get("recentDatapoints")?.as_array()?.last()?.as_f64()
}

/// The message as AWS sends it to a topic.
fn message(cloud: &state::State, before: &Alarm, alarm: &Alarm) -> String {
    let condition = &alarm.condition;
    let mut trigger = json!({
        "MetricName": condition.metric.name,
        "Namespace": condition.metric.namespace,
        "StatisticType": if condition.statistic_name.is_some() { "Statistic" } else { "ExtendedStatistic" },
    });
    if let Some(fields) = trigger.as_object_mut() {
        match (&condition.statistic_name, &condition.extended_name) {
            (Some(name), _) => {
                fields.insert("Statistic".to_owned(), json!(name.to_uppercase()));
            }
            (None, name) => {
                fields.insert("ExtendedStatistic".to_owned(), json!(name));
            }
        }
        let rest = json!({
            "Unit": condition.unit,
            "Dimensions": condition.metric.dimensions.iter().map(|dimension| {
                json!({"value": dimension.value, "name": dimension.name})
            }).collect::<Vec<_>>(),
            "Period": condition.period,
            "EvaluationPeriods": condition.evaluation_periods,
            "DatapointsToAlarm": condition.datapoints_to_alarm,
            "ComparisonOperator": condition.comparison.name(),
            "Threshold": condition.threshold,
            "TreatMissingData": condition.missing().name(),
            "EvaluateLowSampleCountPercentile": "",
        });
        if let serde_json::Value::Object(rest) = rest {
            fields.extend(rest);
        }
    }
    json!({
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": cloud.account,
        "AlarmConfigurationUpdatedTimestamp": stamp(alarm.configured),
        "NewStateValue": alarm.verdict.name(),
        "NewStateReason": alarm.reason,
        "StateChangeTime": stamp(alarm.changed),
        "Region": region_name(&cloud.region),
        "AlarmArn": arn(cloud, &alarm.name),
        "OldStateValue": before.verdict.name(),
        "OKActions": alarm.actions.of(Verdict::Ok),
        "AlarmActions": alarm.actions.of(Verdict::Alarm),
        "InsufficientDataActions": alarm.actions.of(Verdict::InsufficientData),
        "Trigger": trigger,
    })
    .to_string()
}

/// A region as AWS names it to people.
fn region_name(region: &str) -> &str {
    match region {
        "us-east-1" => "US East (N. Virginia)",
        "us-east-2" => "US East (Ohio)",
        "us-west-1" => "US West (N. California)",
        "us-west-2" => "US West (Oregon)",
        "eu-west-1" => "EU (Ireland)",
        "eu-central-1" => "EU (Frankfurt)",
        other => other,
    }
}
