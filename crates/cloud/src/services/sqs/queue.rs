//! Queues: made, found, removed.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::message::Message;
use super::{attributes, invalid, nothing, refused, tags};
use crate::api::ApiError;
use crate::state::State as Cloud;

/// How long after a deletion there can be no other queue of that name.
const MOURNING: SignedDuration = SignedDuration::from_secs(60);

/// A queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// The attributes that were set.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Since when.
    pub created: Timestamp,
    /// When its attributes were changed last.
    pub modified: Timestamp,
    /// When it was purged last.
    pub purged: Option<Timestamp>,
    /// What it holds, in the order in which it came.
    pub messages: Vec<Message>,
}

impl Queue {
    /// A number among its attributes, or what it is where nobody has set it.
    #[must_use]
    pub fn number(&self, name: &str) -> i64 {
        self.attributes
            .get(name)
            .and_then(|value| value.parse().ok())
            .unwrap_or_else(|| attributes::standard(name))
    }

    /// Forgets what nobody has taken for as long as the queue keeps messages.
    pub fn expire(&mut self, now: Timestamp) {
        let kept = SignedDuration::from_secs(self.number("MessageRetentionPeriod"));
        self.messages.retain(|message| message.sent + kept > now);
    }
}

/// A queue's ARN.
#[must_use]
pub fn arn(cloud: &Cloud, name: &str) -> String {
    format!("arn:aws:sqs:{}:{}:{name}", cloud.region, cloud.account)
}

/// A queue's URL.
#[must_use]
pub fn url(cloud: &Cloud, name: &str) -> String {
    format!(
        "https://sqs.{}.amazonaws.com/{}/{name}",
        cloud.region, cloud.account
    )
}

fn missing() -> ApiError {
    refused("NonExistentQueue", "The specified queue does not exist.")
}

/// The name of a queue that its ARN says, if it is one of this account and region.
#[must_use]
pub fn named<'a>(cloud: &Cloud, arn: &'a str) -> Option<&'a str> {
    arn.strip_prefix(&format!("arn:aws:sqs:{}:{}:", cloud.region, cloud.account))
}

/// The queue of a URL, whatever host it names: tools have their own for the endpoint.
///
/// # Errors
/// There is none.
pub fn existing<'c>(cloud: &'c mut Cloud, url: &str) -> Result<&'c mut Queue, ApiError> {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let mut parts = path.trim_end_matches('/').rsplit('/');
    let (name, account) = (parts.next().unwrap_or_default(), parts.next());
    if account != Some(cloud.account.as_str()) {
        return Err(missing());
    }
    let now = cloud.now;
    let queue = cloud.sqs.queues.get_mut(name).ok_or_else(missing)?;
    queue.expire(now);
    Ok(queue)
}

/// The parameters of `CreateQueue`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Create {
    queue_name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    /// The model writes it in lower case here and nowhere else.
    #[serde(default, rename = "tags")]
    tags: BTreeMap<String, String>,
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if name.strip_suffix(".fifo").is_some() {
        return Err(ApiError::not_modelled("FIFO queues"));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=80).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(());
    }
    Err(ApiError::new(
        "InvalidParameterValue",
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
    ))
}

/// Makes a queue; one of this name that has these attributes is found again.
///
/// # Errors
/// A bad name or attribute; a queue of this name that differs, or was deleted just now.
pub fn create(cloud: &mut Cloud, input: Create) -> Result<Value, ApiError> {
    let name = input.queue_name;
    check_name(&name)?;
    for (attribute, value) in &input.attributes {
        attributes::check(cloud, attribute, value)?;
    }
    tags::check(&input.tags)?;
    if let Some(queue) = cloud.sqs.queues.get(&name) {
        let differs = input.attributes.iter().find(|(attribute, value)| {
            attributes::shown(queue, attribute).as_ref() != Some(*value)
        });
        if let Some((attribute, _)) = differs {
            return Err(ApiError::new(
                "QueueAlreadyExists",
                format!(
                    "A queue already exists with the same name and a different value for \
                     attribute {attribute}"
                ),
            ));
        }
        return Ok(json!({"QueueUrl": url(cloud, &name)}));
    }
    let now = cloud.now;
    cloud.sqs.deleted.retain(|_, at| *at + MOURNING > now);
    if cloud.sqs.deleted.contains_key(&name) {
        return Err(refused(
            "QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another \
             with the same name.",
        ));
    }
    let queue = Queue {
        name: name.clone(),
        attributes: input.attributes,
        tags: input.tags,
        created: now,
        modified: now,
        purged: None,
        messages: Vec::new(),
    };
    cloud.sqs.queues.insert(name.clone(), queue);
    Ok(json!({"QueueUrl": url(cloud, &name)}))
}

