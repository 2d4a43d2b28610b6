//! From stage to stage: what changes with it, and what is left to do.

use super::super::Event;
use super::super::region::Site;
use super::Stage;

/// How long a terminated instance is still shown.
const SHOWN_SECONDS: u32 = 3600;

impl Site<'_> {
    /// Brings an instance to another stage; its earlier plans no longer count.
    pub fn change(&mut self, id: &str, to: Stage) -> Option<u64> {
        let instance = self.region.instances.get_mut(id)?;
        instance.stage = to;
        instance.changes += 1;
        Some(instance.changes)
    }

    pub(super) fn reason(&mut self, id: &str, code: &str, sentence: &str, by: &str) {
        let when = self.now.strftime("%Y-%m-%d %H:%M:%S");
        if let Some(instance) = self.region.instances.get_mut(id) {
            instance.reason = Some((code.to_owned(), format!("{code}: {sentence}")));
            instance.transition = format!("{by} initiated ({when} GMT)");
        }
    }

    pub(super) fn stage(&self, id: &str) -> Stage {
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
