//! Messages come in: from callers, and from topics.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::invalid;
use super::message::{Attribute, Message, attributes_digest, check, digest};
use super::policy::Policy;
use super::queue::{self, Queue, existing};
use crate::api::ApiError;
use crate::services::iam;
use crate::state::State as Cloud;

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    queue_url: String,
    message_body: String,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: BTreeMap<String, Attribute>,
}

/// What is to be sent, alone or in a batch.
#[derive(Debug)]
pub(super) struct Draft {
    pub body: String,
    pub delay: Option<i64>,
    pub attributes: BTreeMap<String, Attribute>,
}

impl Draft {
    /// How much it counts against the limits.
    pub fn size(&self) -> usize {
        let attributes = self.attributes.iter();
        self.body.len()
            + attributes
                .map(|(name, attribute)| name.len() + attribute.size())
                .sum::<usize>()
    }

    /// Whether a queue takes it.
    pub fn check(&self, queue: &Queue) -> Result<(), ApiError> {
        if self.body.is_empty() {
            return Err(ApiError::new(
                "MissingParameter",
                "The request must contain the parameter MessageBody.",
            ));
        }
        // What XML 1.0 can hold.
        let fits =
            |c: char| c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}') || "\t\n\r".contains(c);
        if !self.body.chars().all(fits) {
            return Err(ApiError::new(
                "InvalidMessageContents",
                "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to \
                 #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
            ));
        }
        let most = queue.number("MaximumMessageSize");
        if i64::try_from(self.size()).is_ok_and(|size| size > most) {
            return Err(ApiError::new(
                "InvalidParameterValue",
                format!(
                    "One or more parameters are invalid. Reason: Message must be shorter than \
                     {most} bytes."
                ),
            ));
        }
        if let Some(delay) = self.delay.filter(|delay| !(0..=900).contains(delay)) {
            return Err(invalid(
                &delay.to_string(),
                "DelaySeconds",
                "DelaySeconds must be >= 0 and <= 900.",
            ));
        }
        check(&self.attributes)
    }
}

/// Puts what has been checked into a queue; gives what its sender is told.
pub(super) fn put(cloud: &mut Cloud, name: &str, draft: Draft, sender: &str) -> Value {
    let id = cloud.ids.uuid();
    let mut told = json!({
        "MessageId": id,
        "MD5OfMessageBody": digest(&draft.body),
    });
    if let Some(digest) = attributes_digest(&draft.attributes) {
        told["MD5OfMessageAttributes"] = json!(digest);
    }
    let now = cloud.now;
    if let Some(queue) = cloud.sqs.queues.get_mut(name) {
        let delay = draft.delay.unwrap_or_else(|| queue.number("DelaySeconds"));
        queue.messages.push(Message {
            id,
            body: draft.body,
            attributes: draft.attributes,
            sender: sender.to_owned(),
            sent: now,
            visible: now + SignedDuration::from_secs(delay),
            first_received: None,
            received: 0,
            received_here: 0,
            receipt: None,
            source: None,
        });
    }
    told
}

/// Sends a message.
///
/// # Errors
/// No such queue; a message that it does not take.
pub fn send(cloud: &mut Cloud, input: Input) -> Result<Value, ApiError> {
    let draft = Draft {
        body: input.message_body,
        delay: input.delay_seconds,
        attributes: input.message_attributes,
    };
    let queue = existing(cloud, &input.queue_url)?;
    draft.check(queue)?;
    let name = queue.name.clone();
    Ok(put(cloud, &name, draft, iam::USER_ID))
}

/// Brings what one of AWS's services has to say on behalf of `source` to the queue of an
/// ARN, if the queue's policy lets it.
///
/// # Errors
/// Why not, in words.
pub fn bring(
    cloud: &mut Cloud,
    service: &str,
    source: &str,
    arn: &str,
    body: &str,
    attributes: BTreeMap<String, Attribute>,
) -> Result<(), String> {
    let name = queue::named(cloud, arn).map(str::to_owned);
    let now = cloud.now;
    let account = cloud.account.clone();
    let queue = name
        .as_ref()
        .and_then(|name| cloud.sqs.queues.get_mut(name))
        .ok_or_else(|| format!("there is no queue {arn}"))?;
    queue.expire(now);
    let admitted = queue
        .attributes
        .get("Policy")
        .and_then(|text| Policy::parse(text).ok())
        .is_some_and(|policy| policy.admits(service, arn, source, &account));
    if !admitted {
        return Err(format!(
            "the policy of {arn} does not let {service} send for {source}"
        ));
    }
    let draft = Draft {
        body: body.to_owned(),
        delay: None,
        attributes,
    };
    draft.check(queue).map_err(|error| error.to_string())?;
    let name = queue.name.clone();
    put(cloud, &name, draft, service);
    Ok(())
}
