//! What a machine did: processor use and traffic, minute by minute.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a machine did so far, and work that it has been given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Stretches of work.
    pub work: Vec<Work>,
    /// Traffic by minute since the epoch.
    pub traffic: BTreeMap<i64, Traffic>,
    /// Processor seconds that programs have used, by minute since the epoch.
    #[serde(default)]
    pub burnt: BTreeMap<i64, f64>,
}

/// A stretch of time in which processors are busy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// From then.
    pub from: Timestamp,
    /// Until then.
    pub until: Timestamp,
    /// How many processors.
    pub cores: f64,
    /// The command, as `ps` shows it.
    pub command: String,
}

/// Traffic within a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Packets received.
    pub packets_in: u64,
    /// Packets sent.
    pub packets_out: u64,
    /// Requests served.
    pub requests: u64,
}

/// A minute of a machine as EC2 measures it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The start of the minute.
    pub at: Timestamp,
    /// `CPUUtilization`: percent of all processors.
    pub cpu_percent: f64,
    /// What came and went.
    pub traffic: Traffic,
}

/// Processor seconds for a served request.
const SECONDS_A_REQUEST: f64 = 0.004;
/// What one packet carries (Ethernet's 1500 bytes less headers).
const PACKET: u64 = 1448;

impl Activity {
    /// Notes that `cores` processors are busy for a while.
    pub fn work(&mut self, from: Timestamp, time: SignedDuration, cores: f64, command: &str) {
        self.work.push(Work {
            from,
            until: from.checked_add(time).unwrap_or(Timestamp::MAX),
            cores,
            command: command.to_owned(),
        });
    }

    /// Notes that programs have kept `processors` busy from then to then.
    pub fn burn(&mut self, from: Timestamp, to: Timestamp, processors: f64) {
        let first = from.as_second().div_euclid(60);
        let last = to.as_second().div_euclid(60);
        for minute in first..=last {
            let within = |at: Timestamp| {
                (at.as_duration().as_secs_f64() - seconds(minute * 60)).clamp(0.0, 60.0)
            };
            let time = within(to) - within(from);
            if time > 0.0 {
                *self.burnt.entry(minute).or_default() += time * processors;
            }
        }
    }

    /// Notes traffic; requests are those that were served.
    pub fn transfer(&mut self, at: Timestamp, bytes_in: u64, bytes_out: u64, requests: u64) {
        let minute = self
            .traffic
            .entry(at.as_second().div_euclid(60))
            .or_default();
        minute.bytes_in += bytes_in;
        minute.bytes_out += bytes_out;
        minute.packets_in += bytes_in.div_ceil(PACKET).max(1);
        minute.packets_out += bytes_out.div_ceil(PACKET).max(1);
        minute.requests += requests;
    }

    /// What is being worked on at `now`.
    pub fn busy(&self, now: Timestamp) -> impl Iterator<Item = &Work> {
        self.work
            .iter()
            .filter(move |work| work.from <= now && now < work.until)
    }

    /// For how many seconds processors were busy.
    #[must_use]
    pub fn busy_between(&self, from: Timestamp, to: Timestamp) -> f64 {
        let spans = self.work.iter().map(|work| {
            let span = work.until.min(to).duration_since(work.from.max(from));
            span.as_secs_f64().max(0.0) * work.cores
        });
        spans.sum()
    }

    /// The whole minutes that begin in `from..to`.
    ///
    /// A machine that does nothing still has its kernel, its agents and the metadata
    /// service to talk to: a few tenths of a percent and a few kilobytes, which depend on
    /// `id` and the minute only.
    #[must_use]
    pub fn samples(&self, id: &str, cpus: u32, from: Timestamp, to: Timestamp) -> Vec<Sample> {
        let first =
            from.as_second().div_euclid(60) + i64::from(from.as_second().rem_euclid(60) > 0);
        let end = to.as_second().div_euclid(60) + i64::from(to.as_second().rem_euclid(60) > 0);
        (first..end)
            .filter_map(|minute| {
                Some(Sample {
                    at: Timestamp::from_second(minute * 60).ok()?,
                    cpu_percent: self.cpu(id, cpus, minute),
                    traffic: self.traffic(id, minute),
                })
            })
            .collect()
    }

    fn cpu(&self, id: &str, cpus: u32, minute: i64) -> f64 {
        let start = minute * 60;
        let within = |at: Timestamp| {
            let seconds = at.as_duration().as_secs_f64() - seconds(start);
            seconds.clamp(0.0, 60.0)
        };
        let mut busy: f64 = self
            .work
            .iter()
            .map(|work| (within(work.until) - within(work.from)) * work.cores)
            .sum();
        if let Some(traffic) = self.traffic.get(&minute) {
            busy +=
                f64::from(u32::try_from(traffic.requests).unwrap_or(u32::MAX)) * SECONDS_A_REQUEST;
        }
        busy += self.burnt.get(&minute).copied().unwrap_or_default();
        let percent = idle_percent(id, start) + busy / 60.0 / f64::from(cpus.max(1)) * 100.0;
        (percent.min(100.0) * 1e6).round() / 1e6
    }

    fn traffic(&self, id: &str, minute: i64) -> Traffic {
        let noise = noise(id, minute);
        let mut traffic = self.traffic.get(&minute).copied().unwrap_or_default();
        traffic.bytes_in += 300 + u64::from(noise[1]) * 3;
        traffic.bytes_out += 280 + u64::from(noise[2]) * 3;
        traffic.packets_in += 4 + u64::from(noise[3] % 6);
        traffic.packets_out += 4 + u64::from(noise[4] % 6);
        traffic
    }
}

#[allow(clippy::cast_precision_loss)] // Seconds since the epoch fit a double exactly.
fn seconds(whole: i64) -> f64 {
    whole as f64
}

/// Per cent of all processors that a machine needs for itself at a second since the epoch.
#[must_use]
pub fn idle_percent(id: &str, second: i64) -> f64 {
    0.18 + f64::from(noise(id, second.div_euclid(60))[0]) / 255.0 * 0.3
}

fn noise(id: &str, minute: i64) -> [u8; 32] {
    Sha256::digest(format!("{id} {minute}")).into()
}