/// The parameter that is a queue's URL.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Named {
    /// The URL.
    pub queue_url: String,
}

/// Removes a queue with what it holds.
///
/// # Errors
/// There is none.
pub fn delete(cloud: &mut Cloud, input: &Named) -> Result<Value, ApiError> {
    let name = existing(cloud, &input.queue_url)?.name.clone();
    cloud.sqs.queues.remove(&name);
    cloud.sqs.deleted.insert(name, cloud.now);
    nothing()
}

/// The parameters of `GetQueueUrl`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Wanted {
    queue_name: String,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    owner: Option<String>,
}

/// The URL of a queue by name.
///
/// # Errors
/// There is none of that name.
pub fn url_of(cloud: &mut Cloud, input: &Wanted) -> Result<Value, ApiError> {
    let ours = input
        .owner
        .as_ref()
        .is_none_or(|owner| *owner == cloud.account);
    if !ours || !cloud.sqs.queues.contains_key(&input.queue_name) {
        return Err(missing());
    }
    Ok(json!({"QueueUrl": url(cloud, &input.queue_name)}))
}

/// One page of names: those after `token`.
fn page(
    cloud: &Cloud,
    names: Vec<String>,
    token: Option<&str>,
    most: Option<usize>,
) -> Result<(Vec<String>, Option<String>), ApiError> {
    let size = most.unwrap_or(1000);
    if !(1..=1000).contains(&size) {
        return Err(invalid(
            &size.to_string(),
            "MaxResults",
            "Must be an integer from 1 to 1000.",
        ));
    }
    let mut left = names
        .into_iter()
        .skip_while(|name| token.is_some_and(|token| name.as_str() <= token));
    let shown: Vec<String> = left.by_ref().take(size).collect();
    // Only who has asked for pages gets a token.
    let next = match (most, left.next()) {
        (Some(_), Some(_)) => shown.last().cloned(),
        _ => None,
    };
    Ok((shown.iter().map(|name| url(cloud, name)).collect(), next))
}

fn listed(member: &str, urls: &[String], next: Option<String>) -> Value {
    let mut answer = json!({});
    // As the service does, nothing is said of an empty list.
    if !urls.is_empty() {
        answer[member] = json!(urls);
    }
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
    }
    answer
}

/// The parameters of `ListQueues`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct List {
    queue_name_prefix: Option<String>,
    next_token: Option<String>,
    max_results: Option<u32>,
}

/// The URLs of all queues whose names begin so.
///
/// # Errors
/// A page of no size.
pub fn list(cloud: &mut Cloud, input: &List) -> Result<Value, ApiError> {
    let prefix = input.queue_name_prefix.as_deref().unwrap_or_default();
    let names = cloud
        .sqs
        .queues
        .keys()
        .filter(|name| name.starts_with(prefix))
        .cloned()
        .collect();
    let most = input.max_results.map(|most| most as usize);
    let (urls, next) = page(cloud, names, input.next_token.as_deref(), most)?;
    Ok(listed("QueueUrls", &urls, next))
}

/// The parameters of `ListDeadLetterSourceQueues`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Sources {
    queue_url: String,
    next_token: Option<String>,
    max_results: Option<u32>,
}

/// The URLs of the queues whose dead letters come to this one.
///
/// # Errors
/// No such queue; a page of no size.
pub fn sources(cloud: &mut Cloud, input: &Sources) -> Result<Value, ApiError> {
    let name = existing(cloud, &input.queue_url)?.name.clone();
    let target = arn(cloud, &name);
    let names = cloud
        .sqs
        .queues
        .values()
        .filter(|queue| attributes::redrive(queue).is_some_and(|(to, _)| to == target))
        .map(|queue| queue.name.clone())
        .collect();
    let most = input.max_results.map(|most| most as usize);
    let (urls, next) = page(cloud, names, input.next_token.as_deref(), most)?;
    // The model writes this one in lower case.
    Ok(listed("queueUrls", &urls, next))
}
