//! Simulated machines: files, shell, packages, services, web server.
//!
//! A [`Host`] is an instance as one would find it on logging in. It has a [`disk`] with
//! owners and modes, accounts ([`users`]), a sandboxed bash ([`shell`]) with the programs
//! of an Amazon Linux or Ubuntu image ([`tools`]), packages that can be installed, services
//! that can be started, and a web server that answers from the disk. Its user-data really
//! runs ([`cloudinit`]), in virtual time ([`timeline`]).
//!
//! All of it is data ([`serde`]), the same for the same inputs, and costs nothing until
//! somebody looks.

mod activity;
mod base;
mod boot;
mod cloudinit;
mod console;
mod content;
mod disk;
mod figures;
mod host;
mod image;
mod imds;
mod keys;
mod machine;
mod own_unit;
mod packages;
mod procfs;
mod services;
mod shared;
mod shell;
mod timeline;
#[allow(
    clippy::format_push_string,
    clippy::format_collect,
    reason = "a few lines of text: an allocation costs less than a result to ignore"
)]
mod tools;
mod users;
mod vfs;
mod web;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use activity::{Sample, Traffic};
pub use boot::{Addresses, Boot, Flavour};
pub use figures::Figures;
pub(crate) use host::{Answered, Program, Ran};
pub use host::{CommandOutput, FileRefusal, Host, LoginRefusal, Unreachable};
pub use image::Image;
pub use imds::ADDRESS as METADATA;
pub use machine::Lodger;
pub use own_unit::STAND_IN;
pub use web::{Forward, Reply, Via};

/// The machines by instance id.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Hosts {
    by_instance: BTreeMap<String, Host>,
}

impl Hosts {
    /// Switches a new machine on at `at`, EC2's `pending`; `image` is what a self-made image
    /// holds, `None` stands for Amazon's or Canonical's.
    pub fn boot(&mut self, boot: Boot, image: Option<Image>, at: Timestamp) {
        self.by_instance
            .insert(boot.instance_id.clone(), Host::new(boot, image, at));
    }

    /// Switches a machine off; its disk stays.
    pub fn stop(&mut self, instance_id: &str, at: Timestamp) {
        if let Some(host) = self.by_instance.get_mut(instance_id) {
            host.power_off(at);
        }
    }

    /// Switches a stopped machine on again, where it answers now.
    pub fn start(&mut self, instance_id: &str, addresses: Addresses, at: Timestamp) {
        if let Some(host) = self.by_instance.get_mut(instance_id) {
            host.facts_mut().addresses = addresses;
            host.power_on(at);
        }
    }

    /// Restarts a machine.
    pub fn reboot(&mut self, instance_id: &str, at: Timestamp) {
        if let Some(host) = self.by_instance.get_mut(instance_id) {
            host.power_off(at);
            host.power_on(at);
        }
    }

    /// Forgets a machine and its disk.
    pub fn terminate(&mut self, instance_id: &str) {
        self.by_instance.remove(instance_id);
    }

    /// What an image made of this machine at `now` holds.
    #[must_use]
    pub fn image_of(&mut self, instance_id: &str, now: Timestamp) -> Option<Image> {
        self.by_instance
            .get_mut(instance_id)
            .map(|host| host.image(now))
    }

    /// The machine of an instance.
    #[must_use]
    pub fn get(&self, instance_id: &str) -> Option<&Host> {
        self.by_instance.get(instance_id)
    }

    /// The machine of an instance, to be used.
    pub fn get_mut(&mut self, instance_id: &str) -> Option<&mut Host> {
        self.by_instance.get_mut(instance_id)
    }

    /// All machines in the order of their instance ids, to be used.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Host> {
        self.by_instance.values_mut()
    }

    /// All machines in the order of their instance ids.
    pub fn iter(&self) -> impl Iterator<Item = &Host> {
        self.by_instance.values()
    }
}

#[cfg(test)]
mod tests;
