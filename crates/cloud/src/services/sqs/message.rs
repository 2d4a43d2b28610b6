//! A message, and the digests by which clients know that it arrived whole.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::invalid;
use crate::api::ApiError;

/// A message that a queue holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// What it says.
    pub body: String,
    /// What it says beside that, by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// Who sent it.
    pub sender: String,
    /// When.
    pub sent: Timestamp,
    /// From when on it can be received.
    pub visible: Timestamp,
    /// When it was received first.
    pub first_received: Option<Timestamp>,
    /// How often it was received, in all queues.
    pub received: i64,
    /// How often it was received from the queue where it is.
    pub received_here: i64,
    /// What its last receiver got to answer for it.
    pub receipt: Option<String>,
    /// The ARN of the queue where it was received too often.
    pub source: Option<String>,
}

/// An attribute of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, and behind a dot whatever the sender likes.
    pub data_type: String,
    /// A text or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// Bytes, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

impl Attribute {
    /// What a topic's message has as `{"Type": …, "Value": …}`.
    #[must_use]
    pub fn of_topic(attribute: &Value) -> Self {
        let text = |name: &str| attribute[name].as_str().unwrap_or_default().to_owned();
        let (data_type, value) = (text("Type"), text("Value"));
        let binary = data_type.starts_with("Binary");
        // SNS has arrays of strings, too; to a queue they are text.
        Self {
            data_type,
            string_value: (!binary).then(|| value.clone()),
            binary_value: binary.then_some(value),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match (&self.string_value, &self.binary_value) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(encoded)) => STANDARD.decode(encoded).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }

    /// How much of a message's size it is.
    #[must_use]
    pub fn size(&self) -> usize {
        self.data_type.len() + self.bytes().len()
    }
}

/// Checks the attributes of a message.
///
/// # Errors
/// More than ten; a name or a value that cannot be.
pub fn check(attributes: &BTreeMap<String, Attribute>) -> Result<(), ApiError> {
    if attributes.len() > 10 {
        return Err(ApiError::new(
            "InvalidParameterValue",
            "Number of message attributes [11] exceeds the allowed maximum [10].",
        ));
    }
    for (name, attribute) in attributes {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if name.is_empty() || name.len() > 256 || !name.bytes().all(fits) {
            return Err(invalid(
                name,
                "MessageAttributeName",
                "Invalid message attribute name.",
            ));
        }
        let kind = attribute.data_type.split('.').next().unwrap_or_default();
        let good = match (kind, &attribute.string_value, &attribute.binary_value) {
            ("String", Some(text), None) => !text.is_empty(),
            ("Number", Some(text), None) => text.parse::<f64>().is_ok(),
            ("Binary", None, Some(_)) => !attribute.bytes().is_empty(),
            ("String" | "Number" | "Binary", ..) => false,
            _ => {
                return Err(ApiError::new(
                    "InvalidParameterValue",
                    format!(
                        "The type of message (user) attribute '{name}' is invalid. You must use \
                         only the following supported type prefixes: Binary, Number, String."
                    ),
                ));
            }
        };
        if !good {
            return Err(ApiError::new(
                "InvalidParameterValue",
                format!(
                    "The message (user) attribute '{name}' must contain a non-empty value of \
                     type '{}'.",
                    attribute.data_type
                ),
            ));
        }
    }
    Ok(())
}

/// The digest of a body.
#[must_use]
pub fn digest(body: &str) -> String {
    hex::encode(Md5::digest(body))
}

/// The digest of attributes, if there are any.
#[must_use]
pub fn attributes_digest(attributes: &BTreeMap<String, Attribute>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    let mut put = |bytes: &[u8], kind: &[u8]| {
        digest.update(kind);
        digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(bytes);
    };
    for (name, attribute) in attributes {
        put(name.as_bytes(), b"");
        put(attribute.data_type.as_bytes(), b"");
        let text = attribute.string_value.is_some();
        put(&attribute.bytes(), if text { &[1] } else { &[2] });
    }
    Some(hex::encode(digest.finalize()))
}

impl Message {
    /// The attributes that the service itself gives a message.
    fn system(&self, name: &str) -> Option<String> {
        match name {
            "ApproximateFirstReceiveTimestamp" => self.first_received.map(milliseconds),
            "ApproximateReceiveCount" => Some(self.received.to_string()),
            "SenderId" => Some(self.sender.clone()),
            "SentTimestamp" => Some(milliseconds(self.sent)),
            "DeadLetterQueueSourceArn" => self.source.clone(),
            _ => None,
        }
    }

    /// As a receiver gets it who asked for these attributes and these of the service.
    #[must_use]
    pub fn shown(&self, wanted: &[String], system: &[String]) -> Value {
        let mut shown = json!({
            "MessageId": self.id,
            "ReceiptHandle": self.receipt,
            "MD5OfBody": digest(&self.body),
            "Body": self.body,
        });
        let all = system.iter().any(|name| name == "All");
        let told: BTreeMap<&str, String> = SYSTEM
            .iter()
            .filter(|name| all || system.iter().any(|wanted| wanted == *name))
            .filter_map(|name| Some((*name, self.system(name)?)))
            .collect();
        if !told.is_empty() {
            shown["Attributes"] = json!(told);
        }
        let picked: BTreeMap<String, Attribute> = self
            .attributes
            .iter()
            .filter(|(name, _)| wanted.iter().any(|wanted| is_meant(wanted, name)))
            .map(|(name, attribute)| (name.clone(), attribute.clone()))
            .collect();
        if let Some(digest) = attributes_digest(&picked) {
            shown["MD5OfMessageAttributes"] = json!(digest);
            shown["MessageAttributes"] = json!(picked);
        }
        shown
    }
}

/// What the service can tell of a message in a standard queue.
pub(super) const SYSTEM: [&str; 5] = [
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "SenderId",
    "SentTimestamp",
];

/// `All` and `.*` mean every name, `prefix.*` those that begin so.
fn is_meant(wanted: &str, name: &str) -> bool {
    wanted == name
        || wanted == "All"
        || wanted
            .strip_suffix(".*")
            .is_some_and(|prefix| prefix.is_empty() || name.starts_with(&format!("{prefix}.")))
}

fn milliseconds(at: Timestamp) -> String {
    at.as_millisecond().to_string()
}
