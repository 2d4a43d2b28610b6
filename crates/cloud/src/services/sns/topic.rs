//! Topics and their attributes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::subscription::Subscription;
use super::{invalid, not_found, page, policy, tags};
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::state;

/// A topic.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Topic {
    /// Its ARN.
    pub arn: String,
    /// The attributes that were set.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// How many subscriptions were removed from it.
    pub removed: i64,
}

/// The attributes that a standard topic can be given.
const SETTABLE: &[&str] = &[
    "DeliveryPolicy",
    "DisplayName",
    "KmsMasterKeyId",
    "Policy",
    "SignatureVersion",
    "TracingConfig",
];

/// The ARN of a topic.
#[must_use]
pub fn arn(cloud: &state::State, name: &str) -> String {
    format!("arn:aws:sns:{}:{}:{name}", cloud.region, cloud.account)
}

fn checked(name: &str, value: &str) -> Result<(), ApiError> {
    if !SETTABLE.contains(&name) {
        // Tools say these although any topic has them.
        if name == "FifoTopic" && value == "false"
            || name.ends_with("SuccessFeedbackSampleRate") && value == "0"
        {
            return Ok(());
        }
        if name.starts_with("Fifo")
            || [
                "ContentBasedDeduplication",
                "ArchivePolicy",
                "DataProtectionPolicy",
            ]
            .contains(&name)
            || name.ends_with("FeedbackRoleArn")
            || name.ends_with("FeedbackSampleRate")
        {
            return Err(ApiError::not_modelled(format_args!(
                "topic attribute '{name}'"
            )));
        }
        return Err(invalid("AttributeName"));
    }
    let good = match name {
        "SignatureVersion" => matches!(value, "1" | "2"),
        "TracingConfig" => matches!(value, "PassThrough" | "Active"),
        "DisplayName" => value.chars().count() <= 100,
        "Policy" | "DeliveryPolicy" => {
            value.is_empty() || serde_json::from_str::<serde_json::Value>(value).is_ok()
        }
        _ => true,
    };
    if good {
        return Ok(());
    }
    Err(invalid(format_args!(
        "Attributes Reason: {name}: '{value}' is not valid"
    )))
}

/// The parameters of `CreateTopic`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Create {
    name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    tags: Vec<tags::Tag>,
}

/// Makes a topic; one of this name that has these attributes and tags is found again.
///
/// # Errors
/// A bad name; a topic of this name that differs.
pub fn create_topic(cloud: &mut state::State, input: Create) -> Result<Document, ApiError> {
    let name = input.name;
    if name.strip_suffix(".fifo").is_some() {
        return Err(ApiError::not_modelled("FIFO topics"));
    }
    let well_formed = (1..=256).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !well_formed {
        return Err(invalid("Topic Name"));
    }
    for (name, value) in &input.attributes {
        checked(name, value)?;
    }
    let mut attributes = input.attributes;
    attributes.remove("FifoTopic");
    let tags = tags::checked(input.tags)?;
    let arn = arn(cloud, &name);
    if let Some(topic) = cloud.sns.topics.get(&arn) {
        let differs = attributes
            .iter()
            .any(|(name, value)| topic.attributes.get(name) != Some(value));
        if differs {
            return Err(invalid(
                "Attributes Reason: Topic already exists with different attributes",
            ));
        }
        if !tags.is_empty() && tags != topic.tags {
            return Err(invalid(
                "Tags Reason: Topic already exists with different tags",
            ));
        }
    } else {
        let topic = Topic {
            arn: arn.clone(),
            attributes,
            tags,
            removed: 0,
        };
        cloud.sns.topics.insert(arn.clone(), topic);
    }
    Ok(Document::fields([("TopicArn", some(arn))]))
}

/// The parameter that is a topic's ARN.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Named {
    topic_arn: String,
}

/// Removes a topic with its subscriptions; one that is gone already is no error.
///
/// # Errors
/// What is no ARN.
pub fn delete_topic(cloud: &mut state::State, input: &Named) -> Result<Document, ApiError> {
    well_formed(&input.topic_arn)?;
    cloud.sns.topics.remove(&input.topic_arn);
    cloud
        .sns
        .subscriptions
        .retain(|subscription| subscription.topic != input.topic_arn);
    Ok(Document::empty())
}

fn well_formed(arn: &str) -> Result<(), ApiError> {
    if arn.splitn(6, ':').count() == 6 && arn.starts_with("arn:aws:sns:") {
        return Ok(());
    }
    Err(invalid(
        "TopicArn Reason: An ARN must have at least 6 elements, not 1",
    ))
}

/// The topic of an ARN.
///
/// # Errors
/// `NotFound`, or what is no ARN.
pub fn existing<'a>(cloud: &'a mut state::State, arn: &str) -> Result<&'a mut Topic, ApiError> {
    well_formed(arn)?;
    cloud
        .sns
        .topics
        .get_mut(arn)
        .ok_or_else(|| not_found("Topic"))
}

/// The parameters of `ListTopics`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct List {
    next_token: Option<String>,
}

/// The ARNs of all topics.
///
/// # Errors
/// A token that no answer gave.
pub fn list_topics(cloud: &mut state::State, input: &List) -> Result<Document, ApiError> {
    let arns: Vec<&String> = cloud.sns.topics.keys().collect();
    let (arns, token) = page(arns, input.next_token.as_deref())?;
    Ok(Document::fields([
        (
            "Topics",
            Some(Document::list(
                arns.into_iter()
                    .map(|arn| Document::fields([("TopicArn", some(arn))])),
            )),
        ),
        ("NextToken", maybe(token.as_ref())),
    ]))
}

/// All attributes of a topic, also those that were not set.
///
/// # Errors
/// `NotFound`.
pub fn get_topic_attributes(cloud: &mut state::State, input: &Named) -> Result<Document, ApiError> {
    let account = cloud.account.clone();
    let topic = existing(cloud, &input.topic_arn)?.clone();
    let mut attributes = BTreeMap::from([
        ("TopicArn", topic.arn.clone()),
        ("Owner", account.clone()),
        ("Policy", policy::standard(&topic.arn, &account)),
        ("DisplayName", String::new()),
        ("EffectiveDeliveryPolicy", policy::delivery()),
        ("SubscriptionsDeleted", topic.removed.to_string()),
    ]);
    let count = |confirmed: bool| {
        cloud
            .sns
            .subscriptions
            .iter()
            .filter(|subscription| subscription.topic == topic.arn)
            .filter(|subscription: &&Subscription| subscription.is_confirmed() == confirmed)
            .count()
            .to_string()
    };
    attributes.insert("SubscriptionsConfirmed", count(true));
    attributes.insert("SubscriptionsPending", count(false));
    for (name, value) in &topic.attributes {
        attributes.insert(name, value.clone());
    }
    Ok(Document::fields([(
        "Attributes",
        Some(Document::entries(attributes)),
    )]))
}

/// The parameters of `SetTopicAttributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Set {
    topic_arn: String,
    attribute_name: String,
    #[serde(default)]
    attribute_value: String,
}

/// Sets one attribute.
///
/// # Errors
/// `NotFound`; attributes that cannot be set.
pub fn set_topic_attributes(cloud: &mut state::State, input: Set) -> Result<Document, ApiError> {
    checked(&input.attribute_name, &input.attribute_value)?;
    existing(cloud, &input.topic_arn)?
        .attributes
        .insert(input.attribute_name, input.attribute_value);
    Ok(Document::empty())
}
