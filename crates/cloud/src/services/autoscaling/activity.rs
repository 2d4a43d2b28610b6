//! What groups did, and `DescribeScalingActivities`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::group::Group;
use super::page;
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::state;

/// How far an activity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Under way.
    InProgress,
    /// Under way: requests to an instance are still ending.
    WaitingForELBConnectionDraining,
    /// Done.
    Successful,
    /// Given up.
    Failed,
}

impl Status {
    /// As the API writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::WaitingForELBConnectionDraining => "WaitingForELBConnectionDraining",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
        }
    }
}

/// Something that a group did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its id.
    pub id: String,
    /// The group's name.
    pub group: String,
    /// The group's ARN.
    pub group_arn: String,
    /// What.
    pub description: String,
    /// Why.
    pub cause: String,
    /// From when.
    pub start: Timestamp,
    /// Until when.
    pub end: Option<Timestamp>,
    /// How far.
    pub status: Status,
    /// Why it failed.
    pub message: Option<String>,
    /// Zone and subnet, as JSON.
    pub details: String,
}

impl Activity {
    /// As the API shows it.
    #[must_use]
    pub fn document(&self) -> Document {
        let progress: i64 = match self.status {
            Status::InProgress | Status::WaitingForELBConnectionDraining => 50,
            Status::Successful | Status::Failed => 100,
        };
        Document::fields([
            ("ActivityId", some(&self.id)),
            ("AutoScalingGroupName", some(&self.group)),
            ("Description", some(&self.description)),
            ("Cause", some(&self.cause)),
            ("StartTime", some(self.start)),
            ("EndTime", self.end.map(Into::into)),
            ("StatusCode", some(self.status.name())),
            ("StatusMessage", maybe(self.message.as_ref())),
            ("Progress", some(progress)),
            ("Details", some(&self.details)),
            ("AutoScalingGroupARN", some(&self.group_arn)),
        ])
    }
}

/// Notes the beginning of something; its id.
pub fn begin(
    cloud: &mut state::State,
    group: &Group,
    description: String,
    cause: String,
    place: (&str, &str),
) -> String {
    let keep_from = cloud.now - SignedDuration::from_hours(42 * 24);
    let activities = &mut cloud.autoscaling.activities;
    // AWS keeps six weeks.
    activities.retain(|activity| activity.start >= keep_from);
    let id = cloud.ids.uuid();
    let (subnet, zone) = place;
    cloud.autoscaling.activities.push(Activity {
        id: id.clone(),
        group: group.name.clone(),
        group_arn: group.arn.clone(),
        description,
        cause,
        start: cloud.now,
        end: None,
        status: Status::InProgress,
        message: None,
        details: serde_json::json!({"Subnet ID": subnet, "Availability Zone": zone}).to_string(),
    });
    id
}

/// Notes how something ended, or goes on.
pub fn set(cloud: &mut state::State, id: &str, status: Status, message: Option<String>) {
    let now = cloud.now;
    let found = cloud
        .autoscaling
        .activities
        .iter_mut()
        .find(|activity| activity.id == id);
    if let Some(activity) = found {
        activity.status = status;
        activity.message = message;
        activity.end = matches!(status, Status::Successful | Status::Failed).then_some(now);
    }
}

/// The activity of an id.
#[must_use]
pub fn get<'a>(cloud: &'a state::State, id: &str) -> Option<&'a Activity> {
    cloud
        .autoscaling
        .activities
        .iter()
        .find(|activity| activity.id == id)
}

/// Whether a group is at work.
#[must_use]
pub fn in_progress(cloud: &state::State, group: &str) -> bool {
    cloud
        .autoscaling
        .activities
        .iter()
        .any(|activity| activity.group == group && activity.end.is_none())
}

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    #[serde(default)]
    activity_ids: Vec<String>,
    auto_scaling_group_name: Option<String>,
    include_deleted_groups: Option<bool>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

/// What groups did, latest first.
///
/// # Errors
/// A token that no answer gave.
pub fn describe(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    let groups = &cloud.autoscaling.groups;
    let gone_too = input.include_deleted_groups == Some(true);
    let found: Vec<&Activity> = cloud
        .autoscaling
        .activities
        .iter()
        .rev()
        .filter(|activity| {
            (input.activity_ids.is_empty() || input.activity_ids.contains(&activity.id))
                && input
                    .auto_scaling_group_name
                    .as_ref()
                    .is_none_or(|name| *name == activity.group)
                && (gone_too
                    || groups
                        .get(&activity.group)
                        .is_some_and(|group| group.arn == activity.group_arn))
        })
        .collect();
    let (found, token) = page(found, input.next_token.as_deref(), input.max_records)?;
    Ok(Document::fields([
        (
            "Activities",
            Some(Document::list(found.into_iter().map(Activity::document))),
        ),
        ("NextToken", maybe(token.as_ref())),
    ]))
}
