//! Schedules, and the actions on them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::expression::Expression;
use super::group::{self, STANDARD};
use super::target::{Target, Wish};
use super::{check_name, conflict, fire, invalid, not_found, page};
use crate::api::ApiError;
use crate::api::cbor::time;
use crate::state::State as Cloud;

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// Its group's name.
    pub group: String,
    /// When it fires, as it was given.
    pub expression: String,
    /// The zone that the expression is meant in.
    pub zone: String,
    /// It does not fire before.
    pub start: Option<Timestamp>,
    /// It does not fire after.
    pub end: Option<Timestamp>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it fires at all.
    pub enabled: bool,
    /// What it invokes.
    pub target: Target,
    /// Whether it is removed once it will not fire again.
    pub vanishes: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed last.
    pub modified: Timestamp,
    /// The token of the request that made or changed it last.
    pub token: Option<String>,
    /// Which plan is valid: those made before the last change are void.
    pub plan: u64,
}

impl Schedule {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self, cloud: &Cloud) -> String {
        format!(
            "arn:aws:scheduler:{}:{}:schedule/{}/{}",
            cloud.region, cloud.account, self.group, self.name
        )
    }

    /// The first time after `after` (or at it, where `inclusive`) at which it fires.
    #[must_use]
    pub fn next(&self, after: Timestamp, inclusive: bool) -> Option<Timestamp> {
        let expression = Expression::parse(&self.expression).ok()?;
        let zone = zone(&self.zone).ok()?;
        let next = expression.next(&zone, self.start.unwrap_or(self.created), after, inclusive)?;
        self.end.is_none_or(|end| next <= end).then_some(next)
    }

    fn shown(&self, cloud: &Cloud) -> Value {
        let mut shown = json!({
            "Arn": self.arn(cloud),
            "Name": self.name,
            "GroupName": self.group,
            "ScheduleExpression": self.expression,
            "ScheduleExpressionTimezone": self.zone,
            "State": state(self.enabled),
            "Target": self.target.shown(),
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": if self.vanishes { "DELETE" } else { "NONE" },
            "CreationDate": time(self.created),
            "LastModificationDate": time(self.modified),
        });
        for (name, at) in [("StartDate", self.start), ("EndDate", self.end)] {
            if let Some(at) = at {
                shown[name] = time(at);
            }
        }
        if let Some(description) = &self.description {
            shown["Description"] = json!(description);
        }
        shown
    }
}

fn state(enabled: bool) -> &'static str {
    if enabled { "ENABLED" } else { "DISABLED" }
}

/// The zone of this name.
fn zone(name: &str) -> Result<TimeZone, ApiError> {
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| {
        invalid("Invalid ScheduleExpressionTimezone: not a time zone of the IANA database.")
    })
}

/// The key under which a schedule is kept.
fn key(group: &str, name: &str) -> String {
    format!("{group}/{name}")
}

/// Whether a schedule fires at its times, or somewhen near them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Window {
    mode: String,
}

/// The parameters of `CreateSchedule` and `UpdateSchedule`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Put {
    name: String,
    group_name: Option<String>,
    schedule_expression: String,
    start_date: Option<f64>,
    end_date: Option<f64>,
    description: Option<String>,
    schedule_expression_timezone: Option<String>,
    state: Option<String>,
    target: Wish,
    flexible_time_window: Window,
    client_token: Option<String>,
    action_after_completion: Option<String>,
}

impl Put {
    /// The schedule that is wished for, checked.
    fn checked(self, cloud: &Cloud) -> Result<Schedule, ApiError> {
        check_name(&self.name, "name")?;
        if self.flexible_time_window.mode != "OFF" {
            return Err(ApiError::not_modelled(format_args!(
                "the flexible time window '{}' of a schedule (it has 'OFF')",
                self.flexible_time_window.mode
            )));
        }
        let enabled = match self.state.as_deref() {
            None | Some("ENABLED") => true,
            Some("DISABLED") => false,
            Some(other) => return Err(invalid(format!("'{other}' is no state of a schedule."))),
        };
        let vanishes = match self.action_after_completion.as_deref() {
            None | Some("NONE") => false,
            Some("DELETE") => true,
            Some(other) => {
                return Err(invalid(format!("'{other}' is no action after completion.")));
            }
        };
        Expression::parse(&self.schedule_expression)?;
        let zone_name = self
            .schedule_expression_timezone
            .unwrap_or_else(|| "UTC".to_owned());
        zone(&zone_name)?;
        let (start, end) = (instant(self.start_date)?, instant(self.end_date)?);
        if let (Some(start), Some(end)) = (start, end)
            && end <= start
        {
            return Err(invalid(
                "The EndDate you specify must be after the StartDate.",
            ));
        }
        if end.is_some_and(|end| end <= cloud.now) {
            return Err(invalid(
                "The EndDate you specify cannot be earlier than now.",
            ));
        }
        Ok(Schedule {
            name: self.name,
            group: self.group_name.unwrap_or_else(|| STANDARD.to_owned()),
            expression: self.schedule_expression,
            zone: zone_name,
            start,
            end,
            description: self.description,
            enabled,
            target: self.target.checked(cloud)?,
            vanishes,
            created: cloud.now,
            modified: cloud.now,
            token: self.client_token,
            plan: 0,
        })
    }
}

