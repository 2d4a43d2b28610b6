//! Attributes of queues.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::queue::{self, Queue, existing};
use super::{invalid, nothing, policy};
use crate::api::ApiError;
use crate::state::State as Cloud;

/// The numbers: name, least, most, and what it is where nobody has set it.
const NUMBERS: [(&str, i64, i64, i64); 6] = [
    ("DelaySeconds", 0, 900, 0),
    ("MaximumMessageSize", 1024, 1_048_576, 1_048_576),
    ("MessageRetentionPeriod", 60, 1_209_600, 345_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20, 0),
    ("VisibilityTimeout", 0, 43_200, 30),
    ("KmsDataKeyReusePeriodSeconds", 60, 86_400, 300),
];

/// What a number is where nobody has set it.
#[must_use]
pub fn standard(name: &str) -> i64 {
    NUMBERS
        .iter()
        .find(|(known, ..)| *known == name)
        .map_or(0, |(.., usual)| *usual)
}

/// Checks an attribute that somebody wants to set.
///
/// # Errors
/// One that does not exist, cannot have the value, or is not modelled.
pub fn check(cloud: &Cloud, name: &str, value: &str) -> Result<(), ApiError> {
    if let Some((_, least, most, _)) = NUMBERS.iter().find(|(known, ..)| *known == name) {
        let number = value.parse::<i64>();
        if number.is_ok_and(|number| (*least..=*most).contains(&number)) {
            return Ok(());
        }
        return Err(ApiError::new(
            "InvalidAttributeValue",
            format!("Invalid value for the parameter {name}."),
        ));
    }
    match name {
        _ if is_plain(name, value) => Ok(()),
        "Policy" => policy::Policy::parse(value).map(|_| ()),
        "RedrivePolicy" => check_redrive(cloud, value),
        "SqsManagedSseEnabled" => Err(ApiError::new(
            "InvalidAttributeValue",
            format!("Invalid value for the parameter {name}."),
        )),
        "FifoQueue"
        | "ContentBasedDeduplication"
        | "DeduplicationScope"
        | "FifoThroughputLimit"
        | "KmsMasterKeyId"
        | "RedriveAllowPolicy" => Err(ApiError::not_modelled(format_args!(
            "queue attribute '{name}'"
        ))),
        _ => Err(ApiError::new(
            "InvalidAttributeName",
            format!("Unknown Attribute {name}."),
        )),
    }
}

/// What any standard queue may have: what is taken away again, and what tools say although
/// it is so anyway.
fn is_plain(name: &str, value: &str) -> bool {
    match name {
        "Policy" | "RedrivePolicy" | "KmsMasterKeyId" | "RedriveAllowPolicy" => value.is_empty(),
        "FifoQueue" | "ContentBasedDeduplication" => value == "false",
        "SqsManagedSseEnabled" => matches!(value, "true" | "false"),
        _ => false,
    }
}

fn check_redrive(cloud: &Cloud, text: &str) -> Result<(), ApiError> {
    let bad = |why: &str| invalid(text, "RedrivePolicy", why);
    let (target, most) =
        read_redrive(text).ok_or_else(|| bad("Redrive policy is not a valid JSON map."))?;
    if !(1..=1000).contains(&most) {
        return Err(bad(
            "Invalid value for maxReceiveCount: must be from 1 to 1000.",
        ));
    }
    let known =
        queue::named(cloud, &target).is_some_and(|name| cloud.sqs.queues.contains_key(name));
    if known {
        return Ok(());
    }
    Err(bad("Dead letter target does not exist."))
}

fn read_redrive(text: &str) -> Option<(String, i64)> {
    let policy: Value = serde_json::from_str(text).ok()?;
    let most = &policy["maxReceiveCount"];
    // Both are taken: a number, and its text.
    let most = most
        .as_i64()
        .or_else(|| most.as_str().and_then(|text| text.parse().ok()))?;
    Some((policy["deadLetterTargetArn"].as_str()?.to_owned(), most))
}

/// The ARN of a queue's dead-letter queue, and after how many receives a message goes there.
#[must_use]
pub fn redrive(queue: &Queue) -> Option<(String, i64)> {
    read_redrive(queue.attributes.get("RedrivePolicy")?)
}

