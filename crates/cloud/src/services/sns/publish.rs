//! Messages: published, delivered to who is confirmed, kept in a readable outbox.
//!
//! <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use opsh_snsmessage::message;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::subscription::{Protocol, Subscription};
use super::{invalid, post, signing, topic};
use crate::api::ApiError;
use crate::document::{Document, some};
use crate::services::{lambda, sqs};
use crate::state;

/// The most that a message and its attributes hold, in bytes.
const LIMIT: usize = 262_144;

/// As whom SNS invokes functions and sends to queues.
const PRINCIPAL: &str = "sns.amazonaws.com";

/// What kind of message was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// What somebody published.
    Notification,
    /// The question whether an endpoint wants a topic's messages.
    SubscriptionConfirmation,
}

/// What came of a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is there.
    #[default]
    Delivered,
    /// The endpoint's web server answered with this status.
    Answered(u16),
    /// Nobody took it, and why.
    Failed(String),
    /// The endpoint is not in this cloud, and nobody has carried it there.
    Outside,
    /// The endpoint has not answered yet.
    UnderWay,
}

/// A message as it reached an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// When.
    pub at: Timestamp,
    /// The message's id.
    pub id: String,
    /// What kind.
    pub kind: Kind,
    /// The topic's ARN; empty for a text message sent straight to a telephone.
    pub topic: String,
    /// How; `None` straight to a telephone.
    pub protocol: Option<Protocol>,
    /// Where.
    pub endpoint: String,
    /// The subject of a mail.
    pub subject: Option<String>,
    /// What the endpoint got.
    pub body: String,
    /// What came of it.
    #[serde(default)]
    pub outcome: Outcome,
}

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    topic_arn: Option<String>,
    target_arn: Option<String>,
    phone_number: Option<String>,
    message: String,
    subject: Option<String>,
    message_structure: Option<String>,
    #[serde(default)]
    message_attributes: BTreeMap<String, Attribute>,
}

/// A message attribute.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Attribute {
    data_type: String,
    string_value: Option<String>,
    binary_value: Option<String>,
}

/// A message before it is delivered.
struct Message<'a> {
    id: String,
    topic: &'a str,
    subject: Option<&'a str>,
    text: &'a str,
    /// The texts for single protocols (`MessageStructure: json`).
    variants: Option<Value>,
    attributes: Value,
}

/// Publishes a message to a topic or a telephone.
///
/// # Errors
/// What AWS refuses: an empty or too long message, a bad subject, no such topic.
pub fn publish(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    let attributes = attributes(&input.message_attributes)?;
    let size = input.message.len()
        + input
            .message_attributes
            .iter()
            .map(|(name, attribute)| name.len() + attribute.size())
            .sum::<usize>();
    if input.message.is_empty() {
        return Err(invalid("Empty message"));
    }
    if size > LIMIT {
        return Err(invalid("Message too long"));
    }
    if let Some(subject) = &input.subject
        && !is_subject(subject)
    {
        return Err(invalid("Subject"));
    }
    let variants = match input.message_structure.as_deref() {
        None => None,
        Some("json") => Some(variants(&input.message)?),
        Some(_) => return Err(invalid("MessageStructure")),
    };
    let id = cloud.ids.uuid();
    match (input.topic_arn.or(input.target_arn), input.phone_number) {
        (Some(arn), None) => {
            topic::existing(cloud, &arn)?;
            let message = Message {
                id: id.clone(),
                topic: &arn,
                subject: input.subject.as_deref(),
                text: &input.message,
                variants,
                attributes,
            };
            send(cloud, &message);
        }
        (None, Some(number)) => cloud.sns.outbox.push(Delivery {
            at: cloud.now,
            id: id.clone(),
            kind: Kind::Notification,
            topic: String::new(),
            protocol: None,
            endpoint: number,
            subject: None,
            body: input.message,
            outcome: Outcome::Delivered,
        }),
        _ => {
            return Err(invalid(
                "TopicArn Reason: exactly one of TopicArn, TargetArn and PhoneNumber is needed",
            ));
        }
    }
    Ok(Document::fields([("MessageId", some(id))]))
}

/// Publishes what another service has to say.
///
/// # Errors
/// `NotFound`.
pub fn deliver(
    cloud: &mut state::State,
    topic_arn: &str,
    subject: Option<&str>,
    text: &str,
) -> Result<(), ApiError> {
    topic::existing(cloud, topic_arn)?;
    let message = Message {
        id: cloud.ids.uuid(),
        topic: topic_arn,
        subject,
        text,
        variants: None,
        attributes: json!({}),
    };
    send(cloud, &message);
    Ok(())
}

fn send(cloud: &mut state::State, message: &Message<'_>) {
    let deliveries: Vec<Delivery> = cloud
        .sns
        .subscriptions
        .iter()
        .filter(|subscription| subscription.topic == message.topic && subscription.is_confirmed())
        .map(|subscription| Delivery {
            at: cloud.now,
            id: message.id.clone(),
            kind: Kind::Notification,
            topic: message.topic.to_owned(),
            protocol: Some(subscription.protocol),
            endpoint: subscription.endpoint.clone(),
            subject: match subscription.protocol {
                Protocol::Email | Protocol::EmailJson => Some(
                    message
                        .subject
                        .unwrap_or("AWS Notification Message")
                        .to_owned(),
                ),
                _ => message.subject.map(str::to_owned),
            },
            body: body(cloud, subscription, message),
            outcome: Outcome::Delivered,
        })
        .collect();
    let first = cloud.sns.outbox.len();
    for mut delivery in deliveries {
        if delivery.protocol == Some(Protocol::Lambda) {
            // What its policy does not let in is not delivered, as with AWS.
            lambda::invoked_by(
                cloud,
                PRINCIPAL,
                message.topic,
                &delivery.endpoint,
                delivery.body.clone(),
            );
        }
        if delivery.protocol == Some(Protocol::Sqs) {
            delivery.outcome = queued(cloud, message, &delivery);
        }
        cloud.sns.outbox.push(delivery);
    }
    post::send(cloud, first);
}

