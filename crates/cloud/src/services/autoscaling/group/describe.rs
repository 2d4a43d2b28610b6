//! `DescribeAutoScalingGroups`.

use serde::Deserialize;

use super::super::page;
use super::super::tags::Filter;
use super::Group;
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::state;

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    #[serde(default)]
    auto_scaling_group_names: Vec<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    include_instances: Option<bool>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

/// The groups of these names, or all; names of no group are passed over, as by AWS.
///
/// # Errors
/// Unknown filters; a token that no answer gave.
pub fn describe(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    for filter in &input.filters {
        filter.check_for_groups()?;
    }
    let with_instances = input.include_instances != Some(false);
    let found: Vec<&Group> = cloud
        .autoscaling
        .groups
        .values()
        .filter(|group| {
            input.auto_scaling_group_names.is_empty()
                || input.auto_scaling_group_names.contains(&group.name)
        })
        .filter(|group| input.filters.iter().all(|filter| filter.fits(group)))
        .collect();
    let (found, token) = page(found, input.next_token.as_deref(), input.max_records)?;
    let members = found
        .into_iter()
        .map(|group| shown(cloud, group, with_instances));
    Ok(Document::fields([
        ("AutoScalingGroups", Some(Document::list(members))),
        ("NextToken", maybe(token.as_ref())),
    ]))
}

fn shown(cloud: &state::State, group: &Group, with_instances: bool) -> Document {
    let care = &group.care;
    let mut zones: Vec<&String> = group.places.iter().map(|(_, zone)| zone).collect();
    zones.sort();
    zones.dedup();
    let subnets: Vec<&str> = group
        .places
        .iter()
        .map(|(subnet, _)| subnet.as_str())
        .collect();
    let template = match group.template.resolve(cloud) {
        Ok(template) => Document::fields([
            ("LaunchTemplateId", some(template.id)),
            ("LaunchTemplateName", some(template.name)),
            ("Version", maybe(group.template.version.as_ref())),
        ]),
        // The template is gone: the group still names it.
        Err(_) => Document::fields([
            (
                "LaunchTemplateId",
                maybe(group.template.launch_template_id.as_ref()),
            ),
            (
                "LaunchTemplateName",
                maybe(group.template.launch_template_name.as_ref()),
            ),
            ("Version", maybe(group.template.version.as_ref())),
        ]),
    };
    let instances = group
        .members
        .values()
        .map(|member| member.document(false, &group.name));
    Document::fields([
        ("AutoScalingGroupName", some(&group.name)),
        ("AutoScalingGroupARN", some(&group.arn)),
        ("LaunchTemplate", Some(template)),
        ("MinSize", some(i64::from(group.limits.min))),
        ("MaxSize", some(i64::from(group.limits.max))),
        ("DesiredCapacity", some(i64::from(group.limits.desired))),
        ("DefaultCooldown", some(care.cooldown)),
        ("AvailabilityZones", Some(Document::list(zones))),
        ("LoadBalancerNames", Some(Document::List(Vec::new()))),
        (
            "TargetGroupARNs",
            Some(Document::list(&group.target_groups)),
        ),
        (
            "HealthCheckType",
            some(if care.by_balancer { "ELB" } else { "EC2" }),
        ),
        ("HealthCheckGracePeriod", some(care.grace)),
        (
            "Instances",
            with_instances.then(|| Document::list(instances)),
        ),
        ("CreatedTime", some(group.created)),
        ("SuspendedProcesses", Some(Document::List(Vec::new()))),
        (
            "VPCZoneIdentifier",
            some(if group.by_subnet {
                subnets.join(",")
            } else {
                String::new()
            }),
        ),
        ("EnabledMetrics", Some(Document::List(Vec::new()))),
        (
            "Status",
            group.deleting.then(|| "Delete in progress".into()),
        ),
        (
            "Tags",
            Some(Document::list(
                group.tags.values().map(|tag| tag.document(&group.name)),
            )),
        ),
        (
            "TerminationPolicies",
            Some(Document::list(&care.termination)),
        ),
        ("NewInstancesProtectedFromScaleIn", some(care.protect)),
        ("DefaultInstanceWarmup", care.warmup.map(Into::into)),
        (
            "TrafficSources",
            Some(Document::list(group.target_groups.iter().map(|arn| {
                Document::fields([("Identifier", some(arn)), ("Type", some("elbv2"))])
            }))),
        ),
    ])
}
