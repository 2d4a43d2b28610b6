//! What a schedule invokes, with which role and input.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::invalid;
use crate::api::ApiError;
use crate::services::iam;
use crate::state::State as Cloud;

/// Who assumes a schedule's role.
const PRINCIPAL: &str = "scheduler.amazonaws.com";

/// The parameter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Wish {
    arn: String,
    role_arn: String,
    input: Option<String>,
    retry_policy: Option<RetryPolicy>,
}

/// How often an invocation that the target did not take is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RetryPolicy {
    maximum_event_age_in_seconds: Option<i64>,
    maximum_retry_attempts: Option<i64>,
}

impl RetryPolicy {
    fn check(self) -> Result<Self, ApiError> {
        let age = self.maximum_event_age_in_seconds.unwrap_or(86_400);
        let attempts = self.maximum_retry_attempts.unwrap_or(185);
        if (60..=86_400).contains(&age) && (0..=185).contains(&attempts) {
            return Ok(self);
        }
        Err(invalid(
            "A retry policy has 60 to 86400 seconds and 0 to 185 attempts.",
        ))
    }

    fn shown(self) -> Value {
        json!({
            "MaximumEventAgeInSeconds": self.maximum_event_age_in_seconds.unwrap_or(86_400),
            "MaximumRetryAttempts": self.maximum_retry_attempts.unwrap_or(185),
        })
    }
}

/// What is invoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The function's ARN.
    pub arn: String,
    /// The role with which it is invoked.
    pub role: String,
    /// What it gets; `None` for the standard event.
    pub input: Option<String>,
    /// Tries where the target does not take the invocation.
    pub retry: Option<RetryPolicy>,
}

impl Wish {
    /// The target, checked as Scheduler does: whether there is such a function shows
    /// when the schedule fires.
    ///
    /// # Errors
    /// Targets that are not functions, roles that cannot be assumed.
    pub fn checked(self, cloud: &Cloud) -> Result<Target, ApiError> {
        if !self.arn.starts_with("arn:aws:lambda:") {
            return Err(ApiError::not_modelled(format_args!(
                "the schedule target '{}' (it has Lambda functions)",
                self.arn
            )));
        }
        if !iam::trusts(cloud, &self.role_arn, PRINCIPAL) {
            return Err(invalid(
                "The execution role you provide must allow AWS EventBridge Scheduler to assume \
                 the role.",
            ));
        }
        if let Some(input) = &self.input
            && serde_json::from_str::<Value>(&with_context(input, "", "", "")).is_err()
        {
            return Err(invalid(
                "The input of a Lambda function must be valid JSON.",
            ));
        }
        Ok(Target {
            arn: self.arn,
            role: self.role_arn,
            input: self.input,
            retry: self.retry_policy.map(RetryPolicy::check).transpose()?,
        })
    }
}

impl Target {
    /// As the API shows it.
    #[must_use]
    pub fn shown(&self) -> Value {
        let retry = self.retry.unwrap_or(RetryPolicy {
            maximum_event_age_in_seconds: None,
            maximum_retry_attempts: None,
        });
        let mut shown = json!({
            "Arn": self.arn,
            "RoleArn": self.role,
            "RetryPolicy": retry.shown(),
        });
        if let Some(input) = &self.input {
            shown["Input"] = json!(input);
        }
        shown
    }
}

/// The input with what its context attributes stand for.
///
/// Source: user guide, "Adding context attributes in `EventBridge` Scheduler".
#[must_use]
pub fn with_context(input: &str, schedule: &str, at: &str, execution: &str) -> String {
    [
        ("<aws.scheduler.schedule-arn>", schedule),
        ("<aws.scheduler.scheduled-time>", at),
        ("<aws.scheduler.execution-id>", execution),
        ("<aws.scheduler.attempt-number>", "1"),
    ]
    .into_iter()
    .fold(input.to_owned(), |text, (attribute, value)| {
        text.replace(attribute, value)
    })
}
