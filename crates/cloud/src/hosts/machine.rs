//! The changing part of a host: disk, packages, services, what it did.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::activity::Activity;
use super::boot::Flavour;
use super::disk::Disk;
use super::web::Site;

/// Everything about a machine that commands change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// What it runs.
    pub flavour: Flavour,
    /// Its own time.
    pub clock: Timestamp,
    /// When it was last switched on.
    pub booted: Timestamp,
    /// Its files.
    pub disk: Disk,
    /// What was installed in addition to the image, by name.
    pub packages: BTreeMap<String, Installed>,
    /// Services that were ever touched, by unit name without `.service`.
    pub units: BTreeMap<String, Unit>,
    /// What web servers have read of their configuration, by service.
    pub sites: BTreeMap<String, Site>,
    /// What services said, in order.
    pub journal: Vec<Entry>,
    /// Processor use and traffic.
    pub activity: Activity,
    /// How many random values were drawn, so that no two are the same.
    pub drawn: u64,
    /// Programs that answer through the cloud's [`Tenant`]s, by port.
    ///
    /// [`Tenant`]: crate::tenants::Tenant
    #[serde(skip)]
    pub lodgers: BTreeMap<u16, Lodger>,
}

/// A program that listens on a machine, run by somebody outside the cloud's own code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lodger {
    /// The address: `127.0.0.1`, `0.0.0.0`.
    pub bind: String,
    /// The unit that it belongs to, without `.service`.
    pub unit: String,
}

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The version, e.g. `2.4.65-1.amzn2023.0.2`.
    pub version: String,
    /// Asked for by name, not drawn in by another.
    pub asked: bool,
}

/// What is remembered of a service.
#[allow(
    clippy::struct_excessive_bools,
    reason = "systemd's own facts, each independent of the others"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Starts with the machine.
    pub enabled: bool,
    /// Running since then.
    pub since: Option<Timestamp>,
    /// Its last start failed.
    pub failed: bool,
    /// A oneshot unit ran to its end.
    pub finished: bool,
    /// May not be started.
    pub masked: bool,
    /// What it starts is run by the cloud's landlord.
    #[serde(default)]
    pub hosted: bool,
    /// How many runs in a row have ended at once.
    #[serde(default)]
    pub quick: u32,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// The unit it belongs to, without `.service`.
    pub unit: String,
    /// Who said it, e.g. `systemd[1]`.
    pub source: String,
    /// What.
    pub text: String,
}

impl Machine {
    /// A machine that is being switched on at `at`.
    #[must_use]
    pub fn new(flavour: Flavour, at: Timestamp) -> Self {
        let mut machine = Self {
            flavour,
            clock: at,
            booted: at,
            disk: Disk::new(flavour),
            packages: BTreeMap::new(),
            units: BTreeMap::new(),
            sites: BTreeMap::new(),
            journal: Vec::new(),
            activity: Activity::default(),
            drawn: 0,
            lodgers: BTreeMap::new(),
        };
        for name in IMAGE_UNITS.iter().chain(match flavour {
            Flavour::AmazonLinux2023 => AMAZON_UNITS,
            Flavour::Ubuntu2404 => UBUNTU_UNITS,
        }) {
            machine.units.insert(
                (*name).to_owned(),
                Unit {
                    enabled: true,
                    since: Some(at),
                    ..Unit::default()
                },
            );
        }
        machine
    }

    /// Whether a service is running now.
    #[must_use]
    pub fn running(&self, unit: &str) -> bool {
        self.units
            .get(unit)
            .and_then(|unit| unit.since)
            .is_some_and(|since| since <= self.clock)
    }

    /// Notes a line in the journal.
    pub fn note(&mut self, unit: &str, source: &str, text: impl Into<String>) {
        self.journal.push(Entry {
            at: self.clock,
            unit: unit.to_owned(),
            source: source.to_owned(),
            text: text.into(),
        });
    }
}

/// Services that run on both images.
const IMAGE_UNITS: &[&str] = &["systemd-journald", "systemd-networkd", "amazon-ssm-agent"];
const AMAZON_UNITS: &[&str] = &["sshd", "chronyd", "systemd-resolved"];
const UBUNTU_UNITS: &[&str] = &["ssh", "chrony", "cron", "rsyslog", "systemd-resolved"];
