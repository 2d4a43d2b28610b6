//! Whether targets are healthy, by what their web server answers.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html>:
//! a new target needs one good answer, an unhealthy one as many as the group says.
//! Groups that no listener forwards to are not checked.

use bytes::Bytes;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::balancer::Balancer;
use super::group::{Check as Rules, TargetGroup, existing, users};
use super::targets::{self, Target};
use super::{Event, validation};
use crate::api::ApiError;
use crate::course::Course;
use crate::document::{Document, some};
use crate::errands::{Errand, Purpose};
use crate::events;
use crate::hosts::Unreachable;
use crate::services::cloudwatch;
use crate::services::ec2;
use crate::state;

/// What the checks of a target came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `None` until the first verdict.
    pub healthy: Option<bool>,
    /// How many checks in a row said otherwise.
    pub against: u32,
    /// Why the last check failed.
    pub failure: Option<(String, String)>,
}

/// Plans the first check of a group that has none planned.
pub fn begin(cloud: &mut state::State, arn: &str) {
    let used = users(cloud, arn).next().is_some();
    let waits = cloud
        .elbv2
        .groups
        .get(arn)
        .is_some_and(|group| group.plan == 0 && !group.targets.is_empty());
    if used && waits {
        plan(cloud, arn, 5);
    }
}

/// A listener has been made or changed: the groups that it uses are checked from now on.
pub fn begin_where_used(cloud: &mut state::State) {
    let groups: Vec<String> = cloud.elbv2.groups.keys().cloned().collect();
    for arn in groups {
        begin(cloud, &arn);
    }
}

fn plan(cloud: &mut state::State, arn: &str, seconds: i64) {
    let at = cloud.now + SignedDuration::from_secs(seconds);
    let Some(group) = cloud.elbv2.groups.get_mut(arn) else {
        return;
    };
    group.plan += 1;
    let event = Event::Check {
        group: arn.to_owned(),
        plan: group.plan,
    };
    cloud.events.plan(at, events::Event::Elbv2(event));
}

/// Checks the targets of a group, and plans the next time.
pub fn check(cloud: &mut state::State, arn: &str, plan_number: u64) {
    if cloud
        .elbv2
        .groups
        .get(arn)
        .is_none_or(|group| group.plan != plan_number)
    {
        return;
    }
    targets::forget(cloud, arn);
    let balancer = users(cloud, arn)
        .next()
        .and_then(|balancer| cloud.elbv2.balancers.get(balancer))
        .cloned();
    let Some(group) = cloud.elbv2.groups.get(arn).cloned() else {
        return;
    };
    let Some(balancer) = balancer.filter(|_| !group.targets.is_empty()) else {
        if let Some(group) = cloud.elbv2.groups.get_mut(arn) {
            group.plan = 0;
        }
        return;
    };
    if balancer.is_active(cloud.now) {
        for target in &group.targets {
            if target.draining_until.is_some() || unused(cloud, &balancer, target).is_some() {
                continue;
            }
            let check = Check {
                group: arn.to_owned(),
                id: target.id.clone(),
                port: target.port,
            };
            match probe(cloud, &balancer, &group, target) {
                Ok(Course::Answer(answer)) => conclude(cloud, &check, Ok(answer)),
                Err(why) => conclude(cloud, &check, Err(why)),
                Ok(Course::Ask(asked)) => cloud.errands.push(Errand {
                    asked: *asked,
                    patience: group.check.patience(),
                    purpose: Purpose::Check(check),
                }),
            }
        }
        publish(cloud, &balancer, arn);
    }
    plan(cloud, arn, group.check.interval);
}

impl Health {
    pub(super) fn note(
        &mut self,
        outcome: Result<(), (String, String)>,
        healthy: u32,
        unhealthy: u32,
    ) {
        let good = outcome.is_ok();
        self.failure = outcome.err();
        let needed = match (self.healthy, good) {
            (None, true) => 1,
            (_, true) => healthy,
            (_, false) => unhealthy,
        };
        if self.healthy == Some(good) {
            self.against = 0;
            return;
        }
        self.against += 1;
        if self.against >= needed {
            self.healthy = Some(good);
            self.against = 0;
        }
    }
}

