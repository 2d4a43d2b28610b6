//! Subscriptions: who gets what is published to a topic.
//!
//! Who is asked first (e-mail, HTTP) is pending until the token of the message that
//! asks, which is in the outbox, comes back
//! (<https://docs.aws.amazon.com/sns/latest/dg/sns-create-subscribe-endpoint-to-topic.html>).

use std::collections::BTreeMap;

use opsh_snsmessage::message::{self, Message};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub mod attributes;
pub mod list;

use super::publish::{Delivery, Kind, Outcome};
use super::{invalid, not_found, post, publish, signing, topic};
use crate::api::ApiError;
use crate::document::{Document, some};
use crate::state;

/// What the ARN of a subscription reads until it is confirmed.
const PENDING: &str = "PendingConfirmation";

/// How an endpoint is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Text to a mail address.
    Email,
    /// JSON to a mail address.
    EmailJson,
    /// A text message to a telephone.
    Sms,
    /// A POST.
    Http,
    /// A POST.
    Https,
    /// A queue.
    Sqs,
    /// A function.
    Lambda,
}

impl Protocol {
    fn named(name: &str) -> Result<Self, ApiError> {
        Ok(match name {
            "email" => Self::Email,
            "email-json" => Self::EmailJson,
            "sms" => Self::Sms,
            "http" => Self::Http,
            "https" => Self::Https,
            "sqs" => Self::Sqs,
            "lambda" => Self::Lambda,
            "application" | "firehose" => {
                return Err(ApiError::not_modelled(format_args!(
                    "subscription protocol '{name}'"
                )));
            }
            _ => {
                return Err(invalid(
                    "Does not support this protocol string: ".to_owned() + name,
                ));
            }
        })
    }

    /// As the API writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::EmailJson => "email-json",
            Self::Sms => "sms",
            Self::Http => "http",
            Self::Https => "https",
            Self::Sqs => "sqs",
            Self::Lambda => "lambda",
        }
    }

    /// Whether the endpoint must agree first.
    fn asks(self) -> bool {
        matches!(
            self,
            Self::Email | Self::EmailJson | Self::Http | Self::Https
        )
    }

    fn check(self, endpoint: &str) -> Result<(), ApiError> {
        let good = match self {
            Self::Email | Self::EmailJson => endpoint
                .split_once('@')
                .is_some_and(|(name, host)| !name.is_empty() && host.contains('.')),
            Self::Sms => {
                let digits = endpoint.trim_start_matches('+').replace('-', "");
                (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
            }
            Self::Http => endpoint.starts_with("http://"),
            Self::Https => endpoint.starts_with("https://"),
            Self::Sqs => endpoint.starts_with("arn:aws:sqs:"),
            Self::Lambda => endpoint.starts_with("arn:aws:lambda:"),
        };
        if good {
            return Ok(());
        }
        Err(invalid(format_args!(
            "{} endpoint '{endpoint}' is not valid",
            self.name()
        )))
    }
}

/// A subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subscription {
    /// Its ARN, which is shown once it is confirmed.
    pub arn: String,
    /// The topic's ARN.
    pub topic: String,
    /// How the endpoint is reached.
    pub protocol: Protocol,
    /// Where.
    pub endpoint: String,
    /// The token that confirms it; `None` once it is.
    pub token: Option<String>,
    /// The token that has confirmed it.
    #[serde(default)]
    pub confirmed_by: Option<String>,
    /// The attributes that were set.
    pub attributes: BTreeMap<String, String>,
}

impl Subscription {
    /// Whether messages are delivered.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.token.is_none()
    }

    /// Whether the endpoint gets the message without an envelope around it.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        let set = self.attributes.get("RawMessageDelivery");
        set.is_some_and(|value| value == "true")
    }

    /// The ARN as lists show it.
    #[must_use]
    pub fn shown_arn(&self) -> &str {
        if self.is_confirmed() {
            &self.arn
        } else {
            PENDING
        }
    }
}

/// The parameters of `Subscribe`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Subscribe {
    topic_arn: String,
    protocol: String,
    endpoint: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    return_subscription_arn: Option<bool>,
}

/// Subscribes an endpoint, once; who must agree is asked (again).
///
/// # Errors
/// `NotFound`; endpoints that do not fit their protocol; attributes that are not modelled.
pub fn subscribe(cloud: &mut state::State, input: Subscribe) -> Result<Document, ApiError> {
    let protocol = Protocol::named(&input.protocol)?;
    protocol.check(&input.endpoint)?;
    for (name, value) in &input.attributes {
        attributes::check(name, value)?;
    }
    topic::existing(cloud, &input.topic_arn)?;
    let found = cloud.sns.subscriptions.iter().position(|subscription| {
        subscription.topic == input.topic_arn
            && subscription.protocol == protocol
            && subscription.endpoint == input.endpoint
    });
    let index = if let Some(index) = found {
        let differs = input.attributes.iter().any(|(name, value)| {
            cloud.sns.subscriptions[index].attributes.get(name) != Some(value)
        });
        if differs {
            return Err(invalid(
                "Attributes Reason: Subscription already exists with different attributes",
            ));
        }
        index
    } else {
        let arn = format!("{}:{}", input.topic_arn, cloud.ids.uuid());
        let token = protocol
            .asks()
            .then(|| hex::encode(cloud.ids.bytes::<32>()));
        cloud.sns.subscriptions.push(Subscription {
            arn,
            topic: input.topic_arn,
            protocol,
            endpoint: input.endpoint,
            token,
            confirmed_by: None,
            attributes: input.attributes,
        });
        cloud.sns.subscriptions.len() - 1
    };
    let subscription = cloud.sns.subscriptions[index].clone();
    if let Some(token) = &subscription.token {
        ask(cloud, &subscription, token);
    }
    let shown = if subscription.is_confirmed() || input.return_subscription_arn == Some(true) {
        subscription.arn
    } else {
        // AWS words it differently here than in lists.
        "pending confirmation".to_owned()
    };
    Ok(Document::fields([("SubscriptionArn", some(shown))]))
}

