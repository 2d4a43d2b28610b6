//! Alarms: what they watch and do, and the actions that change them.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub mod condition;
pub mod describe;

use super::{evaluate, history, metric, notify};
use crate::api::ApiError;
use crate::document::Document;
use crate::state;
pub use condition::Condition;

/// What an alarm says of its metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Within the threshold.
    #[serde(rename = "OK")]
    Ok,
    /// Beyond the threshold.
    #[serde(rename = "ALARM")]
    Alarm,
    /// Too little is known.
    #[serde(rename = "INSUFFICIENT_DATA")]
    InsufficientData,
}

impl Verdict {
    /// As the API writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// An alarm.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// Which of the alarms that had this name.
    pub generation: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it sounds.
    pub condition: Condition,
    /// What is set off; switched off, nothing is.
    pub actions: Actions,
    /// When it was last put.
    pub configured: Timestamp,
    /// What it says.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Why, as JSON.
    pub reason_data: Option<String>,
    /// When the verdict or its reason last changed.
    pub updated: Timestamp,
    /// When the verdict last changed.
    pub changed: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What an alarm sets off, as ARNs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actions {
    /// Whether anything is set off at all.
    pub enabled: bool,
    /// When it becomes `OK`.
    pub ok: Vec<String>,
    /// When it becomes `ALARM`.
    pub alarm: Vec<String>,
    /// When it becomes `INSUFFICIENT_DATA`.
    pub insufficient: Vec<String>,
}

impl Actions {
    /// What a verdict sets off.
    #[must_use]
    pub fn of(&self, verdict: Verdict) -> &[String] {
        match verdict {
            Verdict::Ok => &self.ok,
            Verdict::Alarm => &self.alarm,
            Verdict::InsufficientData => &self.insufficient,
        }
    }
}

/// The ARN of an alarm.
#[must_use]
pub fn arn(cloud: &state::State, name: &str) -> String {
    format!(
        "arn:aws:cloudwatch:{}:{}:alarm:{name}",
        cloud.region, cloud.account
    )
}

/// The parameters of `PutMetricAlarm`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Put {
    alarm_name: String,
    alarm_description: Option<String>,
    actions_enabled: Option<bool>,
    #[serde(rename = "OKActions", default)]
    ok_actions: Vec<String>,
    #[serde(default)]
    alarm_actions: Vec<String>,
    #[serde(default)]
    insufficient_data_actions: Vec<String>,
    metric_name: String,
    namespace: String,
    statistic: Option<String>,
    extended_statistic: Option<String>,
    #[serde(default)]
    dimensions: Vec<metric::Dimension>,
    period: i64,
    unit: Option<String>,
    evaluation_periods: usize,
    datapoints_to_alarm: Option<usize>,
    threshold: f64,
    comparison_operator: String,
    treat_missing_data: Option<String>,
    #[serde(default)]
    tags: Vec<super::tags::Tag>,
}

/// Makes an alarm, or changes all of one but its verdict and its tags.
///
/// # Errors
/// What AWS refuses, and actions that the embedded cloud cannot perform.
pub fn put_metric_alarm(cloud: &mut state::State, input: Put) -> Result<Document, ApiError> {
    let name = input.alarm_name;
    if name.is_empty() || name.len() > 255 {
        return Err(validation(
            "The parameter AlarmName must be between 1 and 255 characters long.",
        ));
    }
    let condition = Condition::new(condition::Wording {
        metric: metric::Metric::new(input.namespace, input.metric_name, input.dimensions)?,
        statistic: input.statistic,
        extended_statistic: input.extended_statistic,
        period: input.period,
        unit: input.unit,
        evaluation_periods: input.evaluation_periods,
        datapoints_to_alarm: input.datapoints_to_alarm,
        threshold: input.threshold,
        comparison: input.comparison_operator,
        missing: input.treat_missing_data,
    })?;
    let actions = Actions {
        enabled: input.actions_enabled.unwrap_or(true),
        ok: input.ok_actions,
        alarm: input.alarm_actions,
        insufficient: input.insufficient_data_actions,
    };
    for actions in [&actions.ok, &actions.alarm, &actions.insufficient] {
        if actions.len() > 5 {
            return Err(validation("An alarm may have at most 5 actions of a kind."));
        }
        actions
            .iter()
            .try_for_each(|action| notify::check(cloud, action))?;
    }
    let tags = super::tags::checked(input.tags)?;
    let alarm = install(cloud, &name, input.alarm_description, condition, actions);
    if let Some(alarm) = alarm {
        alarm.tags = tags;
    }
    Ok(Document::empty())
}

