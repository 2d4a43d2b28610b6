//! A queue's policy: which of AWS's services may send to it, and for whom.
//!
//! Sources: SQS developer guide, "Basic examples of Amazon SQS policies"; IAM user guide,
//! "IAM JSON policy elements: Condition operators".

use serde_json::Value;

use crate::api::ApiError;
use crate::glob;

/// What sending is called.
const SEND: &str = "sqs:sendmessage";

/// A policy that has been checked.
#[derive(Debug)]
pub struct Policy {
    statements: Vec<Statement>,
}

#[derive(Debug)]
struct Statement {
    allow: bool,
    everybody: bool,
    services: Vec<String>,
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

/// A key of the request that must, or must not, be one of these.
#[derive(Debug)]
struct Condition {
    key: String,
    equal: bool,
    patterns: Vec<String>,
    wild: bool,
}

fn malformed(why: &str) -> ApiError {
    ApiError::new(
        "InvalidAttributeValue",
        format!("Invalid value for the parameter Policy. Reason: {why}."),
    )
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(all) => all
            .iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// What is no policy, or says what is not modelled.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let document: Value =
            serde_json::from_str(text).map_err(|_| malformed("it is not a valid JSON document"))?;
        let statements = match &document["Statement"] {
            Value::Array(all) if !all.is_empty() => all.iter().collect(),
            one @ Value::Object(_) => vec![one],
            _ => return Err(malformed("it has no Statement")),
        };
        Ok(Self {
            statements: statements
                .into_iter()
                .map(Statement::parse)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether `service` may send to the queue of `arn` on behalf of `source`, which is in
    /// `account`.
    #[must_use]
    pub fn admits(&self, service: &str, arn: &str, source: &str, account: &str) -> bool {
        let fits = |allow: bool| {
            self.statements.iter().any(|statement| {
                let named = statement.services.iter().any(|named| named == service);
                statement.allow == allow
                    && (statement.everybody || named)
                    && statement
                        .actions
                        .iter()
                        .any(|pattern| glob::fits(&pattern.to_lowercase(), SEND))
                    && statement
                        .resources
                        .iter()
                        .any(|pattern| glob::fits(pattern, arn))
                    && statement
                        .conditions
                        .iter()
                        .all(|condition| condition.holds(source, account))
            })
        };
        fits(true) && !fits(false)
    }
}

impl Statement {
    fn parse(statement: &Value) -> Result<Self, ApiError> {
        let Some(members) = statement.as_object() else {
            return Err(malformed("a Statement is no object"));
        };
        for name in members.keys() {
            match name.as_str() {
                "Sid" | "Effect" | "Principal" | "Action" | "Resource" | "Condition" => {}
                "NotPrincipal" | "NotAction" | "NotResource" => {
                    return Err(ApiError::not_modelled(format_args!(
                        "the element '{name}' of a queue's policy"
                    )));
                }
                _ => return Err(malformed(&format!("a Statement has no {name}"))),
            }
        }
        let allow = match statement["Effect"].as_str() {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err(malformed("Effect is Allow or Deny")),
        };
        let principal = &statement["Principal"];
        let everybody = *principal == "*" || texts(&principal["AWS"]).iter().any(|who| who == "*");
        if !allow && (everybody || !principal["AWS"].is_null()) {
            return Err(ApiError::not_modelled(
                "a Deny for callers in a queue's policy (for services it is)",
            ));
        }
        let (actions, resources) = (texts(&statement["Action"]), texts(&statement["Resource"]));
        if principal.is_null() || actions.is_empty() || resources.is_empty() {
            return Err(malformed(
                "a Statement needs Principal, Action and Resource",
            ));
        }
        let mut conditions = Vec::new();
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            for (key, wanted) in keys.as_object().into_iter().flatten() {
                conditions.push(Condition::parse(operator, key, texts(wanted))?);
            }
        }
        Ok(Self {
            allow,
            everybody,
            services: texts(&principal["Service"]),
            actions,
            resources,
            conditions,
        })
    }
}

impl Condition {
    fn parse(operator: &str, key: &str, patterns: Vec<String>) -> Result<Self, ApiError> {
        let (equal, wild) = match operator {
            "StringEquals" => (true, false),
            "StringNotEquals" => (false, false),
            // ArnEquals and ArnLike do the same.
            "ArnEquals" | "ArnLike" | "StringLike" => (true, true),
            "ArnNotEquals" | "ArnNotLike" | "StringNotLike" => (false, true),
            _ => {
                return Err(ApiError::not_modelled(format_args!(
                    "the condition operator '{operator}' of a queue's policy"
                )));
            }
        };
        let key = key.to_lowercase();
        if !matches!(
            key.as_str(),
            "aws:sourcearn" | "aws:sourceaccount" | "aws:sourceowner"
        ) {
            return Err(ApiError::not_modelled(format_args!(
                "the condition key '{key}' of a queue's policy"
            )));
        }
        Ok(Self {
            key,
            equal,
            patterns,
            wild,
        })
    }

    fn holds(&self, source: &str, account: &str) -> bool {
        let value = if self.key == "aws:sourcearn" {
            source
        } else {
            account
        };
        let fits = self.patterns.iter().any(|pattern| {
            if self.wild {
                glob::fits(pattern, value)
            } else {
                pattern == value
            }
        });
        fits == self.equal
    }
}
