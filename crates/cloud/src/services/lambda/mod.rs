//! Lambda: functions, who may invoke them, and what their runs said.
//!
//! - [`function`]: what a function is, and how the API shows it;
//! - [`create`], [`update`], [`read`], [`concurrency`], [`tags`]: the actions on it;
//! - [`package`]: its code, a zip file;
//! - [`permission`]: its resource policy;
//! - [`environment`]: its variables;
//! - [`invoke`], [`queue`], [`run`], [`log`], [`metrics`]: its runs. The runs themselves are
//!   [`crate::functions`]' matter.
//!
//! Facts: <https://docs.aws.amazon.com/lambda/latest/api/welcome.html> and the
//! developer guide's "Lambda quotas".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::rest::Route;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::body::Body;
use crate::state::State as Cloud;

pub mod concurrency;
pub mod create;
pub mod environment;
pub mod function;
pub mod invoke;
pub mod log;
pub mod metrics;
pub mod name;
pub mod package;
pub mod permission;
pub mod queue;
pub mod read;
pub mod run;
pub mod tags;
pub mod update;

pub use queue::{Source, admits, enqueue, invoked_by};

/// What there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// The functions by name.
    pub functions: BTreeMap<String, function::Function>,
    /// The events that wait for their function, in the order in which they came.
    pub queue: Vec<queue::Waiting>,
    /// The runs that have begun.
    pub running: Vec<run::Running>,
    /// How many runs there have been.
    runs: u32,
    /// How many runs in a row have led to the request that is being answered.
    #[serde(skip)]
    pub(crate) cause: u32,
}

impl State {
    /// Numbers a new run.
    fn count(&mut self) -> u32 {
        self.runs = self.runs.wrapping_add(1);
        self.runs
    }

    /// Notes on which branch a run is.
    pub(crate) fn place(&mut self, id: &str, path: Vec<u32>) {
        if let Some(running) = self.running.iter_mut().find(|running| running.id == id) {
            running.path = path;
        }
    }

    /// How many runs in a row have led to what happens on the branch at `path`.
    pub(crate) fn depth(&self, path: &[u32]) -> u32 {
        self.running
            .iter()
            .filter(|running| !running.path.is_empty() && path.starts_with(&running.path))
            .map(|running| running.depth)
            .max()
            .unwrap_or(0)
    }

    /// What ran when the cloud was saved last: events are tried again, and who waited
    /// for an answer is gone.
    pub(crate) fn recover(&mut self) {
        let lost = std::mem::take(&mut self.running);
        self.queue
            .extend(lost.into_iter().filter_map(|running| running.waiting));
    }

    /// The code of all functions.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = &Body> {
        self.functions.values().map(|function| &function.code)
    }

    /// The same, to be filled.
    pub(crate) fn bodies_mut(&mut self) -> impl Iterator<Item = &mut Body> {
        self.functions
            .values_mut()
            .map(|function| &mut function.code)
    }
}

