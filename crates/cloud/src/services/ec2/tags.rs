//! Tags: what is allowed, `CreateTags`, `DeleteTags`, `DescribeTags`.

use super::filters::{Facet, Filters, Page, one};
use super::kinds::Kind;
use super::params::Params;
use super::region::{Action, Region, Site, Tags};
use super::xml::Xml;
use crate::api::ApiError;

/// The actions on tags.
pub const ACTIONS: &[(&str, Action)] = &[
    ("CreateTags", create),
    ("DeleteTags", delete),
    ("DescribeTags", describe),
];

/// The most tags that a resource may have, not counting AWS's own
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html>).
const MOST: usize = 50;

/// Takes `Tag.N` from the parameters.
pub fn read(params: &mut Params) -> Result<Tags, ApiError> {
    let pairs = params.each("Tag", |tag| {
        Ok((tag.need("Key")?, tag.text("Value")?.unwrap_or_default()))
    })?;
    let count = pairs.len();
    let tags: Tags = pairs.into_iter().collect();
    if tags.len() < count {
        return Err(ApiError::new(
            "InvalidParameterValue",
            "Duplicate tag keys found. Please note that Tag keys are case sensitive.",
        ));
    }
    check(&tags)?;
    Ok(tags)
}

fn check(tags: &Tags) -> Result<(), ApiError> {
    let invalid = |message: String| Err(ApiError::new("InvalidParameterValue", message));
    for (key, value) in tags {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return invalid(
                "Tag keys starting with 'aws:' are reserved for internal use".to_owned(),
            );
        }
        if key.chars().count() > 128 {
            return invalid(format!(
                "Tag key exceeds the maximum length of 128 characters: {key}"
            ));
        }
        if value.chars().count() > 256 {
            return invalid(format!(
                "Tag value exceeds the maximum length of 256 characters: {value}"
            ));
        }
    }
    if tags.len() > MOST {
        return Err(too_many());
    }
    Ok(())
}

fn too_many() -> ApiError {
    ApiError::new(
        "TagLimitExceeded",
        "The maximum number of Tags for a resource has been reached.",
    )
}

/// Takes `TagSpecification.N`: the tags by resource type, which must be one of `allowed`.
pub fn specifications(
    params: &mut Params,
    allowed: &[&Kind],
) -> Result<Vec<(String, Tags)>, ApiError> {
    params.each("TagSpecification", |specification| {
        let resource_type = specification.need("ResourceType")?;
        if !allowed
            .iter()
            .any(|kind| kind.resource_type == resource_type)
        {
            return Err(ApiError::new(
                "InvalidParameterValue",
                format!(
                    "'{resource_type}' is not a valid taggable resource type for this operation."
                ),
            ));
        }
        Ok((resource_type, read(specification)?))
    })
}

/// Takes `TagSpecification.N` of an action that makes one kind of resource.
pub fn specification(params: &mut Params, kind: &Kind) -> Result<Tags, ApiError> {
    let mut all = Tags::new();
    for (_, tags) in specifications(params, &[kind])? {
        all.extend(tags);
    }
    check(&all)?;
    Ok(all)
}

/// The tags for one kind among those of a specification.
pub fn of_kind(specifications: &[(String, Tags)], kind: &Kind) -> Tags {
    specifications
        .iter()
        .filter(|(resource_type, _)| resource_type == kind.resource_type)
        .flat_map(|(_, tags)| tags.clone())
        .collect()
}

fn resources(site: &Site<'_>, params: &mut Params) -> Result<Vec<String>, ApiError> {
    let ids = params.list("ResourceId")?;
    if ids.is_empty() {
        return Err(params.missing("resourceIdSet"));
    }
    for id in &ids {
        let kind = Kind::of(id)
            .ok_or_else(|| ApiError::new("InvalidID", format!("The ID '{id}' is not valid")))?;
        kind.check(site.region, std::slice::from_ref(id))?;
    }
    Ok(ids)
}

fn create(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = resources(site, params)?;
    let tags = read(params)?;
    if tags.is_empty() {
        return Err(params.missing("tagSet"));
    }
    params.finish()?;
    for id in &ids {
        let mut merged = site.region.tags.get(id).cloned().unwrap_or_default();
        merged.retain(|key, _| !key.starts_with("aws:"));
        merged.extend(tags.clone());
        if merged.len() > MOST {
            return Err(too_many());
        }
    }
    for id in &ids {
        site.tag(id, &tags);
    }
    Ok(Xml::done())
}

fn delete(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = resources(site, params)?;
    let wanted = params.each("Tag", |tag| Ok((tag.need("Key")?, tag.text("Value")?)))?;
    params.finish()?;
    if wanted.iter().any(|(key, _)| key.starts_with("aws:")) {
        return Err(ApiError::new(
            "InvalidParameterValue",
            "Tag keys starting with 'aws:' are reserved for internal use",
        ));
    }
    for id in &ids {
        let Some(tags) = site.region.tags.get_mut(id) else {
            continue;
        };
        tags.retain(|key, value| {
            if wanted.is_empty() {
                return key.starts_with("aws:");
            }
            // A tag that is given with a value goes only if it has that value.
            !wanted
                .iter()
                .any(|(gone, only)| gone == key && only.as_ref().is_none_or(|only| only == value))
        });
        if tags.is_empty() {
            site.region.tags.remove(id);
        }
    }
    Ok(Xml::done())
}

/// One row of `DescribeTags`.
struct Row {
    id: String,
    key: String,
    value: String,
}

const FACETS: &[Facet<Row>] = &[
    ("key", |_, row| one(&row.key)),
    ("value", |_, row| one(&row.value)),
    ("resource-id", |_, row| one(&row.id)),
    ("resource-type", |_, row| one(kind_name(&row.id))),
];

fn kind_name(id: &str) -> &'static str {
    Kind::of(id).map_or("", |kind| kind.resource_type)
}

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 1000)?;
    params.finish()?;
    let rows = rows(site.region);
    let found = filters.select(site.region, FACETS, |row| &row.id, &rows)?;
    let (found, next) = page.cut(found, |row| format!("{}\n{}", row.id, row.key));
    let mut xml = Xml::new();
    xml.list("tagSet", found, |xml, row| {
        xml.leaf("resourceId", &row.id)
            .leaf("resourceType", kind_name(&row.id))
            .leaf("key", &row.key)
            .leaf("value", &row.value);
    })
    .maybe("nextToken", next);
    Ok(xml)
}

fn rows(region: &Region) -> Vec<Row> {
    let mut rows: Vec<Row> = region
        .tags
        .iter()
        .flat_map(|(id, tags)| {
            tags.iter().map(|(key, value)| Row {
                id: id.clone(),
                key: key.clone(),
                value: value.clone(),
            })
        })
        .collect();
    rows.sort_by_key(|row| format!("{}\n{}", row.id, row.key));
    rows
}
