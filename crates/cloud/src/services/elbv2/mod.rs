//! Elastic Load Balancing: application balancers, listeners, target groups, health.
//!
//! - [`balancer`], [`listener`], [`group`]: what there is, and the actions on it;
//! - [`targets`]: who is registered;
//! - [`health`]: how targets are checked on the virtual clock, by what their web server
//!   answers;
//! - [`visit`](visit::visit): what a visitor of a balancer's name gets;
//! - [`access_log`]: who visited, delivered to a bucket;
//! - [`attributes`], [`tags`].
//!
//! Facts: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/introduction.html>.

// Actions own their input, whether or not they keep a part of it.
#![allow(clippy::needless_pass_by_value)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state;

pub mod access_log;
pub mod action;
pub mod attributes;
pub mod balancer;
pub mod group;
pub mod health;
pub mod listener;
pub mod tags;
pub mod targets;
pub mod visit;

pub use visit::Passage;
pub(crate) use visit::visit;

/// What there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// The balancers by ARN.
    pub balancers: BTreeMap<String, balancer::Balancer>,
    /// The listeners by ARN.
    pub listeners: BTreeMap<String, listener::Listener>,
    /// The target groups by ARN.
    pub groups: BTreeMap<String, group::TargetGroup>,
}

/// What happens later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The targets of a group are checked.
    Check {
        /// The group's ARN.
        group: String,
        /// Which plan this is: a group's earlier ones are void.
        plan: u64,
    },
    /// The access log of a balancer is delivered.
    Deliver {
        /// The balancer's ARN.
        balancer: String,
    },
}

/// Answers a request.
///
/// # Errors
/// The service's own refusals.
pub fn handle(cloud: &mut state::State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    let result = match request.action.as_str() {
        "CreateLoadBalancer" => balancer::create_load_balancer(cloud, request.read()?),
        "DescribeLoadBalancers" => balancer::describe_load_balancers(cloud, request.read()?),
        "DeleteLoadBalancer" => balancer::delete_load_balancer(cloud, request.read()?),
        "SetSecurityGroups" => balancer::set_security_groups(cloud, request.read()?),
        "DescribeLoadBalancerAttributes" => attributes::of_balancer(cloud, request.read()?),
        "ModifyLoadBalancerAttributes" => attributes::modify_balancer(cloud, request.read()?),
        "DescribeCapacityReservation" => balancer::describe_reservation(cloud, request.read()?),
        "CreateTargetGroup" => group::create_target_group(cloud, request.read()?),
        "DescribeTargetGroups" => group::describe::describe_target_groups(cloud, request.read()?),
        "ModifyTargetGroup" => group::modify_target_group(cloud, request.read()?),
        "DeleteTargetGroup" => group::delete_target_group(cloud, request.read()?),
        "DescribeTargetGroupAttributes" => attributes::of_group(cloud, request.read()?),
        "ModifyTargetGroupAttributes" => attributes::modify_group(cloud, request.read()?),
        "CreateListener" => listener::create_listener(cloud, request.read()?),
        "DescribeListeners" => listener::describe_listeners(cloud, request.read()?),
        "ModifyListener" => listener::modify_listener(cloud, request.read()?),
        "DeleteListener" => listener::delete_listener(cloud, request.read()?),
        "DescribeListenerAttributes" => attributes::of_listener(cloud, request.read()?),
        "ModifyListenerAttributes" => attributes::modify_listener(cloud, request.read()?),
        "RegisterTargets" => targets::register_targets(cloud, request.read()?),
        "DeregisterTargets" => targets::deregister_targets(cloud, request.read()?),
        "DescribeTargetHealth" => health::describe_target_health(cloud, request.read()?),
        "AddTags" => tags::add_tags(cloud, request.read()?),
        "RemoveTags" => tags::remove_tags(cloud, request.read()?),
        "DescribeTags" => tags::describe_tags(cloud, request.read()?),
        other => Err(ApiError::not_modelled(format_args!("elbv2:{other}"))),
    }?;
    Ok(request.says(&result))
}

/// Lets a planned event happen.
pub fn happen(cloud: &mut state::State, event: Event) {
    match event {
        Event::Check { group, plan } => health::check(cloud, &group, plan),
        Event::Deliver { balancer } => access_log::deliver(cloud, &balancer),
    }
}

/// A refusal of a request's values.
fn validation(why: impl std::fmt::Display) -> ApiError {
    ApiError::new("ValidationError", why.to_string())
}

/// Checks the name of a balancer or target group: 32 letters, digits and hyphens.
fn name(what: &str, name: &str) -> Result<(), ApiError> {
    if name.len() > 32 || name.is_empty() {
        return Err(validation(format_args!(
            "{what} name '{name}' cannot be longer than '32' characters"
        )));
    }
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Err(validation(format_args!(
            "{what} name '{name}' can only contain characters that are alphanumeric characters and hyphens(-)"
        )));
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err(validation(format_args!(
            "{what} name '{name}' cannot begin or end with '-'"
        )));
    }
    Ok(())
}

/// The 16 hexadecimal digits at the end of an ARN.
fn digits(cloud: &mut state::State) -> String {
    hex::encode(cloud.ids.bytes::<8>())
}

/// The start of the ARNs of this account and region.
fn arn(cloud: &state::State) -> String {
    format!(
        "arn:aws:elasticloadbalancing:{}:{}:",
        cloud.region, cloud.account
    )
}

/// The items from `marker` on, at most `size`, and the marker of the next page.
fn page<T>(
    items: Vec<T>,
    marker: Option<&str>,
    size: Option<usize>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let size = size.unwrap_or(400).clamp(1, 400);
    let start: usize = marker
        .map_or(Ok(0), str::parse)
        .map_err(|_| validation("Invalid marker"))?;
    let next = start.saturating_add(size);
    let marker = (next < items.len()).then(|| next.to_string());
    Ok((items.into_iter().skip(start).take(size).collect(), marker))
}

#[cfg(test)]
mod tests;
