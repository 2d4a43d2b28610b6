//! Changing functions.

use serde::Deserialize;
use serde_json::Value;

use super::create::{self, Storage, Tracing};
use super::environment::Environment;
use super::name;
use super::package::Source;
use crate::api::ApiError;
use crate::state::State as Cloud;

/// The parameters of `UpdateFunctionCode`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Code {
    function_name: String,
    zip_file: Option<String>,
    #[serde(rename = "S3Bucket")]
    s3_bucket: Option<String>,
    #[serde(rename = "S3Key")]
    s3_key: Option<String>,
    #[serde(rename = "S3ObjectVersion")]
    s3_object_version: Option<String>,
    architectures: Option<Vec<String>>,
    publish: Option<bool>,
    dry_run: Option<bool>,
    revision_id: Option<String>,
}

/// Gives a function other code.
///
/// # Errors
/// As for new code; while the function is made or updated.
pub fn code(cloud: &mut Cloud, input: Code) -> Result<Value, ApiError> {
    let function = name::find(cloud, &input.function_name, None)?;
    function.settled(cloud)?;
    same_revision(&function.revision, input.revision_id.as_deref())?;
    if input.publish == Some(true) {
        return Err(ApiError::not_modelled("published versions of functions"));
    }
    let architecture = match &input.architectures {
        None => function.architecture.clone(),
        given => create::architecture(given.as_deref())?,
    };
    let mut changed = function.clone();
    let source = Source::of(
        input.zip_file,
        input.s3_bucket,
        input.s3_key,
        input.s3_object_version,
    );
    changed.code = source.fetch(cloud, "UpdateFunctionCode")?;
    changed.architecture = architecture;
    if input.dry_run == Some(true) {
        return Ok(changed.shown(cloud));
    }
    changed.touch(cloud.now, cloud.ids.uuid());
    let shown = changed.shown(cloud);
    cloud.lambda.functions.insert(changed.name.clone(), changed);
    Ok(shown)
}

/// The parameters of `UpdateFunctionConfiguration`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Configuration {
    function_name: String,
    role: Option<String>,
    handler: Option<String>,
    description: Option<String>,
    timeout: Option<i64>,
    memory_size: Option<i64>,
    environment: Option<Environment>,
    runtime: Option<String>,
    ephemeral_storage: Option<Storage>,
    tracing_config: Option<Tracing>,
    revision_id: Option<String>,
}

/// Changes what is given; the rest stays.
///
/// # Errors
/// As for a new function; while the function is made or updated.
pub fn configuration(cloud: &mut Cloud, input: Configuration) -> Result<Value, ApiError> {
    let function = name::find(cloud, &input.function_name, None)?;
    function.settled(cloud)?;
    same_revision(&function.revision, input.revision_id.as_deref())?;
    let mut changed = function.clone();
    if let Some(role) = input.role {
        create::assumable(cloud, &role)?;
        changed.role = role;
    }
    if let Some(handler) = input.handler {
        changed.handler = create::handler(handler)?;
    }
    if let Some(description) = input.description {
        changed.description = create::description(description)?;
    }
    if let Some(timeout) = input.timeout {
        changed.timeout = create::timeout(timeout)?;
    }
    if let Some(memory) = input.memory_size {
        changed.memory = create::memory(memory)?;
    }
    if let Some(environment) = input.environment {
        changed.environment = environment.checked()?;
    }
    if let Some(runtime) = input.runtime {
        changed.runtime = create::runtime(Some(&runtime))?;
    }
    if let Some(storage) = input.ephemeral_storage {
        changed.storage = storage.checked()?;
    }
    if let Some(tracing) = &input.tracing_config {
        tracing.check()?;
    }
    changed.touch(cloud.now, cloud.ids.uuid());
    let shown = changed.shown(cloud);
    cloud.lambda.functions.insert(changed.name.clone(), changed);
    Ok(shown)
}

/// Whether the function is still the one that the caller has seen.
///
/// # Errors
/// `PreconditionFailedException`.
pub fn same_revision(current: &str, seen: Option<&str>) -> Result<(), ApiError> {
    if seen.is_none_or(|seen| seen == current) {
        return Ok(());
    }
    Err(ApiError::new(
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the \
         GetFunction/GetAlias API to retrieve the latest Revision Id",
    )
    .with_status(412))
}
