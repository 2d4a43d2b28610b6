//! Replacing all instances of a group in turn.
//!
//! <https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-overview.html>

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::{Group, changeable, existing};
use super::member::Member;
use super::{life, page, stamp, validation};
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::state;

/// How far a refresh is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Not begun.
    Pending,
    /// Under way.
    InProgress,
    /// Done.
    Successful,
}

/// An instance refresh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// Its id.
    pub id: String,
    /// Since when.
    pub start: Timestamp,
    /// Until when.
    pub end: Option<Timestamp>,
    /// How far.
    pub status: Status,
    /// How many instances there were to replace.
    pub total: usize,
    /// How many still are.
    pub left: usize,
    /// How it goes about it.
    pub preferences: Preferences,
}

/// How a refresh goes about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Preferences {
    min_healthy_percentage: Option<u32>,
    instance_warmup: Option<i64>,
    skip_matching: Option<bool>,
}

impl Group {
    /// Whether a refresh is under way.
    #[must_use]
    pub fn refreshing(&self) -> bool {
        self.refreshes.iter().any(|refresh| refresh.end.is_none())
    }
}

/// The parameters of `StartInstanceRefresh`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Start {
    auto_scaling_group_name: String,
    strategy: Option<String>,
    preferences: Option<Preferences>,
}

/// Begins to replace all instances.
///
/// # Errors
/// No such group; `InstanceRefreshInProgress`; preferences that do not fit.
pub fn start(cloud: &mut state::State, input: Start) -> Result<Document, ApiError> {
    if let Some(other) = input.strategy.filter(|strategy| strategy != "Rolling") {
        return Err(validation(format_args!("Strategy '{other}' is not valid")));
    }
    let preferences = input.preferences.unwrap_or_default();
    if preferences.min_healthy_percentage.unwrap_or(90) > 100 {
        return Err(validation("MinHealthyPercentage must be between 0 and 100"));
    }
    let id = cloud.ids.uuid();
    let now = cloud.now;
    let name = input.auto_scaling_group_name;
    let group = changeable(cloud, &name)?;
    if group.refreshing() {
        return Err(ApiError::new(
            "InstanceRefreshInProgress",
            "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.",
        ));
    }
    group.refreshes.push(Refresh {
        id: id.clone(),
        start: now,
        end: None,
        status: Status::Pending,
        total: group.members.len(),
        left: group.members.len(),
        preferences,
    });
    life::plan(cloud, &name, life::SOON);
    Ok(Document::fields([("InstanceRefreshId", some(id))]))
}

/// Goes on with a refresh: retires as many old instances as may be missing at once, when
/// those before have been replaced and are warm.
pub fn advance(cloud: &mut state::State, name: &str) {
    let Some(group) = cloud.autoscaling.groups.get(name).cloned() else {
        return;
    };
    let Some(refresh) = group.refreshes.iter().find(|refresh| refresh.end.is_none()) else {
        return;
    };
    let preferences = &refresh.preferences;
    let warmup = preferences
        .instance_warmup
        .or(group.care.warmup)
        .unwrap_or(group.care.grace);
    let mut old: Vec<&Member> = group
        .members
        .values()
        .filter(|member| {
            member.launched < refresh.start
                && !member.is_leaving()
                && !(preferences.skip_matching == Some(true)
                    && member.is_current(cloud, &group.template))
        })
        .collect();
    old.sort_by_key(|member| (member.launched, member.id.clone()));
    let left = old.len();
    let now = cloud.now;
    let fresh_warm = group
        .members
        .values()
        .filter(|member| member.launched >= refresh.start && !member.is_leaving())
        .all(|member| member.is_warm(now, warmup));
    let staying = group
        .members
        .values()
        .filter(|member| !member.is_leaving())
        .count();
    let complete = staying >= group.limits.desired as usize;
    let steady = complete && fresh_warm && !life::busy(&group);
    let (mut status, mut end) = (Status::InProgress, None);
    let mut retire = Vec::new();
    if left == 0 && steady {
        (status, end) = (Status::Successful, Some(now));
    } else if steady {
        let percent = preferences.min_healthy_percentage.unwrap_or(90);
        let missing = group.limits.desired * (100 - percent) / 100;
        let batch = usize::try_from(missing.max(1)).unwrap_or(1);
        retire.extend(old.iter().take(batch).map(|member| member.id.clone()));
    }
    let id = refresh.id.clone();
    let found = cloud
        .autoscaling
        .groups
        .get_mut(name)
        .and_then(|group| group.refreshes.iter_mut().find(|refresh| refresh.id == id));
    if let Some(refresh) = found {
        refresh.status = status;
        refresh.end = end;
        refresh.left = left;
    }
    for instance in retire {
        let cause = format!(
            "At {} an instance was taken out of service in response to instance refresh {id}.",
            stamp(now)
        );
        life::retire(cloud, name, &instance, cause, false);
    }
}

/// The parameters of `DescribeInstanceRefreshes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Describe {
    auto_scaling_group_name: String,
    #[serde(default)]
    instance_refresh_ids: Vec<String>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

/// The refreshes of a group, latest first.
///
/// # Errors
/// No such group; a token that no answer gave.
pub fn describe(cloud: &mut state::State, input: Describe) -> Result<Document, ApiError> {
    let group = existing(cloud, &input.auto_scaling_group_name)?;
    let found: Vec<&Refresh> = group
        .refreshes
        .iter()
        .rev()
        .filter(|refresh| {
            input.instance_refresh_ids.is_empty()
                || input.instance_refresh_ids.contains(&refresh.id)
        })
        .collect();
    let (found, token) = page(found, input.next_token.as_deref(), input.max_records)?;
    let name = &group.name;
    let shown = found.into_iter().map(|refresh| {
        let done = (refresh.total - refresh.left.min(refresh.total)) * 100;
        let percent = done.checked_div(refresh.total).unwrap_or(100);
        let status = match refresh.status {
            Status::Pending => "Pending",
            Status::InProgress => "InProgress",
            Status::Successful => "Successful",
        };
        Document::fields([
            ("InstanceRefreshId", some(&refresh.id)),
            ("AutoScalingGroupName", some(name)),
            ("Status", some(status)),
            ("StartTime", some(refresh.start)),
            ("EndTime", refresh.end.map(Into::into)),
            (
                "PercentageComplete",
                i64::try_from(percent).ok().map(Into::into),
            ),
            (
                "InstancesToUpdate",
                i64::try_from(refresh.left).ok().map(Into::into),
            ),
        ])
    });
    Ok(Document::fields([
        ("InstanceRefreshes", Some(Document::list(shown))),
        ("NextToken", maybe(token.as_ref())),
    ]))
}
