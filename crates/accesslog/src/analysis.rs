//! What is counted of the lines of a log, and how the counts of two logs become one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bounded::{Bounded, Weighed};
use crate::clients::Client;
use crate::inflate::BLOCK;
use crate::latency::Latency;
use crate::line::{Line, Malformed};
use crate::rules::Compiled;
use crate::suspects::{Attempt, Suspect};
use crate::targets::Target;
use crate::text::{Samples, lossy};
use crate::traffic::{Figures, Traffic};

/// Clients that are remembered for sure: with twice as many a table of 2^15 slots is full.
const CLIENTS: usize = 14_336;
/// Suspects that are remembered for sure; each can take some kilobytes.
const SUSPECTS: usize = 896;
/// A balancer has some hundred targets.
const TARGETS: usize = 512;
/// Clients of whom sample lines are kept because they ask too often.
const BUSY: usize = 64;
/// Malformed lines that are shown.
const EXAMPLES: usize = 5;
/// How much of a malformed line is shown.
const EXAMPLE: usize = 200;

/// A line that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The log.
    pub source: Arc<str>,
    /// Which line of it, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: Malformed,
    /// How it begins.
    pub text: String,
}

/// Sample lines of a client who asks too often.
#[derive(Default)]
pub(crate) struct Busy {
    requests: u64,
    pub(crate) samples: Samples,
}

impl Weighed for Busy {
    fn weight(&self) -> u64 {
        self.requests
    }

    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.samples.add(other.samples);
    }
}

/// The tables of a log's counts: megabytes, which are used again for the next log.
pub(crate) struct Tables {
    pub(crate) clients: Bounded<Client>,
    pub(crate) busy: Bounded<Busy>,
    pub(crate) suspects: Bounded<Suspect>,
    pub(crate) targets: Bounded<Target>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            clients: Bounded::new(CLIENTS),
            busy: Bounded::new(BUSY),
            suspects: Bounded::new(SUSPECTS),
            targets: Bounded::new(TARGETS),
        }
    }
}

impl Tables {
    /// Adds what `other` holds, and leaves it empty.
    fn take_from(&mut self, other: &mut Self) {
        self.clients.take_from(&mut other.clients);
        self.busy.take_from(&mut other.busy);
        self.suspects.take_from(&mut other.suspects);
        self.targets.take_from(&mut other.targets);
    }
}

/// The counts of a log, or of several.
pub(crate) struct Analysis {
    pub(crate) rules: Arc<Compiled>,
    pub(crate) lines: u64,
    pub(crate) malformed: u64,
    pub(crate) examples: Vec<Example>,
    pub(crate) traffic: Traffic,
    pub(crate) latency: Latency,
    pub(crate) tables: Tables,
    pub(crate) probes: Vec<u64>,
    pub(crate) classifications: BTreeMap<Box<[u8]>, u64>,
    pub(crate) first: Box<[u8]>,
    pub(crate) last: Box<[u8]>,
    source: Arc<str>,
    number: u64,
    clock: Clock,
    scratch: Vec<u8>,
}

impl Analysis {
    /// Of `source`, in empty tables.
    pub(crate) fn new(rules: Arc<Compiled>, source: Arc<str>, tables: Tables) -> Self {
        let probes = vec![0; rules.rules.probes.len()];
        Self {
            rules,
            lines: 0,
            malformed: 0,
            examples: Vec::new(),
            traffic: Traffic::default(),
            latency: Latency::default(),
            tables,
            probes,
            classifications: BTreeMap::new(),
            first: Box::default(),
            last: Box::default(),
            source,
            number: 0,
            clock: Clock::default(),
            scratch: Vec::new(),
        }
    }

    /// Counts a line; an empty one is none.
    pub(crate) fn line(&mut self, bytes: &[u8]) {
        self.number += 1;
        if bytes.is_empty() {
            return;
        }
        self.lines += 1;
        let parsed = if bytes.len() >= BLOCK {
            Err(Malformed::Long(BLOCK))
        } else {
            Line::parse(bytes)
        };
        let read = parsed.and_then(|line| Ok((self.clock.minute(line.time)?, line)));
        match read {
            Ok((minute, line)) => self.count(minute, &line, bytes),
            Err(reason) => self.refuse(reason, bytes),
        }
    }

