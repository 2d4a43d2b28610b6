//! Target groups.

use std::time::Duration;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub mod describe;

use super::targets::Target;
use super::{arn, digits, name, tags, validation};
use crate::api::ApiError;
use crate::document::Document;
use crate::services::ec2;
use crate::state;

/// A target group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TargetGroup {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The digits at the end of its ARN.
    pub id: String,
    /// The port of its targets, unless they say otherwise.
    pub port: u16,
    /// Its network.
    pub vpc: String,
    /// How targets are checked.
    pub check: Check,
    /// What was set.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Who is registered, in the order of registration.
    pub targets: Vec<Target>,
    /// The newest plan to check them; 0 while there is none.
    pub plan: u64,
    /// How many requests were forwarded, for taking turns.
    pub turns: usize,
}

impl TargetGroup {
    /// Its name in metrics, `targetgroup/NAME/ID`.
    #[must_use]
    pub fn dimension(&self) -> String {
        format!("targetgroup/{}/{}", self.name, self.id)
    }
}

/// How targets are checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// `None` is the port at which the target gets requests.
    pub port: Option<u16>,
    /// The path that is asked for.
    pub path: String,
    /// Seconds from check to check.
    pub interval: i64,
    /// Seconds that an answer may take.
    pub timeout: i64,
    /// So many good answers make an unhealthy target healthy.
    pub healthy: u32,
    /// So many bad ones a healthy one unhealthy.
    pub unhealthy: u32,
    /// The statuses that are good, e.g. `200-299,304`.
    pub matcher: String,
}

impl Check {
    /// Whether a status is good.
    #[must_use]
    pub fn accepts(&self, status: u16) -> bool {
        ranges(&self.matcher)
            .is_some_and(|ranges| ranges.iter().any(|range| range.contains(&status)))
    }

    /// For how long an answer is waited for.
    #[must_use]
    pub fn patience(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.timeout).unwrap_or_default())
    }
}

fn ranges(matcher: &str) -> Option<Vec<std::ops::RangeInclusive<u16>>> {
    let status = |text: &str| {
        text.parse::<u16>()
            .ok()
            .filter(|status| (200..=499).contains(status))
    };
    matcher
        .split(',')
        .map(|part| {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to) = (status(from)?, status(to)?);
            (from <= to).then_some(from..=to)
        })
        .collect()
}

/// The parameters of a health check, as requests give them.
#[derive(Debug, Default)]
struct Wording {
    enabled: Option<bool>,
    protocol: Option<String>,
    port: Option<String>,
    path: Option<String>,
    interval: Option<i64>,
    timeout: Option<i64>,
    healthy: Option<u32>,
    unhealthy: Option<u32>,
    matcher: Option<Matcher>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Matcher {
    http_code: String,
}

impl Wording {
    /// What was said over what holds.
    fn over(self, check: Check) -> Result<Check, ApiError> {
        if self.enabled == Some(false) {
            return Err(ApiError::not_modelled("HealthCheckEnabled=false"));
        }
        if let Some(protocol) = self.protocol.filter(|protocol| protocol != "HTTP") {
            return Err(ApiError::not_modelled(format_args!(
                "health check protocol {protocol}"
            )));
        }
        let port = match self.port.as_deref() {
            None => check.port,
            Some("traffic-port") => None,
            Some(port) => Some(port.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
                validation(format_args!(
                    "Health check port '{port}' must be 'traffic-port' or between 1 and 65535"
                ))
            })?),
        };
        let check = Check {
            port,
            path: self.path.unwrap_or(check.path),
            interval: self.interval.unwrap_or(check.interval),
            timeout: self.timeout.unwrap_or(check.timeout),
            healthy: self.healthy.unwrap_or(check.healthy),
            unhealthy: self.unhealthy.unwrap_or(check.unhealthy),
            matcher: self
                .matcher
                .map_or(check.matcher, |matcher| matcher.http_code),
        };
        if !check.path.starts_with('/') || check.path.len() > 1024 {
            return Err(validation(format_args!(
                "Health check path '{}' must begin with a '/' character",
                check.path
            )));
        }
        if !(5..=300).contains(&check.interval) {
            return Err(validation(
                "Health check interval must be between 5 and 300",
            ));
        }
        if !(2..=120).contains(&check.timeout) {
            return Err(validation("Health check timeout must be between 2 and 120"));
        }
        if check.timeout >= check.interval {
            return Err(validation(
                "Health check interval must be greater than the timeout.",
            ));
        }
        for (what, count) in [("Healthy", check.healthy), ("Unhealthy", check.unhealthy)] {
            if !(2..=10).contains(&count) {
                return Err(validation(format_args!(
                    "{what} threshold count must be between 2 and 10"
                )));
            }
        }
        if ranges(&check.matcher).is_none() {
            return Err(validation(format_args!(
                "Health check matcher HTTP code '{}' must be a code or a range of codes between 200 and 499",
                check.matcher
            )));
        }
        Ok(check)
    }
}

