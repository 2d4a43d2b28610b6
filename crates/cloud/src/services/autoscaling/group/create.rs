//! `CreateAutoScalingGroup`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::{life, stamp, tags};
use super::{Care, Distribution, Group, Limits, Template, check_target_groups, places, validation};
use crate::api::ApiError;
use crate::document::Document;
use crate::state;

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    auto_scaling_group_name: String,
    launch_template: Option<Template>,
    min_size: u32,
    max_size: u32,
    desired_capacity: Option<u32>,
    default_cooldown: Option<i64>,
    #[serde(default)]
    availability_zones: Vec<String>,
    #[serde(rename = "VPCZoneIdentifier")]
    subnets: Option<String>,
    #[serde(rename = "TargetGroupARNs", default)]
    target_groups: Vec<String>,
    health_check_type: Option<String>,
    health_check_grace_period: Option<i64>,
    #[serde(default)]
    termination_policies: Vec<String>,
    new_instances_protected_from_scale_in: Option<bool>,
    #[serde(default)]
    tags: Vec<tags::Tag>,
    default_instance_warmup: Option<i64>,
    availability_zone_distribution: Option<Distribution>,
}

/// Makes a group, which then launches its instances.
///
/// # Errors
/// `AlreadyExists`; what AWS refuses.
pub fn create(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    let name = input.auto_scaling_group_name;
    if name.is_empty() || name.len() > 255 || name.contains(':') {
        return Err(validation(format_args!(
            "The group name '{name}' must have 1 to 255 characters and no colon"
        )));
    }
    if cloud.autoscaling.groups.contains_key(&name) {
        return Err(ApiError::new(
            "AlreadyExists",
            format!(
                "AutoScalingGroup by this name already exists - A group with the name {name} already exists"
            ),
        ));
    }
    let template = input.launch_template.ok_or_else(|| {
        validation(
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.",
        )
    })?;
    template.resolve(cloud)?;
    if let Some(distribution) = input.availability_zone_distribution {
        distribution.check()?;
    }
    let limits = Limits {
        min: input.min_size,
        max: input.max_size,
        desired: input.desired_capacity.unwrap_or(input.min_size),
    }
    .check()?;
    let by_subnet = input.subnets.is_some();
    let places = places(cloud, input.subnets.as_deref(), &input.availability_zones)?;
    check_target_groups(cloud, &input.target_groups)?;
    let care = Care {
        by_balancer: Care::kind(input.health_check_type.as_deref().unwrap_or("EC2"))?,
        grace: input.health_check_grace_period.unwrap_or(0),
        cooldown: input.default_cooldown.unwrap_or(300),
        warmup: input.default_instance_warmup,
        protect: input.new_instances_protected_from_scale_in.unwrap_or(false),
        termination: Care::termination(input.termination_policies)?,
    };
    let mut checked = BTreeMap::new();
    for tag in input.tags {
        tag.check(&name)?;
        checked.insert(tag.key().to_owned(), tag);
    }
    let arn = format!(
        "arn:aws:autoscaling:{}:{}:autoScalingGroup:{}:autoScalingGroupName/{name}",
        cloud.region,
        cloud.account,
        cloud.ids.uuid()
    );
    let cause = format!(
        "At {} a user request created an AutoScalingGroup changing the desired capacity from 0 to {}.",
        stamp(cloud.now),
        limits.desired
    );
    let group = Group {
        arn,
        template,
        limits,
        places,
        by_subnet,
        target_groups: input.target_groups,
        care,
        tags: checked,
        created: cloud.now,
        members: BTreeMap::new(),
        notifications: BTreeMap::new(),
        refreshes: Vec::new(),
        deleting: false,
        cause: Some(cause),
        scaled: None,
        retry: None,
        plan: 0,
        name: name.clone(),
    };
    cloud.autoscaling.groups.insert(name.clone(), group);
    life::plan(cloud, &name, life::SOON);
    Ok(Document::empty())
}