/// Puts a delivery into its queue. What the queue's policy does not let in fails for good:
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html>.
fn queued(cloud: &mut state::State, message: &Message<'_>, delivery: &Delivery) -> Outcome {
    let raw = cloud.sns.subscriptions.iter().any(|subscription| {
        subscription.topic == message.topic
            && subscription.endpoint == delivery.endpoint
            && subscription.is_raw()
    });
    // Without the envelope around the message its attributes are the queue's.
    let attributes = match &message.attributes {
        Value::Object(all) if raw => all
            .iter()
            .map(|(name, attribute)| (name.clone(), sqs::message::Attribute::of_topic(attribute)))
            .collect(),
        _ => BTreeMap::new(),
    };
    let brought = sqs::send::bring(
        cloud,
        PRINCIPAL,
        message.topic,
        &delivery.endpoint,
        &delivery.body,
        attributes,
    );
    match brought {
        Ok(()) => Outcome::Delivered,
        Err(why) => Outcome::Failed(why),
    }
}

/// What an endpoint gets.
fn body(cloud: &state::State, subscription: &Subscription, message: &Message<'_>) -> String {
    let text = message
        .variants
        .as_ref()
        .and_then(|variants| {
            variants
                .get(subscription.protocol.name())
                .or_else(|| variants.get("default"))?
                .as_str()
        })
        .unwrap_or(message.text);
    match subscription.protocol {
        Protocol::Email | Protocol::Sms => text.to_owned(),
        Protocol::Lambda => json!({"Records": [{
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription.arn,
            "Sns": envelope(cloud, message, text),
        }]})
        .to_string(),
        _ if subscription.is_raw() => text.to_owned(),
        Protocol::Http | Protocol::Https => notification(cloud, subscription, message, text),
        _ => envelope(cloud, message, text).to_string(),
    }
}

/// The JSON that a web server gets, signed.
fn notification(
    cloud: &state::State,
    subscription: &Subscription,
    message: &Message<'_>,
    text: &str,
) -> String {
    let mut fields = signing::signed(message::Message {
        kind: message::Kind::Notification,
        id: message.id.clone(),
        topic: message.topic.to_owned(),
        subject: message.subject.map(str::to_owned),
        text: text.to_owned(),
        timestamp: stamp(cloud.now),
        token: None,
        subscribe_url: None,
        version: signing::version(cloud, message.topic),
        signature: String::new(),
        certificate: signing::certificate_url(cloud),
    });
    let unsubscribe = format!(
        "https://sns.{}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={}",
        cloud.region, subscription.arn
    );
    fields.insert("UnsubscribeURL".to_owned(), unsubscribe.into());
    if message.attributes != json!({}) {
        let attributes = message.attributes.clone();
        fields.insert("MessageAttributes".to_owned(), attributes);
    }
    Value::Object(fields).to_string()
}

/// The JSON around a message (whoever it is for takes it from SNS itself: unsigned).
fn envelope(cloud: &state::State, message: &Message<'_>, text: &str) -> Value {
    json!({
        "Type": "Notification",
        "MessageId": message.id,
        "TopicArn": message.topic,
        "Subject": message.subject,
        "Message": text,
        "Timestamp": stamp(cloud.now),
        "MessageAttributes": message.attributes,
    })
}

/// A time as SNS writes it.
#[must_use]
pub fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn is_subject(subject: &str) -> bool {
    !subject.is_empty()
        && subject.chars().count() <= 100
        && !subject.starts_with(' ')
        && subject.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

fn variants(message: &str) -> Result<Value, ApiError> {
    let variants: Value = serde_json::from_str(message)
        .map_err(|_| invalid("Message Structure - JSON message body failed to parse"))?;
    if variants.get("default").and_then(Value::as_str).is_none() {
        return Err(invalid(
            "Message Structure - No default entry in JSON message body",
        ));
    }
    Ok(variants)
}

impl Attribute {
    fn size(&self) -> usize {
        self.data_type.len()
            + self.string_value.as_ref().map_or(0, String::len)
            + self
                .binary_value
                .as_ref()
                .map_or(0, |value| value.len() / 4 * 3)
    }
}

fn attributes(all: &BTreeMap<String, Attribute>) -> Result<Value, ApiError> {
    let mut fields = serde_json::Map::new();
    for (name, attribute) in all {
        let bad = |why: String| ApiError::new("ParameterValueInvalid", why);
        let kind = attribute.data_type.split('.').next().unwrap_or_default();
        let value = match (kind, &attribute.string_value, &attribute.binary_value) {
            ("String", Some(value), None) if !value.is_empty() => value,
            ("Number", Some(value), None) if value.parse::<f64>().is_ok() => value,
            ("Binary", None, Some(value)) => value,
            ("String" | "Number" | "Binary", _, _) => {
                return Err(bad(format!(
                    "The message attribute '{name}' must contain a non-empty value of its type '{}'.",
                    attribute.data_type
                )));
            }
            _ => {
                return Err(bad(format!(
                    "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
                )));
            }
        };
        fields.insert(
            name.clone(),
            json!({"Type": attribute.data_type, "Value": value}),
        );
    }
    Ok(Value::Object(fields))
}
