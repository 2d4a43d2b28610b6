//! Groups of schedules, and their tags.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{check_name, conflict, invalid, not_found, page};
use crate::api::ApiError;
use crate::api::cbor::time;
use crate::state::State as Cloud;

/// The group that every account has.
pub const STANDARD: &str = "default";

/// A group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// When it was made.
    pub created: Timestamp,
    /// When its tags changed.
    pub modified: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The token of the request that made it.
    pub token: Option<String>,
}

/// A tag.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    key: String,
    value: String,
}

/// The ARN of the group of this name.
#[must_use]
pub fn arn(cloud: &Cloud, name: &str) -> String {
    format!(
        "arn:aws:scheduler:{}:{}:schedule-group/{name}",
        cloud.region, cloud.account
    )
}

/// Whether there is a group of this name.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn existing(cloud: &Cloud, name: &str) -> Result<(), ApiError> {
    if name == STANDARD || cloud.scheduler.groups.contains_key(name) {
        return Ok(());
    }
    Err(missing(name))
}

fn missing(name: &str) -> ApiError {
    not_found(format!("Schedule group {name} does not exist."))
}

/// The parameters of `CreateScheduleGroup`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Create {
    name: String,
    #[serde(default)]
    tags: Vec<Tag>,
    client_token: Option<String>,
}

/// Makes a group; the same request again finds it.
///
/// # Errors
/// A name that is taken.
pub fn create(cloud: &mut Cloud, input: Create) -> Result<Value, ApiError> {
    check_name(&input.name, "name")?;
    let answer = json!({"ScheduleGroupArn": arn(cloud, &input.name)});
    if let Some(group) = cloud.scheduler.groups.get(&input.name)
        && group.token.is_some()
        && group.token == input.client_token
    {
        return Ok(answer);
    }
    if existing(cloud, &input.name).is_ok() {
        return Err(conflict(format!(
            "Schedule group {} already exists.",
            input.name
        )));
    }
    let group = Group {
        created: cloud.now,
        modified: cloud.now,
        tags: checked(input.tags)?,
        token: input.client_token,
    };
    cloud.scheduler.groups.insert(input.name, group);
    Ok(answer)
}

fn checked(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, ApiError> {
    let mut all = BTreeMap::new();
    for tag in tags {
        let good = !tag.key.is_empty()
            && tag.key.chars().count() <= 128
            && (1..=256).contains(&tag.value.chars().count())
            && !tag.key.to_ascii_lowercase().starts_with("aws:");
        if !good {
            return Err(invalid(format!("The tag '{}' is not valid.", tag.key)));
        }
        all.insert(tag.key, tag.value);
    }
    if all.len() > 50 {
        return Err(invalid("A schedule group has at most 50 tags."));
    }
    Ok(all)
}

/// The parameters that name a group.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Named {
    name: String,
    #[serde(rename = "ClientToken")]
    _client_token: Option<String>,
}

/// A group.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn get(cloud: &Cloud, input: &Named) -> Result<Value, ApiError> {
    existing(cloud, &input.name)?;
    Ok(shown(
        cloud,
        &input.name,
        cloud.scheduler.groups.get(&input.name),
    ))
}

/// The group that every account has was made with the account.
fn shown(cloud: &Cloud, name: &str, group: Option<&Group>) -> Value {
    json!({
        "Arn": arn(cloud, name),
        "Name": name,
        "State": "ACTIVE",
        "CreationDate": time(group.map_or(Timestamp::UNIX_EPOCH, |group| group.created)),
        "LastModificationDate": time(group.map_or(Timestamp::UNIX_EPOCH, |group| group.modified)),
    })
}

/// Removes a group with its schedules.
///
/// # Errors
/// `ResourceNotFoundException`; the group that every account has stays.
pub fn delete(cloud: &mut Cloud, input: &Named) -> Result<Value, ApiError> {
    if input.name == STANDARD {
        return Err(invalid("The default schedule group cannot be deleted."));
    }
    existing(cloud, &input.name)?;
    cloud.scheduler.groups.remove(&input.name);
    cloud
        .scheduler
        .schedules
        .retain(|_, schedule| schedule.group != input.name);
    Ok(json!({}))
}

/// The parameters of `ListScheduleGroups`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct List {
    #[serde(default)]
    name_prefix: String,
    next_token: Option<String>,
    max_results: Option<usize>,
}

/// The groups by name.
///
/// # Errors
/// None.
pub fn list(cloud: &Cloud, input: &List) -> Result<Value, ApiError> {
    let standard = STANDARD.to_owned();
    let mut all: BTreeMap<&String, Option<&Group>> = cloud
        .scheduler
        .groups
        .iter()
        .map(|(name, group)| (name, Some(group)))
        .collect();
    all.insert(&standard, None);
    let found = all
        .iter()
        .filter(|(name, _)| name.starts_with(&input.name_prefix))
        .map(|(name, group)| (*name, shown(cloud, name, *group)));
    let (groups, token) = page(found, input.next_token.as_deref(), input.max_results);
    let mut answer = json!({"ScheduleGroups": groups});
    if let Some(token) = token {
        answer["NextToken"] = json!(token);
    }
    Ok(answer)
}

/// The parameter that names what is tagged.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tagged {
    resource_arn: String,
}

/// The group of an ARN: schedules have no tags.
fn of_arn<'c>(cloud: &'c mut Cloud, wanted: &str) -> Result<&'c mut Group, ApiError> {
    let own = arn(cloud, "");
    let name = wanted
        .strip_prefix(&own)
        .ok_or_else(|| invalid(format!("{wanted} is not the ARN of a schedule group.")))?;
    cloud
        .scheduler
        .groups
        .get_mut(name)
        .ok_or_else(|| missing(name))
}

/// The tags of a group.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn tags(cloud: &mut Cloud, input: &Tagged) -> Result<Value, ApiError> {
    let tags: Vec<Value> = of_arn(cloud, &input.resource_arn)?
        .tags
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    Ok(json!({"Tags": tags}))
}

/// The parameters of `TagResource`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AddTags {
    resource_arn: String,
    tags: Vec<Tag>,
}

/// Adds tags, or changes them.
///
/// # Errors
/// `ResourceNotFoundException`; tags that AWS refuses.
pub fn tag(cloud: &mut Cloud, input: AddTags) -> Result<Value, ApiError> {
    let (now, tags) = (cloud.now, checked(input.tags)?);
    let group = of_arn(cloud, &input.resource_arn)?;
    group.tags.extend(tags);
    group.modified = now;
    Ok(json!({}))
}

/// The parameters of `UntagResource`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RemoveTags {
    resource_arn: String,
    tag_keys: Vec<String>,
}

/// Removes tags.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn untag(cloud: &mut Cloud, input: &RemoveTags) -> Result<Value, ApiError> {
    let now = cloud.now;
    let group = of_arn(cloud, &input.resource_arn)?;
    for key in &input.tag_keys {
        group.tags.remove(key);
    }
    group.modified = now;
    Ok(json!({}))
}
