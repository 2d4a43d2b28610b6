//! A function's environment variables.
//!
//! Source: developer guide, "Working with Lambda environment variables".

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{invalid, unfit};
use crate::api::ApiError;

/// The most that all names and values may have together, in bytes, as JSON.
const LARGEST: usize = 4096;

/// Names that the runtime sets itself.
const RESERVED: [&str; 19] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
    "AWS_LAMBDA_MAX_CONCURRENCY",
];

/// The parameter.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Environment {
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The variables, checked.
    ///
    /// # Errors
    /// Bad or reserved names, too much.
    pub fn checked(self) -> Result<BTreeMap<String, String>, ApiError> {
        let refuse = |why: String| {
            invalid(format!(
                "Lambda was unable to configure your environment variables because the \
                 environment variables you have provided {why}"
            ))
        };
        let variables = self.variables;
        for name in variables.keys() {
            let mut letters = name.bytes();
            let good = letters
                .next()
                .is_some_and(|first| first.is_ascii_alphabetic())
                && name.len() >= 2
                && letters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !good && !RESERVED.contains(&name.as_str()) {
                return Err(unfit(
                    name,
                    "environment.variables",
                    "satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+",
                ));
            }
        }
        let reserved: Vec<&str> = variables
            .keys()
            .map(String::as_str)
            .filter(|name| RESERVED.contains(name))
            .collect();
        if !reserved.is_empty() {
            return Err(refuse(format!(
                "contains reserved keys that are currently not supported for modification. \
                 Reserved keys used in this request: {}",
                reserved.join(", ")
            )));
        }
        let measured = serde_json::json!(variables).to_string();
        if measured.len() > LARGEST {
            return Err(refuse(format!(
                "exceeded the 4KB limit. String measured: {measured}"
            )));
        }
        Ok(variables)
    }
}
