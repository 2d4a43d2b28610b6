//! Start, stop, reboot, terminate: what is asked for, and when it is refused.

use super::super::Event;
use super::super::params::Params;
use super::super::region::{Action, Site};
use super::super::xml::Xml;
use super::describe::show_stage;
use super::{Instance, Stage};
use crate::api::ApiError;

/// The actions on an instance's life.
pub const ACTIONS: &[(&str, Action)] = &[
    ("RebootInstances", reboot),
    ("StartInstances", start),
    ("StopInstances", stop),
    ("TerminateInstances", terminate_action),
];

fn ids(site: &Site<'_>, params: &mut Params) -> Result<Vec<String>, ApiError> {
    let ids = params.list("InstanceId")?;
    if ids.is_empty() {
        return Err(params.missing("InstanceId"));
    }
    site.region.check_instances(&ids, site.now)?;
    Ok(ids)
}

fn answer(changes: &[(String, Stage, Stage)]) -> Xml {
    let mut xml = Xml::new();
    xml.list("instancesSet", changes, |xml, (id, before, after)| {
        xml.leaf("instanceId", id);
        show_stage(xml, "currentState", *after);
        show_stage(xml, "previousState", *before);
    });
    xml
}

fn wrong_stage(id: &str, verb: &str) -> ApiError {
    ApiError::new(
        "IncorrectInstanceState",
        format!("The instance '{id}' is not in a state from which it can be {verb}."),
    )
}

fn protected(id: &str, verb: &str, attribute: &str) -> ApiError {
    ApiError::new(
        "OperationNotPermitted",
        format!(
            "The instance '{id}' may not be {verb}. Modify its '{attribute}' instance attribute and try again."
        ),
    )
}

fn start(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = ids(site, params)?;
    params.finish()?;
    for id in &ids {
        if !matches!(
            site.stage(id),
            Stage::Stopped | Stage::Pending | Stage::Running
        ) {
            return Err(wrong_stage(id, "started"));
        }
    }
    let mut changes = Vec::new();
    for id in &ids {
        let before = site.stage(id);
        if before == Stage::Stopped {
            begin(site, id)?;
        }
        changes.push((id.clone(), before, site.stage(id)));
    }
    Ok(answer(&changes))
}

/// Starts a stopped instance: with a new public address, unless it has an elastic one.
fn begin(site: &mut Site<'_>, id: &str) -> Result<(), ApiError> {
    let wants = site
        .region
        .primary_interface(id)
        .filter(|interface| {
            interface.wants_public && site.region.public_address(interface).is_none()
        })
        .map(|interface| interface.id.clone());
    if let Some(interface) = wants {
        let public = site.public.take()?;
        if let Some(interface) = site.region.interfaces.get_mut(&interface) {
            interface.public = Some(public);
        }
    }
    let now = site.now;
    let change = site.change(id, Stage::Pending).unwrap_or_default();
    if let Some(instance) = site.region.instances.get_mut(id) {
        instance.launched = now;
        instance.reason = Some(("pending".to_owned(), "pending".to_owned()));
        instance.transition = String::new();
    }
    let seconds = 8 + site.ids.below(8);
    site.plan(
        seconds,
        Event::Running {
            id: id.to_owned(),
            change,
        },
    );
    Ok(())
}

fn stop(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = ids(site, params)?;
    // Forced or not, the embedded machines always stop in order.
    let _ = params.flag("Force")?;
    params.finish()?;
    for id in &ids {
        let instance = site.region.instance(id, site.now)?;
        if !matches!(
            instance.stage,
            Stage::Running | Stage::Stopping | Stage::Stopped
        ) {
            return Err(wrong_stage(id, "stopped"));
        }
        if instance.no_stop && instance.stage == Stage::Running {
            return Err(protected(id, "stopped", "disableApiStop"));
        }
    }
    let mut changes = Vec::new();
    for id in &ids {
        let before = site.stage(id);
        if before == Stage::Running {
            let change = site.change(id, Stage::Stopping).unwrap_or_default();
            site.reason(
                id,
                "Client.UserInitiatedShutdown",
                "User initiated shutdown",
                "User",
            );
            let seconds = 15 + site.ids.below(15);
            site.plan(
                seconds,
                Event::Stopped {
                    id: id.clone(),
                    change,
                },
            );
            site.plan(
                0,
                Event::PowerOff {
                    id: id.clone(),
                    change,
                },
            );
        }
        changes.push((id.clone(), before, site.stage(id)));
    }
    Ok(answer(&changes))
}

fn reboot(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = ids(site, params)?;
    params.finish()?;
    for id in &ids {
        let instance = site.region.instance(id, site.now)?;
        if instance.stage != Stage::Running {
            return Err(wrong_stage(id, "rebooted"));
        }
    }
    for id in ids {
        let change = site.region.instance(&id, site.now)?.changes;
        site.plan(0, Event::Reboot { id, change });
    }
    Ok(Xml::done())
}

fn terminate_action(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = ids(site, params)?;
    params.finish()?;
    let guarded = |instance: &&Instance| instance.no_termination && !instance.stage.ended();
    if let Some(instance) = ids
        .iter()
        .filter_map(|id| site.region.instances.get(id))
        .find(guarded)
    {
        return Err(protected(
            &instance.id,
            "terminated",
            "disableApiTermination",
        ));
    }
    Ok(answer(
        &site.terminate(&ids, "Client.UserInitiatedShutdown"),
    ))
}
