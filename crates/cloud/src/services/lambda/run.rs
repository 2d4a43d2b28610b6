//! One run of a function: from its begin to what is noted of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::function::Function;
use super::invoke::Report;
use super::metrics;
use super::queue::{self, Waiting};
use crate::functions::FunctionError;
use crate::state::State as Cloud;

/// The largest answer, in bytes.
const LARGEST_ANSWER: usize = 6 << 20;

/// A run that is to begin.
#[derive(Debug, Clone)]
pub struct Run {
    /// The id of the request.
    pub id: String,
    /// The function as it was when the run began.
    pub function: Function,
    /// Its ARN.
    pub arn: String,
    /// The event: JSON.
    pub payload: String,
    /// What the caller's client sent along, base64.
    pub client_context: Option<String>,
    /// Which run of this cloud it is.
    pub number: u32,
    /// The region that it is in.
    pub region: String,
}

/// A run that has begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Running {
    /// The id of the request.
    pub id: String,
    /// The function's name.
    pub function: String,
    /// What to do again if nobody is told how it ended; `None` if somebody waits for it.
    pub waiting: Option<Waiting>,
    /// How many runs in a row have led to this one, itself included.
    pub depth: u32,
    /// The path of its branch; the clock that had it is gone once the cloud was saved.
    #[serde(skip)]
    pub path: Vec<u32>,
}

impl Run {
    /// The variables that the function sees.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<String, String> {
        let function = &self.function;
        let log = format!("/aws/lambda/{}", function.name);
        let mut all = function.environment.clone();
        all.extend(
            [
                ("AWS_REGION", self.region.as_str()),
                ("AWS_DEFAULT_REGION", &self.region),
                ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
                ("AWS_LAMBDA_FUNCTION_NAME", &function.name),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                (
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                    &function.memory.to_string(),
                ),
                ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", &log),
                ("AWS_LAMBDA_LOG_STREAM_NAME", &self.id),
                ("LAMBDA_TASK_ROOT", "/var/task"),
                ("_HANDLER", &function.handler),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        all
    }

    /// Notes how the run ended: in the log, and where nobody waits for it and it failed,
    /// for another try.
    pub fn finish(
        &self,
        cloud: &mut Cloud,
        begun: Timestamp,
        deadline: Timestamp,
        ended: Result<String, FunctionError>,
        lines: Vec<(Timestamp, String)>,
    ) -> Report {
        let now = cloud.now;
        let timeout = self.function.timeout;
        let ended = if now >= deadline {
            Err(FunctionError::new(
                "Sandbox.Timedout",
                format!("Task timed out after {timeout}.00 seconds"),
            ))
        } else {
            ended.and_then(fitting)
        };
        let mut log = vec![(
            begun,
            format!("START RequestId: {} Version: $LATEST", self.id),
        )];
        log.extend(lines);
        if let Err(error) = &ended {
            log.push((now, told(&self.id, error)));
        }
        let took = now.duration_since(begun).as_millis().max(1);
        log.push((now, format!("END RequestId: {}", self.id)));
        log.push((
            now,
            format!(
                "REPORT RequestId: {}\tDuration: {took}.00 ms\tBilled Duration: {took} ms\t\
                 Memory Size: {} MB",
                self.id, self.function.memory
            ),
        ));
        let text: Vec<&str> = log.iter().map(|(_, line)| line.as_str()).collect();
        let text = text.join("\n") + "\n";
        if let Some(function) = cloud.lambda.functions.get_mut(&self.function.name) {
            function.log.extend(log);
        }
        metrics::ran(cloud, &self.function.name, ended.is_err(), took);
        queue::ended(cloud, &self.id, ended.is_ok());
        let (failed, payload) = match ended {
            Ok(answer) => (false, answer),
            Err(error) => (true, self.shown(&error)),
        };
        Report {
            failed,
            payload,
            log: text,
        }
    }

    /// An error as the caller sees it.
    fn shown(&self, error: &FunctionError) -> String {
        let message = if error.kind.starts_with("Sandbox.") || error.kind.starts_with("Runtime.") {
            format!("RequestId: {} Error: {}", self.id, error.message)
        } else {
            error.message.clone()
        };
        let mut shown = json!({"errorType": error.kind, "errorMessage": message});
        if !error.trace.is_empty() {
            shown["stackTrace"] = json!(error.trace);
        }
        shown.to_string()
    }
}

/// An error as the log has it.
fn told(id: &str, error: &FunctionError) -> String {
    if error.kind == "Sandbox.Timedout" {
        return format!("{id} {}", error.message);
    }
    let mut text = format!("[ERROR] {error}");
    for place in &error.trace {
        text.push_str("\n  ");
        text.push_str(place);
    }
    text
}

/// An answer that is JSON and not too large.
fn fitting(answer: String) -> Result<String, FunctionError> {
    if answer.len() > LARGEST_ANSWER {
        return Err(FunctionError::new(
            "Function.ResponseSizeTooLarge",
            format!(
                "Response payload size exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."
            ),
        ));
    }
    if serde_json::from_str::<serde::de::IgnoredAny>(&answer).is_err() {
        return Err(FunctionError::new(
            "Runtime.InvalidResponse",
            "the answer of the function is not JSON",
        ));
    }
    Ok(answer)
}
