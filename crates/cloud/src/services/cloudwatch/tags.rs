//! Tags of alarms.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::alarm::{Alarm, existing};
use crate::api::ApiError;
use crate::document::{Document, some};
use crate::state;

/// A tag.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    key: String,
    value: String,
}

/// Tags by key.
///
/// # Errors
/// More than 50, bad lengths, keys that AWS keeps for itself.
pub fn checked(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, ApiError> {
    let refusal = |message: String| Err(ApiError::new("ValidationError", message));
    if tags.len() > 50 {
        return refusal("A resource may have at most 50 tags.".to_owned());
    }
    let mut checked = BTreeMap::new();
    for Tag { key, value } in tags {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return refusal(format!("The tag '{key}' is too long or has no key."));
        }
        if key.starts_with("aws:") {
            return refusal(format!("The tag key '{key}' is reserved for AWS."));
        }
        checked.insert(key, value);
    }
    Ok(checked)
}

/// The parameters of `TagResource`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagInput {
    #[serde(rename = "ResourceARN")]
    resource_arn: String,
    tags: Vec<Tag>,
}

/// Adds tags to an alarm.
///
/// # Errors
/// `ResourceNotFound`.
pub fn tag_resource(cloud: &mut state::State, input: TagInput) -> Result<Document, ApiError> {
    let tags = checked(input.tags)?;
    of_arn(cloud, &input.resource_arn)?.tags.extend(tags);
    Ok(Document::empty())
}

/// The parameters of `UntagResource`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UntagInput {
    #[serde(rename = "ResourceARN")]
    resource_arn: String,
    tag_keys: Vec<String>,
}

/// Takes tags from an alarm.
///
/// # Errors
/// `ResourceNotFound`.
pub fn untag_resource(cloud: &mut state::State, input: UntagInput) -> Result<Document, ApiError> {
    let alarm = of_arn(cloud, &input.resource_arn)?;
    for key in &input.tag_keys {
        alarm.tags.remove(key);
    }
    Ok(Document::empty())
}

/// The parameters of `ListTagsForResource`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListInput {
    #[serde(rename = "ResourceARN")]
    resource_arn: String,
}

/// The tags of an alarm.
///
/// # Errors
/// `ResourceNotFound`.
pub fn list_tags_for_resource(
    cloud: &mut state::State,
    input: ListInput,
) -> Result<Document, ApiError> {
    let alarm = of_arn(cloud, &input.resource_arn)?;
    Ok(Document::fields([(
        "Tags",
        Some(Document::list(alarm.tags.iter().map(|(key, value)| {
            Document::fields([("Key", some(key)), ("Value", some(value))])
        }))),
    )]))
}

fn of_arn<'a>(cloud: &'a mut state::State, arn: &str) -> Result<&'a mut Alarm, ApiError> {
    let prefix = super::alarm::arn(cloud, "");
    let Some(name) = arn.strip_prefix(&prefix) else {
        return Err(ApiError::new(
            "InvalidParameterValue",
            format!("The ARN '{arn}' is not that of an alarm in this account and region."),
        ));
    };
    existing(cloud, name)
}
