//! `DeleteAutoScalingGroup`.

use serde::Deserialize;

use super::super::member::Member;
use super::super::{activity, life, policy};
use super::{existing, validation};
use crate::api::ApiError;
use crate::document::Document;
use crate::state;

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    auto_scaling_group_name: String,
    force_delete: Option<bool>,
}

/// Removes a group: at once if it is empty, with its instances if forced.
///
/// # Errors
/// `ResourceInUse` while it has instances, `ScalingActivityInProgress` while it is at work.
pub fn delete(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    let name = input.auto_scaling_group_name;
    let force = input.force_delete == Some(true);
    let group = existing(cloud, &name)?;
    if group.deleting && !force {
        return Err(validation(format_args!(
            "AutoScalingGroup '{name}' is already pending delete"
        )));
    }
    let empty = group.members.is_empty();
    let leaving = group.members.values().all(Member::is_leaving);
    if !force && !empty && !leaving {
        return Err(ApiError::new(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.",
        ));
    }
    if !force && activity::in_progress(cloud, &name) {
        return Err(ApiError::new(
            "ScalingActivityInProgress",
            "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.",
        ));
    }
    policy::forget(cloud, &name);
    let group = existing(cloud, &name)?;
    group.deleting = true;
    group.limits.min = 0;
    group.limits.desired = 0;
    group.cause = None;
    if empty {
        cloud.autoscaling.groups.remove(&name);
    } else {
        life::plan(cloud, &name, life::SOON);
    }
    Ok(Document::empty())
}
