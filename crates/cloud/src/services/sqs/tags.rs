//! Tags of queues.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::nothing;
use super::queue::{Named, existing};
use crate::api::ApiError;
use crate::state::State as Cloud;

/// Checks tags.
///
/// # Errors
/// Keys and values that are too long, or reserved.
pub fn check(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    for (key, value) in tags {
        let long = key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256;
        if long || key.starts_with("aws:") {
            return Err(ApiError::new(
                "InvalidParameterValue",
                format!("Tag key '{key}' or its value is not valid."),
            ));
        }
    }
    Ok(())
}

/// The parameters of `TagQueue`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    queue_url: String,
    tags: BTreeMap<String, String>,
}

/// Gives a queue tags; those of the same key are replaced.
///
/// # Errors
/// No such queue; more than fifty.
pub fn tag(cloud: &mut Cloud, input: Tag) -> Result<Value, ApiError> {
    check(&input.tags)?;
    let queue = existing(cloud, &input.queue_url)?;
    let mut tags = queue.tags.clone();
    tags.extend(input.tags);
    if tags.len() > 50 {
        return Err(ApiError::new(
            "InvalidParameterValue",
            "Too many tags added for queue.",
        ));
    }
    queue.tags = tags;
    nothing()
}

/// The parameters of `UntagQueue`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Untag {
    queue_url: String,
    tag_keys: Vec<String>,
}

/// Takes tags away.
///
/// # Errors
/// No such queue.
pub fn untag(cloud: &mut Cloud, input: &Untag) -> Result<Value, ApiError> {
    let queue = existing(cloud, &input.queue_url)?;
    queue.tags.retain(|key, _| !input.tag_keys.contains(key));
    nothing()
}

/// The tags of a queue.
///
/// # Errors
/// No such queue.
pub fn list(cloud: &mut Cloud, input: &Named) -> Result<Value, ApiError> {
    let queue = existing(cloud, &input.queue_url)?;
    if queue.tags.is_empty() {
        return nothing();
    }
    Ok(json!({"Tags": queue.tags}))
}
