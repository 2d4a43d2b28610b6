//! A function's resource policy: who else may invoke it.
//!
//! Source: developer guide, "Working with resource-based IAM policies in Lambda".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::function::Function;
use super::update::same_revision;
use super::{conflict, name, not_found, unfit};
use crate::api::ApiError;
use crate::glob;
use crate::state::State as Cloud;

/// What a statement allows.
const ACTION: &str = "lambda:InvokeFunction";

/// One statement: it allows somebody to invoke the function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Its id.
    pub id: String,
    /// A service (`s3.amazonaws.com`), an account, or an ARN of IAM.
    pub principal: String,
    /// On whose behalf a service may: an ARN, with `*` and `?`.
    pub source_arn: Option<String>,
    /// In whose account that is.
    pub source_account: Option<String>,
}

impl Statement {
    fn shown(&self, cloud: &Cloud, function: &str) -> Value {
        let principal = if self.principal == "*" {
            json!("*")
        } else if self.principal.ends_with(".amazonaws.com") {
            json!({"Service": self.principal})
        } else if self.principal.bytes().all(|byte| byte.is_ascii_digit()) {
            json!({"AWS": format!("arn:aws:iam::{}:root", self.principal)})
        } else {
            json!({"AWS": self.principal})
        };
        let mut statement = json!({
            "Sid": self.id,
            "Effect": "Allow",
            "Principal": principal,
            "Action": ACTION,
            "Resource": name::arn(cloud, function),
        });
        if let Some(account) = &self.source_account {
            statement["Condition"]["StringEquals"] = json!({"AWS:SourceAccount": account});
        }
        if let Some(arn) = &self.source_arn {
            statement["Condition"]["ArnLike"] = json!({"AWS:SourceArn": arn});
        }
        statement
    }
}

impl Function {
    /// Whether `service` may invoke it on behalf of `source`, which is in `account`.
    #[must_use]
    pub fn admits(&self, service: &str, source: &str, account: &str) -> bool {
        self.policy.iter().any(|statement| {
            (statement.principal == service || statement.principal == "*")
                && statement
                    .source_arn
                    .as_deref()
                    .is_none_or(|pattern| glob::fits(pattern, source))
                && statement
                    .source_account
                    .as_deref()
                    .is_none_or(|wanted| wanted == account)
        })
    }
}

/// The parameters of `AddPermission`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Add {
    function_name: String,
    statement_id: String,
    action: String,
    principal: String,
    source_arn: Option<String>,
    source_account: Option<String>,
    revision_id: Option<String>,
}

/// Allows somebody to invoke a function.
///
/// # Errors
/// An id that is taken, principals that are none.
pub fn add(cloud: &mut Cloud, input: Add) -> Result<Value, ApiError> {
    if input.action != ACTION {
        return Err(ApiError::not_modelled(format_args!(
            "the permission '{}' on a function (it has '{ACTION}')",
            input.action
        )));
    }
    let id = &input.statement_id;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !(1..=100).contains(&id.len()) || !id.bytes().all(fits) {
        return Err(unfit(
            id,
            "statementId",
            "satisfy regular expression pattern: ([a-zA-Z0-9-_]+)",
        ));
    }
    check_principal(&input.principal)?;
    let function = name::find(cloud, &input.function_name, None)?;
    same_revision(&function.revision, input.revision_id.as_deref())?;
    if function.policy.iter().any(|statement| statement.id == *id) {
        return Err(conflict(format!(
            "The statement id ({id}) provided already exists. Please provide a new statement \
             id, or remove the existing statement."
        )));
    }
    let statement = Statement {
        id: input.statement_id,
        principal: input.principal,
        source_arn: input.source_arn,
        source_account: input.source_account,
    };
    let shown = statement.shown(cloud, &function.name);
    let revision = cloud.ids.uuid();
    let function = name::find_mut(cloud, &input.function_name)?;
    function.policy.push(statement);
    function.revision = revision;
    Ok(json!({"Statement": shown.to_string()}))
}

fn check_principal(principal: &str) -> Result<(), ApiError> {
    let service = principal.ends_with(".amazonaws.com");
    let account = principal.len() == 12 && principal.bytes().all(|byte| byte.is_ascii_digit());
    if service || account || principal == "*" || principal.starts_with("arn:aws:iam::") {
        return Ok(());
    }
    Err(super::invalid(
        "The provided principal was invalid. Please check the principal and try again.",
    ))
}

/// The parameters of `GetPolicy`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Named {
    function_name: String,
}

/// The whole policy.
///
/// # Errors
/// `ResourceNotFoundException` where nobody else may invoke the function.
pub fn get(cloud: &Cloud, input: &Named) -> Result<Value, ApiError> {
    let function = name::find(cloud, &input.function_name, None)?;
    if function.policy.is_empty() {
        return Err(not_found("The resource you requested does not exist."));
    }
    let statements: Vec<Value> = function
        .policy
        .iter()
        .map(|statement| statement.shown(cloud, &function.name))
        .collect();
    let policy = json!({"Version": "2012-10-17", "Id": "default", "Statement": statements});
    Ok(json!({"Policy": policy.to_string(), "RevisionId": function.revision}))
}

/// The parameters of `RemovePermission`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Remove {
    function_name: String,
    statement_id: String,
    revision_id: Option<String>,
}

/// Takes a permission back.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn remove(cloud: &mut Cloud, input: &Remove) -> Result<Value, ApiError> {
    let revision = cloud.ids.uuid();
    let function = name::find_mut(cloud, &input.function_name)?;
    same_revision(&function.revision, input.revision_id.as_deref())?;
    let found = function
        .policy
        .iter()
        .position(|statement| statement.id == input.statement_id);
    let Some(index) = found else {
        return Err(not_found(format!(
            "Statement {} is not found in resource policy.",
            input.statement_id
        )));
    };
    function.policy.remove(index);
    function.revision = revision;
    Ok(json!({}))
}
