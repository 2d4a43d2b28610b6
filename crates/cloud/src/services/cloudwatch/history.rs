//! What happened to alarms: `DescribeAlarmHistory`.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmHistory.html>

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::alarm::Alarm;
use super::page::page;
use super::reason::stamp;
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::state;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The alarm was made, changed or removed.
    ConfigurationUpdate,
    /// Its verdict changed.
    StateUpdate,
    /// It set something off.
    Action,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::ConfigurationUpdate => "ConfigurationUpdate",
            Self::StateUpdate => "StateUpdate",
            Self::Action => "Action",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The alarm's name.
    pub alarm: String,
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub kind: Kind,
    /// In words.
    pub summary: String,
    /// As JSON.
    pub data: String,
}

fn add(cloud: &mut state::State, alarm: &str, kind: Kind, summary: String, data: String) {
    // AWS keeps two weeks, also of alarms that are gone.
    let keep_from = cloud.now - SignedDuration::from_hours(14 * 24);
    let history = &mut cloud.cloudwatch.history;
    let forgotten = history.partition_point(|item| item.at < keep_from);
    history.drain(..forgotten);
    history.push(Item {
        alarm: alarm.to_owned(),
        at: cloud.now,
        kind,
        summary,
        data,
    });
}

/// An alarm was created, updated or deleted.
pub fn configured(cloud: &mut state::State, alarm: &str, what: &str) {
    let kind = match what {
        "created" => "Create",
        "deleted" => "Delete",
        _ => "Update",
    };
    add(
        cloud,
        alarm,
        Kind::ConfigurationUpdate,
        format!("Alarm \"{alarm}\" {what}"),
        json!({"version": "1.0", "type": kind}).to_string(),
    );
}

/// A verdict changed.
pub fn changed(cloud: &mut state::State, before: &Alarm, after: &Alarm) {
    let side = |alarm: &Alarm| {
        let data: Option<serde_json::Value> = alarm
            .reason_data
            .as_deref()
            .and_then(|data| serde_json::from_str(data).ok());
        json!({
            "stateValue": alarm.verdict.name(),
            "stateReason": alarm.reason,
            "stateReasonData": data,
        })
    };
    let data = json!({"version": "1.0", "oldState": side(before), "newState": side(after)});
    add(
        cloud,
        &after.name,
        Kind::StateUpdate,
        format!(
            "Alarm updated from {} to {}",
            before.verdict.name(),
            after.verdict.name()
        ),
        data.to_string(),
    );
}

/// Something was set off, or could not be.
pub fn acted(cloud: &mut state::State, alarm: &Alarm, action: &str, failure: Option<ApiError>) {
    let (outcome, state) = match &failure {
        None => ("Successfully executed", "Succeeded"),
        Some(_) => ("Failed to execute", "Failed"),
    };
    let data = json!({
        "actionState": state,
        "stateUpdateTimestamp": stamp(alarm.changed),
        "notificationResource": action,
        "error": failure.map(|failure| failure.to_string()),
    });
    add(
        cloud,
        &alarm.name,
        Kind::Action,
        format!("{outcome} action {action}"),
        data.to_string(),
    );
}

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    alarm_name: Option<String>,
    #[serde(default)]
    alarm_types: Vec<String>,
    history_item_type: Option<Kind>,
    start_date: Option<Timestamp>,
    end_date: Option<Timestamp>,
    max_records: Option<usize>,
    next_token: Option<String>,
    scan_by: Option<ScanBy>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum ScanBy {
    TimestampDescending,
    TimestampAscending,
}

/// What happened, latest first unless asked otherwise.
///
/// # Errors
/// A token that no answer gave.
pub fn describe_alarm_history(
    cloud: &mut state::State,
    input: Input,
) -> Result<Document, ApiError> {
    let metric_alarms =
        input.alarm_types.is_empty() || input.alarm_types.iter().any(|kind| kind == "MetricAlarm");
    let mut found: Vec<&Item> = cloud
        .cloudwatch
        .history
        .iter()
        .filter(|item| {
            metric_alarms
                && input
                    .alarm_name
                    .as_ref()
                    .is_none_or(|name| *name == item.alarm)
                && input.history_item_type.is_none_or(|kind| kind == item.kind)
                && input.start_date.is_none_or(|start| start <= item.at)
                && input.end_date.is_none_or(|end| item.at <= end)
        })
        .collect();
    if input.scan_by != Some(ScanBy::TimestampAscending) {
        found.reverse();
    }
    let size = input.max_records.unwrap_or(50).clamp(1, 100);
    let (found, token) = page(found, input.next_token.as_deref(), size)?;
    Ok(Document::fields([
        (
            "AlarmHistoryItems",
            Some(Document::list(found.into_iter().map(|item| {
                Document::fields([
                    ("AlarmName", some(&item.alarm)),
                    ("AlarmType", some("MetricAlarm")),
                    ("Timestamp", some(item.at)),
                    ("HistoryItemType", some(item.kind.name())),
                    ("HistorySummary", some(&item.summary)),
                    ("HistoryData", some(&item.data)),
                ])
            }))),
        ),
        ("NextToken", maybe(token.as_ref())),
    ]))
}
