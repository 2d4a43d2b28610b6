//! Making and removing functions.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::environment::Environment;
use super::function::{Function, PREPARATION};
use super::log::Log;
use super::package::Source;
use super::{conflict, invalid, name, tags, unfit};
use crate::api::ApiError;
use crate::services::iam;
use crate::state::State as Cloud;

/// What runs code here: opsh packages itself as a custom runtime.
const RUNTIME: &str = "provided.al2023";
/// Who assumes a function's role.
const PRINCIPAL: &str = "lambda.amazonaws.com";

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Create {
    function_name: String,
    runtime: Option<String>,
    role: String,
    handler: Option<String>,
    code: Source,
    #[serde(default)]
    description: String,
    timeout: Option<i64>,
    memory_size: Option<i64>,
    publish: Option<bool>,
    package_type: Option<String>,
    #[serde(default)]
    environment: Environment,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    architectures: Option<Vec<String>>,
    ephemeral_storage: Option<Storage>,
    tracing_config: Option<Tracing>,
}

/// The size of `/tmp`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Storage {
    size: i64,
}

impl Storage {
    /// The size in MiB.
    ///
    /// # Errors
    /// Too small or too large.
    pub fn checked(self) -> Result<u32, ApiError> {
        within(self.size, 512, 10_240, "ephemeralStorage.size")
    }
}

/// Whether runs are traced.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tracing {
    mode: String,
}

impl Tracing {
    /// Tracing is off unless something else asks for it; on, it is not modelled.
    ///
    /// # Errors
    /// Another mode.
    pub fn check(&self) -> Result<(), ApiError> {
        match self.mode.as_str() {
            "PassThrough" => Ok(()),
            mode => Err(ApiError::not_modelled(format_args!(
                "the tracing mode '{mode}' of a function"
            ))),
        }
    }
}

/// Makes a function.
///
/// # Errors
/// What AWS refuses: a name that is taken, a role that cannot be assumed, values out of
/// their ranges; runtimes and package types that are not modelled.
pub fn create(cloud: &mut Cloud, input: Create) -> Result<Value, ApiError> {
    let name = name::parse(cloud, &input.function_name)?;
    if input.package_type.as_deref().unwrap_or("Zip") != "Zip" {
        return Err(ApiError::not_modelled("functions from container images"));
    }
    if input.publish == Some(true) {
        return Err(ApiError::not_modelled("published versions of functions"));
    }
    let runtime = runtime(input.runtime.as_deref())?;
    let handler = handler(input.handler.unwrap_or_default())?;
    if let Some(tracing) = &input.tracing_config {
        tracing.check()?;
    }
    let memory = memory(input.memory_size.unwrap_or(128))?;
    let timeout = timeout(input.timeout.unwrap_or(3))?;
    let storage = input.ephemeral_storage.map_or(Ok(512), Storage::checked)?;
    let architecture = architecture(input.architectures.as_deref())?;
    let description = description(input.description)?;
    let environment = input.environment.checked()?;
    tags::check(&input.tags)?;
    assumable(cloud, &input.role)?;
    if cloud.lambda.functions.contains_key(&name) {
        return Err(conflict(format!("Function already exist: {name}")));
    }
    let code = input.code.fetch(cloud, "CreateFunction")?;
    let now = cloud.now;
    let function = Function {
        name: name.clone(),
        description,
        runtime,
        handler,
        role: input.role,
        memory,
        timeout,
        storage,
        environment,
        architecture,
        code,
        active: now.checked_add(PREPARATION).unwrap_or(now),
        updated: now,
        modified: now,
        revision: cloud.ids.uuid(),
        policy: Vec::new(),
        reserved: None,
        tags: input.tags,
        log: Log::default(),
    };
    let shown = function.shown(cloud);
    cloud.lambda.functions.insert(name, function);
    Ok(shown)
}

/// The parameters that name a function.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Named {
    /// Its name or ARN.
    pub function_name: String,
    /// Which version.
    pub qualifier: Option<String>,
}

/// Removes a function; runs that have begun end.
///
/// # Errors
/// `ResourceNotFoundException`; `$LATEST` alone cannot be removed.
pub fn delete(cloud: &mut Cloud, input: &Named) -> Result<Value, ApiError> {
    if input.qualifier.as_deref() == Some("$LATEST") {
        return Err(invalid(
            "$LATEST version cannot be deleted without deleting the function.",
        ));
    }
    let found = name::find(cloud, &input.function_name, input.qualifier.as_deref())?;
    let name = found.name.clone();
    cloud.lambda.functions.remove(&name);
    Ok(json!({}))
}

/// The role must exist, and trust Lambda.
///
/// # Errors
/// As AWS words it, whatever of the two is amiss.
pub fn assumable(cloud: &Cloud, role: &str) -> Result<(), ApiError> {
    if iam::trusts(cloud, role, PRINCIPAL) {
        return Ok(());
    }
    Err(invalid(
        "The role defined for the function cannot be assumed by Lambda.",
    ))
}

/// The runtime; the one that runs a package's own `bootstrap`.
///
/// # Errors
/// None, or another one.
pub fn runtime(given: Option<&str>) -> Result<String, ApiError> {
    match given {
        Some(RUNTIME) => Ok(RUNTIME.to_owned()),
        Some(other) => Err(ApiError::not_modelled(format_args!(
            "the Lambda runtime '{other}' (it has '{RUNTIME}')"
        ))),
        None => Err(invalid(
            "Runtime and Handler are mandatory parameters for functions created with \
             deployment packages.",
        )),
    }
}

/// The handler's name.
///
/// # Errors
/// None, or one with spaces, or too long.
pub fn handler(given: String) -> Result<String, ApiError> {
    if given.is_empty() {
        return Err(invalid(
            "Runtime and Handler are mandatory parameters for functions created with \
             deployment packages.",
        ));
    }
    if given.len() > 128 || given.contains(char::is_whitespace) {
        return Err(unfit(
            &given,
            "handler",
            "satisfy regular expression pattern: [^\\s]+ and have length less than or equal to 128",
        ));
    }
    Ok(given)
}

/// The description.
///
/// # Errors
/// Too long.
pub fn description(given: String) -> Result<String, ApiError> {
    if given.chars().count() > 256 {
        return Err(unfit(
            &given,
            "description",
            "have length less than or equal to 256",
        ));
    }
    Ok(given)
}

/// The memory in MiB.
///
/// # Errors
/// Too little or too much.
pub fn memory(given: i64) -> Result<u32, ApiError> {
    within(given, 128, 10_240, "memorySize")
}

/// The longest run in seconds.
///
/// # Errors
/// Too short or too long.
pub fn timeout(given: i64) -> Result<u32, ApiError> {
    within(given, 1, 900, "timeout")
}

/// The one architecture.
///
/// # Errors
/// Two, or an unknown one.
pub fn architecture(given: Option<&[String]>) -> Result<String, ApiError> {
    match given {
        None | Some([]) => Ok("x86_64".to_owned()),
        Some([one]) if one == "x86_64" || one == "arm64" => Ok(one.clone()),
        Some(others) => Err(unfit(
            &format!("[{}]", others.join(", ")),
            "architectures",
            "have length less than or equal to 1 and satisfy enum value set: [x86_64, arm64]",
        )),
    }
}

fn within(value: i64, least: u32, most: u32, member: &str) -> Result<u32, ApiError> {
    u32::try_from(value)
        .ok()
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| {
            let bound = if value < i64::from(least) {
                format!("have value greater than or equal to {least}")
            } else {
                format!("have value less than or equal to {most}")
            };
            unfit(&value.to_string(), member, &bound)
        })
}
