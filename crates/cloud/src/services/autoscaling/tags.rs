//! Tags of groups, which the instances get that a group launches.

use serde::{Deserialize, Serialize};

use super::group::{Group, existing};
use super::{page, validation};
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::state;

const TYPE: &str = "auto-scaling-group";

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    resource_id: Option<String>,
    resource_type: Option<String>,
    key: String,
    #[serde(default)]
    value: String,
    propagate_at_launch: Option<bool>,
}

impl Tag {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether instances get it.
    #[must_use]
    pub fn propagates(&self) -> bool {
        self.propagate_at_launch.unwrap_or(false)
    }

    /// Checks a tag of a group.
    ///
    /// # Errors
    /// Bad lengths, keys that AWS keeps for itself, tags of something else.
    pub fn check(&self, group: &str) -> Result<(), ApiError> {
        let long = self.key.chars().count() > 128 || self.value.chars().count() > 256;
        if self.key.is_empty() || long {
            return Err(validation(format_args!(
                "The tag '{}' is not valid",
                self.key
            )));
        }
        if self.key.starts_with("aws:") {
            return Err(validation("Tag keys that begin with 'aws:' are reserved"));
        }
        let elsewhere = self.resource_id.as_deref().is_some_and(|id| id != group)
            || self
                .resource_type
                .as_deref()
                .is_some_and(|kind| kind != TYPE);
        if elsewhere {
            return Err(validation(format_args!(
                "The tag '{}' is not one of the group '{group}'",
                self.key
            )));
        }
        Ok(())
    }

    /// As the API shows it.
    #[must_use]
    pub fn document(&self, group: &str) -> Document {
        Document::fields([
            ("ResourceId", some(group)),
            ("ResourceType", some(TYPE)),
            ("Key", some(&self.key)),
            ("Value", some(&self.value)),
            ("PropagateAtLaunch", some(self.propagates())),
        ])
    }
}

/// The parameters of `CreateOrUpdateTags` and `DeleteTags`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    tags: Vec<Tag>,
}

fn named(cloud: &mut state::State, tag: &Tag) -> Result<String, ApiError> {
    let name = tag
        .resource_id
        .clone()
        .ok_or_else(|| validation("A tag must name its group (ResourceId)"))?;
    existing(cloud, &name)?;
    tag.check(&name)?;
    Ok(name)
}

/// Sets tags of groups; instances that there are keep theirs.
///
/// # Errors
/// No such group; bad tags.
pub fn create_or_update(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    for tag in &input.tags {
        named(cloud, tag)?;
    }
    for tag in input.tags {
        let name = named(cloud, &tag)?;
        existing(cloud, &name)?.tags.insert(tag.key.clone(), tag);
    }
    Ok(Document::empty())
}

/// Removes tags of groups.
///
/// # Errors
/// No such group.
pub fn delete(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    for tag in &input.tags {
        let name = named(cloud, tag)?;
        existing(cloud, &name)?.tags.remove(&tag.key);
    }
    Ok(Document::empty())
}

/// A filter of groups or of tags.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Filter {
    name: String,
    #[serde(default)]
    values: Vec<String>,
}

impl Filter {
    /// Checks a filter of `DescribeAutoScalingGroups`.
    ///
    /// # Errors
    /// Its name is unknown.
    pub fn check_for_groups(&self) -> Result<(), ApiError> {
        if matches!(self.name.as_str(), "tag-key" | "tag-value") || self.name.starts_with("tag:") {
            return Ok(());
        }
        Err(validation(format_args!(
            "Filter type {} is not correct. Allowed Filter types are: tag-key tag-value tag:<key>",
            self.name
        )))
    }

    /// Whether a group has such tags.
    #[must_use]
    pub fn fits(&self, group: &Group) -> bool {
        let wanted = |value: &str| self.values.iter().any(|wanted| wanted == value);
        match self.name.strip_prefix("tag:") {
            Some(key) => group.tags.get(key).is_some_and(|tag| wanted(&tag.value)),
            None if self.name == "tag-key" => group.tags.keys().any(|key| wanted(key)),
            None => group.tags.values().any(|tag| wanted(&tag.value)),
        }
    }
}

/// The parameters of `DescribeTags`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Describe {
    #[serde(default)]
    filters: Vec<Filter>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

/// The tags that fit all filters.
///
/// # Errors
/// Unknown filters; a token that no answer gave.
pub fn describe(cloud: &mut state::State, input: Describe) -> Result<Document, ApiError> {
    const NAMES: &[&str] = &["auto-scaling-group", "key", "value", "propagate-at-launch"];
    if let Some(filter) = input
        .filters
        .iter()
        .find(|filter| !NAMES.contains(&filter.name.as_str()))
    {
        return Err(validation(format_args!(
            "Filter type {} is not correct. Allowed Filter types are: {}",
            filter.name,
            NAMES.join(" ")
        )));
    }
    let fits = |group: &Group, tag: &Tag| {
        input.filters.iter().all(|filter| {
            let value = match filter.name.as_str() {
                "auto-scaling-group" => group.name.clone(),
                "key" => tag.key.clone(),
                "value" => tag.value.clone(),
                _ => tag.propagates().to_string(),
            };
            filter.values.contains(&value)
        })
    };
    let found: Vec<Document> = cloud
        .autoscaling
        .groups
        .values()
        .flat_map(|group| group.tags.values().map(move |tag| (group, tag)))
        .filter(|(group, tag)| fits(group, tag))
        .map(|(group, tag)| tag.document(&group.name))
        .collect();
    let (found, token) = page(found, input.next_token.as_deref(), input.max_records)?;
    Ok(Document::fields([
        ("Tags", Some(Document::List(found))),
        ("NextToken", maybe(token.as_ref())),
    ]))
}