/// Makes an alarm, or changes all of one but its verdict and its tags; the new one.
pub fn install<'a>(
    cloud: &'a mut state::State,
    name: &str,
    description: Option<String>,
    condition: Condition,
    actions: Actions,
) -> Option<&'a mut Alarm> {
    let now = cloud.now;
    if let Some(alarm) = cloud.cloudwatch.alarms.get_mut(name) {
        alarm.description = description;
        alarm.condition = condition;
        alarm.actions = actions;
        alarm.configured = now;
        history::configured(cloud, name, "updated");
        return None;
    }
    let alarm = Alarm {
        name: name.to_owned(),
        generation: cloud.ids.uuid(),
        description,
        condition,
        actions,
        configured: now,
        verdict: Verdict::InsufficientData,
        reason: "Unchecked: Initial alarm creation".to_owned(),
        reason_data: None,
        updated: now,
        changed: now,
        tags: BTreeMap::new(),
    };
    evaluate::plan(cloud, &alarm);
    history::configured(cloud, name, "created");
    Some(
        cloud
            .cloudwatch
            .alarms
            .entry(name.to_owned())
            .or_insert(alarm),
    )
}

/// The parameters that are names of alarms.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Names {
    alarm_names: Vec<String>,
}

/// Removes alarms; if one does not exist, none is removed.
///
/// # Errors
/// `ResourceNotFound`.
pub fn delete_alarms(cloud: &mut state::State, input: Names) -> Result<Document, ApiError> {
    for name in &input.alarm_names {
        existing(cloud, name)?;
    }
    for name in &input.alarm_names {
        history::configured(cloud, name, "deleted");
        cloud.cloudwatch.alarms.remove(name);
    }
    Ok(Document::empty())
}

/// Switches what alarms set off on or off; names of no alarm are passed over, as by AWS.
///
/// # Errors
/// None yet: AWS refuses nothing here.
pub fn switch_actions(
    cloud: &mut state::State,
    input: Names,
    enabled: bool,
) -> Result<Document, ApiError> {
    for name in input.alarm_names {
        if let Some(alarm) = cloud.cloudwatch.alarms.get_mut(&name) {
            alarm.actions.enabled = enabled;
            alarm.configured = cloud.now;
            history::configured(cloud, &name, "updated");
        }
    }
    Ok(Document::empty())
}

/// The parameters of `SetAlarmState`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SetState {
    alarm_name: String,
    state_value: Verdict,
    state_reason: String,
    state_reason_data: Option<String>,
}

/// Sets a verdict until the alarm next looks at its metric.
///
/// # Errors
/// `ResourceNotFound`.
pub fn set_alarm_state(cloud: &mut state::State, input: SetState) -> Result<Document, ApiError> {
    existing(cloud, &input.alarm_name)?;
    evaluate::become_verdict(
        cloud,
        &input.alarm_name,
        input.state_value,
        input.state_reason,
        input.state_reason_data,
    );
    Ok(Document::empty())
}

/// The alarm of a name.
///
/// # Errors
/// `ResourceNotFound`.
pub fn existing<'a>(cloud: &'a mut state::State, name: &str) -> Result<&'a mut Alarm, ApiError> {
    cloud.cloudwatch.alarms.get_mut(name).ok_or_else(|| {
        ApiError::new("ResourceNotFound", format!("Unknown alarm: {name}")).with_status(404)
    })
}

fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", message)
}
