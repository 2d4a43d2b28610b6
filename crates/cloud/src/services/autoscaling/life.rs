//! How a group comes to what is desired.
//!
//! It looks after its instances every half minute, more often while something is under
//! way: takes new ones into service, replaces unhealthy ones, launches and terminates
//! until there are as many as desired.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::activity::{self, Status};
use super::group::Group;
use super::member::{Member, Stage};
use super::{Event, notification, refresh, stamp};
use crate::api::ApiError;
use crate::events;
use crate::services::{ec2, elbv2};
use crate::state;

/// Seconds until a group looks after a request.
pub const SOON: i64 = 2;
/// Seconds from look to look while something is under way.
const BUSY: i64 = 5;
/// Seconds from look to look otherwise.
const QUIET: i64 = 30;
/// Seconds until a launch that failed is tried again.
const RETRY: i64 = 60;

/// Plans when a group looks next; earlier plans are void.
pub fn plan(cloud: &mut state::State, name: &str, seconds: i64) {
    let at = cloud.now + SignedDuration::from_secs(seconds);
    let Some(group) = cloud.autoscaling.groups.get_mut(name) else {
        return;
    };
    group.plan += 1;
    let event = Event::Look {
        group: name.to_owned(),
        plan: group.plan,
    };
    cloud.events.plan(at, events::Event::AutoScaling(event));
}

/// A group looks after its instances.
pub fn look(cloud: &mut state::State, name: &str, plan_number: u64) {
    let current = cloud.autoscaling.groups.get(name);
    if current.is_none_or(|group| group.plan != plan_number) {
        return;
    }
    follow(cloud, name);
    replace_unhealthy(cloud, name);
    refresh::advance(cloud, name);
    balance(cloud, name);
    let Some(group) = cloud.autoscaling.groups.get(name) else {
        return;
    };
    if group.deleting && group.members.is_empty() {
        cloud.autoscaling.groups.remove(name);
        return;
    }
    let settled = group.members.values().all(Member::serves) && !group.refreshing();
    plan(cloud, name, if settled { QUIET } else { BUSY });
}

fn group(cloud: &state::State, name: &str) -> Option<Group> {
    cloud.autoscaling.groups.get(name).cloned()
}

fn member<'a>(cloud: &'a mut state::State, name: &str, id: &str) -> Option<&'a mut Member> {
    cloud.autoscaling.groups.get_mut(name)?.members.get_mut(id)
}

/// Brings members to the stage that their instances have reached.
fn follow(cloud: &mut state::State, name: &str) {
    let Some(group) = group(cloud, name) else {
        return;
    };
    let now = cloud.now;
    for (id, known) in &group.members {
        let stage = ec2::facts(cloud, id).map(|facts| facts.stage);
        match (known.stage, stage) {
            (Stage::Pending, Some(ec2::Stage::Running)) => {
                if let Some(member) = member(cloud, name, id) {
                    member.stage = Stage::InService;
                    member.in_service = Some(now);
                }
                for arn in &group.target_groups {
                    elbv2::targets::register(cloud, arn, id, None);
                }
                activity::set(cloud, &known.activity, Status::Successful, None);
                notification::tell(cloud, name, notification::LAUNCH, &known.activity, Some(id));
            }
            (Stage::Draining(until), _) if until <= now => end(cloud, name, id),
            (Stage::Terminating, None | Some(ec2::Stage::Terminated)) => {
                if let Some(group) = cloud.autoscaling.groups.get_mut(name) {
                    group.members.remove(id);
                }
                activity::set(cloud, &known.activity, Status::Successful, None);
                notification::tell(
                    cloud,
                    name,
                    notification::TERMINATE,
                    &known.activity,
                    Some(id),
                );
            }
            _ => {}
        }
    }
}

/// Terminates the instance of a member that has drained.
fn end(cloud: &mut state::State, name: &str, id: &str) {
    // An instance that EC2 has forgotten is as good as terminated.
    let _ = ec2::terminate(cloud, &[id.to_owned()]);
    let mut activity = None;
    if let Some(member) = member(cloud, name, id) {
        member.stage = Stage::Terminating;
        activity = Some(member.activity.clone());
    }
    if let Some(activity) = activity {
        activity::set(cloud, &activity, Status::InProgress, None);
    }
}

