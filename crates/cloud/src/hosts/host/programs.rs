//! The programs that run outside of the machine and count as its own: the services of the
//! units that start them, where they listen, and what they leave in journal and load.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;

use super::Host;
use crate::hosts::machine::{Lodger, Machine};
use crate::hosts::users::{self, User};
use crate::hosts::{own_unit, services};

/// How many lines of the journal are kept where programs write many.
const JOURNAL: usize = 4000;

/// The units of a machine that run a hosted program, and since when.
fn hosted(machine: &Machine) -> impl Iterator<Item = (&str, Timestamp)> {
    let units = machine.units.iter().filter(|(_, unit)| unit.hosted);
    units.filter_map(|(name, unit)| Some((name.as_str(), unit.since?)))
}

/// What a unit runs.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it is started.
    pub folder: String,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
}

impl Host {
    /// A program comes to listen at `port`, or (`None`) goes.
    pub(crate) fn lodge(&mut self, port: u16, lodger: Option<Lodger>, now: Timestamp) {
        let machine = &mut self.look(now).present;
        match lodger {
            Some(lodger) => machine.lodgers.insert(port, lodger),
            None => machine.lodgers.remove(&port),
        };
    }

    /// The programs of a unit listen no more.
    pub(crate) fn evict(&mut self, unit: &str, now: Timestamp) {
        if self.timeline.is_some() {
            let machine = &mut self.look(now).present;
            machine.lodgers.retain(|_, lodger| lodger.unit != unit);
        }
    }

    /// The units that run a hosted program at `now`, and since when.
    #[must_use]
    pub(crate) fn hosted_units(&self, now: Timestamp) -> Vec<(String, Timestamp)> {
        let Some(timeline) = self.timeline.as_ref().filter(|_| self.is_on()) else {
            return Vec::new();
        };
        hosted(&timeline.present)
            .filter(|(_, since)| *since <= now)
            .map(|(name, since)| (name.to_owned(), since))
            .collect()
    }

    /// When the next unit with a hosted program starts or stops by itself.
    #[must_use]
    pub(crate) fn next_unit(&self, now: Timestamp) -> Option<Timestamp> {
        let timeline = self.timeline.as_ref().filter(|_| self.is_on())?;
        let starts = hosted(&timeline.present).map(|(_, since)| since);
        let starts = starts.filter(|since| *since > now).min();
        let present: Vec<_> = hosted(&timeline.present).collect();
        let turns = timeline.when(|next| !hosted(next).eq(present.iter().copied()));
        [starts, turns.filter(|at| *at > now)]
            .into_iter()
            .flatten()
            .min()
    }

    /// What the unit `name` runs.
    #[must_use]
    pub(crate) fn program(&mut self, name: &str, now: Timestamp) -> Option<Program> {
        let machine = &self.look(now).present;
        let own = own_unit::read(machine, name)?;
        let account = own.user.as_deref().unwrap_or("root");
        let home = users::by_name(&machine.disk, account)?.home;
        let mut environment = own.variables(machine).ok()?;
        environment.entry("HOME".to_owned()).or_insert(home);
        Some(Program {
            command: own.command(),
            folder: own.folder.unwrap_or_else(|| "/".to_owned()),
            environment,
        })
    }

    /// The program of a unit has ended by itself.
    pub(crate) fn unit_ended(&mut self, name: &str, since: Timestamp, status: i32, now: Timestamp) {
        let machine = &mut self.look(now).present;
        own_unit::ended(machine, name, since, status);
    }

    /// A program says something.
    pub(crate) fn say(&mut self, unit: &str, line: &str, now: Timestamp) {
        let timeline = self.look(now);
        let source = format!("opsh[{}]", services::pid(unit));
        timeline.present.note(unit, &source, line);
        timeline.shorten_journal(JOURNAL);
    }

    /// The files below a folder, by their path from there on.
    #[must_use]
    pub(crate) fn files(&mut self, folder: &str, now: Timestamp) -> BTreeMap<String, Bytes> {
        let machine = &self.look(now).present;
        let mut found = BTreeMap::new();
        let mut open = vec![String::new()];
        while let Some(below) = open.pop() {
            let path = format!("{}/{below}", folder.trim_end_matches('/'));
            for (name, node) in machine.disk.children(path.trim_end_matches('/')) {
                let inner = format!("{below}{name}");
                if node.is_directory() {
                    open.push(format!("{inner}/"));
                    continue;
                }
                let whole = format!("{}/{inner}", folder.trim_end_matches('/'));
                if let Ok(content) = machine.disk.read(&User::root(), &whole) {
                    found.insert(inner, content);
                }
            }
        }
        found
    }

    /// No program listens any more.
    pub(crate) fn clear_lodgers(&mut self, now: Timestamp) {
        if self.timeline.is_some() {
            self.look(now).present.lodgers.clear();
        }
    }

    /// Programs have kept `processors` busy for a while.
    pub(crate) fn burn(&mut self, from: Timestamp, to: Timestamp, processors: f64) {
        if let Some(timeline) = &mut self.timeline {
            timeline.present.activity.burn(from, to, processors);
        }
    }
}
