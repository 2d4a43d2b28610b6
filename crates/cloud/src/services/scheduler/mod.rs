//! `EventBridge` Scheduler: what is invoked when.
//!
//! - [`schedule`]: schedules, and the actions on them;
//! - [`target`]: what a schedule invokes, with which role and input;
//! - [`group`]: groups of schedules, and their tags;
//! - [`expression`], [`cron`]: when;
//! - [`fire`]: schedules on the virtual clock.
//!
//! Facts: <https://docs.aws.amazon.com/scheduler/latest/APIReference/Welcome.html> and
//! the user guide's "Schedule types in `EventBridge` Scheduler".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::rest::Route;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state::State as Cloud;

pub mod cron;
pub mod expression;
pub mod fire;
pub mod group;
pub mod schedule;
pub mod target;

pub use fire::{Event, happen};

/// What there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// The schedules by `group/name`.
    pub schedules: BTreeMap<String, schedule::Schedule>,
    /// The groups by name, without the one that every account has.
    pub groups: BTreeMap<String, group::Group>,
}

const GROUP: &[(&str, &str)] = &[("groupName", "GroupName"), ("clientToken", "ClientToken")];

/// Method, path and action.
pub const ROUTES: &[Route] = &[
    Route::new("POST", "/schedules/{Name}", "CreateSchedule"),
    Route::new("PUT", "/schedules/{Name}", "UpdateSchedule"),
    Route::new("GET", "/schedules/{Name}", "GetSchedule").query(GROUP),
    Route::new("DELETE", "/schedules/{Name}", "DeleteSchedule").query(GROUP),
    Route::new("GET", "/schedules", "ListSchedules").query(&[("ScheduleGroup", "GroupName")]),
    Route::new("POST", "/schedule-groups/{Name}", "CreateScheduleGroup"),
    Route::new("GET", "/schedule-groups/{Name}", "GetScheduleGroup"),
    Route::new("DELETE", "/schedule-groups/{Name}", "DeleteScheduleGroup").query(GROUP),
    Route::new("GET", "/schedule-groups", "ListScheduleGroups"),
    Route::new("GET", "/tags/{ResourceArn}", "ListTagsForResource"),
    Route::new("POST", "/tags/{ResourceArn}", "TagResource"),
    Route::new("DELETE", "/tags/{ResourceArn}", "UntagResource").query(&[("TagKeys", "TagKeys[]")]),
];

/// Answers a request.
///
/// # Errors
/// The service's own refusals.
pub fn handle(cloud: &mut Cloud, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    let body = match request.action.as_str() {
        "CreateSchedule" => schedule::create(cloud, request.read()?)?,
        "UpdateSchedule" => schedule::update(cloud, request.read()?)?,
        "GetSchedule" => schedule::get(cloud, &request.read()?)?,
        "DeleteSchedule" => schedule::delete(cloud, &request.read()?)?,
        "ListSchedules" => schedule::list(cloud, &request.read()?)?,
        "CreateScheduleGroup" => group::create(cloud, request.read()?)?,
        "GetScheduleGroup" => group::get(cloud, &request.read()?)?,
        "DeleteScheduleGroup" => group::delete(cloud, &request.read()?)?,
        "ListScheduleGroups" => group::list(cloud, &request.read()?)?,
        "ListTagsForResource" => group::tags(cloud, &request.read()?)?,
        "TagResource" => group::tag(cloud, request.read()?)?,
        "UntagResource" => group::untag(cloud, &request.read()?)?,
        other => return Err(ApiError::not_modelled(format_args!("scheduler:{other}"))),
    };
    Ok(request.rest(200, &body))
}

fn invalid(why: impl Into<String>) -> ApiError {
    ApiError::new("ValidationException", why)
}

fn conflict(why: impl Into<String>) -> ApiError {
    ApiError::new("ConflictException", why).with_status(409)
}

fn not_found(why: impl Into<String>) -> ApiError {
    ApiError::new("ResourceNotFoundException", why).with_status(404)
}

/// Whether a schedule or a group may have this name.
fn check_name(name: &str, member: &str) -> Result<(), ApiError> {
    let good = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if good {
        return Ok(());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at '{member}' failed to satisfy \
         constraint: Member must satisfy regular expression pattern: [0-9a-zA-Z-_.]+"
    )))
}

/// The items after `token`, and the token of the next page: the last item's name.
fn page<'n, T>(
    items: impl Iterator<Item = (&'n String, T)>,
    token: Option<&str>,
    most: Option<usize>,
) -> (Vec<T>, Option<String>) {
    let most = most.unwrap_or(100).clamp(1, 100);
    let mut rest = items.filter(|(name, _)| token.is_none_or(|token| name.as_str() > token));
    let shown: Vec<_> = rest.by_ref().take(most).collect();
    let next = rest
        .next()
        .and_then(|_| shown.last().map(|(name, _)| (*name).clone()));
    (shown.into_iter().map(|(_, item)| item).collect(), next)
}

#[cfg(test)]
mod tests;
