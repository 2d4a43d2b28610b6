//! Tags of topics.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::topic::Topic;
use super::{invalid, topic};
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
/// More than 50, keys given twice, bad lengths, keys that AWS keeps for itself.
pub fn checked(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, ApiError> {
    if tags.len() > 50 {
        return Err(ApiError::new(
            "TagLimitExceeded",
            "Could not complete request: tag quota of per resource exceeded",
        ));
    }
    let mut checked = BTreeMap::new();
    for Tag { key, value } in tags {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(format_args!(
                "Tags Reason: '{key}' is not a valid tag"
            )));
        }
        if key.starts_with("aws:") {
            return Err(invalid(
                "Tags Reason: aws: prefixed tag key names are not allowed",
            ));
        }
        if checked.insert(key, value).is_some() {
            return Err(invalid("Duplicated keys are not allowed."));
        }
    }
    Ok(checked)
}

/// The parameters of `TagResource`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagInput {
    resource_arn: String,
    tags: Vec<Tag>,
}

/// Adds tags to a topic.
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
    resource_arn: String,
    tag_keys: Vec<String>,
}

/// Takes tags from a topic.
///
/// # Errors
/// `ResourceNotFound`.
pub fn untag_resource(cloud: &mut state::State, input: &UntagInput) -> Result<Document, ApiError> {
    let topic = of_arn(cloud, &input.resource_arn)?;
    for key in &input.tag_keys {
        topic.tags.remove(key);
    }
    Ok(Document::empty())
}

/// The parameters of `ListTagsForResource`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListInput {
    resource_arn: String,
}

/// The tags of a topic.
///
/// # Errors
/// `ResourceNotFound`.
pub fn list_tags_for_resource(
    cloud: &mut state::State,
    input: &ListInput,
) -> Result<Document, ApiError> {
    let topic = of_arn(cloud, &input.resource_arn)?;
    Ok(Document::fields([(
        "Tags",
        Some(Document::list(topic.tags.iter().map(|(key, value)| {
            Document::fields([("Key", some(key)), ("Value", some(value))])
        }))),
    )]))
}

fn of_arn<'a>(cloud: &'a mut state::State, arn: &str) -> Result<&'a mut Topic, ApiError> {
    topic::existing(cloud, arn).map_err(|error| match error.code.as_str() {
        "NotFound" => ApiError::new("ResourceNotFound", "Resource does not exist").with_status(404),
        _ => error,
    })
}
