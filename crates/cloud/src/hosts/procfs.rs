//! What the kernel answers in `/proc` and `/dev`.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::boot::Boot;
use super::figures::Memory;
use super::machine::Machine;

/// How much one reading of `/dev/zero` and `/dev/urandom` gives.
const CHUNK: usize = 64 * 1024;

/// The content of a file that the kernel makes up when it is read.
pub fn read(machine: &mut Machine, facts: &Boot, path: &str) -> Option<Vec<u8>> {
    let text = match path {
        "/dev/null" => String::new(),
        "/dev/zero" => return Some(vec![0; CHUNK]),
        "/dev/random" | "/dev/urandom" => return Some(random(machine, facts, CHUNK)),
        "/proc/uptime" => {
            let up = uptime(machine);
            format!("{up}.00 {up}.00\n")
        }
        "/proc/loadavg" => {
            let load = load_average(machine);
            format!("{load:.2} {load:.2} {load:.2} 1/120 1700\n")
        }
        "/proc/stat" => stat(machine, facts),
        "/proc/meminfo" => meminfo(facts),
        "/proc/cpuinfo" => {
            let mut text = String::new();
            for cpu in 0..facts.cpus {
                let _ = writeln!(text, "processor\t: {cpu}\ncpu cores\t: {}\n", facts.cpus);
            }
            text
        }
        "/proc/version" => format!("Linux version {} (builder@amazon)\n", kernel(machine)),
        "/proc/mounts" => "/dev/nvme0n1p1 / xfs rw,noatime 0 0\n".to_owned(),
        _ => return None,
    };
    Some(text.into_bytes())
}

/// Whether what is written to `path` is gone.
pub fn swallows(path: &str) -> bool {
    matches!(path, "/dev/null" | "/dev/zero")
}

/// Bytes that nobody could have guessed, the same in every run.
pub fn random(machine: &mut Machine, facts: &Boot, count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count + 32);
    while bytes.len() < count {
        machine.drawn += 1;
        bytes.extend_from_slice(&Sha256::digest(format!(
            "{} {}",
            facts.instance_id, machine.drawn
        )));
    }
    bytes.truncate(count);
    bytes
}

/// Whole seconds since the machine was switched on.
pub fn uptime(machine: &Machine) -> i64 {
    machine.clock.as_second() - machine.booted.as_second()
}

/// How many processes want to run.
pub fn load_average(machine: &Machine) -> f64 {
    let busy = machine.activity.busy(machine.clock);
    // The sum of nothing is a negative zero.
    busy.map(|work| work.cores).sum::<f64>() + 0.0
}

/// The kernel's release.
pub fn kernel(machine: &Machine) -> &'static str {
    match machine.flavour {
        super::boot::Flavour::AmazonLinux2023 => "6.1.158-178.288.amzn2023",
        super::boot::Flavour::Ubuntu2404 => "6.14.0-1017-aws",
    }
}

/// How long the processors have been busy and idle since the machine was switched on, in
/// hundredths of a second.
fn stat(machine: &Machine, facts: &Boot) -> String {
    let up = machine.clock.duration_since(machine.booted).as_secs_f64();
    let whole = up.max(0.0) * f64::from(facts.cpus);
    let busy = machine.activity.busy_between(machine.booted, machine.clock);
    let busy = busy.min(whole);
    let (user, idle) = (busy * 100.0, (whole - busy) * 100.0);
    format!("cpu  {user:.0} 0 0 {idle:.0} 0 0 0 0 0 0\n")
}

fn meminfo(facts: &Boot) -> String {
    let Memory {
        total,
        free,
        available,
    } = Memory::of(facts);
    format!(
        "MemTotal:       {total:>8} kB\nMemFree:        {free:>8} kB\nMemAvailable:   {available:>8} kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n"
    )
}
