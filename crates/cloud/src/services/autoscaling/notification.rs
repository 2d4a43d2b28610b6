//! Whom a group tells what it does: notifications to SNS topics.
//!
//! <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-sns-notifications.html>

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::json;

use super::activity;
use super::group::{changeable, existing};
use super::{page, stamp, validation};
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::services::sns;
use crate::state;

/// An instance was launched.
pub const LAUNCH: &str = "autoscaling:EC2_INSTANCE_LAUNCH";
/// An instance could not be launched.
pub const LAUNCH_ERROR: &str = "autoscaling:EC2_INSTANCE_LAUNCH_ERROR";
/// An instance was terminated.
pub const TERMINATE: &str = "autoscaling:EC2_INSTANCE_TERMINATE";
const TERMINATE_ERROR: &str = "autoscaling:EC2_INSTANCE_TERMINATE_ERROR";
const TEST: &str = "autoscaling:TEST_NOTIFICATION";

const KINDS: &[&str] = &[LAUNCH, LAUNCH_ERROR, TERMINATE, TERMINATE_ERROR, TEST];

/// The parameters of `PutNotificationConfiguration`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Put {
    auto_scaling_group_name: String,
    #[serde(rename = "TopicARN")]
    topic_arn: String,
    notification_types: Vec<String>,
}

/// Tells a topic of these kinds of events from now on, instead of those before.
///
/// # Errors
/// No such group; no such topic; unknown kinds.
pub fn put(cloud: &mut state::State, input: Put) -> Result<Document, ApiError> {
    changeable(cloud, &input.auto_scaling_group_name)?;
    if let Some(other) = input
        .notification_types
        .iter()
        .find(|kind| !KINDS.contains(&kind.as_str()))
    {
        return Err(validation(format_args!(
            "Invalid notification type '{other}'. Valid types: {}",
            KINDS.join(", ")
        )));
    }
    sns::topic::existing(cloud, &input.topic_arn).map_err(|_| {
        validation(format_args!(
            "Invalid notification target '{}': the topic does not exist",
            input.topic_arn
        ))
    })?;
    let group = changeable(cloud, &input.auto_scaling_group_name)?;
    let arn = group.arn.clone();
    group.notifications.insert(
        input.topic_arn.clone(),
        input.notification_types.into_iter().collect(),
    );
    let message = json!({
        "AccountId": cloud.account,
        "RequestId": cloud.requests.uuid(),
        "AutoScalingGroupARN": arn,
        "AutoScalingGroupName": input.auto_scaling_group_name,
        "Service": "AWS Auto Scaling",
        "Event": TEST,
        "Time": stamp(cloud.now),
    });
    let subject = format!(
        "Auto Scaling: test notification for group \"{}\"",
        input.auto_scaling_group_name
    );
    sns::publish::deliver(
        cloud,
        &input.topic_arn,
        Some(&subject),
        &message.to_string(),
    )?;
    Ok(Document::empty())
}

/// The parameters of `DeleteNotificationConfiguration`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Delete {
    auto_scaling_group_name: String,
    #[serde(rename = "TopicARN")]
    topic_arn: String,
}

/// Tells a topic nothing any more.
///
/// # Errors
/// No such group.
pub fn delete(cloud: &mut state::State, input: Delete) -> Result<Document, ApiError> {
    existing(cloud, &input.auto_scaling_group_name)?
        .notifications
        .remove(&input.topic_arn);
    Ok(Document::empty())
}

/// The parameters of `DescribeNotificationConfigurations`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Describe {
    #[serde(default)]
    auto_scaling_group_names: Vec<String>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

/// Which topics are told what, one kind an item.
///
/// # Errors
/// A token that no answer gave.
pub fn describe(cloud: &mut state::State, input: Describe) -> Result<Document, ApiError> {
    let mut found = Vec::new();
    for group in cloud.autoscaling.groups.values() {
        let asked = &input.auto_scaling_group_names;
        if !asked.is_empty() && !asked.contains(&group.name) {
            continue;
        }
        for (topic, kinds) in &group.notifications {
            found.extend(kinds.iter().map(|kind| {
                Document::fields([
                    ("AutoScalingGroupName", some(&group.name)),
                    ("TopicARN", some(topic)),
                    ("NotificationType", some(kind)),
                ])
            }));
        }
    }
    let (found, token) = page(found, input.next_token.as_deref(), input.max_records)?;
    Ok(Document::fields([
        ("NotificationConfigurations", Some(Document::List(found))),
        ("NextToken", maybe(token.as_ref())),
    ]))
}

/// Tells the topics of a group of an activity.
pub fn tell(
    cloud: &mut state::State,
    group: &str,
    kind: &str,
    activity_id: &str,
    instance: Option<&str>,
) {
    let Some(group) = cloud.autoscaling.groups.get(group) else {
        return;
    };
    let topics: BTreeSet<String> = group
        .notifications
        .iter()
        .filter(|(_, kinds)| kinds.contains(kind))
        .map(|(topic, _)| topic.clone())
        .collect();
    let Some(activity) = activity::get(cloud, activity_id) else {
        return;
    };
    let details: serde_json::Value =
        serde_json::from_str(&activity.details).unwrap_or(serde_json::Value::Null);
    let message = json!({
        "Progress": 50,
        "AccountId": cloud.account,
        "Description": activity.description,
        "RequestId": activity.id,
        "EndTime": activity.end.map(stamp),
        "AutoScalingGroupARN": group.arn,
        "ActivityId": activity.id,
        "StartTime": stamp(activity.start),
        "Service": "AWS Auto Scaling",
        "Time": stamp(cloud.now),
        "EC2InstanceId": instance.unwrap_or_default(),
        "StatusCode": activity.status.name(),
        "StatusMessage": activity.message.clone().unwrap_or_default(),
        "Details": details,
        "AutoScalingGroupName": group.name,
        "Cause": activity.cause,
        "Event": kind,
    })
    .to_string();
    let what = match kind {
        LAUNCH => "launch",
        LAUNCH_ERROR => "launch error",
        _ => "termination",
    };
    let subject = format!("Auto Scaling: {what} for group \"{}\"", group.name);
    for topic in topics {
        // A topic that is gone hears nothing, as with AWS.
        let _ = sns::publish::deliver(cloud, &topic, Some(&subject), &message);
    }
}
