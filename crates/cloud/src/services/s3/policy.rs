//! Bucket policies: read, checked, evaluated.
//!
//! Sources: IAM user guide, "Grammar of the IAM JSON policy language"; Amazon S3
//! user guide, "The meaning of 'public'".

use serde_json::Value;

use crate::api::ApiError;
use crate::glob;

/// A policy that has been checked.
#[derive(Debug)]
pub(super) struct Policy {
    statements: Vec<Statement>,
}

#[derive(Debug)]
struct Statement {
    allow: bool,
    everybody: bool,
    services: Vec<String>,
    actions: Vec<String>,
    resources: Vec<String>,
    secure_only: Option<bool>,
}

fn malformed(message: &str) -> ApiError {
    ApiError::new("MalformedPolicy", message)
}

impl Policy {
    /// Reads the policy of `bucket`.
    pub fn parse(text: &str, bucket: &str) -> Result<Self, ApiError> {
        let document: Value = serde_json::from_str(text)
            .map_err(|_| malformed("Policies must be valid JSON and the first byte must be '{'"))?;
        let document = document.as_object().ok_or_else(|| {
            malformed("Policies must be valid JSON and the first byte must be '{'")
        })?;
        for name in document.keys() {
            if !matches!(name.as_str(), "Version" | "Id" | "Statement") {
                return Err(malformed(&format!("Unknown field {name}")));
            }
        }
        let statements = match document.get("Statement") {
            Some(Value::Array(all)) if !all.is_empty() => all.iter().collect(),
            Some(one @ Value::Object(_)) => vec![one],
            _ => return Err(malformed("Missing required field Statement")),
        };
        Ok(Self {
            statements: statements
                .into_iter()
                .map(|statement| Statement::parse(statement, bucket))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether it grants something to everybody.
    pub fn is_public(&self) -> bool {
        self.statements
            .iter()
            .any(|statement| statement.allow && statement.everybody)
    }

    /// Whether somebody without credentials may do `action` to `resource`.
    pub fn allows_anybody(&self, action: &str, resource: &str, secure: bool) -> bool {
        self.allows(None, action, resource, secure)
    }

    /// Whether one of AWS's own services may do `action` to `resource`.
    pub fn allows_service(&self, service: &str, action: &str, resource: &str) -> bool {
        self.allows(Some(service), action, resource, true)
    }

    fn allows(&self, service: Option<&str>, action: &str, resource: &str, secure: bool) -> bool {
        let fits = |allow: bool| {
            self.statements.iter().any(|statement| {
                let named = service
                    .is_some_and(|service| statement.services.iter().any(|named| named == service));
                statement.allow == allow
                    && (statement.everybody || named)
                    && statement.secure_only.is_none_or(|wanted| wanted == secure)
                    && statement
                        .actions
                        .iter()
                        .any(|pattern| glob::fits(&pattern.to_lowercase(), &action.to_lowercase()))
                    && statement
                        .resources
                        .iter()
                        .any(|pattern| glob::fits(pattern, resource))
            })
        };
        fits(true) && !fits(false)
    }
}

impl Statement {
    fn parse(statement: &Value, bucket: &str) -> Result<Self, ApiError> {
        let members = statement
            .as_object()
            .ok_or_else(|| malformed("Statement must be an object"))?;
        for name in members.keys() {
            match name.as_str() {
                "Sid" | "Effect" | "Principal" | "Action" | "Resource" | "Condition" => {}
                "NotPrincipal" | "NotAction" | "NotResource" => {
                    return Err(ApiError::not_modelled(format_args!(
                        "s3:PutBucketPolicy policy element '{name}'"
                    )));
                }
                _ => return Err(malformed(&format!("Unknown field {name}"))),
            }
        }
        let allow = match members.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            Some(other) => return Err(malformed(&format!("Invalid effect: {other}"))),
            None => return Err(malformed("Missing required field Effect")),
        };
        let everybody = match members.get("Principal") {
            Some(Value::String(all)) if all == "*" => true,
            Some(Value::Object(kinds)) => kinds
                .get("AWS")
                .is_some_and(|who| texts(who).iter().any(|who| who == "*")),
            Some(_) => return Err(malformed("Invalid principal in policy")),
            None => return Err(malformed("Missing required field Principal")),
        };
        let services = members
            .get("Principal")
            .and_then(|principal| principal.get("Service"))
            .map(texts)
            .unwrap_or_default();
        let actions = members.get("Action").map(texts).unwrap_or_default();
        if actions.is_empty() {
            return Err(malformed("Missing required field Action"));
        }
        if actions
            .iter()
            .any(|action| action != "*" && !action.to_lowercase().starts_with("s3:"))
        {
            return Err(malformed("Policy has invalid action"));
        }
        let resources = members.get("Resource").map(texts).unwrap_or_default();
        if resources.is_empty() {
            return Err(malformed("Missing required field Resource"));
        }
        let own = format!("arn:aws:s3:::{bucket}");
        for resource in &resources {
            let within = resource
                .strip_prefix(&own)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '*']));
            if !within {
                return Err(malformed("Policy has invalid resource"));
            }
        }
        Ok(Self {
            allow,
            everybody,
            services,
            actions,
            resources,
            secure_only: condition(members.get("Condition"))?,
        })
    }
}

/// The one condition that is modelled: whether TLS is used.
fn condition(condition: Option<&Value>) -> Result<Option<bool>, ApiError> {
    let Some(condition) = condition else {
        return Ok(None);
    };
    let secure = condition
        .as_object()
        .filter(|all| all.len() == 1)
        .and_then(|all| all.get("Bool")?.as_object())
        .filter(|keys| keys.len() == 1)
        .and_then(|keys| keys.get("aws:SecureTransport"))
        .map(texts);
    match secure.as_deref() {
        Some([only]) if only == "true" => Ok(Some(true)),
        Some([only]) if only == "false" => Ok(Some(false)),
        _ => Err(ApiError::not_modelled(format_args!(
            "s3:PutBucketPolicy condition {condition}"
        ))),
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Bool(flag) => vec![flag.to_string()],
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::Policy;

    fn statement(effect: &str, resource: &str) -> serde_json::Value {
        json!({"Effect": effect, "Principal": "*", "Action": "s3:GetObject", "Resource": resource})
    }

    #[test]
    fn a_denial_wins() {
        let text = json!({"Version": "2012-10-17", "Statement": [
            statement("Allow", "arn:aws:s3:::b/public/*"),
            statement("Deny", "arn:aws:s3:::b/public/secret*"),
        ]})
        .to_string();
        let policy = Policy::parse(&text, "b").unwrap();
        assert!(policy.is_public());
        let allows =
            |key| policy.allows_anybody("s3:GetObject", &format!("arn:aws:s3:::b/{key}"), true);
        assert!(allows("public/image.jpg"));
        assert!(!allows("public/secret.txt"));
        assert!(!allows("other"));
        assert!(!policy.allows_anybody("s3:PutObject", "arn:aws:s3:::b/public/x", true));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, message) in [
            (
                "nonsense",
                "Policies must be valid JSON and the first byte must be '{'",
            ),
            ("{}", "Missing required field Statement"),
            (
                r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"}]}"#,
                "Policy has invalid resource",
            ),
            (
                r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}}]}"#,
                "not modelled by the embedded cloud: s3:PutBucketPolicy condition \
                 {\"IpAddress\":{\"aws:SourceIp\":\"198.51.100.0/24\"}}",
            ),
        ] {
            assert_eq!(Policy::parse(text, "b").unwrap_err().message, message);
        }
    }
}
