//! Target groups with which a group registers its instances.

use serde::Deserialize;

use super::group::{changeable, check_target_groups, existing};
use super::page;
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::services::elbv2;
use crate::state;

/// The parameters of attaching and detaching.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    auto_scaling_group_name: String,
    #[serde(rename = "TargetGroupARNs")]
    target_groups: Vec<String>,
}

/// Attaches target groups: instances in service are registered at once.
///
/// # Errors
/// No such group or target group.
pub fn attach(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    check_target_groups(cloud, &input.target_groups)?;
    let group = changeable(cloud, &input.auto_scaling_group_name)?;
    let serving: Vec<String> = group
        .members
        .values()
        .filter(|member| member.serves())
        .map(|member| member.id.clone())
        .collect();
    for arn in &input.target_groups {
        if !group.target_groups.contains(arn) {
            group.target_groups.push(arn.clone());
        }
    }
    for arn in &input.target_groups {
        for id in &serving {
            elbv2::targets::register(cloud, arn, id, None);
        }
    }
    Ok(Document::empty())
}

/// Detaches target groups: instances are deregistered.
///
/// # Errors
/// No such group; a target group that is not attached.
pub fn detach(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    let group = changeable(cloud, &input.auto_scaling_group_name)?;
    let ids: Vec<String> = group.members.keys().cloned().collect();
    if let Some(arn) = input
        .target_groups
        .iter()
        .find(|arn| !group.target_groups.contains(arn))
    {
        return Err(super::validation(format_args!(
            "Target group {arn} is not attached to the Auto Scaling group"
        )));
    }
    group
        .target_groups
        .retain(|arn| !input.target_groups.contains(arn));
    for arn in &input.target_groups {
        for id in &ids {
            elbv2::targets::deregister(cloud, arn, id, None);
        }
    }
    Ok(Document::empty())
}

/// The parameters of `DescribeLoadBalancerTargetGroups`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Describe {
    auto_scaling_group_name: String,
    max_records: Option<usize>,
    next_token: Option<String>,
}

/// The target groups of a group.
///
/// # Errors
/// No such group; a token that no answer gave.
pub fn describe(cloud: &mut state::State, input: Describe) -> Result<Document, ApiError> {
    let arns = existing(cloud, &input.auto_scaling_group_name)?
        .target_groups
        .clone();
    let (arns, token) = page(arns, input.next_token.as_deref(), input.max_records)?;
    Ok(Document::fields([
        (
            "LoadBalancerTargetGroups",
            Some(Document::list(arns.iter().map(|arn| {
                Document::fields([
                    ("LoadBalancerTargetGroupARN", some(arn)),
                    ("State", some("InService")),
                ])
            }))),
        ),
        ("NextToken", maybe(token.as_ref())),
    ]))
}
