//! Tags of balancers, listeners and target groups.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::validation;
use crate::api::ApiError;
use crate::document::{Document, some};
use crate::state;

/// A tag.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

/// Tags by key.
///
/// # Errors
/// More than 50, keys given twice, bad lengths, keys that AWS keeps for itself.
pub fn checked(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, ApiError> {
    if tags.len() > 50 {
        return Err(ApiError::new(
            "TooManyTags",
            "The maximum number of tags (50) is exceeded",
        ));
    }
    let mut checked = BTreeMap::new();
    for Tag { key, value } in tags {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(validation(format_args!("Tag '{key}' is not valid")));
        }
        if key.starts_with("aws:") {
            return Err(validation("Tag keys beginning with 'aws:' are reserved"));
        }
        if checked.contains_key(&key) {
            return Err(ApiError::new(
                "DuplicateTagKeys",
                format!("Duplicate tag key '{key}'"),
            ));
        }
        checked.insert(key, value);
    }
    Ok(checked)
}

fn of<'a>(
    cloud: &'a mut state::State,
    arn: &str,
) -> Result<&'a mut BTreeMap<String, String>, ApiError> {
    let elb = &mut cloud.elbv2;
    if let Some(balancer) = elb.balancers.get_mut(arn) {
        return Ok(&mut balancer.tags);
    }
    if let Some(listener) = elb.listeners.get_mut(arn) {
        return Ok(&mut listener.tags);
    }
    if let Some(group) = elb.groups.get_mut(arn) {
        return Ok(&mut group.tags);
    }
    let (code, what) = if arn.contains(":targetgroup/") {
        ("TargetGroupNotFound", "Target groups")
    } else if arn.contains(":listener/") {
        ("ListenerNotFound", "Listeners")
    } else {
        ("LoadBalancerNotFound", "Load balancers")
    };
    Err(ApiError::new(code, format!("{what} '[{arn}]' not found")))
}

/// The parameters of `AddTags`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Add {
    resource_arns: Vec<String>,
    tags: Vec<Tag>,
}

/// Adds tags.
///
/// # Errors
/// `…NotFound`; bad tags.
pub fn add_tags(cloud: &mut state::State, input: Add) -> Result<Document, ApiError> {
    let tags = checked(input.tags)?;
    for arn in &input.resource_arns {
        of(cloud, arn)?;
    }
    for arn in &input.resource_arns {
        of(cloud, arn)?.extend(tags.clone());
    }
    Ok(Document::empty())
}

/// The parameters of `RemoveTags`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Remove {
    resource_arns: Vec<String>,
    tag_keys: Vec<String>,
}

/// Takes tags away.
///
/// # Errors
/// `…NotFound`.
pub fn remove_tags(cloud: &mut state::State, input: Remove) -> Result<Document, ApiError> {
    for arn in &input.resource_arns {
        of(cloud, arn)?.retain(|key, _| !input.tag_keys.contains(key));
    }
    Ok(Document::empty())
}

/// The parameters of `DescribeTags`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Describe {
    resource_arns: Vec<String>,
}

/// The tags of up to 20 resources.
///
/// # Errors
/// `…NotFound`; more than 20.
pub fn describe_tags(cloud: &mut state::State, input: Describe) -> Result<Document, ApiError> {
    if input.resource_arns.len() > 20 {
        return Err(validation("A maximum of 20 resource ARNs can be specified"));
    }
    let mut described = Vec::new();
    for arn in &input.resource_arns {
        let tags = of(cloud, arn)?
            .iter()
            .map(|(key, value)| Document::fields([("Key", some(key)), ("Value", some(value))]));
        described.push(Document::fields([
            ("ResourceArn", some(arn)),
            ("Tags", Some(Document::list(tags))),
        ]));
    }
    Ok(Document::fields([(
        "TagDescriptions",
        Some(Document::List(described)),
    )]))
}
