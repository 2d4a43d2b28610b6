//! Auto Scaling: groups that launch, replace and terminate simulated instances.
//!
//! - [`group`]: what a group is, and the actions that change it;
//! - [`member`]: its instances;
//! - [`life`]: how a group comes to what is desired, on the virtual clock;
//! - [`activity`], [`notification`]: what it did and whom it told;
//! - [`policy`]: how alarms change what is desired;
//! - [`refresh`]: replacing all instances in turn;
//! - [`attachment`], [`tags`].
//!
//! Facts: <https://docs.aws.amazon.com/autoscaling/ec2/userguide/what-is-amazon-ec2-auto-scaling.html>.

// Actions own their input, whether or not they keep a part of it.
#![allow(clippy::needless_pass_by_value)]

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state;

pub mod activity;
pub mod attachment;
pub mod group;
pub mod life;
pub mod member;
pub mod notification;
pub mod policy;
pub mod refresh;
pub mod tags;

/// What there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// The groups by name.
    pub groups: BTreeMap<String, group::Group>,
    /// The policies by ARN.
    pub policies: BTreeMap<String, policy::Policy>,
    /// What groups did, oldest first.
    pub activities: Vec<activity::Activity>,
}

/// What happens later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A group compares what it has with what is desired.
    Look {
        /// The group's name.
        group: String,
        /// Which plan this is: a group's earlier ones are void.
        plan: u64,
    },
}

/// Answers a request.
///
/// # Errors
/// The service's own refusals.
pub fn handle(cloud: &mut state::State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    let result = match request.action.as_str() {
        "CreateAutoScalingGroup" => group::create::create(cloud, request.read()?),
        "UpdateAutoScalingGroup" => group::update::update(cloud, request.read()?),
        "DeleteAutoScalingGroup" => group::delete::delete(cloud, request.read()?),
        "SetDesiredCapacity" => group::update::set_desired_capacity(cloud, request.read()?),
        "DescribeAutoScalingGroups" => group::describe::describe(cloud, request.read()?),
        "DescribeAutoScalingInstances" => member::describe(cloud, request.read()?),
        "TerminateInstanceInAutoScalingGroup" => member::terminate(cloud, request.read()?),
        "SetInstanceHealth" => member::set_health(cloud, request.read()?),
        "DescribeScalingActivities" => activity::describe(cloud, request.read()?),
        "PutScalingPolicy" => policy::put::put(cloud, request.read()?),
        "DeletePolicy" => policy::delete(cloud, request.read()?),
        "DescribePolicies" => policy::describe::describe(cloud, request.read()?),
        "PutNotificationConfiguration" => notification::put(cloud, request.read()?),
        "DeleteNotificationConfiguration" => notification::delete(cloud, request.read()?),
        "DescribeNotificationConfigurations" => notification::describe(cloud, request.read()?),
        "AttachLoadBalancerTargetGroups" => attachment::attach(cloud, request.read()?),
        "DetachLoadBalancerTargetGroups" => attachment::detach(cloud, request.read()?),
        "DescribeLoadBalancerTargetGroups" => attachment::describe(cloud, request.read()?),
        "StartInstanceRefresh" => refresh::start(cloud, request.read()?),
        "DescribeInstanceRefreshes" => refresh::describe(cloud, request.read()?),
        "CreateOrUpdateTags" => tags::create_or_update(cloud, request.read()?),
        "DeleteTags" => tags::delete(cloud, request.read()?),
        "DescribeTags" => tags::describe(cloud, request.read()?),
        other => Err(ApiError::not_modelled(format_args!("autoscaling:{other}"))),
    }?;
    Ok(request.says(&result))
}

/// Lets a planned event happen.
pub fn happen(cloud: &mut state::State, event: Event) {
    match event {
        Event::Look { group, plan } => life::look(cloud, &group, plan),
    }
}

/// The instances of a group.
#[must_use]
pub fn members(cloud: &state::State, group: &str) -> Vec<String> {
    cloud
        .autoscaling
        .groups
        .get(group)
        .map(|group| group.members.keys().cloned().collect())
        .unwrap_or_default()
}

/// A refusal of a request's values.
fn validation(why: impl std::fmt::Display) -> ApiError {
    ApiError::new("ValidationError", why.to_string())
}

/// An instant as texts show it, in whole seconds.
fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The items from `token` on, at most `size`, and the token of the next page.
fn page<T>(
    items: Vec<T>,
    token: Option<&str>,
    size: Option<usize>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let size = size.unwrap_or(50).clamp(1, 100);
    let start: usize = token
        .map_or(Ok(0), str::parse)
        .map_err(|_| ApiError::new("InvalidNextToken", "The NextToken value is not valid."))?;
    let next = start.saturating_add(size);
    let token = (next < items.len()).then(|| next.to_string());
    Ok((items.into_iter().skip(start).take(size).collect(), token))
}

#[cfg(test)]
mod tests;
