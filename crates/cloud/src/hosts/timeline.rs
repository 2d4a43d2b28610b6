//! A machine's present and what is already known of its future.
//!
//! User-data takes minutes of virtual time, and somebody may log in meanwhile. The
//! script is therefore run once, when the machine is first looked at, on a copy that
//! notes a checkpoint each time virtual time passes. The checkpoints are the machine's
//! future; looking at it at some time brings it to the last checkpoint before then.
//! What others change in the meantime is carried into the checkpoints ahead, except
//! where the script changes the same thing later.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::machine::Machine;

/// A machine in time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Timeline {
    /// The machine as it is.
    pub present: Machine,
    /// What the checkpoints ahead know of the present.
    known: Option<Box<Machine>>,
    /// The machine as it is going to be, in order of their clocks.
    ahead: VecDeque<Machine>,
    /// Whether passing time notes checkpoints.
    #[serde(skip)]
    recording: Option<Vec<Machine>>,
    /// What detached commands did during the recording: before and after.
    #[serde(skip)]
    branches: Vec<(Machine, Machine)>,
}

impl Timeline {
    /// A machine with nothing ahead.
    #[must_use]
    pub fn new(present: Machine) -> Self {
        Self {
            present,
            known: None,
            ahead: VecDeque::new(),
            recording: None,
            branches: Vec::new(),
        }
    }

    /// From now on, passing time notes checkpoints instead of meeting them.
    pub fn record(&mut self) {
        self.recording = Some(Vec::new());
    }

    /// Ends a recording that began with the machine `before`: its checkpoints are the future.
    #[must_use]
    pub fn recorded(self, before: Machine) -> Self {
        let mut ahead: VecDeque<Machine> = self.recording.unwrap_or_default().into();
        ahead.push_back(self.present);
        let mut timeline = Self {
            known: Some(Box::new(before.clone())),
            present: before,
            ahead,
            recording: None,
            branches: Vec::new(),
        };
        for (before, end) in self.branches {
            timeline.branch(&before, end);
        }
        timeline
    }

    /// Brings the machine to `now`, if that is ahead.
    pub fn reach(&mut self, now: Timestamp) {
        self.carry();
        while self.ahead.front().is_some_and(|next| next.clock <= now) {
            if let Some(next) = self.ahead.pop_front() {
                self.known = Some(Box::new(next.clone()));
                self.present = next;
            }
        }
        if self.ahead.is_empty() {
            self.known = None;
        }
        self.present.clock = self.present.clock.max(now);
    }

    /// Lets time pass for the command that is running.
    pub fn pass(&mut self, time: SignedDuration) {
        let then = self
            .present
            .clock
            .checked_add(time)
            .unwrap_or(Timestamp::MAX);
        if let Some(recording) = &mut self.recording {
            if recording
                .last()
                .is_none_or(|last| !same_but_clock(last, &self.present))
            {
                recording.push(self.present.clone());
            }
            self.present.clock = then;
        } else {
            self.reach(then);
        }
    }

    /// When something will first be so, as far as is known; `None` if it is not ahead.
    #[must_use]
    pub fn when(&self, so: impl Fn(&Machine) -> bool) -> Option<Timestamp> {
        self.ahead
            .iter()
            .find(|next| so(next))
            .map(|next| next.clock)
    }

    /// When what is ahead installs or removes the last package; `None` if nothing does.
    #[must_use]
    pub fn packages_settle_at(&self) -> Option<Timestamp> {
        let mut before = &self.present;
        let mut settled = None;
        for next in &self.ahead {
            if next.packages != before.packages {
                settled = Some(next.clock);
            }
            before = next;
        }
        settled
    }

    /// Drops the oldest lines of the journal when there are more than `most`, a quarter at a
    /// time; not while what is ahead still compares itself with the present.
    pub fn shorten_journal(&mut self, most: usize) {
        let journal = &mut self.present.journal;
        if self.ahead.is_empty() && self.recording.is_none() && journal.len() > most {
            journal.drain(..most / 4);
        }
    }

