//! What a schedule invokes, with which role and input.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::invalid;
use crate::api::ApiError;
use crate::services::iam;
use crate::state::State as Cloud;

/// Who assumes a schedule's role.
const PRINCIPAL: &str = "scheduler.amazonaws.com";

/// The longest that an invocation which is not taken is kept, in seconds.
const GREATEST_AGE: i64 = 86_400;
/// How often one is tried again at most.
const MOST_ATTEMPTS: i64 = 185;

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
    fn age(self) -> i64 {
        self.maximum_event_age_in_seconds.unwrap_or(GREATEST_AGE)
    }

    fn attempts(self) -> i64 {
        self.maximum_retry_attempts.unwrap_or(MOST_ATTEMPTS)
    }

    fn check(self) -> Result<Self, ApiError> {
        if (60..=GREATEST_AGE).contains(&self.age())
            && (0..=MOST_ATTEMPTS).contains(&self.attempts())
        {
            return Ok(self);
        }
        Err(invalid(format!(
            "A retry policy has 60 to {GREATEST_AGE} seconds and 0 to {MOST_ATTEMPTS} attempts."
        )))
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
            && serde_json::from_str::<Value>(&with_context(input, "", "", "", 1)).is_err()
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
    /// How often an invocation that was not taken is tried again.
    #[must_use]
    pub fn attempts(&self) -> i64 {
        self.retry.map_or(MOST_ATTEMPTS, RetryPolicy::attempts)
    }

    /// For how long it is.
    #[must_use]
    pub fn patience(&self) -> SignedDuration {
        SignedDuration::from_secs(self.retry.map_or(GREATEST_AGE, RetryPolicy::age))
    }

    /// As the API shows it.
    #[must_use]
    pub fn shown(&self) -> Value {
        let mut shown = json!({
            "Arn": self.arn,
            "RoleArn": self.role,
            "RetryPolicy": {
                "MaximumEventAgeInSeconds": self.patience().as_secs(),
                "MaximumRetryAttempts": self.attempts(),
            },
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
pub fn with_context(
    input: &str,
    schedule: &str,
    at: &str,
    execution: &str,
    attempt: i64,
) -> String {
    let attempt = attempt.to_string();
    [
        ("<aws.scheduler.schedule-arn>", schedule),
        ("<aws.scheduler.scheduled-time>", at),
        ("<aws.scheduler.execution-id>", execution),
        ("<aws.scheduler.attempt-number>", &attempt),
    ]
    .into_iter()
    .fold(input.to_owned(), |text, (attribute, value)| {
        text.replace(attribute, value)
    })
}