/// The parameters of `CreateTargetGroup`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Create {
    name: String,
    protocol: Option<String>,
    protocol_version: Option<String>,
    port: Option<u16>,
    vpc_id: Option<String>,
    target_type: Option<String>,
    health_check_enabled: Option<bool>,
    health_check_protocol: Option<String>,
    health_check_port: Option<String>,
    health_check_path: Option<String>,
    health_check_interval_seconds: Option<i64>,
    health_check_timeout_seconds: Option<i64>,
    healthy_threshold_count: Option<u32>,
    unhealthy_threshold_count: Option<u32>,
    matcher: Option<Matcher>,
    #[serde(default)]
    tags: Vec<tags::Tag>,
    ip_address_type: Option<String>,
}

/// Makes a target group; one that is as asked for is found again.
///
/// # Errors
/// What AWS refuses, `DuplicateTargetGroupName`, and kinds of groups that are not modelled.
pub fn create_target_group(cloud: &mut state::State, input: Create) -> Result<Document, ApiError> {
    name("Target group", &input.name)?;
    for (what, value, modelled) in [
        ("target type", &input.target_type, "instance"),
        ("protocol version", &input.protocol_version, "HTTP1"),
        ("IP address type", &input.ip_address_type, "ipv4"),
    ] {
        // Terraform says that it says nothing.
        let said = value.as_deref().filter(|value| !value.is_empty());
        if let Some(other) = said.filter(|value| *value != modelled) {
            return Err(ApiError::not_modelled(format_args!("{what} '{other}'")));
        }
    }
    match input.protocol.as_deref() {
        Some("HTTP") => {}
        Some(other) => {
            return Err(ApiError::not_modelled(format_args!(
                "target groups with protocol {other}"
            )));
        }
        None => return Err(validation("A protocol must be specified")),
    }
    let port = input
        .port
        .filter(|port| *port > 0)
        .ok_or_else(|| validation("A port must be specified"))?;
    let vpc = input
        .vpc_id
        .ok_or_else(|| validation("A VPC ID must be specified"))?;
    if !ec2::has_vpc(cloud, &vpc) {
        return Err(validation(format_args!("The VPC ID '{vpc}' is not found")));
    }
    let check = Wording {
        enabled: input.health_check_enabled,
        protocol: input.health_check_protocol,
        port: input.health_check_port,
        path: input.health_check_path,
        interval: input.health_check_interval_seconds,
        timeout: input.health_check_timeout_seconds,
        healthy: input.healthy_threshold_count,
        unhealthy: input.unhealthy_threshold_count,
        matcher: input.matcher,
    }
    .over(Check {
        port: None,
        path: "/".to_owned(),
        interval: 30,
        timeout: 5,
        healthy: 5,
        unhealthy: 2,
        matcher: "200".to_owned(),
    })?;
    let tags = tags::checked(input.tags)?;
    let existing = cloud
        .elbv2
        .groups
        .values()
        .find(|group| group.name == input.name);
    if let Some(there) = existing {
        if there.port != port || there.vpc != vpc || there.check != check || there.tags != tags {
            return Err(ApiError::new(
                "DuplicateTargetGroupName",
                format!(
                    "A target group with the same name '{}' exists, but with different settings",
                    input.name
                ),
            ));
        }
        return Ok(describe::answer(cloud, &[there], None));
    }
    let id = digits(cloud);
    let group = TargetGroup {
        arn: format!("{}targetgroup/{}/{id}", arn(cloud), input.name),
        name: input.name,
        id,
        port,
        vpc,
        check,
        attributes: BTreeMap::new(),
        tags,
        targets: Vec::new(),
        plan: 0,
        turns: 0,
    };
    let result = describe::answer(cloud, &[&group], None);
    cloud.elbv2.groups.insert(group.arn.clone(), group);
    Ok(result)
}