/// Sends a request to a target as the balancer does.
///
/// # Errors
/// Who does not answer.
pub(crate) fn send(
    cloud: &mut state::State,
    balancer: &Balancer,
    id: &str,
    port: u16,
    request: &http::Request<Bytes>,
) -> Result<Course, Unreachable> {
    let facts = ec2::facts(cloud, id).ok_or(Unreachable::Silent)?;
    if !ec2::lets_through(
        cloud,
        &facts.groups,
        port,
        balancer.address(),
        &balancer.groups,
    ) {
        return Err(Unreachable::Silent);
    }
    let now = cloud.now;
    let host = cloud.hosts.get_mut(id).ok_or(Unreachable::Silent)?;
    let reply = host.serve(port, request, &balancer.address().to_string(), now)?;
    Ok(Course::at_machine(id, reply))
}

/// Which target was checked.
#[derive(Debug, Clone)]
pub struct Check {
    group: String,
    id: String,
    port: u16,
}

/// Takes in what a target answered.
pub fn conclude(
    cloud: &mut state::State,
    check: &Check,
    answer: Result<http::Response<Bytes>, Unreachable>,
) {
    let Some(group) = cloud.elbv2.groups.get_mut(&check.group) else {
        return;
    };
    let rules = group.check.clone();
    let outcome = outcome(&rules, answer);
    let target = group
        .targets
        .iter_mut()
        .find(|target| target.id == check.id && target.port == check.port);
    if let Some(target) = target {
        target.health.note(outcome, rules.healthy, rules.unhealthy);
    }
}

fn probe(
    cloud: &mut state::State,
    balancer: &Balancer,
    group: &TargetGroup,
    target: &Target,
) -> Result<Course, Unreachable> {
    let port = group.check.port.unwrap_or(target.port);
    let host = ec2::facts(cloud, &target.id)
        .and_then(|facts| facts.private)
        .map(|address| address.to_string())
        .unwrap_or_default();
    let request = http::Request::builder()
        .uri(format!("http://{host}:{port}{}", group.check.path))
        .header("host", format!("{host}:{port}"))
        .header("user-agent", "ELB-HealthChecker/2.0")
        .body(Bytes::new());
    let request = request.map_err(|_| Unreachable::Refused)?;
    send(cloud, balancer, &target.id, port, &request)
}

/// What an answer to a check means.
fn outcome(
    rules: &Rules,
    answer: Result<http::Response<Bytes>, Unreachable>,
) -> Result<(), (String, String)> {
    let failure = |reason: &str, words: String| Err((reason.to_owned(), words));
    match answer {
        Ok(response) => {
            let status = response.status().as_u16();
            if rules.accepts(status) {
                return Ok(());
            }
            failure(
                "Target.ResponseCodeMismatch",
                format!("Health checks failed with these codes: [{status}]"),
            )
        }
        Err(Unreachable::Silent) => failure("Target.Timeout", "Request timed out".to_owned()),
        Err(Unreachable::Refused) => failure(
            "Target.FailedHealthChecks",
            "Health checks failed".to_owned(),
        ),
    }
}

/// Why a target gets no requests whatever its health.
fn unused(cloud: &state::State, balancer: &Balancer, target: &Target) -> Option<String> {
    let facts = ec2::facts(cloud, &target.id)?;
    if facts.stage != ec2::Stage::Running {
        return Some(format!("Target is in the {} state", facts.stage.name()));
    }
    balancer
        .places
        .iter()
        .all(|(zone, _)| *zone != facts.zone)
        .then(|| {
            "Target is in an Availability Zone that is not enabled for the load balancer".to_owned()
        })
}

