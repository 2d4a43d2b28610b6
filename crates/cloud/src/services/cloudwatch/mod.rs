//! `CloudWatch`: metrics, their statistics, and alarms on the virtual clock.
//!
//! - [`metric`]: names, values and units of what was published;
//! - [`store`]: published values, kept and forgotten as long as AWS keeps them;
//! - [`statistic`]: what a period's values amount to;
//! - [`vitals`], [`daily`]: the metrics that AWS publishes itself;
//! - [`put`], [`list`], [`get_statistics`], [`get_data`]: the actions on metrics;
//! - [`alarm`], [`evaluate`], [`notify`], [`history`]: alarms, their life and what they set off.
//!
//! Facts: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html>.

// Actions own their input, whether or not they keep a part of it.
#![allow(clippy::needless_pass_by_value)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state;

pub mod alarm;
pub mod daily;
pub mod evaluate;
pub mod get_data;
pub mod get_statistics;
pub mod history;
pub mod list;
pub mod metric;
pub mod notify;
pub mod page;
pub mod put;
pub mod reason;
pub mod statistic;
pub mod store;
pub mod tags;
pub mod vitals;

/// What there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// What was published.
    pub store: store::Store,
    /// The alarms by name.
    pub alarms: BTreeMap<String, alarm::Alarm>,
    /// What happened to alarms, oldest first.
    pub history: Vec<history::Item>,
}

/// What happens later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// An alarm looks at its metric.
    Evaluate {
        /// Its name.
        alarm: String,
        /// Which of the alarms that had this name: one that was deleted is not looked at.
        generation: String,
    },
    /// A day is over.
    Midnight,
}

/// Furnishes a new account.
pub fn furnish(cloud: &mut state::State) {
    daily::plan(cloud);
}

/// Answers a request.
///
/// # Errors
/// The service's own refusals.
pub fn handle(cloud: &mut state::State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    let result = match request.action.as_str() {
        "PutMetricData" => put::put_metric_data(cloud, request.read()?),
        "ListMetrics" => list::list_metrics(cloud, request.read()?),
        "GetMetricStatistics" => get_statistics::get_metric_statistics(cloud, request.read()?),
        "GetMetricData" => get_data::get_metric_data(cloud, request.read()?),
        "PutMetricAlarm" => alarm::put_metric_alarm(cloud, request.read()?),
        "DescribeAlarms" => alarm::describe::describe_alarms(cloud, request.read()?),
        "DescribeAlarmsForMetric" => {
            alarm::describe::describe_alarms_for_metric(cloud, request.read()?)
        }
        "DeleteAlarms" => alarm::delete_alarms(cloud, request.read()?),
        "SetAlarmState" => alarm::set_alarm_state(cloud, request.read()?),
        "EnableAlarmActions" => alarm::switch_actions(cloud, request.read()?, true),
        "DisableAlarmActions" => alarm::switch_actions(cloud, request.read()?, false),
        "DescribeAlarmHistory" => history::describe_alarm_history(cloud, request.read()?),
        "TagResource" => tags::tag_resource(cloud, request.read()?),
        "UntagResource" => tags::untag_resource(cloud, request.read()?),
        "ListTagsForResource" => tags::list_tags_for_resource(cloud, request.read()?),
        other => Err(ApiError::not_modelled(format_args!("cloudwatch:{other}"))),
    }?;
    Ok(request.says(&result))
}

/// Lets a planned event happen.
pub fn happen(cloud: &mut state::State, event: Event) {
    match event {
        Event::Evaluate { alarm, generation } => evaluate::evaluate(cloud, &alarm, &generation),
        Event::Midnight => daily::midnight(cloud),
    }
}

#[cfg(test)]
mod tests;
