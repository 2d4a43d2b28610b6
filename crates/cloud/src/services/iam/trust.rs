//! What AWS's own services may do with a role: assume it, and act by its policies.
//!
//! The account's user may do everything; roles that services assume are looked at,
//! because a role that lacks a permission is what goes wrong there.

use serde_json::Value;

use super::{Role, arn};
use crate::glob;
use crate::state::State as Cloud;

/// Policies of AWS whose documents are not kept, and the actions that they allow on
/// everything, as far as services act by roles here.
const OF_AWS: [(&str, &str); 5] = [
    ("AdministratorAccess", "*"),
    ("PowerUserAccess", "lambda:*"),
    ("AWSLambda_FullAccess", "lambda:*"),
    ("service-role/AWSLambdaRole", "lambda:InvokeFunction"),
    ("ReadOnlyAccess", "lambda:Get*"),
];

/// Whether the role of this ARN is there and lets the service `principal` assume it.
#[must_use]
pub fn trusts(cloud: &Cloud, role_arn: &str, principal: &str) -> bool {
    let Some(role) = role(cloud, role_arn) else {
        return false;
    };
    let says = |effect: &str| {
        statements(&role.trust).iter().any(|statement| {
            let named = &statement["Principal"]["Service"];
            statement["Effect"] == effect
                && (texts(named).contains(&principal) || statement["Principal"] == "*")
                && fits(&statement["Action"], "sts:AssumeRole", true)
        })
    };
    says("Allow") && !says("Deny")
}

/// Whether the policies of the role of this ARN let it do `action` to `resource`.
///
/// A statement with conditions, `NotAction` or `NotResource` is not evaluated: it
/// allows nothing, and denies what it may deny.
#[must_use]
pub fn allows(cloud: &Cloud, role_arn: &str, action: &str, resource: &str) -> bool {
    let Some(role) = role(cloud, role_arn) else {
        return false;
    };
    let own = role
        .attached
        .iter()
        .filter_map(|arn| cloud.iam.policies.get(arn))
        .map(|policy| &policy.document);
    let documents: Vec<Value> = role
        .inline
        .values()
        .chain(own)
        .flat_map(|document| statements(document))
        .collect();
    let says = |effect: &str| {
        documents.iter().any(|statement| {
            let whole = ["Condition", "NotAction", "NotResource"]
                .iter()
                .all(|name| statement.get(*name).is_none());
            statement["Effect"] == effect
                && (whole || effect == "Deny")
                && (statement.get("NotAction").is_some()
                    || fits(&statement["Action"], action, true))
                && (statement.get("NotResource").is_some()
                    || fits(&statement["Resource"], resource, false))
        })
    };
    let of_aws = role.attached.iter().any(|arn| {
        OF_AWS.iter().any(|(name, pattern)| {
            arn.strip_prefix("arn:aws:iam::aws:policy/") == Some(name)
                && glob::fits(&pattern.to_lowercase(), &action.to_lowercase())
        })
    });
    (of_aws || says("Allow")) && !says("Deny")
}

fn role<'c>(cloud: &'c Cloud, wanted: &str) -> Option<&'c Role> {
    cloud
        .iam
        .roles
        .iter()
        .find(|(name, role)| arn(&cloud.account, "role", &role.path, name) == wanted)
        .map(|(_, role)| role)
}

fn statements(document: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    match document.get("Statement") {
        Some(Value::Array(all)) => all.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    }
}

fn fits(patterns: &Value, text: &str, ignore_case: bool) -> bool {
    texts(patterns).into_iter().any(|pattern| {
        if ignore_case {
            glob::fits(&pattern.to_lowercase(), &text.to_lowercase())
        } else {
            glob::fits(pattern, text)
        }
    })
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