/// Sends the endpoint the message that asks it to confirm.
fn ask(cloud: &mut state::State, subscription: &Subscription, token: &str) {
    let topic = &subscription.topic;
    let id = cloud.ids.uuid();
    let url = format!(
        "https://sns.{}.amazonaws.com/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}",
        cloud.region
    );
    let body = match subscription.protocol {
        // Programs read it.
        Protocol::Http | Protocol::Https | Protocol::EmailJson => {
            let question = signing::signed(Message {
                kind: message::Kind::SubscriptionConfirmation,
                id: id.clone(),
                topic: topic.clone(),
                subject: None,
                text: format!(
                    "You have chosen to subscribe to the topic {topic}.\n\
                     To confirm the subscription, visit the SubscribeURL included in this message."
                ),
                timestamp: publish::stamp(cloud.now),
                token: Some(token.to_owned()),
                subscribe_url: Some(url),
                version: signing::version(cloud, topic),
                signature: String::new(),
                certificate: signing::certificate_url(cloud),
            });
            Value::Object(question).to_string()
        }
        _ => format!(
            "You have chosen to subscribe to the topic: {topic}\n\n\
             To confirm this subscription, visit the SubscribeURL:\n{url}\n"
        ),
    };
    let first = cloud.sns.outbox.len();
    cloud.sns.outbox.push(Delivery {
        at: cloud.now,
        id,
        kind: Kind::SubscriptionConfirmation,
        topic: topic.clone(),
        protocol: Some(subscription.protocol),
        endpoint: subscription.endpoint.clone(),
        subject: Some("AWS Notification - Subscription Confirmation".to_owned()),
        body,
        outcome: Outcome::Delivered,
    });
    post::send(cloud, first);
}

/// The parameters of `ConfirmSubscription`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Confirm {
    topic_arn: String,
    token: String,
    authenticate_on_unsubscribe: Option<bool>,
}

/// Confirms a subscription by its token; once it is confirmed the same token says so again.
///
/// # Errors
/// `NotFound`; a token that was not given out.
pub fn confirm_subscription(
    cloud: &mut state::State,
    input: &Confirm,
) -> Result<Document, ApiError> {
    if input.authenticate_on_unsubscribe == Some(true) {
        return Err(ApiError::not_modelled(
            "parameter 'AuthenticateOnUnsubscribe' of sns:ConfirmSubscription",
        ));
    }
    topic::existing(cloud, &input.topic_arn)?;
    let subscription = cloud
        .sns
        .subscriptions
        .iter_mut()
        .find(|subscription| {
            subscription.topic == input.topic_arn
                && [&subscription.token, &subscription.confirmed_by]
                    .into_iter()
                    .any(|token| token.as_deref() == Some(input.token.as_str()))
        })
        .ok_or_else(|| invalid("Token"))?;
    if let Some(token) = subscription.token.take() {
        subscription.confirmed_by = Some(token);
    }
    Ok(Document::fields([(
        "SubscriptionArn",
        some(&subscription.arn),
    )]))
}

/// The parameter that is a subscription's ARN.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Named {
    subscription_arn: String,
}

impl Named {
    /// The ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.subscription_arn
    }
}

/// Ends a subscription; one that is gone already is no error.
///
/// # Errors
/// What is not the ARN of a subscription.
pub fn unsubscribe(cloud: &mut state::State, input: &Named) -> Result<Document, ApiError> {
    if input.subscription_arn.split(':').count() != 7 {
        return Err(invalid(
            "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1",
        ));
    }
    let found = cloud
        .sns
        .subscriptions
        .iter()
        .position(|subscription| subscription.arn == input.subscription_arn);
    if let Some(index) = found {
        let removed = cloud.sns.subscriptions.remove(index);
        if let Some(topic) = cloud.sns.topics.get_mut(&removed.topic) {
            topic.removed += 1;
        }
    }
    Ok(Document::empty())
}

/// The subscription of an ARN.
///
/// # Errors
/// `NotFound`.
pub fn existing<'a>(
    cloud: &'a mut state::State,
    arn: &str,
) -> Result<&'a mut Subscription, ApiError> {
    cloud
        .sns
        .subscriptions
        .iter_mut()
        .find(|subscription| subscription.arn == arn)
        .ok_or_else(|| not_found("Subscription"))
}