/// An attribute that can be set, as it is now.
#[must_use]
pub fn shown(queue: &Queue, name: &str) -> Option<String> {
    match queue.attributes.get(name) {
        Some(value) if value.is_empty() => None,
        Some(value) => Some(value.clone()),
        None if name == "SqsManagedSseEnabled" => Some("true".to_owned()),
        None if name == "FifoQueue" || name == "ContentBasedDeduplication" => {
            Some("false".to_owned())
        }
        None => NUMBERS
            .iter()
            .find(|(known, ..)| *known == name && name != "KmsDataKeyReusePeriodSeconds")
            .map(|(.., usual)| usual.to_string()),
    }
}

/// What is told of a standard queue, in the order of the documentation's table.
const TOLD: [&str; 15] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "DelaySeconds",
    "LastModifiedTimestamp",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "QueueArn",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
    "KmsDataKeyReusePeriodSeconds",
];

fn told(cloud: &Cloud, queue: &Queue, name: &str) -> Option<String> {
    let now = cloud.now;
    let count = |wanted: fn(&super::message::Message, jiff::Timestamp) -> bool| {
        let found = queue.messages.iter().filter(|message| wanted(message, now));
        Some(found.count().to_string())
    };
    match name {
        "ApproximateNumberOfMessages" => count(|message, now| message.visible <= now),
        "ApproximateNumberOfMessagesDelayed" => {
            count(|message, now| message.visible > now && message.receipt.is_none())
        }
        "ApproximateNumberOfMessagesNotVisible" => {
            count(|message, now| message.visible > now && message.receipt.is_some())
        }
        "CreatedTimestamp" => Some(queue.created.as_second().to_string()),
        "LastModifiedTimestamp" => Some(queue.modified.as_second().to_string()),
        "QueueArn" => Some(queue::arn(cloud, &queue.name)),
        name => shown(queue, name),
    }
}

/// The parameters of `GetQueueAttributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Get {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

/// The attributes that are asked for.
///
/// # Errors
/// No such queue; an attribute that does not exist.
pub fn get(cloud: &mut Cloud, input: &Get) -> Result<Value, ApiError> {
    let queue = existing(cloud, &input.queue_url)?.clone();
    let known = |name: &String| {
        TOLD.contains(&name.as_str())
            || matches!(
                name.as_str(),
                "All"
                    | "FifoQueue"
                    | "ContentBasedDeduplication"
                    | "KmsMasterKeyId"
                    | "RedriveAllowPolicy"
                    | "DeduplicationScope"
                    | "FifoThroughputLimit"
            )
    };
    if let Some(name) = input.attribute_names.iter().find(|name| !known(name)) {
        return Err(ApiError::new(
            "InvalidAttributeName",
            format!("Unknown Attribute {name}."),
        ));
    }
    let all = input.attribute_names.iter().any(|name| name == "All");
    let found: BTreeMap<&str, String> = TOLD
        .iter()
        .filter(|told| all || input.attribute_names.iter().any(|name| name == *told))
        .filter_map(|name| Some((*name, told(cloud, &queue, name)?)))
        .collect();
    if found.is_empty() {
        return nothing();
    }
    Ok(json!({"Attributes": found}))
}

/// The parameters of `SetQueueAttributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Set {
    queue_url: String,
    attributes: BTreeMap<String, String>,
}

/// Sets attributes; the others stay.
///
/// # Errors
/// No such queue; attributes that cannot be set.
pub fn set(cloud: &mut Cloud, input: Set) -> Result<Value, ApiError> {
    existing(cloud, &input.queue_url)?;
    for (name, value) in &input.attributes {
        if name == "FifoQueue" {
            return Err(ApiError::new(
                "InvalidAttributeName",
                "You cannot modify this attribute: FifoQueue",
            ));
        }
        check(cloud, name, value)?;
    }
    let now = cloud.now;
    let queue = existing(cloud, &input.queue_url)?;
    queue.attributes.extend(input.attributes);
    queue.modified = now;
    nothing()
}
