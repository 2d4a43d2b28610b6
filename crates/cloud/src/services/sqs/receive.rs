//! Messages handed out.
//!
//! A message that is received is hidden for the visibility timeout, then comes back; one
//! that was received too often goes to the dead-letter queue instead of a receiver.
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::message::SYSTEM;
use super::queue::{self, existing};
use super::{attributes, invalid};
use crate::api::ApiError;
use crate::state::State as Cloud;

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    queue_url: String,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    /// What that was called before.
    #[serde(default)]
    attribute_names: Vec<String>,
}

/// What a receiver gets.
#[derive(Debug)]
pub struct Received {
    /// The answer.
    pub answer: Value,
    /// Whether there is a message in it.
    pub any: bool,
    /// Whether anything is otherwise than before.
    pub changed: bool,
    /// How long the receiver waits if there is none.
    pub patience: SignedDuration,
    /// When the next message that is hidden comes back.
    pub next: Option<Timestamp>,
}

fn within(value: Option<i64>, name: &str, least: i64, most: i64) -> Result<Option<i64>, ApiError> {
    match value.filter(|value| !(least..=most).contains(value)) {
        Some(value) => Err(invalid(
            &value.to_string(),
            name,
            &format!("Must be >= {least} and <= {most}, if provided."),
        )),
        None => Ok(value),
    }
}

impl Input {
    fn check(&self) -> Result<(), ApiError> {
        within(self.max_number_of_messages, "MaxNumberOfMessages", 1, 10)?;
        within(self.visibility_timeout, "VisibilityTimeout", 0, 43_200)?;
        within(self.wait_time_seconds, "WaitTimeSeconds", 0, 20)?;
        let fifo = ["MessageDeduplicationId", "MessageGroupId", "SequenceNumber"];
        let known = |name: &String| {
            name == "All" || SYSTEM.contains(&name.as_str()) || fifo.contains(&name.as_str())
        };
        let named = self
            .message_system_attribute_names
            .iter()
            .chain(&self.attribute_names);
        match named.into_iter().find(|name| !known(name)) {
            Some(name) => Err(ApiError::new(
                "InvalidAttributeName",
                format!("Unknown Attribute {name}."),
            )),
            None => Ok(()),
        }
    }
}

/// Hands out what can be received now.
///
/// # Errors
/// No such queue; numbers beyond their limits.
pub fn receive(cloud: &mut Cloud, input: &Input) -> Result<Received, ApiError> {
    input.check()?;
    let now = cloud.now;
    let queue = existing(cloud, &input.queue_url)?;
    let name = queue.name.clone();
    let hidden = input
        .visibility_timeout
        .unwrap_or_else(|| queue.number("VisibilityTimeout"));
    let wait = input
        .wait_time_seconds
        .unwrap_or_else(|| queue.number("ReceiveMessageWaitTimeSeconds"));
    let most = usize::try_from(input.max_number_of_messages.unwrap_or(1)).unwrap_or(1);
    let buried = bury(cloud, &name);
    let mut system = input.message_system_attribute_names.clone();
    system.extend(input.attribute_names.iter().cloned());

    let arn = queue::arn(cloud, &name);
    let Cloud { sqs, ids, .. } = cloud;
    let mut found = Vec::new();
    let mut next = None;
    for message in sqs
        .queues
        .get_mut(&name)
        .map_or(&mut [][..], |queue| &mut queue.messages)
    {
        if message.visible > now {
            next = Some(next.map_or(message.visible, |next: Timestamp| next.min(message.visible)));
            continue;
        }
        if found.len() == most {
            break;
        }
        let receipt = format!("{} {arn} {} {now}", ids.uuid(), message.id);
        message.receipt = Some(STANDARD.encode(receipt));
        message.visible = now + SignedDuration::from_secs(hidden);
        message.first_received.get_or_insert(now);
        message.received += 1;
        message.received_here += 1;
        found.push(message.shown(&input.message_attribute_names, &system));
    }
    let any = !found.is_empty();
    Ok(Received {
        // As the service does, nothing is said of no messages.
        answer: if any {
            json!({"Messages": found})
        } else {
            json!({})
        },
        any,
        changed: any || buried,
        patience: SignedDuration::from_secs(wait),
        next,
    })
}

/// Moves what was received too often to the dead-letter queue; whether there was any.
fn bury(cloud: &mut Cloud, name: &str) -> bool {
    let now = cloud.now;
    let from = queue::arn(cloud, name);
    let Some((target, most)) = cloud.sqs.queues.get(name).and_then(attributes::redrive) else {
        return false;
    };
    let Some(target) = queue::named(cloud, &target)
        .filter(|target| cloud.sqs.queues.contains_key(*target) && *target != name)
        .map(str::to_owned)
    else {
        return false;
    };
    let Some(queue) = cloud.sqs.queues.get_mut(name) else {
        return false;
    };
    let (dead, alive): (Vec<_>, Vec<_>) = std::mem::take(&mut queue.messages)
        .into_iter()
        .partition(|message| message.visible <= now && message.received_here >= most);
    queue.messages = alive;
    let any = !dead.is_empty();
    if let Some(queue) = cloud.sqs.queues.get_mut(&target) {
        queue.messages.extend(dead.into_iter().map(|mut message| {
            message.received_here = 0;
            message.receipt = None;
            message.source = Some(from.clone());
            message
        }));
    }
    any
}