/// Why a member is to be replaced.
fn ailment(cloud: &state::State, group: &Group, member: &Member) -> Option<String> {
    if let Some(said) = &member.unhealthy {
        return Some(said.clone());
    }
    let stage = ec2::facts(cloud, &member.id).map(|facts| facts.stage);
    match (member.stage, stage) {
        (Stage::InService, Some(ec2::Stage::Running))
        | (Stage::Pending, Some(ec2::Stage::Pending | ec2::Stage::Running)) => {}
        _ => {
            return Some(
                "an EC2 health check indicating it has been terminated or stopped".to_owned(),
            );
        }
    }
    let grace = SignedDuration::from_secs(group.care.grace);
    let spared = member
        .in_service
        .is_none_or(|since| cloud.now < since + grace);
    if !group.care.by_balancer || spared {
        return None;
    }
    let sick = group.target_groups.iter().any(|arn| {
        cloud.elbv2.groups.get(arn).is_some_and(|targets| {
            targets.targets.iter().any(|target| {
                target.id == member.id
                    && elbv2::health::verdict(cloud, targets, target).0 == "unhealthy"
            })
        })
    });
    sick.then(|| "an ELB system health check failure".to_owned())
}

fn replace_unhealthy(cloud: &mut state::State, name: &str) {
    let Some(group) = group(cloud, name) else {
        return;
    };
    for (id, known) in group
        .members
        .iter()
        .filter(|(_, member)| !member.is_leaving())
    {
        let Some(why) = ailment(cloud, &group, known) else {
            continue;
        };
        if let Some(member) = member(cloud, name, id) {
            member.unhealthy.get_or_insert_with(|| why.clone());
        }
        let cause = format!(
            "At {} an instance was taken out of service in response to {why}.",
            stamp(cloud.now)
        );
        retire(cloud, name, id, cause, false);
    }
}

/// Takes a member out of service; the activity's id. Where balancers send it requests, it
/// drains first, unless `now`.
pub fn retire(
    cloud: &mut state::State,
    name: &str,
    id: &str,
    cause: String,
    at_once: bool,
) -> String {
    let Some(group) = group(cloud, name) else {
        return String::new();
    };
    let Some(known) = group.members.get(id) else {
        return String::new();
    };
    if known.is_leaving() {
        return known.activity.clone();
    }
    let pending = (known.stage == Stage::Pending).then(|| known.activity.clone());
    if let Some(launch) = pending {
        let why = "The instance was terminated before it was in service.".to_owned();
        activity::set(cloud, &launch, Status::Failed, Some(why));
    }
    let activity = activity::begin(
        cloud,
        &group,
        format!("Terminating EC2 instance: {id}"),
        cause,
        (&known.subnet, &known.zone),
    );
    for arn in &group.target_groups {
        elbv2::targets::deregister(cloud, arn, id, None);
    }
    let running = ec2::facts(cloud, id).is_some_and(|facts| facts.stage == ec2::Stage::Running);
    let drains = group
        .target_groups
        .iter()
        .filter_map(|arn| cloud.elbv2.groups.get(arn))
        .flat_map(|targets| &targets.targets)
        .filter(|target| target.id == id)
        .filter_map(|target| target.draining_until)
        .max();
    let until = drains.filter(|_| running && !at_once).unwrap_or(cloud.now);
    if let Some(member) = member(cloud, name, id) {
        member.stage = Stage::Draining(until);
        member.activity.clone_from(&activity);
    }
    if until > cloud.now {
        activity::set(
            cloud,
            &activity,
            Status::WaitingForELBConnectionDraining,
            None,
        );
    } else {
        end(cloud, name, id);
    }
    activity
}

/// Launches or terminates until there are as many as desired.
fn balance(cloud: &mut state::State, name: &str) {
    let Some(group) = group(cloud, name) else {
        return;
    };
    let staying = group
        .members
        .values()
        .filter(|member| !member.is_leaving())
        .count();
    let desired = group.limits.desired as usize;
    if staying > desired {
        shrink(cloud, &group, staying, desired);
    } else if staying < desired && group.retry.is_none_or(|retry| retry <= cloud.now) {
        for have in staying..desired {
            let cause = format!(
                "{}At {} an instance was started in response to a difference between desired and actual capacity, increasing the capacity from {have} to {}.",
                why(&group),
                stamp(cloud.now),
                have + 1
            );
            if !launch(cloud, name, cause) {
                break;
            }
        }
    }
}

fn why(group: &Group) -> String {
    group
        .cause
        .as_ref()
        .map(|cause| format!("{cause}  "))
        .unwrap_or_default()
}

fn shrink(cloud: &mut state::State, group: &Group, staying: usize, desired: usize) {
    let mut candidates: Vec<&Member> = group
        .members
        .values()
        .filter(|member| !member.is_leaving() && (!member.protected || group.deleting))
        .collect();
    for have in (desired + 1..=staying).rev() {
        let Some(index) = victim(cloud, group, &candidates) else {
            return;
        };
        let id = candidates.remove(index).id.clone();
        let cause = format!(
            "{}At {} an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from {have} to {}.",
            why(group),
            stamp(cloud.now),
            have - 1
        );
        retire(cloud, &group.name, &id, cause, group.deleting);
    }
}

