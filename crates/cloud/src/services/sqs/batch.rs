//! Several messages at once; each entry succeeds or fails by itself.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html>

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::message::Attribute;
use super::queue::existing;
use super::receipt;
use super::refused;
use super::send::{Draft, put};
use crate::api::ApiError;
use crate::services::iam;
use crate::state::State as Cloud;

/// The most that the messages of a batch hold together, in bytes.
const LIMIT: usize = 1_048_576;

/// Checks the ids of a batch.
fn check<'a>(ids: impl Iterator<Item = &'a String>) -> Result<(), ApiError> {
    let ids: Vec<&String> = ids.collect();
    if ids.is_empty() {
        return Err(refused(
            "EmptyBatchRequest",
            "There should be at least one SendMessageBatchRequestEntry in the request.",
        ));
    }
    if ids.len() > 10 {
        return Err(refused(
            "TooManyEntriesInBatchRequest",
            format!(
                "Maximum number of entries per request are 10. You have sent {}.",
                ids.len()
            ),
        ));
    }
    let mut seen = BTreeSet::new();
    for id in ids {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=80).contains(&id.len()) || !id.bytes().all(fits) {
            return Err(refused(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and \
                 underscores. It can be at most 80 letters long.",
            ));
        }
        if !seen.insert(id) {
            return Err(refused(
                "BatchEntryIdsNotDistinct",
                format!("Id {id} repeated."),
            ));
        }
    }
    Ok(())
}

/// The answer to a batch: what each entry came to.
fn told(outcomes: Vec<(String, Result<Value, ApiError>)>) -> Value {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (id, outcome) in outcomes {
        match outcome {
            Ok(mut entry) => {
                entry["Id"] = json!(id);
                good.push(entry);
            }
            Err(error) => bad.push(json!({
                "Id": id,
                "SenderFault": error.status < 500,
                "Code": error.code,
                "Message": error.message,
            })),
        }
    }
    json!({"Successful": good, "Failed": bad})
}

/// The parameters of `SendMessageBatch`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Send {
    queue_url: String,
    entries: Vec<Outgoing>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Outgoing {
    id: String,
    message_body: String,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: BTreeMap<String, Attribute>,
}

/// Sends up to ten messages.
///
/// # Errors
/// No such queue; ids that are the same; too much together.
pub fn send(cloud: &mut Cloud, input: Send) -> Result<Value, ApiError> {
    check(input.entries.iter().map(|entry| &entry.id))?;
    let name = existing(cloud, &input.queue_url)?.name.clone();
    let drafts: Vec<(String, Draft)> = input
        .entries
        .into_iter()
        .map(|entry| {
            let draft = Draft {
                body: entry.message_body,
                delay: entry.delay_seconds,
                attributes: entry.message_attributes,
            };
            (entry.id, draft)
        })
        .collect();
    let size: usize = drafts.iter().map(|(_, draft)| draft.size()).sum();
    if size > LIMIT {
        return Err(refused(
            "BatchRequestTooLong",
            format!(
                "Batch requests cannot be longer than {LIMIT} bytes. You have sent {size} bytes."
            ),
        ));
    }
    let mut outcomes = Vec::new();
    for (id, draft) in drafts {
        let checked = draft.check(existing(cloud, &input.queue_url)?);
        let outcome = checked.map(|()| put(cloud, &name, draft, iam::USER_ID));
        outcomes.push((id, outcome));
    }
    Ok(told(outcomes))
}

/// The parameters of `DeleteMessageBatch`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Delete {
    queue_url: String,
    entries: Vec<Done>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Done {
    id: String,
    receipt_handle: String,
}

/// Deletes up to ten messages.
///
/// # Errors
/// No such queue; ids that are the same.
pub fn delete(cloud: &mut Cloud, input: Delete) -> Result<Value, ApiError> {
    check(input.entries.iter().map(|entry| &entry.id))?;
    existing(cloud, &input.queue_url)?;
    let each = |entry: Done| {
        let outcome = receipt::discard(cloud, &input.queue_url, &entry.receipt_handle);
        (entry.id, outcome.map(|()| json!({})))
    };
    Ok(told(input.entries.into_iter().map(each).collect()))
}

/// The parameters of `ChangeMessageVisibilityBatch`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Change {
    queue_url: String,
    entries: Vec<Hidden>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Hidden {
    id: String,
    receipt_handle: String,
    visibility_timeout: Option<i64>,
}

/// Hides up to ten messages that were received for so long from now on.
///
/// # Errors
/// No such queue; ids that are the same.
pub fn change(cloud: &mut Cloud, input: Change) -> Result<Value, ApiError> {
    check(input.entries.iter().map(|entry| &entry.id))?;
    existing(cloud, &input.queue_url)?;
    let each = |entry: Hidden| {
        let seconds = entry.visibility_timeout.unwrap_or(0);
        let outcome = receipt::hide(cloud, &input.queue_url, &entry.receipt_handle, seconds);
        (entry.id, outcome.map(|()| json!({})))
    };
    Ok(told(input.entries.into_iter().map(each).collect()))
}