    fn refuse(&mut self, reason: Malformed, bytes: &[u8]) {
        self.malformed += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(Example {
                source: Arc::clone(&self.source),
                line: self.number,
                reason,
                text: lossy(&bytes[..bytes.len().min(EXAMPLE)]),
            });
        }
    }

    #[inline]
    fn count(&mut self, minute: u32, line: &Line<'_>, bytes: &[u8]) {
        let (is_4xx, is_5xx) = (
            u64::from(line.status / 100 == 4),
            u64::from(line.status / 100 == 5),
        );
        self.traffic.note(
            minute,
            &Figures {
                requests: 1,
                received: line.received,
                sent: line.sent,
                errors_4xx: is_4xx,
                errors_5xx: is_5xx,
            },
        );
        self.span(line.time);
        if let Some(milliseconds) = line.milliseconds {
            self.latency.note(milliseconds);
        }
        let client = self.tables.clients.entry(line.client);
        client.received += line.received;
        client.sent += line.sent;
        client.errors_4xx += is_4xx;
        client.errors_5xx += is_5xx;
        let asked = u64::from(client.ask(minute));
        if asked >= self.rules.rules.requests_per_minute.div_ceil(4) {
            let busy = self.tables.busy.entry(line.client);
            busy.requests += 1;
            busy.samples.note(bytes);
        }
        let target = self.tables.targets.entry(line.target);
        target.requests += 1;
        target.errors_4xx += is_4xx;
        target.errors_5xx += is_5xx;
        target.slowest = target.slowest.max(line.milliseconds.unwrap_or_default());
        if is_5xx == 1 {
            // Where the target itself said so, its status is there.
            target.unanswered += u64::from(line.target_status != line.status);
            target.samples.note(bytes);
        }
        self.suspect(line, bytes);
        if line.classification != b"-" {
            self.classify(line.classification, 1);
        }
    }

    #[inline]
    fn suspect(&mut self, line: &Line<'_>, bytes: &[u8]) {
        let missing = self.rules.is_missing(line.status);
        let probe = self.rules.probe(line.path, &mut self.scratch);
        if !missing && probe.is_none() {
            return;
        }
        if let Some(probe) = probe {
            self.probes[probe] += 1;
        }
        self.tables.suspects.entry(line.client).note(&Attempt {
            time: line.time,
            path: line.path,
            status: line.status,
            missing,
            probe: probe.is_some(),
            line: bytes,
        });
    }

    /// Three are known; whatever else a line says there must not fill the memory.
    fn classify(&mut self, classification: &[u8], lines: u64) {
        const KNOWN: usize = 16;
        if let Some(count) = self.classifications.get_mut(classification) {
            *count += lines;
        } else if self.classifications.len() < KNOWN && classification.len() <= 32 {
            self.classifications.insert(classification.into(), lines);
        }
    }

    /// Times of the same form compare as their bytes do.
    #[inline]
    fn span(&mut self, time: &[u8]) {
        if *time > *self.last {
            replace(&mut self.last, time);
        }
        if self.first.is_empty() || *time < *self.first {
            replace(&mut self.first, time);
        }
    }

    /// Adds the counts of a later log; gives its tables, empty.
    pub(crate) fn merge(&mut self, mut other: Self) -> Tables {
        self.lines += other.lines;
        self.malformed += other.malformed;
        let room = EXAMPLES - self.examples.len();
        self.examples.extend(other.examples.into_iter().take(room));
        self.traffic.merge(&other.traffic);
        self.latency.add(other.latency);
        self.tables.take_from(&mut other.tables);
        for (count, theirs) in self.probes.iter_mut().zip(other.probes) {
            *count += theirs;
        }
        for (classification, count) in other.classifications {
            self.classify(&classification, count);
        }
        for time in [other.first, other.last] {
            if !time.is_empty() {
                self.span(&time);
            }
        }
        other.tables
    }
}

fn replace(held: &mut Box<[u8]>, time: &[u8]) {
    if held.len() == time.len() {
        held.copy_from_slice(time);
    } else {
        *held = time.into();
    }
}

/// Minutes since 1970 of times, most of which are in the same minute as the one before.
#[derive(Default)]
struct Clock {
    /// `2026-09-17T05:19:`
    prefix: [u8; 17],
    minute: u32,
}

impl Clock {
    #[inline]
    fn minute(&mut self, time: &[u8]) -> Result<u32, Malformed> {
        if !time.starts_with(&self.prefix) {
            self.minute = minute_of(time).ok_or(Malformed::Field(1, "time"))?;
            self.prefix.copy_from_slice(&time[..17]);
        }
        Ok(self.minute)
    }
}

/// The minute since 1970 of `2026-09-17T05:19:57.006409Z`.
fn minute_of(time: &[u8]) -> Option<u32> {
    let number = |from: usize, to: usize| {
        time.get(from..to)?.iter().try_fold(0_u32, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + u32::from(byte - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute) = (number(11, 13)?, number(14, 16)?);
    let fits = time[4] == b'-'
        && time[7] == b'-'
        && time[13] == b':'
        && time[16] == b':'
        && (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60;
    fits.then(|| (days(year, month, day) * 24 + hour) * 60 + minute)
}

/// Days since 1970-01-01 of a day of the Gregorian calendar: years begin in March, so the
/// leap day is the last of its year.
fn days(year: u32, month: u32, day: u32) -> u32 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    // 719,468 days from the first of March of the year 0 to 1970.
    365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn classifications_of_many_logs_are_as_few_as_those_of_one() {
        let of = |names: std::ops::Range<u32>| {
            let rules = Arc::new(Compiled::new(crate::rules::Rules::default()).unwrap());
            let mut one = Analysis::new(rules, "log".into(), Tables::default());
            for name in names {
                one.classify(format!("Kind{name}").as_bytes(), 1);
            }
            one
        };
        let mut whole = of(0..12);
        whole.merge(of(4..30));
        assert_eq!(whole.classifications.len(), 16);
        assert_eq!(whole.classifications[&b"Kind3"[..]], 1);
        assert_eq!(whole.classifications[&b"Kind4"[..]], 2);
    }

    #[test]
    fn minutes_are_those_of_the_calendar() {
        let minute = |text: &str| minute_of(format!("{text}:00.000000Z").as_bytes());
        assert_eq!(minute("1970-01-01T00:00"), Some(0));
        assert_eq!(minute("1970-03-01T00:01"), Some(59 * 1440 + 1));
        assert_eq!(minute("2000-02-29T12:00"), Some(951_825_600 / 60));
        assert_eq!(minute("2026-09-17T05:19"), Some(1_789_622_340 / 60));
        for wrong in [
            "2026-13-01T00:00",
            "2026-01-01T24:00",
            "20x6-01-01T00:00",
            "2026/01-01T00:00",
        ] {
            assert_eq!(minute(wrong), None, "{wrong}");
        }
    }
}
