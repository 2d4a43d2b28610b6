//! Looking at functions.

use serde::Deserialize;
use serde_json::{Value, json};

use super::create::Named;
use super::{invalid, name};
use crate::api::ApiError;
use crate::state::State as Cloud;

/// The most functions that one answer lists.
const PAGE: usize = 50;

/// A function, where its code is, its tags.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn get(cloud: &Cloud, input: &Named) -> Result<Value, ApiError> {
    let function = name::find(cloud, &input.function_name, input.qualifier.as_deref())?;
    let mut answer = json!({
        "Configuration": function.shown(cloud),
        "Code": {"RepositoryType": "S3"},
    });
    if !function.tags.is_empty() {
        answer["Tags"] = json!(function.tags);
    }
    if let Some(reserved) = function.reserved {
        answer["Concurrency"] = json!({"ReservedConcurrentExecutions": reserved});
    }
    Ok(answer)
}

/// A function's configuration.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn configuration(cloud: &Cloud, input: &Named) -> Result<Value, ApiError> {
    let function = name::find(cloud, &input.function_name, input.qualifier.as_deref())?;
    Ok(function.shown(cloud))
}

/// Who must have signed a function's code: nobody, as there are no such configurations.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn signing(cloud: &Cloud, input: &Named) -> Result<Value, ApiError> {
    let function = name::find(cloud, &input.function_name, input.qualifier.as_deref())?;
    Ok(json!({"FunctionName": function.name}))
}

/// The parameters of `ListFunctions`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct List {
    marker: Option<String>,
    max_items: Option<usize>,
}

/// The functions by name; the marker is the last name.
///
/// # Errors
/// A page of no size.
pub fn list(cloud: &Cloud, input: &List) -> Result<Value, ApiError> {
    let most = match input.max_items {
        Some(0) => return Err(invalid("MaxItems must be at least 1")),
        most => most.unwrap_or(PAGE).min(PAGE),
    };
    let after = input.marker.as_deref().unwrap_or_default();
    let mut found = cloud
        .lambda
        .functions
        .values()
        .filter(|function| function.name.as_str() > after);
    let shown: Vec<_> = found.by_ref().take(most).collect();
    let mut answer = json!({
        "Functions": shown.iter().map(|function| function.shown(cloud)).collect::<Vec<_>>(),
    });
    if found.next().is_some() {
        answer["NextMarker"] = json!(shown.last().map(|function| &function.name));
    }
    Ok(answer)
}

/// The parameters of `ListVersionsByFunction`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Versions {
    function_name: String,
    #[serde(rename = "Marker")]
    _marker: Option<String>,
    #[serde(rename = "MaxItems")]
    _max_items: Option<usize>,
}

/// The versions of a function: the one that there is, on one page whatever its size.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn versions(cloud: &Cloud, input: &Versions) -> Result<Value, ApiError> {
    let function = name::find(cloud, &input.function_name, None)?;
    let mut shown = function.shown(cloud);
    shown["FunctionArn"] = json!(format!("{}:$LATEST", name::arn(cloud, &function.name)));
    Ok(json!({"Versions": [shown]}))
}
