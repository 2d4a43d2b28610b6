//! The JSON of a message, and what its fields can hold.
//!
//! The signature is over the fields' names and contents with newlines between them, so a
//! newline in any field but the message itself would let one signature stand for two
//! messages. Such fields are refused here, as is a field that stands there twice.
//!
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::refusal::Refusal;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What somebody published to the topic.
    Notification,
    /// The question whether the endpoint wants the topic's messages.
    SubscriptionConfirmation,
    /// The topic's messages have been declined; a way back.
    UnsubscribeConfirmation,
}

impl Kind {
    /// As SNS writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [
            Self::Notification,
            Self::SubscriptionConfirmation,
            Self::UnsubscribeConfirmation,
        ]
        .into_iter()
        .find(|kind| kind.name() == name)
    }
}

/// A message as it says it is: nothing of this is proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// The topic's ARN.
    pub topic: String,
    /// The subject, if it has one.
    pub subject: Option<String>,
    /// What it says.
    pub text: String,
    /// When it was sent, as it is written there.
    pub timestamp: String,
    /// The token of a confirmation.
    pub token: Option<String>,
    /// The URL that a confirmation offers; it is only ever a part of what is signed.
    pub subscribe_url: Option<String>,
    /// The version of the signature.
    pub version: String,
    /// The signature, in base64.
    pub signature: String,
    /// Where the certificate is said to be.
    pub certificate: String,
}

impl Message {
    /// Reads the body of a delivery.
    ///
    /// # Errors
    /// What is no JSON object; fields that are missing, stand there twice, are no text, or
    /// hold what they cannot hold.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        let mut fields: Fields =
            serde_json::from_slice(body).map_err(|error| Refusal::Json(error.to_string()))?;
        if let Some(refusal) = fields.fault.take() {
            return Err(refusal);
        }
        let kind = fields.take(TYPE)?;
        let kind = Kind::named(&kind).ok_or_else(|| Refusal::Kind(shortened(&kind)))?;
        let confirms = kind != Kind::Notification;
        let mut if_confirms = |field| confirms.then(|| fields.take(field)).transpose();
        let token = if_confirms(TOKEN)?;
        let subscribe_url = if_confirms(SUBSCRIBE_URL)?;
        let message = Self {
            kind,
            token,
            subscribe_url,
            id: fields.take(MESSAGE_ID)?,
            topic: fields.take(TOPIC_ARN)?,
            subject: if confirms {
                None
            } else {
                fields.optional(SUBJECT)
            },
            text: fields.take(MESSAGE)?,
            timestamp: fields.take(TIMESTAMP)?,
            version: fields.take(SIGNATURE_VERSION)?,
            signature: fields.take(SIGNATURE)?,
            certificate: fields.take(SIGNING_CERT_URL)?,
        };
        message.check()?;
        Ok(message)
    }

    /// When it was sent.
    ///
    /// # Errors
    /// No time as SNS writes it: `2012-05-02T00:54:06.655Z`.
    pub fn sent(&self) -> Result<Timestamp, Refusal> {
        let wrong = Refusal::Content(NAMES[TIMESTAMP]);
        let shape = b"dddd-dd-ddTdd:dd:dd";
        let (whole, rest) = self
            .timestamp
            .as_bytes()
            .split_at_checked(shape.len())
            .ok_or_else(|| wrong.clone())?;
        let fits = shape.iter().zip(whole).all(|(shape, byte)| match shape {
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        });
        let fraction = rest.strip_suffix(b"Z").ok_or_else(|| wrong.clone())?;
        let ends = fraction.is_empty()
            || fraction.strip_prefix(b".").is_some_and(|digits| {
                (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
            });
        if !fits || !ends {
            return Err(wrong);
        }
        self.timestamp.parse().map_err(|_| wrong)
    }

    /// What the fields cannot hold: above all newlines, which part the signed fields.
    fn check(&self) -> Result<(), Refusal> {
        let plain = |text: &str, longest: usize| {
            !text.is_empty() && text.len() <= longest && text.bytes().all(|b| b.is_ascii_graphic())
        };
        let id = plain(&self.id, 100);
        let topic = plain(&self.topic, 512);
        let subject = self
            .subject
            .as_deref()
            .is_none_or(|subject| subject.len() <= 400 && !subject.contains(char::is_control));
        let token = self.token.as_deref().is_none_or(|token| plain(token, 2048));
        let url = self
            .subscribe_url
            .as_deref()
            .is_none_or(|url| plain(url, 4096));
        for (holds, field) in [
            (id, MESSAGE_ID),
            (topic, TOPIC_ARN),
            (subject, SUBJECT),
            (token, TOKEN),
            (url, SUBSCRIBE_URL),
        ] {
            if !holds {
                return Err(Refusal::Content(NAMES[field]));
            }
        }
        self.sent().map(|_| ())
    }
}

/// The fields that count; all others are passed over, and nothing of them comes out.
const NAMES: [&str; 11] = [
    "Message",
    "MessageId",
    "Signature",
    "SignatureVersion",
    "SigningCertURL",
    "Subject",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
];
const MESSAGE: usize = 0;
const MESSAGE_ID: usize = 1;
const SIGNATURE: usize = 2;
const SIGNATURE_VERSION: usize = 3;
const SIGNING_CERT_URL: usize = 4;
const SUBJECT: usize = 5;
const SUBSCRIBE_URL: usize = 6;
const TIMESTAMP: usize = 7;
const TOKEN: usize = 8;
const TOPIC_ARN: usize = 9;
const TYPE: usize = 10;

#[derive(Default)]
struct Fields {
    seen: [bool; NAMES.len()],
    found: [Option<String>; NAMES.len()],
    fault: Option<Refusal>,
}

impl Fields {
    fn take(&mut self, field: usize) -> Result<String, Refusal> {
        self.optional(field).ok_or(Refusal::Missing(NAMES[field]))
    }

    fn optional(&mut self, field: usize) -> Option<String> {
        self.found[field].take()
    }

    fn note(&mut self, field: usize, given: Value) {
        let twice = std::mem::replace(&mut self.seen[field], true);
        let fault = match given {
            _ if twice => Refusal::Twice(NAMES[field]),
            Value::String(text) => {
                self.found[field] = Some(text);
                return;
            }
            // As some senders write that there is none.
            Value::Null if field == SUBJECT => return,
            _ => Refusal::Content(NAMES[field]),
        };
        self.fault.get_or_insert(fault);
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Fields;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a message of SNS")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(Name(field)) = map.next_key()? {
            match field {
                Some(field) => fields.note(field, map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(fields)
    }
}

/// The name of a field: which of those that count.
struct Name(Option<usize>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Name;
            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a field's name")
            }
            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(NAMES.iter().position(|known| *known == name)))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

/// Foreign text, cut to what a log line should hold of it.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut short: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}
