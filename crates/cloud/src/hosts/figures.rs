//! The figures behind `free`, `df` and `/proc`, and all of them for a program on the machine.

use jiff::Timestamp;

use super::activity::{Traffic, idle_percent};
use super::boot::{Boot, Flavour};
use super::disk::Kind;
use super::host::Host;
use super::machine::Machine;
use super::{procfs, services};
use crate::Cloud;

/// The root volume's size and what the image takes of it, in KiB.
const VOLUME_KIB: u64 = 8 * 1024 * 1024 - 12_288;
const IMAGE_KIB: u64 = 1_730_000;

/// Memory, in KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What the kernel leaves of the type's.
    pub total: u64,
    /// What nobody uses.
    pub free: u64,
    /// That, and what the cache would give back.
    pub available: u64,
}

impl Memory {
    /// Of a machine of that type.
    #[must_use]
    pub fn of(facts: &Boot) -> Self {
        let total = u64::from(facts.memory_mib) * 1024 * 92 / 100;
        Self {
            total,
            free: total * 55 / 100,
            available: total * 70 / 100,
        }
    }
}

/// The root volume, in KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    /// Its size.
    pub total: u64,
    /// What the image and the files written since take of it.
    pub used: u64,
}

impl Volume {
    /// The one of a machine.
    #[must_use]
    pub fn of(machine: &Machine) -> Self {
        let written: u64 = machine
            .disk
            .changed
            .values()
            .flatten()
            .map(|node| match &node.kind {
                Kind::File(content) => content.0.len() as u64,
                _ => 0,
            })
            .sum();
        Self {
            total: VOLUME_KIB,
            used: IMAGE_KIB + written.div_ceil(1024),
        }
    }
}

impl Cloud {
    /// What the machine of an instance says of itself; nothing if it is off.
    #[must_use]
    pub fn figures(&self, instance: &str) -> Option<Figures> {
        let mut state = self.state();
        let now = state.now;
        let host = state.hosts.get_mut(instance).filter(|host| host.is_on());
        host.map(|host| host.figures(now))
    }

    /// How many processors commands on it have kept busy since then, on average.
    #[must_use]
    pub fn busy_since(&self, instance: &str, since: Timestamp) -> f64 {
        let mut state = self.state();
        let now = state.now;
        let seconds = now.duration_since(since).as_secs_f64();
        let host = state.hosts.get_mut(instance).filter(|_| seconds > 0.0);
        host.map_or(0.0, |host| host.busy_between(since, now) / seconds)
    }
}

/// What a machine says of itself to a program that runs on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Its name.
    pub name: String,
    /// Its operating system, and the version of that.
    pub system: (&'static str, &'static str),
    /// The kernel's release.
    pub kernel: &'static str,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// How many processors it has.
    pub cpus: u32,
    /// Its address inside of its network.
    pub address: String,
    /// Memory.
    pub memory: Memory,
    /// The root volume.
    pub volume: Volume,
    /// Bytes and packets since it was made.
    pub traffic: Traffic,
    /// How many processes want to run.
    pub load: f64,
    /// Per cent of all processors that it needs for itself.
    pub idle: f64,
    /// When it was last switched on.
    pub booted: Timestamp,
    /// Number and command of each service's main process.
    pub processes: Vec<(u32, String)>,
}

impl Host {
    /// What it says of itself.
    #[must_use]
    pub fn figures(&mut self, now: Timestamp) -> Figures {
        let facts = self.facts().clone();
        let machine = self.machine(now);
        let mut traffic = Traffic::default();
        for minute in machine.activity.traffic.values() {
            traffic.bytes_in += minute.bytes_in;
            traffic.bytes_out += minute.bytes_out;
            traffic.packets_in += minute.packets_in;
            traffic.packets_out += minute.packets_out;
            traffic.requests += minute.requests;
        }
        Figures {
            name: facts.addresses.host_name().to_owned(),
            system: match facts.flavour {
                Flavour::AmazonLinux2023 => ("Amazon Linux", "2023"),
                Flavour::Ubuntu2404 => ("Ubuntu", "24.04"),
            },
            kernel: procfs::kernel(machine),
            memory: Memory::of(&facts),
            volume: Volume::of(machine),
            traffic,
            load: procfs::load_average(machine),
            idle: idle_percent(&facts.instance_id, now.as_second()),
            booted: machine.booted,
            processes: services::processes(machine),
            cpus: facts.cpus,
            address: facts.addresses.private,
            architecture: facts.architecture,
        }
    }

    /// For how many seconds commands have kept its processors busy between two moments.
    #[must_use]
    pub fn busy_between(&mut self, from: Timestamp, to: Timestamp) -> f64 {
        self.machine(to).activity.busy_between(from, to)
    }
}
