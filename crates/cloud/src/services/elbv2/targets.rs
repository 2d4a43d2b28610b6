//! Who is registered with a target group.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::group::existing;
use super::health::{self, Health};
use crate::api::ApiError;
use crate::document::Document;
use crate::services::ec2;
use crate::state;

/// A registered instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Target {
    /// The instance.
    pub id: String,
    /// The port at which it gets requests.
    pub port: u16,
    /// What its checks came to.
    pub health: Health,
    /// Until when requests under way may end, once it is deregistered.
    pub draining_until: Option<Timestamp>,
}

/// A target as requests name it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Named {
    /// The instance.
    pub id: String,
    /// The group's port if none is given.
    pub port: Option<u16>,
}

/// The parameters of `RegisterTargets` and `DeregisterTargets`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    target_group_arn: String,
    targets: Vec<Named>,
}

/// Registers running instances.
///
/// # Errors
/// `TargetGroupNotFound`; `InvalidTarget` for what is no running instance of the network.
pub fn register_targets(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    existing(cloud, &input.target_group_arn)?;
    for target in &input.targets {
        fit(cloud, &input.target_group_arn, &target.id)?;
    }
    for target in input.targets {
        register(cloud, &input.target_group_arn, &target.id, target.port);
    }
    Ok(Document::empty())
}

fn fit(cloud: &state::State, group: &str, id: &str) -> Result<(), ApiError> {
    let invalid = |why: &str| {
        ApiError::new(
            "InvalidTarget",
            format!("The following targets are not {why}: '{id}'"),
        )
    };
    let group = existing(cloud, group)?;
    match ec2::facts(cloud, id) {
        None => Err(invalid("valid instances")),
        Some(facts) if facts.vpc != group.vpc => {
            Err(invalid(&format!("in the target group VPC '{}'", group.vpc)))
        }
        Some(facts) if facts.stage != ec2::Stage::Running => {
            Err(invalid("in a running state and cannot be registered"))
        }
        Some(_) => Ok(()),
    }
}

/// Registers an instance, or takes back its deregistration.
pub fn register(cloud: &mut state::State, arn: &str, id: &str, port: Option<u16>) {
    let Some(group) = cloud.elbv2.groups.get_mut(arn) else {
        return;
    };
    let port = port.unwrap_or(group.port);
    group.targets.retain(|target| {
        !(target.id == id && target.port == port && target.draining_until.is_some())
    });
    if !group
        .targets
        .iter()
        .any(|target| target.id == id && target.port == port)
    {
        group.targets.push(Target {
            id: id.to_owned(),
            port,
            health: Health::default(),
            draining_until: None,
        });
    }
    health::begin(cloud, arn);
}

/// Deregisters targets; who was not registered is refused.
///
/// # Errors
/// `TargetGroupNotFound`, `InvalidTarget`.
pub fn deregister_targets(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    let group = existing(cloud, &input.target_group_arn)?;
    for named in &input.targets {
        let registered = group.targets.iter().any(|target| target.id == named.id);
        if !registered && ec2::facts(cloud, &named.id).is_none() {
            return Err(ApiError::new(
                "InvalidTarget",
                format!("The following targets are not registered: '{}'", named.id),
            ));
        }
    }
    for named in input.targets {
        deregister(cloud, &input.target_group_arn, &named.id, named.port);
    }
    Ok(Document::empty())
}

/// Deregisters an instance: where its group is in use, it drains first.
pub fn deregister(cloud: &mut state::State, arn: &str, id: &str, port: Option<u16>) {
    let used = super::group::users(cloud, arn).next().is_some();
    let now = cloud.now;
    let Some(group) = cloud.elbv2.groups.get_mut(arn) else {
        return;
    };
    let delay = group
        .attributes
        .get("deregistration_delay.timeout_seconds")
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(300);
    for target in &mut group.targets {
        if target.id == id
            && port.is_none_or(|port| port == target.port)
            && target.draining_until.is_none()
        {
            target.draining_until = Some(if used {
                now + SignedDuration::from_secs(delay)
            } else {
                now
            });
        }
    }
    forget(cloud, arn);
}

/// Forgets who has drained, and instances that are gone.
pub fn forget(cloud: &mut state::State, arn: &str) {
    let now = cloud.now;
    let Some(group) = cloud.elbv2.groups.get(arn) else {
        return;
    };
    let gone: Vec<(String, u16)> = group
        .targets
        .iter()
        .filter(|target| {
            target.draining_until.is_some_and(|until| until <= now)
                || ec2::facts(cloud, &target.id)
                    .is_none_or(|facts| facts.stage == ec2::Stage::Terminated)
        })
        .map(|target| (target.id.clone(), target.port))
        .collect();
    if let Some(group) = cloud.elbv2.groups.get_mut(arn) {
        group
            .targets
            .retain(|target| !gone.contains(&(target.id.clone(), target.port)));
    }
}
