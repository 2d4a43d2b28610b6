//! Writing, removing and tagging parameters.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Parameter, not_found, text, texts};
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state::State;

/// Source: API reference, `PutParameter`: a standard parameter has at most 4 KiB.
const LARGEST: usize = 4096;

fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationException", message)
}

fn tags_of(value: &Value) -> BTreeMap<String, String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tag| {
            let key = tag["Key"].as_str()?.to_owned();
            Some((key, tag["Value"].as_str().unwrap_or_default().to_owned()))
        })
        .collect()
}

pub(super) fn put(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&[
        "Name",
        "Value",
        "Type",
        "Description",
        "Overwrite",
        "Tags",
        "Tier",
        "DataType",
        "AllowedPattern",
    ])?;
    let body = &request.json;
    if let Some(pattern) = body["AllowedPattern"]
        .as_str()
        .filter(|text| !text.is_empty())
    {
        return Err(ApiError::not_modelled(format_args!(
            "ssm:PutParameter AllowedPattern '{pattern}'"
        )));
    }
    let (name, value) = (text(request, "Name")?, text(request, "Value")?);
    for (member, modelled) in [("Tier", "Standard"), ("DataType", "text")] {
        if let Some(given) = body[member].as_str()
            && given != modelled
        {
            return Err(ApiError::not_modelled(format_args!(
                "ssm:PutParameter parameter '{member}' with value '{given}'"
            )));
        }
    }
    check_name(name)?;
    if value.is_empty() || value.len() > LARGEST {
        return Err(validation(format!(
            "Standard tier parameters support a maximum parameter value of {LARGEST} characters."
        )));
    }
    let overwrite = body["Overwrite"] == true;
    let tags = tags_of(&body["Tags"]);
    if overwrite && !tags.is_empty() {
        return Err(validation(
            "Invalid request: tags and overwrite can't be used together. To create a parameter \
             with tags, please remove overwrite flag.",
        ));
    }
    let old = cloud.ssm.parameters.get(name);
    if old.is_some() && !overwrite {
        return Err(ApiError::new(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option \
             in the request to true.",
        ));
    }
    let kind = match (body["Type"].as_str(), old) {
        (Some(kind @ ("String" | "StringList" | "SecureString")), _) => kind.to_owned(),
        (Some(other), _) => return Err(validation(format!("Unknown parameter type: {other}"))),
        (None, Some(old)) => old.kind.clone(),
        (None, None) => {
            return Err(validation(
                "A parameter type is required when you create a parameter.",
            ));
        }
    };
    let parameter = Parameter {
        kind,
        value: value.to_owned(),
        version: old.map_or(1, |old| old.version + 1),
        modified: cloud.now,
        description: body["Description"]
            .as_str()
            .map(str::to_owned)
            .or_else(|| old.and_then(|old| old.description.clone())),
        data_type: "text".to_owned(),
        tags: old.map_or(tags, |old| old.tags.clone()),
    };
    let version = parameter.version;
    cloud.ssm.parameters.insert(name.to_owned(), parameter);
    Ok(request.value(&json!({"Version": version, "Tier": "Standard"})))
}

/// Source: Systems Manager user guide, "About requirements and constraints for
/// parameter names".
fn check_name(name: &str) -> Result<(), ApiError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let plain = name.trim_start_matches('/').to_lowercase();
    if plain.starts_with("aws") || plain.starts_with("ssm") {
        return Err(validation(
            "Parameter name: can't be prefixed with \"ssm\" (case-insensitive) or \"aws\".",
        ));
    }
    if name.is_empty() || !name.chars().all(fits) || name.contains("//") || name.ends_with('/') {
        return Err(validation(
            "Parameter name must be a fully qualified name: only a mix of letters, numbers and \
             the following 4 symbols .-_/ are allowed.",
        ));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err(validation("Parameter name must be a fully qualified name."));
    }
    if name.matches('/').count() > 15 {
        return Err(ApiError::new(
            "HierarchyLevelLimitExceededException",
            "A parameter hierarchy has at most 15 levels.",
        ));
    }
    Ok(())
}

pub(super) fn delete(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["Name"])?;
    let name = text(request, "Name")?;
    if name.starts_with("/aws/service/") || cloud.ssm.parameters.remove(name).is_none() {
        return Err(not_found(name));
    }
    Ok(request.done())
}

pub(super) fn delete_many(
    cloud: &mut State,
    request: &ApiRequest,
) -> Result<ApiResponse, ApiError> {
    request.only(&["Names"])?;
    let (deleted, missing): (Vec<&str>, Vec<&str>) =
        texts(&request.json["Names"]).into_iter().partition(|name| {
            !name.starts_with("/aws/service/") && cloud.ssm.parameters.remove(*name).is_some()
        });
    Ok(request.value(&json!({"DeletedParameters": deleted, "InvalidParameters": missing})))
}

/// The parameter that a tagging action is about.
fn tagged<'c>(cloud: &'c mut State, request: &ApiRequest) -> Result<&'c mut Parameter, ApiError> {
    let kind = text(request, "ResourceType")?;
    if kind != "Parameter" {
        return Err(ApiError::not_modelled(format_args!(
            "ssm:{} of a '{kind}'",
            request.action
        )));
    }
    let id = text(request, "ResourceId")?;
    cloud.ssm.parameters.get_mut(id).ok_or_else(|| {
        ApiError::new(
            "InvalidResourceId",
            format!("The resource ID {id} isn't valid."),
        )
    })
}

pub(super) fn tag(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["ResourceType", "ResourceId", "Tags"])?;
    let tags = tags_of(&request.json["Tags"]);
    tagged(cloud, request)?.tags.extend(tags);
    Ok(request.done())
}

pub(super) fn untag(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["ResourceType", "ResourceId", "TagKeys"])?;
    let parameter = tagged(cloud, request)?;
    for key in texts(&request.json["TagKeys"]) {
        parameter.tags.remove(key);
    }
    Ok(request.done())
}

pub(super) fn tags(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["ResourceType", "ResourceId"])?;
    let tags: Vec<_> = tagged(cloud, request)?
        .tags
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    Ok(request.value(&json!({"TagList": tags})))
}
