//! Tags of functions.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{invalid, name};
use crate::api::ApiError;
use crate::state::State as Cloud;

/// Refuses tags that AWS refuses.
///
/// # Errors
/// Too many, bad keys or values.
pub fn check(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.len() > 50 {
        return Err(invalid("Number of tags exceeds resource tag limit."));
    }
    for (key, value) in tags {
        let good = !key.is_empty()
            && key.chars().count() <= 128
            && value.chars().count() <= 256
            && !key.to_ascii_lowercase().starts_with("aws:");
        if !good {
            return Err(invalid(format!("The tag '{key}' is not valid.")));
        }
    }
    Ok(())
}

/// The parameter that names what is tagged.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Named {
    resource: String,
}

/// The tags of a function.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn list(cloud: &Cloud, input: &Named) -> Result<Value, ApiError> {
    let function = name::find(cloud, &input.resource, None)?;
    Ok(json!({"Tags": function.tags}))
}

/// The parameters of `TagResource`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    resource: String,
    tags: BTreeMap<String, String>,
}

/// Adds tags, or changes them.
///
/// # Errors
/// `ResourceNotFoundException`; tags that AWS refuses.
pub fn tag(cloud: &mut Cloud, input: Tag) -> Result<Value, ApiError> {
    let function = name::find_mut(cloud, &input.resource)?;
    let mut tags = function.tags.clone();
    tags.extend(input.tags);
    check(&tags)?;
    function.tags = tags;
    Ok(json!({}))
}

/// The parameters of `UntagResource`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Untag {
    resource: String,
    tag_keys: Vec<String>,
}

/// Removes tags.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn untag(cloud: &mut Cloud, input: &Untag) -> Result<Value, ApiError> {
    let function = name::find_mut(cloud, &input.resource)?;
    for key in &input.tag_keys {
        function.tags.remove(key);
    }
    Ok(json!({}))
}
