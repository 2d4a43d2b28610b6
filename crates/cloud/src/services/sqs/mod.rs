//! SQS: queues that hold each message until it has been received and deleted.
//!
//! - [`queue`]: queues, made, found and removed;
//! - [`attributes`]: what can be set on a queue, and what it tells of itself;
//! - [`message`], [`send`]: messages and how they come in;
//! - [`receive`]: messages handed out, hidden for the visibility timeout, and moved to
//!   the dead-letter queue when they were received too often;
//! - [`receipt`]: what a receiver does with a message: deletes it, or changes how long it
//!   is hidden; and purging;
//! - [`batch`]: several of these at once;
//! - [`policy`]: which of AWS's services may send;
//! - [`tags`].
//!
//! Standard queues; FIFO is refused by name. Facts:
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html>.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::cloud::Cloud;
use crate::state;

pub mod attributes;
pub mod batch;
pub mod message;
pub mod policy;
pub mod queue;
pub mod receipt;
pub mod receive;
pub mod send;
pub mod tags;

/// How often a receiver that waits looks again, if nothing is known to come earlier.
const LOOK: Duration = Duration::from_millis(200);

/// What there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// The queues by name.
    pub queues: BTreeMap<String, queue::Queue>,
    /// When queues were deleted: for a minute there can be no other of that name.
    pub deleted: BTreeMap<String, Timestamp>,
}

/// Answers a request.
///
/// # Errors
/// The service's own refusals.
pub fn handle(cloud: &mut state::State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    let answer = match request.action.as_str() {
        "CreateQueue" => queue::create(cloud, request.read()?),
        "DeleteQueue" => queue::delete(cloud, &request.read()?),
        "GetQueueUrl" => queue::url_of(cloud, &request.read()?),
        "ListQueues" => queue::list(cloud, &request.read()?),
        "ListDeadLetterSourceQueues" => queue::sources(cloud, &request.read()?),
        "GetQueueAttributes" => attributes::get(cloud, &request.read()?),
        "SetQueueAttributes" => attributes::set(cloud, request.read()?),
        "SendMessage" => send::send(cloud, request.read()?),
        "SendMessageBatch" => batch::send(cloud, request.read()?),
        "ReceiveMessage" => receive::receive(cloud, &request.read()?).map(|found| found.answer),
        "DeleteMessage" => receipt::delete(cloud, &request.read()?),
        "DeleteMessageBatch" => batch::delete(cloud, request.read()?),
        "ChangeMessageVisibility" => receipt::change(cloud, &request.read()?),
        "ChangeMessageVisibilityBatch" => batch::change(cloud, request.read()?),
        "PurgeQueue" => receipt::purge(cloud, &request.read()?),
        "TagQueue" => tags::tag(cloud, request.read()?),
        "UntagQueue" => tags::untag(cloud, &request.read()?),
        "ListQueueTags" => tags::list(cloud, &request.read()?),
        other => Err(ApiError::not_modelled(format_args!("sqs:{other}"))),
    }?;
    Ok(request.value(&answer))
}

impl Cloud {
    /// Receives messages, waiting in virtual time as long as the request or the queue says.
    pub(crate) async fn receive(&self, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
        let input: receive::Input = request.read()?;
        let mut end = None;
        loop {
            let (received, now) = {
                let mut state = self.state();
                crate::cloud::here(&state, request)?;
                let received = receive::receive(&mut state, &input)?;
                if received.changed {
                    self.keep(&state)
                        .map_err(|error| ApiError::new("LocalStore", error.to_string()))?;
                }
                (received, state.now)
            };
            let until = *end.get_or_insert(now + received.patience);
            if received.any || now >= until {
                return Ok(request.value(&received.answer));
            }
            let left = until.duration_since(now).unsigned_abs();
            let next = received
                .next
                .map_or(LOOK, |at| at.duration_since(now).unsigned_abs().min(LOOK));
            let pause = next.max(Duration::from_millis(1)).min(left);
            self.clock().timer(pause).await;
        }
    }
}

/// A refusal of a parameter's value.
fn invalid(value: &str, parameter: &str, why: &str) -> ApiError {
    ApiError::new(
        "InvalidParameterValue",
        format!("Value {value} for parameter {parameter} is invalid. Reason: {why}"),
    )
}

/// A refusal that another service's query protocol would call by this code, too.
fn refused(code: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(format!("AWS.SimpleQueueService.{code}"), message)
}

/// The name of the shape of an error, where it is not the code that older clients know.
///
/// Source: the API model's `awsQueryError` traits.
#[must_use]
pub fn shape(code: &str) -> String {
    let name = match code.strip_prefix("AWS.SimpleQueueService.") {
        Some("NonExistentQueue") => "QueueDoesNotExist",
        Some(name) => name,
        None if code == "QueueAlreadyExists" => "QueueNameExists",
        None => code,
    };
    format!("com.amazonaws.sqs#{name}")
}

/// An answer that says nothing.
#[allow(clippy::unnecessary_wraps)] // every action gives a result
fn nothing() -> Result<serde_json::Value, ApiError> {
    Ok(json!({}))
}

#[cfg(test)]
mod tests;