/// Method, path and action.
pub const ROUTES: &[Route] = &[
    Route::new("POST", "/2015-03-31/functions", "CreateFunction"),
    Route::new("GET", "/2015-03-31/functions", "ListFunctions"),
    Route::new("GET", "/2015-03-31/functions/{FunctionName}", "GetFunction"),
    Route::new(
        "DELETE",
        "/2015-03-31/functions/{FunctionName}",
        "DeleteFunction",
    ),
    Route::new(
        "PUT",
        "/2015-03-31/functions/{FunctionName}/code",
        "UpdateFunctionCode",
    ),
    Route::new(
        "GET",
        "/2015-03-31/functions/{FunctionName}/configuration",
        "GetFunctionConfiguration",
    ),
    Route::new(
        "PUT",
        "/2015-03-31/functions/{FunctionName}/configuration",
        "UpdateFunctionConfiguration",
    ),
    Route::new(
        "GET",
        "/2015-03-31/functions/{FunctionName}/versions",
        "ListVersionsByFunction",
    ),
    Route::new(
        "GET",
        "/2020-06-30/functions/{FunctionName}/code-signing-config",
        "GetFunctionCodeSigningConfig",
    ),
    Route::new(
        "POST",
        "/2015-03-31/functions/{FunctionName}/policy",
        "AddPermission",
    ),
    Route::new(
        "GET",
        "/2015-03-31/functions/{FunctionName}/policy",
        "GetPolicy",
    ),
    Route::new(
        "DELETE",
        "/2015-03-31/functions/{FunctionName}/policy/{StatementId}",
        "RemovePermission",
    ),
    Route::new(
        "PUT",
        "/2017-10-31/functions/{FunctionName}/concurrency",
        "PutFunctionConcurrency",
    ),
    Route::new(
        "DELETE",
        "/2017-10-31/functions/{FunctionName}/concurrency",
        "DeleteFunctionConcurrency",
    ),
    Route::new(
        "GET",
        "/2019-09-30/functions/{FunctionName}/concurrency",
        "GetFunctionConcurrency",
    ),
    Route {
        headers: &[
            ("x-amz-invocation-type", "InvocationType"),
            ("x-amz-log-type", "LogType"),
            ("x-amz-client-context", "ClientContext"),
            ("x-amz-durable-execution-name", "DurableExecutionName"),
            ("x-amz-tenant-id", "TenantId"),
        ],
        opaque: true,
        ..Route::new(
            "POST",
            "/2015-03-31/functions/{FunctionName}/invocations",
            "Invoke",
        )
    },
    Route::new("GET", "/2017-03-31/tags/{Resource}", "ListTags"),
    Route::new("POST", "/2017-03-31/tags/{Resource}", "TagResource"),
    Route::new("DELETE", "/2017-03-31/tags/{Resource}", "UntagResource")
        .query(&[("tagKeys", "TagKeys[]")]),
];

/// Answers a request, but for `Invoke`, which runs code outside of the state.
///
/// # Errors
/// The service's own refusals.
pub fn handle(cloud: &mut Cloud, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    let (status, body) = match request.action.as_str() {
        "CreateFunction" => (201, create::create(cloud, request.read()?)?),
        "ListFunctions" => (200, read::list(cloud, &request.read()?)?),
        "GetFunction" => (200, read::get(cloud, &request.read()?)?),
        "GetFunctionConfiguration" => (200, read::configuration(cloud, &request.read()?)?),
        "ListVersionsByFunction" => (200, read::versions(cloud, &request.read()?)?),
        "GetFunctionCodeSigningConfig" => (200, read::signing(cloud, &request.read()?)?),
        "DeleteFunction" => (204, create::delete(cloud, &request.read()?)?),
        "UpdateFunctionCode" => (200, update::code(cloud, request.read()?)?),
        "UpdateFunctionConfiguration" => (200, update::configuration(cloud, request.read()?)?),
        "AddPermission" => (201, permission::add(cloud, request.read()?)?),
        "GetPolicy" => (200, permission::get(cloud, &request.read()?)?),
        "RemovePermission" => (204, permission::remove(cloud, &request.read()?)?),
        "PutFunctionConcurrency" => (200, concurrency::put(cloud, &request.read()?)?),
        "GetFunctionConcurrency" => (200, concurrency::get(cloud, &request.read()?)?),
        "DeleteFunctionConcurrency" => (204, concurrency::delete(cloud, &request.read()?)?),
        "ListTags" => (200, tags::list(cloud, &request.read()?)?),
        "TagResource" => (204, tags::tag(cloud, request.read()?)?),
        "UntagResource" => (204, tags::untag(cloud, &request.read()?)?),
        other => return Err(ApiError::not_modelled(format_args!("lambda:{other}"))),
    };
    Ok(request.rest(status, &body))
}

/// A refusal of a parameter.
fn invalid(why: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameterValueException", why)
}

/// A refusal because of what is going on.
fn conflict(why: impl Into<String>) -> ApiError {
    ApiError::new("ResourceConflictException", why).with_status(409)
}

fn not_found(why: impl Into<String>) -> ApiError {
    ApiError::new("ResourceNotFoundException", why).with_status(404)
}

/// A refusal of a value that the API's own model forbids.
fn unfit(value: &str, member: &str, constraint: &str) -> ApiError {
    ApiError::new(
        "ValidationException",
        format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy \
             constraint: Member must {constraint}"
        ),
    )
}

#[cfg(test)]
mod tests;
