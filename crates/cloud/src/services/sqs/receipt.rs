//! What receivers do with messages: they answer for them with a receipt handle.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;

use super::queue::{self, Named, existing};
use super::{invalid, nothing, refused};
use crate::api::ApiError;
use crate::state::State as Cloud;

/// How long after a purge there can be no other.
const REST: SignedDuration = SignedDuration::from_secs(60);

/// The id of the message that a receipt handle of a queue is for.
fn message_of(cloud: &mut Cloud, url: &str, receipt: &str) -> Result<(String, String), ApiError> {
    let name = existing(cloud, url)?.name.clone();
    let arn = queue::arn(cloud, &name);
    let text = STANDARD
        .decode(receipt)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default();
    match text.split(' ').collect::<Vec<_>>()[..] {
        [_, from, message, _] if from == arn => Ok((name, message.to_owned())),
        _ => Err(ApiError::new(
            "ReceiptHandleIsInvalid",
            format!("The input receipt handle \"{receipt}\" is not a valid receipt handle."),
        )),
    }
}

/// The parameters of `DeleteMessage`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Delete {
    queue_url: String,
    receipt_handle: String,
}

/// Deletes a message. Where the handle is not that of its last receive, the message stays
/// and nothing is said, as with the service.
///
/// # Errors
/// No such queue; what is no receipt handle of it.
pub fn delete(cloud: &mut Cloud, input: &Delete) -> Result<Value, ApiError> {
    discard(cloud, &input.queue_url, &input.receipt_handle)?;
    nothing()
}

pub(super) fn discard(cloud: &mut Cloud, url: &str, receipt: &str) -> Result<(), ApiError> {
    let (name, _) = message_of(cloud, url, receipt)?;
    if let Some(queue) = cloud.sqs.queues.get_mut(&name) {
        queue
            .messages
            .retain(|message| message.receipt.as_deref() != Some(receipt));
    }
    Ok(())
}

/// The parameters of `ChangeMessageVisibility`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Change {
    queue_url: String,
    receipt_handle: String,
    visibility_timeout: i64,
}

/// Hides a message that was received for so long from now on; 0 shows it again.
///
/// # Errors
/// No such queue or message; one that is not hidden.
pub fn change(cloud: &mut Cloud, input: &Change) -> Result<Value, ApiError> {
    hide(
        cloud,
        &input.queue_url,
        &input.receipt_handle,
        input.visibility_timeout,
    )?;
    nothing()
}

pub(super) fn hide(
    cloud: &mut Cloud,
    url: &str,
    receipt: &str,
    seconds: i64,
) -> Result<(), ApiError> {
    if !(0..=43_200).contains(&seconds) {
        return Err(invalid(
            &seconds.to_string(),
            "VisibilityTimeout",
            "VisibilityTimeout must be an integer between 0 and 43200.",
        ));
    }
    let (name, id) = message_of(cloud, url, receipt)?;
    let now = cloud.now;
    let message = cloud
        .sqs
        .queues
        .get_mut(&name)
        .and_then(|queue| queue.messages.iter_mut().find(|message| message.id == id));
    let Some(message) = message.filter(|message| message.receipt.as_deref() == Some(receipt))
    else {
        return Err(invalid(
            receipt,
            "ReceiptHandle",
            "Message does not exist or is not available for visibility timeout change.",
        ));
    };
    if message.visible <= now {
        return Err(refused(
            "MessageNotInflight",
            "The specified message isn't in flight.",
        ));
    }
    message.visible = now + SignedDuration::from_secs(seconds);
    Ok(())
}

/// Deletes all that a queue holds.
///
/// # Errors
/// No such queue; a purge less than a minute after another.
pub fn purge(cloud: &mut Cloud, input: &Named) -> Result<Value, ApiError> {
    let now = cloud.now;
    let queue = existing(cloud, &input.queue_url)?;
    if queue.purged.is_some_and(|at| at + REST > now) {
        return Err(refused(
            "PurgeQueueInProgress",
            format!(
                "Only one PurgeQueue operation on {} is allowed every 60 seconds.",
                queue.name
            ),
        )
        .with_status(403));
    }
    queue.purged = Some(now);
    queue.messages.clear();
    nothing()
}
