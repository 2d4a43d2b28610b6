//! The real machine, by `sysinfo`.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use opsh_operation::{Fault, FaultKind};
use sysinfo::{
    Disks, MINIMUM_CPU_UPDATE_INTERVAL, Networks, ProcessRefreshKind, ProcessesToUpdate, System,
};

use crate::world::Cancel;
use crate::world::host::{About, Cpu, Disk, Host, Load, Memory, Network, Process};

/// The machine that this process runs on; nothing is kept between questions.
pub(super) struct ThisMachine;

impl Host for ThisMachine {
    fn about(&self) -> About {
        let word = |found: Result<String, sysinfo::Error>| found.unwrap_or_default();
        About {
            name: word(System::host_name()),
            os: word(System::name()),
            os_version: word(System::os_version()),
            kernel: word(System::kernel_version()),
            architecture: System::cpu_arch(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    fn cpu(&self, over: Duration, cancel: &Cancel) -> Result<Cpu, Fault> {
        let mut system = system("processors")?;
        system.refresh_cpu_usage();
        // Shorter ones would measure the kernel's own rounding.
        cancel.wait(over.max(MINIMUM_CPU_UPDATE_INTERVAL))?;
        system.refresh_cpu_usage();
        let each: Vec<f64> = system
            .cpus()
            .iter()
            .map(|cpu| f64::from(cpu.usage()))
            .collect();
        if each.is_empty() {
            return Err(silent("processors", &"none is listed"));
        }
        Ok(Cpu {
            percent: f64::from(system.global_cpu_usage()),
            each,
        })
    }

    fn memory(&self) -> Result<Memory, Fault> {
        let mut system = system("memory")?;
        system.refresh_memory();
        if system.total_memory() == 0 {
            return Err(silent("memory", &"it has none"));
        }
        Ok(Memory {
            total: system.total_memory(),
            available: system.available_memory(),
            swap_total: system.total_swap(),
            swap_used: system.used_swap(),
        })
    }

    /// A file system that is mounted several times is listed once, where its path is shortest.
    fn disks(&self) -> Result<Vec<Disk>, Fault> {
        let disks = Disks::new_with_refreshed_list().map_err(|error| silent("disks", &error))?;
        let mut found: BTreeMap<(String, u64), Disk> = BTreeMap::new();
        for disk in &disks {
            let usage = disk.usage();
            let disk = Disk {
                mount: disk.mount_point().display().to_string(),
                device: disk.name().to_string_lossy().into_owned(),
                file_system: disk.file_system().to_string_lossy().into_owned(),
                total: disk.total_space(),
                available: disk.available_space(),
                read: usage.total_read_bytes,
                written: usage.total_written_bytes,
            };
            let key = (disk.device.clone(), disk.total);
            let shorter = found
                .get(&key)
                .is_none_or(|known| disk.mount.len() < known.mount.len());
            if disk.total > 0 && shorter {
                found.insert(key, disk);
            }
        }
        let mut disks: Vec<Disk> = found.into_values().collect();
        disks.sort_by(|left, right| left.mount.cmp(&right.mount));
        Ok(disks)
    }

    fn networks(&self) -> Result<Vec<Network>, Fault> {
        let networks =
            Networks::new_with_refreshed_list().map_err(|error| silent("networks", &error))?;
        let mut networks: Vec<Network> = networks
            .iter()
            .map(|(name, data)| Network {
                name: name.to_string_lossy().into_owned(),
                addresses: data
                    .ip_networks()
                    .iter()
                    .map(|network| network.addr.to_string())
                    .collect(),
                received: data.total_received(),
                sent: data.total_transmitted(),
                received_packets: data.total_packets_received(),
                sent_packets: data.total_packets_transmitted(),
                errors: data.total_errors_on_received() + data.total_errors_on_transmitted(),
            })
            .collect();
        networks.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(networks)
    }

    fn load(&self) -> Result<Load, Fault> {
        let load = System::load_average().map_err(|error| silent("load", &error))?;
        Ok(Load {
            one: load.one,
            five: load.five,
            fifteen: load.fifteen,
        })
    }

    fn booted(&self) -> Result<Timestamp, Fault> {
        let seconds = System::boot_time().map_err(|error| silent("start", &error))?;
        Ok(time_of(seconds))
    }

    fn processes(&self, over: Duration, cancel: &Cancel) -> Result<Vec<Process>, Fault> {
        let mut system = system("processes")?;
        let wanted = ProcessRefreshKind::nothing()
            .with_cpu()
            .with_memory()
            .without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, wanted);
        cancel.wait(over.max(MINIMUM_CPU_UPDATE_INTERVAL))?;
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, wanted);
        let mut processes: Vec<Process> = system
            .processes()
            .values()
            .map(|process| Process {
                pid: process.pid().as_u32(),
                name: process.name().to_string_lossy().into_owned(),
                cpu: f64::from(process.cpu_usage()),
                memory: process.memory(),
                started: time_of(process.start_time()),
            })
            .collect();
        processes.sort_by_key(|process| process.pid);
        Ok(processes)
    }
}

fn system(what: &str) -> Result<System, Fault> {
    System::new().map_err(|error| silent(what, &error))
}

fn silent(what: &str, why: &dyn std::fmt::Display) -> Fault {
    Fault::new(
        FaultKind::Failed,
        format!("this machine does not say anything about its {what}: {why}"),
    )
}

fn time_of(seconds: u64) -> Timestamp {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn this_machine_tells_figures_that_can_be() {
        let cancel = Cancel::new(None);
        let cpu = ThisMachine.cpu(Duration::ZERO, &cancel).unwrap();
        assert!((0.0..=100.0).contains(&cpu.percent), "{cpu:?}");
        assert!(!cpu.each.is_empty());
        let memory = ThisMachine.memory().unwrap();
        assert!(memory.available <= memory.total && memory.total > 1 << 20);
        let now = Timestamp::now();
        assert!(ThisMachine.booted().unwrap() < now);
        let disks = ThisMachine.disks().unwrap();
        assert!(disks.iter().all(|disk| disk.available <= disk.total));
        let own = std::process::id();
        let processes = ThisMachine.processes(Duration::ZERO, &cancel).unwrap();
        let this = processes.iter().find(|process| process.pid == own).unwrap();
        assert!(this.memory > 0 && this.started <= now, "{this:?}");
    }

    #[test]
    fn measuring_ends_when_cancelled() {
        let cancel = Cancel::new(None);
        cancel.interrupt();
        let fault = ThisMachine.cpu(Duration::from_hours(1), &cancel);
        assert_eq!(fault.unwrap_err().kind, FaultKind::Interrupted);
    }
}
