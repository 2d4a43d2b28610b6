//! The machine that opsh seems to run on in the embedded cloud: a furnished one that is
//! the same wherever a rehearsal runs.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use opsh_cloud::clock::Clock;
use opsh_operation::{Fault, FaultKind};

use super::wait;
use crate::world::Cancel;
use crate::world::host::{About, Cpu, Disk, Host, Load, Memory, Network, Process};

/// Which instance it is.
const INSTANCE: &str = "i-0a1b2c3d4e5f60718";
/// Where it answers inside of its network.
const PRIVATE: &str = "172.31.5.20";
/// Where it answers from outside (RFC 5737, TEST-NET-3).
const PUBLIC: &str = "203.0.113.200";
/// For how long it has been up when the cloud is entered.
const UP: SignedDuration = SignedDuration::from_secs(12 * 86_400 + 3 * 3_600 + 25 * 60);
const MIB: u64 = 1 << 20;

/// A machine that a world is on.
pub(super) trait Own: Host {
    /// What its metadata has at `path`, below `/latest/`.
    fn metadata(&self, path: &str) -> Result<String, Fault>;
}

/// That a machine's metadata has nothing at `path`.
pub(super) fn no_such_metadata(path: &str) -> Fault {
    Fault::new(
        FaultKind::NotFound,
        format!("the metadata of this instance has no '{path}'"),
    )
    .code("404")
}

/// A furnished machine.
pub(super) struct Furnished {
    clock: Clock,
    region: String,
    booted: Timestamp,
}

impl Furnished {
    pub fn new(clock: Clock, region: String) -> Self {
        Self {
            booted: clock.now().saturating_sub(UP).unwrap_or_default(),
            clock,
            region,
        }
    }

    fn categories(&self) -> Vec<(String, String)> {
        let region = &self.region;
        let zone = format!("{region}a");
        let dashed = PRIVATE.replace('.', "-");
        let document = serde_json::json!({
            "accountId": "123456789012",
            "architecture": "x86_64",
            "availabilityZone": zone,
            "imageId": opsh_cloud::furnish::AL2023_X86_64,
            "instanceId": INSTANCE,
            "instanceType": "t3.nano",
            "pendingTime": self.booted.to_string(),
            "privateIp": PRIVATE,
            "region": region,
            "version": "2017-09-30",
        });
        [
            (
                "dynamic/instance-identity/document",
                format!("{document:#}"),
            ),
            (
                "meta-data/ami-id",
                opsh_cloud::furnish::AL2023_X86_64.to_owned(),
            ),
            ("meta-data/instance-id", INSTANCE.to_owned()),
            ("meta-data/instance-type", "t3.nano".to_owned()),
            (
                "meta-data/local-hostname",
                format!("ip-{dashed}.ec2.internal"),
            ),
            ("meta-data/local-ipv4", PRIVATE.to_owned()),
            ("meta-data/placement/availability-zone", zone.clone()),
            ("meta-data/placement/region", region.clone()),
            (
                "meta-data/public-hostname",
                format!("ec2-{}.compute-1.amazonaws.com", PUBLIC.replace('.', "-")),
            ),
            ("meta-data/public-ipv4", PUBLIC.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

impl Own for Furnished {
    fn metadata(&self, path: &str) -> Result<String, Fault> {
        let all = self.categories();
        let wanted = path.trim_end_matches('/');
        if let Some((_, value)) = all.iter().find(|(name, _)| name == wanted) {
            return Ok(value.clone());
        }
        let prefix = format!("{wanted}/");
        let mut names: Vec<String> = Vec::new();
        for rest in all
            .iter()
            .filter_map(|(name, _)| name.strip_prefix(&prefix))
        {
            let name = match rest.split_once('/') {
                Some((folder, _)) => format!("{folder}/"),
                None => rest.to_owned(),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            return Err(no_such_metadata(path));
        }
        Ok(names.join("\n"))
    }
}

impl Host for Furnished {
    fn about(&self) -> About {
        About {
            name: format!("ip-{}", PRIVATE.replace('.', "-")),
            os: "Amazon Linux".to_owned(),
            os_version: "2023".to_owned(),
            kernel: "6.1.158-178.288.amzn2023".to_owned(),
            architecture: "x86_64".to_owned(),
            cores: 2,
        }
    }

    fn cpu(&self, over: Duration, cancel: &Cancel) -> Result<Cpu, Fault> {
        wait(&self.clock, over, cancel)?;
        Ok(Cpu {
            percent: 12.5,
            each: vec![15.0, 10.0],
        })
    }

    fn memory(&self) -> Result<Memory, Fault> {
        Ok(Memory {
            total: 412 * MIB,
            available: 206 * MIB,
            swap_total: 0,
            swap_used: 0,
        })
    }

    fn disks(&self) -> Result<Vec<Disk>, Fault> {
        Ok(vec![Disk {
            mount: "/".to_owned(),
            device: "/dev/nvme0n1p1".to_owned(),
            file_system: "xfs".to_owned(),
            total: 8 * 1024 * MIB,
            available: 6 * 1024 * MIB,
            read: 420 * MIB,
            written: 1_300 * MIB,
        }])
    }

    fn networks(&self) -> Result<Vec<Network>, Fault> {
        Ok(vec![Network {
            name: "ens5".to_owned(),
            addresses: vec![PRIVATE.to_owned()],
            received: 950 * MIB,
            sent: 180 * MIB,
            received_packets: 812_000,
            sent_packets: 401_000,
            errors: 0,
        }])
    }

    fn load(&self) -> Result<Load, Fault> {
        Ok(Load {
            one: 0.21,
            five: 0.18,
            fifteen: 0.12,
        })
    }

    fn booted(&self) -> Result<Timestamp, Fault> {
        Ok(self.booted)
    }

    fn processes(&self, over: Duration, cancel: &Cancel) -> Result<Vec<Process>, Fault> {
        wait(&self.clock, over, cancel)?;
        let process = |pid, name: &str, cpu, memory| Process {
            pid,
            name: name.to_owned(),
            cpu,
            memory: memory * MIB,
            started: self.booted,
        };
        Ok(vec![
            process(1, "systemd", 0.0, 18),
            process(1021, "sshd", 0.0, 9),
            process(1530, "opsh", 2.5, 42),
            process(1604, "nginx", 0.5, 12),
        ])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn its_metadata_is_read_and_listed_as_that_of_an_instance() {
        let clock = Clock::new(Timestamp::UNIX_EPOCH);
        let host = Furnished::new(clock, "eu-west-1".to_owned());
        let get = |path: &str| host.metadata(path);
        assert_eq!(get("meta-data/instance-id").unwrap(), INSTANCE);
        assert_eq!(
            get("meta-data/placement/").unwrap(),
            "availability-zone\nregion"
        );
        let top = get("meta-data").unwrap();
        assert!(top.contains("placement/\n"), "{top}");
        assert!(
            get("dynamic/instance-identity/document")
                .unwrap()
                .contains("eu-west-1a")
        );
        let fault = get("meta-data/spot").unwrap_err();
        assert_eq!(fault.kind, FaultKind::NotFound);
        assert_eq!(
            fault.message,
            "the metadata of this instance has no 'meta-data/spot'"
        );
    }
}
