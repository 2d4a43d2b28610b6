//! From stage to stage: start, stop, reboot, terminate, and what happens by itself.

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

/// How long a terminated instance is still shown.
const SHOWN_SECONDS: u32 = 3600;

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

impl Site<'_> {
    /// Brings an instance to another stage; its earlier plans no longer count.
    pub fn change(&mut self, id: &str, to: Stage) -> Option<u64> {
        let instance = self.region.instances.get_mut(id)?;
        instance.stage = to;
        instance.changes += 1;
        Some(instance.changes)
    }

    fn reason(&mut self, id: &str, code: &str, sentence: &str, by: &str) {
        let when = self.now.strftime("%Y-%m-%d %H:%M:%S");
        if let Some(instance) = self.region.instances.get_mut(id) {
            instance.reason = Some((code.to_owned(), format!("{code}: {sentence}")));
            instance.transition = format!("{by} initiated ({when} GMT)");
        }
    }

    fn stage(&self, id: &str) -> Stage {
        self.region
            .instances
            .get(id)
            .map_or(Stage::Terminated, |instance| instance.stage)
    }

    /// Begins to terminate instances, which are there and may be; stages before and after.
    pub fn terminate(&mut self, ids: &[String], code: &str) -> Vec<(String, Stage, Stage)> {
        let mut changes = Vec::new();
        for id in ids {
            let before = self.stage(id);
            if !before.ended() {
                let change = self.change(id, Stage::ShuttingDown).unwrap_or_default();
                let (sentence, by) = if code.starts_with("Client.User") {
                    ("User initiated shutdown", "User")
                } else {
                    ("Instance initiated shutdown", "Instance")
                };
                self.reason(id, code, sentence, by);
                let seconds = 15 + self.ids.below(20);
                self.plan(
                    seconds,
                    Event::Terminated {
                        id: id.clone(),
                        change,
                    },
                );
                self.plan(
                    0,
                    Event::PowerOff {
                        id: id.clone(),
                        change,
                    },
                );
            }
            changes.push((id.clone(), before, self.stage(id)));
        }
        changes
    }

    /// What is left to do when an instance is terminated.
    pub fn bury(&mut self, id: &str) {
        let interfaces: Vec<(String, bool)> = self
            .region
            .interfaces_of(id)
            .into_iter()
            .filter_map(|interface| {
                let attachment = interface.attachment.as_ref()?;
                Some((interface.id.clone(), attachment.delete_on_termination))
            })
            .collect();
        for (interface, delete) in interfaces {
            if delete {
                self.remove_interface(&interface);
            } else if let Some(kept) = self.region.interfaces.get_mut(&interface) {
                kept.attachment = None;
            }
        }
        let root = self.region.instances.get(id).and_then(|instance| {
            let device = instance.devices.get(&instance.root_device)?;
            (!device.delete_on_termination).then(|| device.volume.clone())
        });
        if let Some(volume) = root {
            self.keep_disk(&volume, &volume);
        }
        let devices = self
            .region
            .instances
            .get_mut(id)
            .map(|instance| std::mem::take(&mut instance.devices))
            .unwrap_or_default();
        for device in devices.into_values() {
            if device.delete_on_termination {
                self.region.volumes.remove(&device.volume);
                self.region.tags.remove(&device.volume);
            }
        }
        if let Some(instance) = self.region.instances.get_mut(id) {
            instance.stage = Stage::Terminated;
            instance.monitored = false;
        }
        let change = self.change(id, Stage::Terminated).unwrap_or_default();
        self.plan(
            SHOWN_SECONDS,
            Event::Gone {
                id: id.to_owned(),
                change,
            },
        );
    }

    /// What is left to do when an instance is stopped: its own public address goes back.
    pub fn halt(&mut self, id: &str) {
        self.change(id, Stage::Stopped);
        let freed: Vec<String> = self
            .region
            .interfaces_of(id)
            .into_iter()
            .map(|interface| interface.id.clone())
            .collect();
        for interface in freed {
            if let Some(interface) = self.region.interfaces.get_mut(&interface)
                && let Some(public) = interface.public.take()
            {
                self.public.release(public);
            }
        }
        if let Some(instance) = self.region.instances.get_mut(id) {
            instance.running_since = None;
        }
    }

    /// Forgets a terminated instance.
    pub fn forget(&mut self, id: &str) {
        let Some(instance) = self.region.instances.remove(id) else {
            return;
        };
        self.region.tags.remove(id);
        let launch = &instance.reservation;
        if !self
            .region
            .instances
            .values()
            .any(|other| other.reservation == *launch)
        {
            self.region.tokens.retain(|_, token| token.made != *launch);
        }
    }
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
