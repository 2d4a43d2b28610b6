//! What a listener does with a request: forward, redirect, or answer itself.

use serde::{Deserialize, Serialize};

use super::validation;
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::state;

/// An action as a request gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Action {
    #[serde(rename = "Type")]
    kind: Kind,
    order: Option<i64>,
    target_group_arn: Option<String>,
    forward_config: Option<Forward>,
    fixed_response_config: Option<Fixed>,
    redirect_config: Option<Redirect>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Forward,
    FixedResponse,
    Redirect,
    AuthenticateOidc,
    AuthenticateCognito,
    JwtValidation,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Forward {
    target_groups: Vec<Weighted>,
    target_group_stickiness_config: Option<Stickiness>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Stickiness {
    enabled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Weighted {
    target_group_arn: String,
    weight: Option<u32>,
}

/// An answer of the balancer itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Fixed {
    /// The body.
    pub message_body: Option<String>,
    /// The status, 2XX, 4XX or 5XX.
    pub status_code: String,
    /// Of the body.
    pub content_type: Option<String>,
}

/// Where a visitor is sent; `#{host}`, `#{path}`, … stand for the request's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Redirect {
    /// `HTTP`, `HTTPS` or `#{protocol}`.
    pub protocol: Option<String>,
    /// A number or `#{port}`.
    pub port: Option<String>,
    /// A name or `#{host}`.
    pub host: Option<String>,
    /// Absolute.
    pub path: Option<String>,
    /// Without `?`.
    pub query: Option<String>,
    /// `HTTP_301` or `HTTP_302`.
    pub status_code: String,
}

/// What an action comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does<'a> {
    /// Passes requests on to these target groups, by weight.
    Forward(Vec<(&'a str, u32)>),
    /// Answers.
    Fixed(&'a Fixed),
    /// Sends elsewhere.
    Redirect(&'a Redirect),
}

impl Action {
    /// What it comes to.
    ///
    /// # Errors
    /// A configuration that does not fit its type, and types that are not modelled.
    pub fn does(&self) -> Result<Does<'_>, ApiError> {
        let misfit =
            || validation("Actions must have the configuration of their type, and only that");
        let forwards = self.target_group_arn.is_some() || self.forward_config.is_some();
        match self.kind {
            Kind::Forward => {
                if self.fixed_response_config.is_some() || self.redirect_config.is_some() {
                    return Err(misfit());
                }
                match (&self.target_group_arn, &self.forward_config) {
                    (_, Some(config)) if !config.target_groups.is_empty() => {
                        let sticky = &config.target_group_stickiness_config;
                        if sticky.as_ref().is_some_and(|sticky| sticky.enabled) {
                            return Err(ApiError::not_modelled(
                                "sticky target groups (TargetGroupStickinessConfig)",
                            ));
                        }
                        Ok(Does::Forward(
                            config
                                .target_groups
                                .iter()
                                .map(|group| {
                                    (group.target_group_arn.as_str(), group.weight.unwrap_or(1))
                                })
                                .collect(),
                        ))
                    }
                    (Some(arn), None) => Ok(Does::Forward(vec![(arn, 1)])),
                    _ => Err(validation("A target group ARN must be specified")),
                }
            }
            Kind::FixedResponse => match &self.fixed_response_config {
                Some(fixed) if !forwards && self.redirect_config.is_none() => {
                    Ok(Does::Fixed(fixed))
                }
                _ => Err(misfit()),
            },
            Kind::Redirect => match &self.redirect_config {
                Some(redirect) if !forwards && self.fixed_response_config.is_none() => {
                    Ok(Does::Redirect(redirect))
                }
                _ => Err(misfit()),
            },
            Kind::AuthenticateOidc | Kind::AuthenticateCognito | Kind::JwtValidation => {
                Err(ApiError::not_modelled("authenticating listener actions"))
            }
        }
    }

    /// As the API shows it.
    #[must_use]
    pub fn document(&self) -> Document {
        let weighted = match self.does() {
            Ok(Does::Forward(groups)) => groups,
            _ => Vec::new(),
        };
        let kind = match self.kind {
            Kind::Forward => "forward",
            Kind::FixedResponse => "fixed-response",
            Kind::Redirect => "redirect",
            Kind::AuthenticateOidc => "authenticate-oidc",
            Kind::AuthenticateCognito => "authenticate-cognito",
            Kind::JwtValidation => "jwt-validation",
        };
        let single = match weighted.as_slice() {
            [(arn, _)] => Some(*arn),
            _ => None,
        };
        let forward = (!weighted.is_empty()).then(|| {
            let groups = weighted.iter().map(|(arn, weight)| {
                Document::fields([
                    ("TargetGroupArn", some(*arn)),
                    ("Weight", some(i64::from(*weight))),
                ])
            });
            Document::fields([
                ("TargetGroups", Some(Document::list(groups))),
                (
                    "TargetGroupStickinessConfig",
                    Some(Document::fields([("Enabled", some(false))])),
                ),
            ])
        });
        Document::fields([
            ("Type", some(kind)),
            ("Order", maybe(self.order.as_ref())),
            ("TargetGroupArn", single.map(Into::into)),
            ("ForwardConfig", forward),
            (
                "FixedResponseConfig",
                self.fixed_response_config.as_ref().map(|fixed| {
                    Document::fields([
                        ("MessageBody", maybe(fixed.message_body.as_ref())),
                        ("StatusCode", some(&fixed.status_code)),
                        ("ContentType", maybe(fixed.content_type.as_ref())),
                    ])
                }),
            ),
            (
                "RedirectConfig",
                self.redirect_config.as_ref().map(|redirect| {
                    let or = |value: &Option<String>, otherwise: &str| {
                        some(value.clone().unwrap_or_else(|| otherwise.to_owned()))
                    };
                    Document::fields([
                        ("Protocol", or(&redirect.protocol, "#{protocol}")),
                        ("Port", or(&redirect.port, "#{port}")),
                        ("Host", or(&redirect.host, "#{host}")),
                        ("Path", or(&redirect.path, "/#{path}")),
                        ("Query", or(&redirect.query, "#{query}")),
                        ("StatusCode", some(&redirect.status_code)),
                    ])
                }),
            ),
        ])
    }
}

/// Checks the default actions of a listener: one, with target groups that exist.
///
/// # Errors
/// `TargetGroupNotFound`; what does not fit together.
pub fn check(cloud: &state::State, actions: &[Action]) -> Result<(), ApiError> {
    let [action] = actions else {
        return Err(validation(
            "A listener must have exactly one default action",
        ));
    };
    match action.does()? {
        Does::Forward(groups) => {
            for (arn, weight) in groups {
                super::group::existing(cloud, arn)?;
                if weight > 999 {
                    return Err(validation("Weight must be between 0 and 999"));
                }
            }
        }
        Does::Fixed(fixed) => {
            let good = matches!(fixed.status_code.as_bytes(), [b'2' | b'4' | b'5', b, c]
                if b.is_ascii_digit() && c.is_ascii_digit());
            if !good {
                return Err(validation(format_args!(
                    "Status code '{}' must be 2XX, 4XX or 5XX",
                    fixed.status_code
                )));
            }
        }
        Does::Redirect(redirect) => {
            if !matches!(redirect.status_code.as_str(), "HTTP_301" | "HTTP_302") {
                return Err(validation("StatusCode must be HTTP_301 or HTTP_302"));
            }
        }
    }
    Ok(())
}
