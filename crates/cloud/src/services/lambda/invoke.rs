//! Requests to invoke a function.
//!
//! Sources: API reference, `Invoke`; developer guide, "Lambda quotas" (6 MB for an
//! event that somebody waits with, 1 MB for one that is left).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::package::Package;
use super::queue::{self, Source};
use super::run::{Run, Running};
use super::{conflict, invalid, metrics, name};
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::functions::FunctionError;
use crate::state::State as Cloud;

/// The largest event that somebody waits with, in bytes.
const LARGEST_AWAITED: usize = 6 << 20;
/// The largest event that is left, in bytes.
const LARGEST_LEFT: usize = 1 << 20;
/// How much of the log comes with an answer.
const TAIL: usize = 4096;

/// What becomes of a request.
#[derive(Debug)]
pub enum Accepted {
    /// It is answered.
    Answer(ApiResponse),
    /// The function runs first.
    Run(Box<Run>),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whether the function failed.
    pub failed: bool,
    /// The answer, or what went wrong: JSON.
    pub payload: String,
    /// The run's log.
    pub log: String,
}

/// The parameters; the payload is the body.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Input {
    function_name: String,
    invocation_type: Option<String>,
    log_type: Option<String>,
    client_context: Option<String>,
    qualifier: Option<String>,
}

/// Checks a request, and does what can be done without running the function.
///
/// # Errors
/// What AWS refuses: no such function, one that is not ready, no room, a bad event.
pub fn accept(
    cloud: &mut Cloud,
    request: &ApiRequest,
    somebody_runs: bool,
) -> Result<Accepted, ApiError> {
    let input: Input = request.read()?;
    let function = name::find(cloud, &input.function_name, input.qualifier.as_deref())?.clone();
    if !matches!(input.log_type.as_deref(), None | Some("None" | "Tail")) {
        return Err(invalid("LogType must be None or Tail."));
    }
    let kind = input
        .invocation_type
        .as_deref()
        .unwrap_or("RequestResponse");
    let most = match kind {
        "Event" => LARGEST_LEFT,
        "RequestResponse" | "DryRun" => LARGEST_AWAITED,
        other => return Err(invalid(format!("'{other}' is no invocation type."))),
    };
    let payload = event(request, most)?;
    if !function.is_active(cloud.now) && kind != "Event" {
        return Err(conflict(
            "The operation cannot be performed at this time. The function is currently in the \
             following state: Pending",
        ));
    }
    if kind == "DryRun" {
        return Ok(Accepted::Answer(request.answer(
            204,
            "application/json",
            "",
        )));
    }
    if !somebody_runs {
        return Err(ApiError::not_modelled(format_args!(
            "running the function '{}' (nobody runs functions on this embedded cloud)",
            function.name
        )));
    }
    if kind == "Event" {
        queue::leave(
            cloud,
            request.request_id.clone(),
            &function.name,
            payload,
            input.client_context,
            Source::Trigger,
        );
        return Ok(Accepted::Answer(request.answer(
            202,
            "application/json",
            "",
        )));
    }
    if !queue::has_room(cloud, &function) {
        metrics::throttled(cloud, &function.name);
        return Err(ApiError::new("TooManyRequestsException", "Rate Exceeded.").with_status(429));
    }
    let id = request.request_id.clone();
    cloud.lambda.running.push(Running {
        id: id.clone(),
        function: function.name.clone(),
        waiting: None,
        depth: cloud.lambda.cause + 1,
        path: Vec::new(),
    });
    Ok(Accepted::Run(Box::new(Run {
        id,
        arn: name::arn(cloud, &function.name),
        payload,
        client_context: input.client_context,
        number: cloud.lambda.count(),
        region: cloud.region.clone(),
        function,
    })))
}

/// The event that a request brings; nothing is an empty one.
fn event(request: &ApiRequest, most: usize) -> Result<String, ApiError> {
    let body = request.http.body();
    if body.len() > most {
        return Err(ApiError::new(
            "RequestTooLargeException",
            format!("Request must be smaller than {most} bytes for the InvokeFunction operation"),
        )
        .with_status(413));
    }
    if body.is_empty() {
        return Ok("{}".to_owned());
    }
    let unreadable = |why: String| {
        ApiError::new(
            "InvalidRequestContentException",
            format!("Could not parse request body into json: {why}"),
        )
    };
    let text = String::from_utf8(body.to_vec()).map_err(|error| unreadable(error.to_string()))?;
    serde_json::from_str::<serde::de::IgnoredAny>(&text)
        .map_err(|error| unreadable(error.to_string()))?;
    Ok(text)
}

/// The answer to somebody who has waited.
#[must_use]
pub fn answer(request: &ApiRequest, report: &Report) -> ApiResponse {
    let mut response = request.answer(200, "application/json", report.payload.clone());
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = value.parse::<http::HeaderValue>() {
            response.headers_mut().insert(name, value);
        }
    };
    set("x-amz-executed-version", "$LATEST".to_owned());
    if report.failed {
        set("x-amz-function-error", "Unhandled".to_owned());
    }
    let tail = request.json["LogType"] == "Tail";
    if tail {
        let log = report.log.as_bytes();
        set(
            "x-amz-log-result",
            STANDARD.encode(&log[log.len().saturating_sub(TAIL)..]),
        );
    }
    response
}

/// Whether a package can be started.
///
/// # Errors
/// As the runtime words it.
pub fn entrance(package: &Package) -> Result<(), FunctionError> {
    let why = match package.executable("bootstrap") {
        Some(true) => return Ok(()),
        Some(false) => "fork/exec /var/task/bootstrap: permission denied",
        None => "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
    };
    Err(FunctionError::new("Runtime.InvalidEntrypoint", why))
}