#[allow(clippy::cast_possible_truncation)] // seconds of a date that jiff then bounds
fn instant(seconds: Option<f64>) -> Result<Option<Timestamp>, ApiError> {
    seconds
        .map(|seconds| Timestamp::from_second(seconds as i64))
        .transpose()
        .map_err(|_| invalid("A date is out of range."))
}

/// Makes a schedule; the same request again finds it.
///
/// # Errors
/// A name that is taken; what AWS refuses or is not modelled.
pub fn create(cloud: &mut Cloud, input: Put) -> Result<Value, ApiError> {
    let mut schedule = input.checked(cloud)?;
    group::existing(cloud, &schedule.group)?;
    let key = key(&schedule.group, &schedule.name);
    if let Some(there) = cloud.scheduler.schedules.get(&key) {
        if there.token.is_some() && there.token == schedule.token {
            return Ok(json!({"ScheduleArn": there.arn(cloud)}));
        }
        return Err(conflict(format!(
            "Schedule {} already exists.",
            schedule.name
        )));
    }
    schedule.plan = 1;
    let arn = schedule.arn(cloud);
    cloud.scheduler.schedules.insert(key.clone(), schedule);
    fire::begin(cloud, &key);
    Ok(json!({"ScheduleArn": arn}))
}

/// Replaces a schedule: what is not given has its standard value again.
///
/// # Errors
/// `ResourceNotFoundException`; what AWS refuses or is not modelled.
pub fn update(cloud: &mut Cloud, input: Put) -> Result<Value, ApiError> {
    let mut schedule = input.checked(cloud)?;
    let key = key(&schedule.group, &schedule.name);
    let there = existing(cloud, &schedule.group, &schedule.name)?;
    schedule.created = there.created;
    schedule.plan = there.plan + 1;
    let arn = schedule.arn(cloud);
    cloud.scheduler.schedules.insert(key.clone(), schedule);
    fire::begin(cloud, &key);
    Ok(json!({"ScheduleArn": arn}))
}

fn existing<'c>(cloud: &'c Cloud, group: &str, name: &str) -> Result<&'c Schedule, ApiError> {
    cloud
        .scheduler
        .schedules
        .get(&key(group, name))
        .ok_or_else(|| not_found(format!("Schedule {name} does not exist.")))
}

/// The parameters that name a schedule.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Named {
    name: String,
    group_name: Option<String>,
    #[serde(rename = "ClientToken")]
    _client_token: Option<String>,
}

impl Named {
    fn group(&self) -> &str {
        self.group_name.as_deref().unwrap_or(STANDARD)
    }
}

/// A schedule.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn get(cloud: &Cloud, input: &Named) -> Result<Value, ApiError> {
    existing(cloud, input.group(), &input.name).map(|schedule| schedule.shown(cloud))
}

/// Removes a schedule.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn delete(cloud: &mut Cloud, input: &Named) -> Result<Value, ApiError> {
    existing(cloud, input.group(), &input.name)?;
    let key = key(input.group(), &input.name);
    cloud.scheduler.schedules.remove(&key);
    Ok(json!({}))
}

/// The parameters of `ListSchedules`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct List {
    group_name: Option<String>,
    #[serde(default)]
    name_prefix: String,
    state: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

/// The schedules by group and name.
///
/// # Errors
/// `ResourceNotFoundException` for the group.
pub fn list(cloud: &Cloud, input: &List) -> Result<Value, ApiError> {
    if let Some(group) = &input.group_name {
        group::existing(cloud, group)?;
    }
    let found = cloud
        .scheduler
        .schedules
        .iter()
        .filter(|(_, schedule)| {
            schedule.name.starts_with(&input.name_prefix)
                && input
                    .group_name
                    .as_ref()
                    .is_none_or(|group| *group == schedule.group)
                && input
                    .state
                    .as_deref()
                    .is_none_or(|wanted| wanted == state(schedule.enabled))
        })
        .map(|(key, schedule)| {
            let shown = json!({
                "Arn": schedule.arn(cloud),
                "Name": schedule.name,
                "GroupName": schedule.group,
                "State": state(schedule.enabled),
                "CreationDate": time(schedule.created),
                "LastModificationDate": time(schedule.modified),
                "Target": {"Arn": schedule.target.arn},
            });
            (key, shown)
        });
    let (schedules, token) = page(found, input.next_token.as_deref(), input.max_results);
    let mut answer = json!({"Schedules": schedules});
    if let Some(token) = token {
        answer["NextToken"] = json!(token);
    }
    Ok(answer)
}