/// Who goes first: of the zone with the most instances, by the group's policy; by default
/// one of an outdated template, then the oldest.
fn victim(cloud: &state::State, group: &Group, candidates: &[&Member]) -> Option<usize> {
    let mut by_zone: BTreeMap<&str, usize> = BTreeMap::new();
    for member in candidates {
        *by_zone.entry(&member.zone).or_default() += 1;
    }
    let fullest = *by_zone.values().max()?;
    let newest_first = group.care.termination.first().map(String::as_str) == Some("NewestInstance");
    candidates
        .iter()
        .enumerate()
        .filter(|(_, member)| by_zone.get(member.zone.as_str()) == Some(&fullest))
        .min_by_key(|(_, member)| {
            let age = member.launched.as_second();
            let outdated = group.care.termination.first().map(String::as_str) == Some("Default")
                && !member.is_current(cloud, &group.template);
            (
                !outdated,
                if newest_first { -age } else { age },
                member.id.clone(),
            )
        })
        .map(|(index, _)| index)
}

/// Launches one instance where the group has the fewest; whether it could.
fn launch(cloud: &mut state::State, name: &str, cause: String) -> bool {
    let Some(group) = group(cloud, name) else {
        return false;
    };
    let crowd = |zone: &str| {
        group
            .members
            .values()
            .filter(|member| member.zone == zone && !member.is_leaving())
            .count()
    };
    let Some((subnet, zone)) = group
        .places
        .iter()
        .min_by_key(|(_, zone)| crowd(zone))
        .cloned()
    else {
        return false;
    };
    match start(cloud, &group, &subnet) {
        Ok((id, template)) => {
            let description = format!("Launching a new EC2 instance: {id}");
            let activity = activity::begin(cloud, &group, description, cause, (&subnet, &zone));
            let instance_type = ec2::facts(cloud, &id).map(|facts| facts.instance_type);
            let member = Member {
                instance_type: instance_type.unwrap_or_default(),
                zone,
                subnet,
                template: (template.id, template.name, template.version),
                stage: Stage::Pending,
                unhealthy: None,
                protected: group.care.protect,
                launched: cloud.now,
                in_service: None,
                activity,
                id: id.clone(),
            };
            if let Some(group) = cloud.autoscaling.groups.get_mut(name) {
                group.members.insert(id, member);
                group.retry = None;
            }
            true
        }
        Err(error) => {
            let description = "Launching a new EC2 instance.  Status Reason: ".to_owned()
                + &error.message
                + " Launching EC2 instance failed.";
            let activity = activity::begin(cloud, &group, description, cause, (&subnet, &zone));
            let message = format!("{} Launching EC2 instance failed.", error.message);
            activity::set(cloud, &activity, Status::Failed, Some(message));
            notification::tell(cloud, name, notification::LAUNCH_ERROR, &activity, None);
            let retry = cloud.now + SignedDuration::from_secs(RETRY);
            if let Some(group) = cloud.autoscaling.groups.get_mut(name) {
                group.retry = Some(retry);
            }
            false
        }
    }
}

fn start(
    cloud: &mut state::State,
    group: &Group,
    subnet: &str,
) -> Result<(String, ec2::Template), ApiError> {
    let template = group.template.resolve(cloud)?;
    let mut data = template.data.clone();
    // The group says where, whatever the template says.
    data.zone = None;
    if data.interfaces.is_empty() {
        data.subnet = Some(subnet.to_owned());
    }
    for interface in &mut data.interfaces {
        interface.subnet = Some(subnet.to_owned());
    }
    let propagated = group
        .tags
        .values()
        .filter(|tag| tag.propagates())
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
    let place = data.tags.iter().position(|(kind, _)| kind == "instance");
    if let Some(index) = place {
        data.tags[index].1.extend(propagated);
    } else {
        data.tags
            .push(("instance".to_owned(), propagated.collect()));
    }
    data.tags.retain(|(_, tags)| !tags.is_empty());
    let spec = ec2::LaunchSpec {
        template: Some(group.template.reference()),
        data,
        min: 1,
        max: 1,
        client_token: None,
        system_tags: BTreeMap::from([("aws:autoscaling:groupName".to_owned(), group.name.clone())]),
    };
    let id = ec2::launch(cloud, spec)?
        .pop()
        .ok_or_else(|| super::validation("EC2 launched no instance."))?;
    Ok((id, template))
}

/// Whether instances of a group are coming or going.
#[must_use]
pub fn busy(group: &Group) -> bool {
    group
        .members
        .values()
        .any(|member| member.is_leaving() || member.stage == Stage::Pending)
}
