//! Listeners: at which ports a balancer answers, and what it does there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::action::{self, Action};
use super::{arn, balancer, digits, health, page, tags, validation};
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::state;

/// A listener.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listener {
    /// Its ARN.
    pub arn: String,
    /// The balancer's ARN.
    pub balancer: String,
    /// The port.
    pub port: u16,
    /// What it does.
    pub actions: Vec<Action>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Listener {
    /// The ARNs of the target groups that it forwards to.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().flat_map(|action| match action.does() {
            Ok(action::Does::Forward(groups)) => groups.into_iter().map(|(arn, _)| arn).collect(),
            _ => Vec::new(),
        })
    }
}

/// The parameters of `CreateListener`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Create {
    load_balancer_arn: String,
    protocol: String,
    port: u16,
    default_actions: Vec<Action>,
    #[serde(default)]
    tags: Vec<tags::Tag>,
}

/// Makes a listener; one that is as asked for is found again.
///
/// # Errors
/// `LoadBalancerNotFound`, `DuplicateListener`, what is wrong with the actions.
pub fn create_listener(cloud: &mut state::State, input: Create) -> Result<Document, ApiError> {
    let balancer = balancer::existing(cloud, &input.load_balancer_arn)?;
    let path = balancer.dimension();
    http(&input.protocol)?;
    port(input.port)?;
    action::check(cloud, &input.default_actions)?;
    let tags = tags::checked(input.tags)?;
    let taken = at(cloud, &input.load_balancer_arn, input.port);
    if let Some(there) = taken {
        if there.actions != input.default_actions || there.tags != tags {
            return Err(ApiError::new(
                "DuplicateListener",
                "A listener already exists on this port for this load balancer",
            ));
        }
        return Ok(answer(&[there], None));
    }
    let listener = Listener {
        arn: format!("{}listener/{path}/{}", arn(cloud), digits(cloud)),
        balancer: input.load_balancer_arn,
        port: input.port,
        actions: input.default_actions,
        tags,
    };
    let result = answer(&[&listener], None);
    cloud.elbv2.listeners.insert(listener.arn.clone(), listener);
    health::begin_where_used(cloud);
    Ok(result)
}

fn http(protocol: &str) -> Result<(), ApiError> {
    match protocol {
        "HTTP" => Ok(()),
        "HTTPS" => Err(ApiError::not_modelled("HTTPS listeners")),
        other => Err(validation(format_args!(
            "Protocol '{other}' is not valid for an application load balancer's listener"
        ))),
    }
}

fn port(port: u16) -> Result<(), ApiError> {
    if port == 0 {
        return Err(validation("Listener port '0' is not between 1 and 65535"));
    }
    Ok(())
}

/// The listener at a balancer's port.
#[must_use]
pub fn at<'a>(cloud: &'a state::State, balancer: &str, port: u16) -> Option<&'a Listener> {
    cloud
        .elbv2
        .listeners
        .values()
        .find(|listener| listener.balancer == balancer && listener.port == port)
}

/// The listener of an ARN.
///
/// # Errors
/// `ListenerNotFound`.
pub fn existing<'a>(cloud: &'a state::State, arn: &str) -> Result<&'a Listener, ApiError> {
    let found = cloud.elbv2.listeners.get(arn);
    found.ok_or_else(|| not_found(arn))
}

fn not_found(arn: &str) -> ApiError {
    ApiError::new("ListenerNotFound", format!("Listener '{arn}' not found"))
}

/// The parameters of `DescribeListeners`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Describe {
    load_balancer_arn: Option<String>,
    #[serde(default)]
    listener_arns: Vec<String>,
    marker: Option<String>,
    page_size: Option<usize>,
}

/// The listeners of a balancer or of these ARNs.
///
/// # Errors
/// `LoadBalancerNotFound`, `ListenerNotFound`, neither given.
pub fn describe_listeners(cloud: &mut state::State, input: Describe) -> Result<Document, ApiError> {
    let found: Vec<&Listener> = match (&input.load_balancer_arn, input.listener_arns.as_slice()) {
        (Some(arn), []) => {
            balancer::existing(cloud, arn)?;
            cloud
                .elbv2
                .listeners
                .values()
                .filter(|listener| listener.balancer == *arn)
                .collect()
        }
        (None, arns @ [_, ..]) => arns
            .iter()
            .map(|arn| existing(cloud, arn))
            .collect::<Result<_, _>>()?,
        _ => {
            return Err(validation(
                "You must specify either listener ARNs or a load balancer ARN",
            ));
        }
    };
    let (found, marker) = page(found, input.marker.as_deref(), input.page_size)?;
    Ok(answer(&found, marker.as_ref()))
}

/// The parameters of `ModifyListener`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Modify {
    listener_arn: String,
    port: Option<u16>,
    protocol: Option<String>,
    #[serde(default)]
    default_actions: Vec<Action>,
}

/// Changes a listener.
///
/// # Errors
/// `ListenerNotFound`, `DuplicateListener`, what is wrong with the actions.
pub fn modify_listener(cloud: &mut state::State, input: Modify) -> Result<Document, ApiError> {
    let arn = &input.listener_arn;
    let there = existing(cloud, arn)?;
    if let Some(protocol) = &input.protocol {
        http(protocol)?;
    }
    if let Some(wanted) = input.port {
        port(wanted)?;
        if at(cloud, &there.balancer, wanted).is_some_and(|other| other.arn != *arn) {
            return Err(ApiError::new(
                "DuplicateListener",
                "A listener already exists on this port for this load balancer",
            ));
        }
    }
    if !input.default_actions.is_empty() {
        action::check(cloud, &input.default_actions)?;
    }
    let listener = cloud
        .elbv2
        .listeners
        .get_mut(arn)
        .ok_or_else(|| not_found(arn))?;
    if let Some(port) = input.port {
        listener.port = port;
    }
    if !input.default_actions.is_empty() {
        listener.actions = input.default_actions;
    }
    let result = answer(&[&*listener], None);
    health::begin_where_used(cloud);
    Ok(result)
}

/// The parameter of `DeleteListener`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Delete {
    listener_arn: String,
}

/// Removes a listener.
///
/// # Errors
/// `ListenerNotFound`.
pub fn delete_listener(cloud: &mut state::State, input: Delete) -> Result<Document, ApiError> {
    let arn = &input.listener_arn;
    cloud
        .elbv2
        .listeners
        .remove(arn)
        .ok_or_else(|| not_found(arn))?;
    Ok(Document::empty())
}

fn answer(found: &[&Listener], marker: Option<&String>) -> Document {
    let members = found.iter().map(|listener| {
        Document::fields([
            ("ListenerArn", some(&listener.arn)),
            ("LoadBalancerArn", some(&listener.balancer)),
            ("Port", some(i64::from(listener.port))),
            ("Protocol", some("HTTP")),
            (
                "DefaultActions",
                Some(Document::list(
                    listener.actions.iter().map(Action::document),
                )),
            ),
        ])
    });
    Document::fields([
        ("Listeners", Some(Document::list(members))),
        ("NextMarker", maybe(marker)),
    ])
}
