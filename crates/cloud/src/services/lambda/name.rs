//! How functions are named: by name, by ARN, by part of one.

use super::function::Function;
use super::{not_found, unfit};
use crate::api::ApiError;
use crate::state::State as Cloud;

/// The ARN of the function of this name.
#[must_use]
pub fn arn(cloud: &Cloud, name: &str) -> String {
    format!(
        "arn:aws:lambda:{}:{}:function:{name}",
        cloud.region, cloud.account
    )
}

/// The name in `my-function`, `function:my-function`, `123456789012:function:my-function`
/// or an ARN, each with or without `:$LATEST`.
///
/// # Errors
/// What is none of these; versions and aliases, which there are none of.
pub fn parse(cloud: &Cloud, given: &str) -> Result<String, ApiError> {
    let own = arn(cloud, "");
    let rest = given
        .strip_prefix(&own)
        .or_else(|| given.strip_prefix(&format!("{}:function:", cloud.account)))
        .or_else(|| given.strip_prefix("function:"))
        .unwrap_or(given);
    if rest.starts_with("arn:") {
        return Err(not_found(format!("Function not found: {given}")));
    }
    let (name, qualifier) = match rest.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (rest, None),
    };
    if !well_formed(name) {
        return Err(unfit(
            given,
            "functionName",
            "satisfy regular expression pattern: \
             (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?\
             (function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?",
        ));
    }
    match qualifier {
        None | Some("$LATEST") => Ok(name.to_owned()),
        Some(_) => Err(not_found(format!("Function not found: {own}{rest}"))),
    }
}

/// Whether a new function may have this name.
#[must_use]
pub fn well_formed(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// The function that `given` names; `qualifier` may be `$LATEST`.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn find<'c>(
    cloud: &'c Cloud,
    given: &str,
    qualifier: Option<&str>,
) -> Result<&'c Function, ApiError> {
    let name = checked(cloud, given, qualifier)?;
    cloud
        .lambda
        .functions
        .get(&name)
        .ok_or_else(|| missing(cloud, &name))
}

/// The same, to be changed.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn find_mut<'c>(cloud: &'c mut Cloud, given: &str) -> Result<&'c mut Function, ApiError> {
    let name = parse(cloud, given)?;
    let missing = missing(cloud, &name);
    cloud.lambda.functions.get_mut(&name).ok_or(missing)
}

/// The name, where `qualifier` is about what is there.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn checked(cloud: &Cloud, given: &str, qualifier: Option<&str>) -> Result<String, ApiError> {
    let name = parse(cloud, given)?;
    match qualifier {
        None | Some("$LATEST") => Ok(name),
        Some(other) => Err(not_found(format!(
            "Function not found: {}:{other}",
            arn(cloud, &name)
        ))),
    }
}

fn missing(cloud: &Cloud, name: &str) -> ApiError {
    not_found(format!("Function not found: {}", arn(cloud, name)))
}