/// The parameters of `ModifyTargetGroup`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Modify {
    target_group_arn: String,
    health_check_enabled: Option<bool>,
    health_check_protocol: Option<String>,
    health_check_port: Option<String>,
    health_check_path: Option<String>,
    health_check_interval_seconds: Option<i64>,
    health_check_timeout_seconds: Option<i64>,
    healthy_threshold_count: Option<u32>,
    unhealthy_threshold_count: Option<u32>,
    matcher: Option<Matcher>,
}

/// Changes how targets are checked.
///
/// # Errors
/// `TargetGroupNotFound`, values that do not fit.
pub fn modify_target_group(cloud: &mut state::State, input: Modify) -> Result<Document, ApiError> {
    let check = existing(cloud, &input.target_group_arn)?.check.clone();
    let check = Wording {
        enabled: input.health_check_enabled,
        protocol: input.health_check_protocol,
        port: input.health_check_port,
        path: input.health_check_path,
        interval: input.health_check_interval_seconds,
        timeout: input.health_check_timeout_seconds,
        healthy: input.healthy_threshold_count,
        unhealthy: input.unhealthy_threshold_count,
        matcher: input.matcher,
    }
    .over(check)?;
    if let Some(group) = cloud.elbv2.groups.get_mut(&input.target_group_arn) {
        group.check = check;
    }
    let group = existing(cloud, &input.target_group_arn)?;
    Ok(describe::answer(cloud, &[group], None))
}

/// The parameter that is a target group's ARN.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Named {
    target_group_arn: String,
}

impl Named {
    /// The ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.target_group_arn
    }
}

/// Removes a target group; one that is gone already is no error.
///
/// # Errors
/// `ResourceInUse` while a listener forwards to it.
pub fn delete_target_group(cloud: &mut state::State, input: Named) -> Result<Document, ApiError> {
    let arn = input.target_group_arn;
    if users(cloud, &arn).next().is_some() {
        return Err(ApiError::new(
            "ResourceInUse",
            format!("Target group '{arn}' is currently in use by a listener or a rule"),
        ));
    }
    cloud.elbv2.groups.remove(&arn);
    Ok(Document::empty())
}

/// The ARNs of the balancers that forward to a target group.
pub fn users<'a>(cloud: &'a state::State, group: &'a str) -> impl Iterator<Item = &'a String> {
    cloud
        .elbv2
        .listeners
        .values()
        .filter(move |listener| listener.groups().any(|arn| arn == group))
        .map(|listener| &listener.balancer)
}

/// The target group of an ARN.
///
/// # Errors
/// `TargetGroupNotFound`.
pub fn existing<'a>(cloud: &'a state::State, arn: &str) -> Result<&'a TargetGroup, ApiError> {
    cloud
        .elbv2
        .groups
        .get(arn)
        .ok_or_else(|| not_found(format_args!("Target group '{arn}' not found")))
}

fn not_found(message: impl std::fmt::Display) -> ApiError {
    ApiError::new("TargetGroupNotFound", message.to_string())
}
