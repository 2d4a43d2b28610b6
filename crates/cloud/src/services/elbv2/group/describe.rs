//! `DescribeTargetGroups`.

use serde::Deserialize;

use super::super::{balancer, page};
use super::{TargetGroup, existing, not_found, users};
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::state;

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Describe {
    load_balancer_arn: Option<String>,
    #[serde(default)]
    target_group_arns: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    marker: Option<String>,
    page_size: Option<usize>,
}

/// The target groups of a balancer, of these ARNs, or names, or all.
///
/// # Errors
/// `TargetGroupNotFound`, `LoadBalancerNotFound`.
pub fn describe_target_groups(
    cloud: &mut state::State,
    input: Describe,
) -> Result<Document, ApiError> {
    for arn in &input.target_group_arns {
        existing(cloud, arn)?;
    }
    if let Some(arn) = &input.load_balancer_arn {
        balancer::existing(cloud, arn)?;
    }
    let all: Vec<&TargetGroup> = cloud.elbv2.groups.values().collect();
    let missing = input
        .names
        .iter()
        .find(|name| !all.iter().any(|group| group.name == **name));
    if missing.is_some() {
        return Err(not_found("One or more target groups not found"));
    }
    let found: Vec<&TargetGroup> =
        all.into_iter()
            .filter(|group| {
                (input.target_group_arns.is_empty() || input.target_group_arns.contains(&group.arn))
                    && (input.names.is_empty() || input.names.contains(&group.name))
                    && input.load_balancer_arn.as_ref().is_none_or(|balancer| {
                        users(cloud, &group.arn).any(|user| user == balancer)
                    })
            })
            .collect();
    let (found, marker) = page(found, input.marker.as_deref(), input.page_size)?;
    Ok(answer(cloud, &found, marker.as_ref()))
}

/// Target groups as the API shows them.
#[must_use]
pub fn answer(cloud: &state::State, found: &[&TargetGroup], marker: Option<&String>) -> Document {
    let members = found.iter().map(|group| {
        let check = &group.check;
        let mut balancers: Vec<&String> = users(cloud, &group.arn).collect();
        balancers.sort();
        balancers.dedup();
        let port = check
            .port
            .map_or_else(|| "traffic-port".to_owned(), |port| port.to_string());
        Document::fields([
            ("TargetGroupArn", some(&group.arn)),
            ("TargetGroupName", some(&group.name)),
            ("Protocol", some("HTTP")),
            ("Port", some(i64::from(group.port))),
            ("VpcId", some(&group.vpc)),
            ("HealthCheckProtocol", some("HTTP")),
            ("HealthCheckPort", some(port)),
            ("HealthCheckEnabled", some(true)),
            ("HealthCheckIntervalSeconds", some(check.interval)),
            ("HealthCheckTimeoutSeconds", some(check.timeout)),
            ("HealthyThresholdCount", some(i64::from(check.healthy))),
            ("UnhealthyThresholdCount", some(i64::from(check.unhealthy))),
            ("HealthCheckPath", some(&check.path)),
            (
                "Matcher",
                Some(Document::fields([("HttpCode", some(&check.matcher))])),
            ),
            ("LoadBalancerArns", Some(Document::list(balancers))),
            ("TargetType", some("instance")),
            ("ProtocolVersion", some("HTTP1")),
            ("IpAddressType", some("ipv4")),
        ])
    });
    Document::fields([
        ("TargetGroups", Some(Document::list(members))),
        ("NextMarker", maybe(marker)),
    ])
}
