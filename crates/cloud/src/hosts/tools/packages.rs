//! Package managers: packages come and go in virtual time.

mod apt;
mod dnf;
mod query;

use jiff::SignedDuration;

use super::call::{Call, Reply, Stop};
use super::options::Options;
use crate::hosts::boot::Flavour;
use crate::hosts::packages::{self, Package};
use crate::hosts::shell::Outcome;

pub use apt::apt;
pub use dnf::dnf;
pub use query::{apt_cache, dpkg, rpm};

/// Reading a repository's index.
const INDEX: SignedDuration = SignedDuration::from_secs(6);
/// Resolving and checking a transaction.
const TRANSACTION: SignedDuration = SignedDuration::from_secs(2);

/// Download at 20 MiB a second, then half a second a package.
fn cost(all: &[&Package]) -> SignedDuration {
    let kib: u64 = all.iter().map(|package| u64::from(package.kib)).sum();
    let millis = kib * 1000 / 20_480 + all.len() as u64 * 500;
    TRANSACTION + SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// The package database is locked while user-data installs: others wait for it.
fn wait_for_lock(call: &Call<'_>) -> Result<String, Stop> {
    let (now, free) = {
        let timeline = call.machine();
        (timeline.present.clock, timeline.packages_settle_at())
    };
    match free {
        Some(free) if free > now => {
            call.pass(free.duration_since(now), 0.0)?;
            Ok(match call.session.facts.flavour {
                Flavour::AmazonLinux2023 => "Waiting for process with pid 1702 to finish.\n",
                Flavour::Ubuntu2404 => {
                    "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1702 (apt-get)\n"
                }
            }
            .to_owned())
        }
        _ => Ok(String::new()),
    }
}

fn install_all(call: &Call<'_>, asked: &[&'static Package], all: &[&'static Package]) {
    let mut timeline = call.machine();
    let machine = &mut timeline.present;
    for package in all {
        let by_name = asked.iter().any(|asked| asked.name == package.name);
        packages::install(machine, package, by_name);
    }
    let bytes: u64 = all
        .iter()
        .map(|package| u64::from(package.kib) * 1024)
        .sum();
    let at = machine.clock;
    machine.activity.transfer(at, bytes, bytes / 40, 0);
    super::register(&call.session.tools, machine);
}

fn remove_all(call: &Call<'_>, all: &[&'static Package]) {
    let mut timeline = call.machine();
    for package in all {
        packages::remove(&mut timeline.present, package);
    }
    super::register(&call.session.tools, &timeline.present);
}

/// Those that would be left without what they need come along.
fn with_dependents(call: &Call<'_>, named: &[&'static Package]) -> Vec<&'static Package> {
    let timeline = call.machine();
    let mut all = named.to_vec();
    let mut next = 0;
    while let Some(package) = all.get(next) {
        for dependent in packages::dependents(&timeline.present, package.name) {
            if !all.iter().any(|there| there.name == dependent.name) {
                all.push(dependent);
            }
        }
        next += 1;
    }
    all
}

fn architecture(call: &Call<'_>) -> &'static str {
    if call.session.facts.architecture == "arm64" {
        "aarch64"
    } else {
        "x86_64"
    }
}

fn quiet(options: &Options, out: String, complaints: String) -> Reply {
    Ok(Outcome {
        exit_code: 0,
        stdout: if options.has("quiet") {
            Vec::new()
        } else {
            out.into_bytes()
        },
        stderr: complaints.into_bytes(),
    })
}