/// What a target's health is called: state, reason, words.
#[must_use]
pub fn verdict(
    cloud: &state::State,
    group: &TargetGroup,
    target: &Target,
) -> (&'static str, Option<String>, Option<String>) {
    let told = |state, reason: &str, words: String| (state, Some(reason.to_owned()), Some(words));
    if target.draining_until.is_some() {
        return told(
            "draining",
            "Target.DeregistrationInProgress",
            "Target deregistration is in progress".to_owned(),
        );
    }
    let balancer = users(cloud, &group.arn)
        .next()
        .and_then(|balancer| cloud.elbv2.balancers.get(balancer));
    let Some(balancer) = balancer else {
        return told(
            "unused",
            "Target.NotInUse",
            "Target group is not configured to receive traffic from the load balancer".to_owned(),
        );
    };
    if let Some(words) = unused(cloud, balancer, target) {
        let reason = if words.ends_with("state") {
            "Target.InvalidState"
        } else {
            "Target.NotInUse"
        };
        return told("unused", reason, words);
    }
    match (&target.health.healthy, &target.health.failure) {
        (Some(true), _) => ("healthy", None, None),
        (Some(false), failure) => {
            let (reason, words) = failure.clone().unwrap_or_else(|| {
                (
                    "Target.FailedHealthChecks".to_owned(),
                    "Health checks failed".to_owned(),
                )
            });
            told("unhealthy", &reason, words)
        }
        (None, _) if !balancer.is_active(cloud.now) => told(
            "initial",
            "Elb.RegistrationInProgress",
            "Target registration is in progress".to_owned(),
        ),
        (None, _) => told(
            "initial",
            "Elb.InitialHealthChecking",
            "Initial health checks in progress".to_owned(),
        ),
    }
}

/// Publishes how many targets are healthy, once a minute.
fn publish(cloud: &mut state::State, balancer: &Balancer, arn: &str) {
    let Some(group) = cloud.elbv2.groups.get(arn) else {
        return;
    };
    let count = |healthy: bool| {
        group
            .targets
            .iter()
            .filter(|target| target.health.healthy == Some(healthy))
            .count()
    };
    let (good, bad) = (count(true), count(false));
    let dimensions = vec![
        ("TargetGroup", group.dimension()),
        ("LoadBalancer", balancer.dimension()),
    ];
    for (name, count) in [("HealthyHostCount", good), ("UnHealthyHostCount", bad)] {
        #[allow(clippy::cast_precision_loss)] // at most a thousand targets
        cloudwatch::store::publish(
            cloud,
            "AWS/ApplicationELB",
            name,
            &dimensions,
            "Count",
            count as f64,
        );
    }
}

/// The parameters of `DescribeTargetHealth`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Describe {
    target_group_arn: String,
    #[serde(default)]
    targets: Vec<targets::Named>,
}

/// The health of these targets, or of all.
///
/// # Errors
/// `TargetGroupNotFound`, `InvalidTarget`.
pub fn describe_target_health(
    cloud: &mut state::State,
    input: Describe,
) -> Result<Document, ApiError> {
    targets::forget(cloud, &input.target_group_arn);
    let group = existing(cloud, &input.target_group_arn)?;
    let shown = |target: &Target,
                 (state, reason, words): (&str, Option<String>, Option<String>)| {
        let port = group.check.port.unwrap_or(target.port);
        Document::fields([
            (
                "Target",
                Some(Document::fields([
                    ("Id", some(&target.id)),
                    ("Port", some(i64::from(target.port))),
                ])),
            ),
            ("HealthCheckPort", some(port.to_string())),
            (
                "TargetHealth",
                Some(Document::fields([
                    ("State", some(state)),
                    ("Reason", reason.map(Into::into)),
                    ("Description", words.map(Into::into)),
                ])),
            ),
        ])
    };
    let mut descriptions: Vec<Document> = Vec::new();
    for named in &input.targets {
        let port = named.port.unwrap_or(group.port);
        let known = group
            .targets
            .iter()
            .any(|target| target.id == named.id && target.port == port);
        if !known {
            if !named.id.starts_with("i-") {
                return Err(validation(format_args!(
                    "Instance ID '{}' is not valid",
                    named.id
                )));
            }
            let stranger = Target {
                id: named.id.clone(),
                port,
                health: Health::default(),
                draining_until: None,
            };
            let words = "Target is not registered to the target group".to_owned();
            descriptions.push(shown(
                &stranger,
                (
                    "unused",
                    Some("Target.NotRegistered".to_owned()),
                    Some(words),
                ),
            ));
        }
    }
    let asked = |target: &&Target| {
        input.targets.is_empty()
            || input.targets.iter().any(|named| {
                named.id == target.id && named.port.unwrap_or(group.port) == target.port
            })
    };
    for target in group.targets.iter().filter(asked) {
        descriptions.push(shown(target, verdict(cloud, group, target)));
    }
    Ok(Document::fields([(
        "TargetHealthDescriptions",
        Some(Document::List(descriptions)),
    )]))
}
