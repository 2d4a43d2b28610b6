//! `DescribeAlarms` and `DescribeAlarmsForMetric`.

use serde::Deserialize;

use super::super::metric::{self, Dimension, Metric};
use super::super::page::page;
use super::{Alarm, Verdict, arn};
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::state;

/// The parameters of `DescribeAlarms`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Filter {
    #[serde(default)]
    alarm_names: Vec<String>,
    alarm_name_prefix: Option<String>,
    #[serde(default)]
    alarm_types: Vec<Kind>,
    state_value: Option<Verdict>,
    action_prefix: Option<String>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Kind {
    #[serde(rename = "MetricAlarm")]
    Metric,
    #[serde(rename = "CompositeAlarm")]
    Composite,
    #[serde(rename = "LogAlarm")]
    Log,
}

/// The alarms that fit, by name; there are no composite ones.
///
/// # Errors
/// Names together with a prefix; a token that no answer gave.
pub fn describe_alarms(cloud: &mut state::State, input: Filter) -> Result<Document, ApiError> {
    if !input.alarm_names.is_empty() && input.alarm_name_prefix.is_some() {
        return Err(ApiError::new(
            "ValidationError",
            "AlarmNamePrefix and AlarmNames cannot be used together.",
        ));
    }
    // AWS answers with metric alarms only unless types are given.
    let metric_alarms = input.alarm_types.is_empty() || input.alarm_types.contains(&Kind::Metric);
    let fits = |alarm: &Alarm| {
        metric_alarms
            && (input.alarm_names.is_empty() || input.alarm_names.contains(&alarm.name))
            && input
                .alarm_name_prefix
                .as_ref()
                .is_none_or(|prefix| alarm.name.starts_with(prefix))
            && input.state_value.is_none_or(|state| state == alarm.verdict)
            && input.action_prefix.as_ref().is_none_or(|prefix| {
                let actions = &alarm.actions;
                [&actions.ok, &actions.alarm, &actions.insufficient]
                    .into_iter()
                    .flatten()
                    .any(|action| action.starts_with(prefix))
            })
    };
    let found: Vec<&Alarm> = cloud
        .cloudwatch
        .alarms
        .values()
        .filter(|alarm| fits(alarm))
        .collect();
    let size = input.max_records.unwrap_or(50).clamp(1, 100);
    let (found, token) = page(found, input.next_token.as_deref(), size)?;
    Ok(Document::fields([
        ("CompositeAlarms", Some(Document::List(Vec::new()))),
        (
            "MetricAlarms",
            Some(Document::list(
                found.into_iter().map(|alarm| document(cloud, alarm)),
            )),
        ),
        ("NextToken", maybe(token.as_ref())),
    ]))
}

/// The parameters of `DescribeAlarmsForMetric`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ForMetric {
    metric_name: String,
    namespace: String,
    statistic: Option<String>,
    extended_statistic: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    period: Option<i64>,
    unit: Option<String>,
}

/// The alarms that watch one metric.
///
/// # Errors
/// A badly formed metric.
pub fn describe_alarms_for_metric(
    cloud: &mut state::State,
    input: ForMetric,
) -> Result<Document, ApiError> {
    let metric = Metric::new(input.namespace, input.metric_name, input.dimensions)?;
    let found = cloud.cloudwatch.alarms.values().filter(|alarm| {
        let condition = &alarm.condition;
        condition.metric == metric
            && (input.statistic.is_none() || input.statistic == condition.statistic_name)
            && (input.extended_statistic.is_none()
                || input.extended_statistic == condition.extended_name)
            && input.period.is_none_or(|period| period == condition.period)
            && (input.unit.is_none() || input.unit == condition.unit)
    });
    Ok(Document::fields([(
        "MetricAlarms",
        Some(Document::list(found.map(|alarm| document(cloud, alarm)))),
    )]))
}

#[allow(clippy::cast_possible_wrap)] // counts of periods are at most a week's seconds
fn document(cloud: &state::State, alarm: &Alarm) -> Document {
    let condition = &alarm.condition;
    let actions = &alarm.actions;
    Document::fields([
        ("AlarmName", some(&alarm.name)),
        ("AlarmArn", some(arn(cloud, &alarm.name))),
        ("AlarmDescription", maybe(alarm.description.as_ref())),
        ("AlarmConfigurationUpdatedTimestamp", some(alarm.configured)),
        ("ActionsEnabled", some(actions.enabled)),
        ("OKActions", Some(Document::list(&actions.ok))),
        ("AlarmActions", Some(Document::list(&actions.alarm))),
        (
            "InsufficientDataActions",
            Some(Document::list(&actions.insufficient)),
        ),
        ("StateValue", some(alarm.verdict.name())),
        ("StateReason", some(&alarm.reason)),
        ("StateReasonData", maybe(alarm.reason_data.as_ref())),
        ("StateUpdatedTimestamp", some(alarm.updated)),
        ("StateTransitionedTimestamp", some(alarm.changed)),
        ("MetricName", some(&condition.metric.name)),
        ("Namespace", some(&condition.metric.namespace)),
        ("Statistic", maybe(condition.statistic_name.as_ref())),
        ("ExtendedStatistic", maybe(condition.extended_name.as_ref())),
        (
            "Dimensions",
            Some(metric::dimensions(&condition.metric.dimensions)),
        ),
        ("Period", some(condition.period)),
        ("Unit", maybe(condition.unit.as_ref())),
        (
            "EvaluationPeriods",
            some(condition.evaluation_periods as i64),
        ),
        (
            "DatapointsToAlarm",
            condition
                .datapoints_to_alarm
                .map(|count| (count as i64).into()),
        ),
        ("Threshold", some(condition.threshold)),
        ("ComparisonOperator", some(condition.comparison.name())),
        (
            "TreatMissingData",
            condition.missing.map(|missing| missing.name().into()),
        ),
    ])
}
