//! What the machine that opsh runs on says of itself.

use std::time::Duration;

use jiff::Timestamp;
use opsh_operation::Fault;

use super::Cancel;

/// Which machine it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its own name.
    pub name: String,
    /// The operating system, e.g. `Amazon Linux`.
    pub os: String,
    /// Its version.
    pub os_version: String,
    /// The kernel's release.
    pub kernel: String,
    /// E.g. `x86_64`.
    pub architecture: String,
    /// How many processors programs can use.
    pub cores: usize,
}

/// How busy the processors were.
#[derive(Debug, Clone, PartialEq)]
pub struct Cpu {
    /// All of them together, from 0 to 100.
    pub percent: f64,
    /// Each of them, from 0 to 100.
    pub each: Vec<f64>,
}

/// Memory, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// All there is.
    pub total: u64,
    /// What programs can have without others losing theirs.
    pub available: u64,
    /// The swap space.
    pub swap_total: u64,
    /// How much of that is used.
    pub swap_used: u64,
}

/// A mounted file system; bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Where it is mounted.
    pub mount: String,
    /// Its device.
    pub device: String,
    /// E.g. `xfs`.
    pub file_system: String,
    /// Its size.
    pub total: u64,
    /// What is left for ordinary users.
    pub available: u64,
    /// Read from the device since the machine was started.
    pub read: u64,
    /// Written to the device since then.
    pub written: u64,
}

/// A network interface; bytes and packets since the machine was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// E.g. `ens5`.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// Bytes that came in.
    pub received: u64,
    /// Bytes that went out.
    pub sent: u64,
    /// Packets that came in.
    pub received_packets: u64,
    /// Packets that went out.
    pub sent_packets: u64,
    /// Packets that were lost to errors, both ways.
    pub errors: u64,
}

/// How many processes wanted to run, on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Over a minute.
    pub one: f64,
    /// Over five minutes.
    pub five: f64,
    /// Over fifteen minutes.
    pub fifteen: f64,
}

/// A process. Its arguments and environment are not told: they may hold secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The name of its program.
    pub name: String,
    /// Per cent of one processor.
    pub cpu: f64,
    /// Resident memory in bytes.
    pub memory: u64,
    /// Since when it has run.
    pub started: Timestamp,
}

/// A machine that can be asked.
pub trait Host: Send + Sync {
    /// Which one it is.
    fn about(&self) -> About;

    /// How busy its processors are during the time `over`, which is waited for.
    ///
    /// # Errors
    /// It does not say; the cancellation's.
    fn cpu(&self, over: Duration, cancel: &Cancel) -> Result<Cpu, Fault>;

    /// Its memory.
    ///
    /// # Errors
    /// It does not say.
    fn memory(&self) -> Result<Memory, Fault>;

    /// Its file systems, by mount point.
    ///
    /// # Errors
    /// It does not say.
    fn disks(&self) -> Result<Vec<Disk>, Fault>;

    /// Its network interfaces, by name.
    ///
    /// # Errors
    /// It does not say.
    fn networks(&self) -> Result<Vec<Network>, Fault>;

    /// Its load.
    ///
    /// # Errors
    /// It does not say.
    fn load(&self) -> Result<Load, Fault>;

    /// When it was started.
    ///
    /// # Errors
    /// It does not say.
    fn booted(&self) -> Result<Timestamp, Fault>;

    /// Its processes, by number; what they need is measured during the time `over`.
    ///
    /// # Errors
    /// It does not say; the cancellation's.
    fn processes(&self, over: Duration, cancel: &Cancel) -> Result<Vec<Process>, Fault>;
}
