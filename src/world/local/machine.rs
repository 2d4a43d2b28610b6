//! A simulated machine as a playbook on it sees it: its own figures and metadata.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use opsh_cloud::hosts::{Figures, METADATA};
use opsh_cloud::tenants::Place;
use opsh_cloud::{Cloud, Visitor};
use opsh_operation::{Fault, FaultKind};

use super::host::{Own, no_such_metadata};
use super::wait;
use crate::world::Cancel;
use crate::world::host::{About, Cpu, Disk, Host, Load, Memory, Network, Process};

const KIB: u64 = 1024;
/// What a service's main process keeps in memory.
const RESIDENT: u64 = 12 << 20;

/// The machine of an instance.
pub(super) struct Simulated {
    cloud: Cloud,
    instance: String,
}

impl Simulated {
    pub fn new(cloud: &Cloud, instance: &str) -> Self {
        Self {
            cloud: cloud.clone(),
            instance: instance.to_owned(),
        }
    }

    fn gone(&self) -> Fault {
        Fault::new(
            FaultKind::Failed,
            format!("the machine {} is not running any more", self.instance),
        )
    }

    fn figures(&self) -> Result<Figures, Fault> {
        let figures = self.cloud.figures(&self.instance);
        figures.ok_or_else(|| self.gone())
    }

    /// One request to the metadata service.
    fn ask(&self, method: &str, path: &str, header: (&str, &str)) -> Result<(u16, String), Fault> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://{METADATA}/latest/{path}"))
            .header(header.0, header.1)
            .body(Bytes::new())
            .map_err(|error| Fault::new(FaultKind::Invalid, format!("'{path}': {error}")))?;
        let visitor = Visitor {
            place: &Place::Instance(self.instance.clone()),
            ..Visitor::default()
        };
        let answer = self.cloud.visit_as(&visitor, request);
        let answer = answer.map_err(|_| self.gone())?;
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        Ok((answer.status().as_u16(), text))
    }
}

impl Own for Simulated {
    fn metadata(&self, path: &str) -> Result<String, Fault> {
        let (_, token) = self.ask(
            "PUT",
            "api/token",
            ("x-aws-ec2-metadata-token-ttl-seconds", "60"),
        )?;
        match self.ask("GET", path, ("x-aws-ec2-metadata-token", &token))? {
            (200, text) => Ok(text),
            (404, _) => Err(no_such_metadata(path)),
            (status, _) => Err(Fault::new(
                FaultKind::Failed,
                format!("the instance metadata service answers '{path}' with status {status}"),
            )),
        }
    }
}

impl Host for Simulated {
    fn about(&self) -> About {
        let Ok(figures) = self.figures() else {
            return About {
                name: self.instance.clone(),
                os: String::new(),
                os_version: String::new(),
                kernel: String::new(),
                architecture: String::new(),
                cores: 0,
            };
        };
        About {
            name: figures.name,
            os: figures.system.0.to_owned(),
            os_version: figures.system.1.to_owned(),
            kernel: figures.kernel.to_owned(),
            architecture: figures.architecture,
            cores: figures.cpus as usize,
        }
    }

    /// What computes shares the processors evenly.
    fn cpu(&self, over: Duration, cancel: &Cancel) -> Result<Cpu, Fault> {
        let begun = self.cloud.clock().now();
        wait(self.cloud.clock(), over, cancel)?;
        let figures = self.figures()?;
        let commands = self.cloud.busy_since(&self.instance, begun);
        let busy = commands + self.cloud.burning(&self.instance);
        let percent = figures.idle + busy / f64::from(figures.cpus.max(1)) * 100.0;
        let percent = percent.min(100.0);
        Ok(Cpu {
            percent,
            each: vec![percent; figures.cpus as usize],
        })
    }

    fn memory(&self) -> Result<Memory, Fault> {
        let memory = self.figures()?.memory;
        Ok(Memory {
            total: memory.total * KIB,
            available: memory.available * KIB,
            swap_total: 0,
            swap_used: 0,
        })
    }

    /// What goes to and from the volume is not counted.
    fn disks(&self) -> Result<Vec<Disk>, Fault> {
        let volume = self.figures()?.volume;
        Ok(vec![Disk {
            mount: "/".to_owned(),
            device: "/dev/nvme0n1p1".to_owned(),
            file_system: "xfs".to_owned(),
            total: volume.total * KIB,
            available: volume.total.saturating_sub(volume.used) * KIB,
            read: 0,
            written: 0,
        }])
    }

    fn networks(&self) -> Result<Vec<Network>, Fault> {
        let figures = self.figures()?;
        Ok(vec![Network {
            name: "ens5".to_owned(),
            addresses: vec![figures.address],
            received: figures.traffic.bytes_in,
            sent: figures.traffic.bytes_out,
            received_packets: figures.traffic.packets_in,
            sent_packets: figures.traffic.packets_out,
            errors: 0,
        }])
    }

    fn load(&self) -> Result<Load, Fault> {
        let load = self.figures()?.load + self.cloud.burning(&self.instance);
        Ok(Load {
            one: load,
            five: load,
            fifteen: load,
        })
    }

    fn booted(&self) -> Result<Timestamp, Fault> {
        Ok(self.figures()?.booted)
    }

    fn processes(&self, over: Duration, cancel: &Cancel) -> Result<Vec<Process>, Fault> {
        wait(self.cloud.clock(), over, cancel)?;
        let figures = self.figures()?;
        let program = |command: &str| {
            let word = command.split_whitespace().next().unwrap_or_default();
            let name = word.rsplit('/').next().unwrap_or(word);
            name.trim_end_matches(':').to_owned()
        };
        let processes = figures.processes.iter();
        Ok(processes
            .map(|(pid, command)| Process {
                pid: *pid,
                name: program(command),
                cpu: 0.0,
                memory: RESIDENT,
                started: figures.booted,
            })
            .collect())
    }
}
