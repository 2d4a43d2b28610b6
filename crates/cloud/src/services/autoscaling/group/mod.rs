//! Groups.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub mod create;
pub mod delete;
pub mod describe;
pub mod update;

use super::member::Member;
use super::refresh::Refresh;
use super::tags::Tag;
use super::validation;
use crate::api::ApiError;
use crate::services::{ec2, elbv2};
use crate::state;

/// A group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// What its instances are launched from.
    pub template: Template,
    /// The template as it was named.
    pub limits: Limits,
    /// Where its instances are: subnet and zone, in the order given.
    pub places: Vec<(String, String)>,
    /// Whether the subnets were named, not the zones.
    pub by_subnet: bool,
    /// With which target groups its instances are registered.
    pub target_groups: Vec<String>,
    /// How it is looked after.
    pub care: Care,
    /// Its tags.
    pub tags: BTreeMap<String, Tag>,
    /// Since when there is one.
    pub created: Timestamp,
    /// Its instances.
    pub members: BTreeMap<String, Member>,
    /// Who is told what: kinds of notifications by topic.
    pub notifications: BTreeMap<String, BTreeSet<String>>,
    /// Its instance refreshes, oldest first.
    pub refreshes: Vec<Refresh>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Why the capacity that is desired last changed.
    pub cause: Option<String>,
    /// When a simple policy last changed it.
    pub scaled: Option<Timestamp>,
    /// Not before then is another launch tried, after one that failed.
    pub retry: Option<Timestamp>,
    /// The newest plan to look after it.
    pub plan: u64,
}

/// The launch template as it was named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Template {
    /// By id,
    pub launch_template_id: Option<String>,
    /// or by name.
    pub launch_template_name: Option<String>,
    /// A number, `$Latest` or `$Default`.
    pub version: Option<String>,
}

impl Template {
    /// The template and version that are meant now.
    ///
    /// # Errors
    /// There is none.
    pub fn resolve(&self, cloud: &state::State) -> Result<ec2::Template, ApiError> {
        ec2::template(cloud, &self.reference()).map_err(|error| {
            validation(format_args!(
                "You must use a valid fully-formed launch template. {}",
                error.message
            ))
        })
    }

    /// As EC2 wants it.
    #[must_use]
    pub fn reference(&self) -> ec2::TemplateRef {
        ec2::TemplateRef {
            id: self.launch_template_id.clone(),
            name: self.launch_template_name.clone(),
            version: self.version.clone(),
        }
    }
}

/// How many instances there shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
    /// Now.
    pub desired: u32,
}

impl Limits {
    /// Checks that they fit together.
    ///
    /// # Errors
    /// They do not.
    pub fn check(self) -> Result<Self, ApiError> {
        if self.max < self.min {
            return Err(validation(
                "Max bound, must be greater than or equal to min bound",
            ));
        }
        if self.desired < self.min || self.desired > self.max {
            return Err(validation(format_args!(
                "Desired capacity:{} must be between the specified min size:{} and max size:{}",
                self.desired, self.min, self.max
            )));
        }
        Ok(self)
    }
}

/// How a group is looked after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Care {
    /// Whether instances that balancers find unhealthy are replaced.
    pub by_balancer: bool,
    /// Seconds for which a new instance may be found unhealthy.
    pub grace: i64,
    /// Seconds between simple scalings.
    pub cooldown: i64,
    /// Seconds until a new instance's metrics count.
    pub warmup: Option<i64>,
    /// Whether new instances are kept when the group shrinks.
    pub protect: bool,
    /// Which instances go first.
    pub termination: Vec<String>,
}

impl Care {
    /// Reads a health check type.
    ///
    /// # Errors
    /// One that is not modelled.
    pub fn kind(name: &str) -> Result<bool, ApiError> {
        match name {
            "EC2" => Ok(false),
            "ELB" | "EC2,ELB" | "ELB,EC2" => Ok(true),
            other => Err(ApiError::not_modelled(format_args!(
                "health check type '{other}'"
            ))),
        }
    }

    /// Checks termination policies.
    ///
    /// # Errors
    /// Those that are not modelled.
    pub fn termination(policies: Vec<String>) -> Result<Vec<String>, ApiError> {
        let known = ["Default", "OldestInstance", "NewestInstance"];
        if let Some(other) = policies
            .iter()
            .find(|policy| !known.contains(&policy.as_str()))
        {
            return Err(ApiError::not_modelled(format_args!(
                "termination policy '{other}'"
            )));
        }
        Ok(if policies.is_empty() {
            vec!["Default".to_owned()]
        } else {
            policies
        })
    }
}

/// What happens where a zone has no capacity.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Distribution {
    capacity_distribution_strategy: Option<String>,
}

impl Distribution {
    /// Checks that it is what groups do here: other zones are tried.
    ///
    /// # Errors
    /// Another way, which is not modelled.
    pub fn check(self) -> Result<(), ApiError> {
        match self.capacity_distribution_strategy.as_deref() {
            None | Some("balanced-best-effort") => Ok(()),
            Some(other) => Err(ApiError::not_modelled(format_args!(
                "capacity distribution strategy '{other}'"
            ))),
        }
    }
}

/// Where a group's instances go: the named subnets, or the default ones of the zones.
///
/// # Errors
/// Unknown subnets, zones without a default subnet, nothing named.
pub fn places(
    cloud: &state::State,
    subnets: Option<&str>,
    zones: &[String],
) -> Result<Vec<(String, String)>, ApiError> {
    let subnets: Vec<&str> = subnets
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|subnet| !subnet.is_empty())
        .collect();
    let mut places = Vec::new();
    for subnet in &subnets {
        let place = ec2::place(cloud, subnet)
            .map_err(|_| validation(format_args!("The subnet ID '{subnet}' does not exist")))?;
        if !zones.is_empty() && !zones.contains(&place.zone) {
            return Err(validation(
                "The availability zones of the specified subnets and the Auto Scaling group do not match",
            ));
        }
        places.push((place.subnet, place.zone));
    }
    if subnets.is_empty() {
        for zone in zones {
            let place = ec2::default_subnet(cloud, zone).ok_or_else(|| {
                validation(format_args!(
                    "Invalid Availability Zone, or no default subnet in it: {zone}"
                ))
            })?;
            places.push((place.subnet, place.zone));
        }
    }
    if places.is_empty() {
        return Err(validation(
            "At least one Availability Zone or VPC Subnet is required.",
        ));
    }
    Ok(places)
}

/// Checks that target groups exist.
///
/// # Errors
/// One does not.
pub fn check_target_groups(cloud: &state::State, arns: &[String]) -> Result<(), ApiError> {
    for arn in arns {
        elbv2::group::existing(cloud, arn).map_err(|_| {
            validation(format_args!(
                "Provided Target Groups may not be valid. Please ensure they exist and try again. ({arn})"
            ))
        })?;
    }
    Ok(())
}

/// The group of a name.
///
/// # Errors
/// There is none.
pub fn existing<'a>(cloud: &'a mut state::State, name: &str) -> Result<&'a mut Group, ApiError> {
    cloud.autoscaling.groups.get_mut(name).ok_or_else(|| {
        validation(format_args!(
            "AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"
        ))
    })
}

/// The group of a name, if it may be changed.
///
/// # Errors
/// There is none, or it is being deleted.
pub fn changeable<'a>(cloud: &'a mut state::State, name: &str) -> Result<&'a mut Group, ApiError> {
    let group = existing(cloud, name)?;
    if group.deleting {
        return Err(validation(format_args!(
            "You cannot change the AutoScalingGroup '{name}': it is pending delete"
        )));
    }
    Ok(group)
}