    /// Drops what is ahead, as a power cut does.
    pub fn cut(&mut self) {
        self.ahead.clear();
        self.known = None;
    }

    /// Adds what a detached command did: `end` is the machine it left, from `before`.
    pub fn branch(&mut self, before: &Machine, end: Machine) {
        if self.recording.is_some() {
            self.branches.push((before.clone(), end));
            return;
        }
        self.carry();
        // What is ahead of the branch's end learns of it there; what is before does not.
        let position = self
            .ahead
            .iter()
            .position(|next| next.clock > end.clock)
            .unwrap_or(self.ahead.len());
        let onto = if position == 0 {
            &self.present
        } else {
            &self.ahead[position - 1]
        };
        let mut merged = onto.clone();
        merged.clock = end.clock;
        carry(before, &end, &mut merged);
        for next in self.ahead.iter_mut().skip(position) {
            carry(before, &end, next);
        }
        self.ahead.insert(position, merged);
        self.known = Some(Box::new(self.present.clone()));
    }

    /// Carries what changed in the present since the last checkpoint into those ahead.
    fn carry(&mut self) {
        let Some(known) = &mut self.known else { return };
        if same_but_clock(known, &self.present) {
            return;
        }
        for next in &mut self.ahead {
            carry(known, &self.present, next);
        }
        **known = self.present.clone();
    }
}

fn same_but_clock(one: &Machine, other: &Machine) -> bool {
    one.disk == other.disk
        && one.packages == other.packages
        && one.units == other.units
        && one.sites == other.sites
        && one.lodgers == other.lodgers
        && one.journal.len() == other.journal.len()
        && one.activity == other.activity
        && one.drawn == other.drawn
}

/// Brings into `into` what differs between `base` and `ours`.
fn carry(base: &Machine, ours: &Machine, into: &mut Machine) {
    merge(
        &base.disk.changed,
        &ours.disk.changed,
        &mut into.disk.changed,
    );
    merge(&base.packages, &ours.packages, &mut into.packages);
    merge(&base.units, &ours.units, &mut into.units);
    merge(&base.sites, &ours.sites, &mut into.sites);
    merge(&base.lodgers, &ours.lodgers, &mut into.lodgers);
    let new = ours.journal.iter().skip(base.journal.len()).cloned();
    into.journal.extend(new);
    into.journal.sort_by_key(|entry| entry.at);
    let new = ours.activity.work.iter().skip(base.activity.work.len());
    into.activity.work.extend(new.cloned());
    for (minute, traffic) in &ours.activity.traffic {
        let before = base
            .activity
            .traffic
            .get(minute)
            .copied()
            .unwrap_or_default();
        let here = into.activity.traffic.entry(*minute).or_default();
        here.bytes_in += traffic.bytes_in - before.bytes_in;
        here.bytes_out += traffic.bytes_out - before.bytes_out;
        here.packets_in += traffic.packets_in - before.packets_in;
        here.packets_out += traffic.packets_out - before.packets_out;
        here.requests += traffic.requests - before.requests;
    }
    for (minute, seconds) in &ours.activity.burnt {
        let before = base.activity.burnt.get(minute).copied();
        *into.activity.burnt.entry(*minute).or_default() += seconds - before.unwrap_or_default();
    }
    into.drawn += ours.drawn - base.drawn;
}

/// What `ours` changed from `base` goes into `into`, unless that changed it too.
fn merge<K: Ord + Clone, V: PartialEq + Clone>(
    base: &BTreeMap<K, V>,
    ours: &BTreeMap<K, V>,
    into: &mut BTreeMap<K, V>,
) {
    for (key, value) in ours {
        if base.get(key) != Some(value) && into.get(key) == base.get(key) {
            into.insert(key.clone(), value.clone());
        }
    }
    for key in base.keys() {
        if !ours.contains_key(key) && into.get(key) == base.get(key) {
            into.remove(key);
        }
    }
}
