//! Letting the time go on, and telling what happens meanwhile.
//!
//! The time moves from event to event, so what changes (an instance's stage, a target's
//! health) is seen when it does; what the services note themselves (activities, alarms,
//! messages, functions' logs, objects) is told with the time that they noted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;
use crate::services::autoscaling::activity::Status;
use crate::services::cloudwatch::history;
use crate::services::{ec2, elbv2, lambda, s3};
use crate::state::State;
use crate::store::StoreError;

/// No two looks are nearer to each other.
const STEP: SignedDuration = SignedDuration::from_secs(1);
/// How long functions may take, in real time, where the clock follows the real one.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often they are looked at meanwhile.
const GLANCE: Duration = Duration::from_millis(5);

/// What something that happened is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An instance came to another stage.
    Instance,
    /// A target's health is another.
    Target,
    /// An alarm has another verdict.
    Alarm,
    /// A group launches, replaces or terminates.
    Group,
    /// A function began to run.
    Run,
    /// A line of a function's log.
    Function,
    /// A snapshot was begun.
    Snapshot,
    /// An object was written.
    Object,
    /// SNS delivered a message.
    Message,
}

impl Kind {
    /// As people read it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Target => "target",
            Self::Alarm => "alarm",
            Self::Group => "group",
            Self::Run => "run",
            Self::Function => "function",
            Self::Snapshot => "snapshot",
            Self::Object => "object",
            Self::Message => "message",
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Happening {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub kind: Kind,
    /// To what: an id, a name, an address.
    pub to: String,
    /// What, in words.
    pub what: String,
}

impl Happening {
    fn new(at: Timestamp, kind: Kind, to: &str, what: impl Into<String>) -> Self {
        Self {
            at,
            kind,
            to: to.to_owned(),
            what: what.into(),
        }
    }
}

impl Cloud {
    /// Lets the time go on until `end`, with all that happens by then, and gives it to
    /// `tell` in order; all of it is on disk in the end.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn live_until(
        &self,
        end: Timestamp,
        stop: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(Happening),
    ) -> Result<(), StoreError> {
        self.live(end, stop, tell, || {})
    }

    /// The same for a command that ends then: so do the programs of services in this
    /// process, see [`Cloud::close_programs`].
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn live_and_close(
        &self,
        end: Timestamp,
        stop: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(Happening),
    ) -> Result<(), StoreError> {
        self.live(end, stop, tell, || {
            // Functions that are under way may still ask them something.
            self.rest(stop);
            self.close_programs();
        })
    }

    /// Lives until `end` and does `last`; then what is under way comes to its end, as at
    /// the end of every command.
    fn live(
        &self,
        end: Timestamp,
        stop: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(Happening),
        last: impl FnOnce(),
    ) -> Result<(), StoreError> {
        let mut watch = self.look(Watch::begin);
        self.pass_until(end, stop, &mut watch, tell);
        last();
        self.rest(stop);
        self.look(|state| watch.look(state, tell));
        self.save()
    }

    fn pass_until(
        &self,
        end: Timestamp,
        stop: &dyn Fn() -> bool,
        watch: &mut Watch,
        tell: &mut dyn FnMut(Happening),
    ) {
        loop {
            let now = self.clock().now();
            if now >= end || stop() {
                break;
            }
            let next = self.look(|state| {
                let queued = lambda::queue::next(state, false);
                state.events.next().into_iter().chain(queued).min()
            });
            let soonest = now.checked_add(STEP).unwrap_or(end);
            self.clock()
                .reach(next.unwrap_or(end).max(soonest).min(end));
            if self.clock().follows() {
                self.clock().catch_up();
                self.let_functions_end(stop);
            }
            self.look(|state| watch.look(state, tell));
        }
    }

    /// Waits for functions that run at the pace of the real clock.
    fn let_functions_end(&self, stop: &dyn Fn() -> bool) {
        let begun = Instant::now();
        while self.clock().has_detached() && begun.elapsed() < PATIENCE && !stop() {
            self.clock().as_branch(|_| {});
            std::thread::sleep(GLANCE);
        }
    }
}

/// What has been seen already.
struct Watch {
    since: Timestamp,
    /// Stages and healths, by what they are of.
    conditions: BTreeMap<(Kind, String), String>,
    /// What was told of the time since `since`.
    told: BTreeSet<Happening>,
    /// How many lines each function had written.
    lines: BTreeMap<String, u64>,
    /// How many messages had been delivered.
    delivered: usize,
}

impl Watch {
    fn begin(state: &State) -> Self {
        Self {
            since: state.now,
            conditions: conditions(state),
            told: notes(state, state.now).into_iter().collect(),
            lines: written(state),
            delivered: state.sns.outbox.len(),
        }
    }

    /// Tells what is new.
    fn look(&mut self, state: &State, tell: &mut dyn FnMut(Happening)) {
        let mut new = Vec::new();
        let conditions = conditions(state);
        for ((kind, to), what) in &conditions {
            if self.conditions.get(&(*kind, to.clone())) != Some(what) {
                new.push(Happening::new(state.now, *kind, to, what));
            }
        }
        let notes = notes(state, self.since);
        new.extend(
            notes
                .iter()
                .filter(|note| !self.told.contains(note))
                .cloned(),
        );
        new.extend(self.said(state));
        new.extend(self.delivered(state));
        new.sort_by_key(|happening| happening.at);
        new.into_iter().for_each(tell);
        *self = Self {
            since: state.now,
            conditions,
            told: notes.into_iter().collect(),
            lines: written(state),
            delivered: state.sns.outbox.len(),
        };
    }

    /// The lines that functions have written since the last look.
    fn said(&self, state: &State) -> Vec<Happening> {
        let mut all = Vec::new();
        for (name, function) in &state.lambda.functions {
            let before = self.lines.get(name).copied().unwrap_or(0);
            for (at, line) in function.log.since(before) {
                if line.starts_with("START RequestId: ") {
                    all.push(Happening::new(at, Kind::Run, name, "begins"));
                } else if !line.starts_with("END ") && !line.starts_with("REPORT ") {
                    all.push(Happening::new(at, Kind::Function, name, message(line)));
                }
            }
        }
        all
    }

    /// What SNS has delivered since the last look.
    fn delivered(&self, state: &State) -> Vec<Happening> {
        let outbox = &state.sns.outbox;
        let new = outbox.get(self.delivered..).unwrap_or(outbox);
        new.iter()
            .map(|delivery| {
                let topic = delivery.topic.rsplit(':').next().unwrap_or_default();
                let first = delivery.body.lines().next().unwrap_or_default();
                let what = delivery.subject.as_deref().unwrap_or(first);
                let what = format!("{topic}: {what}");
                Happening::new(delivery.at, Kind::Message, &delivery.endpoint, what)
            })
            .collect()
    }
}

/// A line of a function's log without its time and the id of its request, as text logs
/// have them.
fn message(line: &str) -> &str {
    let mut words = line.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some(time), Some(_), Some(rest)) if time.parse::<Timestamp>().is_ok() => rest,
        _ => line,
    }
}

/// The stages of instances and the healths of targets.
fn conditions(state: &State) -> BTreeMap<(Kind, String), String> {
    let mut all = BTreeMap::new();
    for (id, stage) in ec2::stages(state) {
        all.insert((Kind::Instance, id.to_owned()), stage.name().to_owned());
    }
    for group in state.elbv2.groups.values() {
        for target in &group.targets {
            let (health, _, why) = elbv2::health::verdict(state, group, target);
            let why = why.filter(|_| health == "unhealthy");
            let what = why.map_or_else(|| health.to_owned(), |why| format!("{health}: {why}"));
            let to = format!("{} of {}", target.id, group.name);
            all.insert((Kind::Target, to), what);
        }
    }
    all
}

/// How many lines each function has written.
fn written(state: &State) -> BTreeMap<String, u64> {
    let functions = state.lambda.functions.iter();
    functions
        .map(|(name, function)| (name.clone(), function.log.written()))
        .collect()
}

/// What services have noted of the time since `since`.
fn notes(state: &State, since: Timestamp) -> Vec<Happening> {
    let mut all = Vec::new();
    for activity in &state.autoscaling.activities {
        let mut note = |at: Timestamp, what: String| {
            if at >= since {
                all.push(Happening::new(at, Kind::Group, &activity.group, what));
            }
        };
        note(activity.start, activity.description.clone());
        if let (Status::Failed, Some(end), Some(why)) =
            (activity.status, activity.end, &activity.message)
        {
            note(end, format!("{}: {why}", activity.description));
        }
    }
    let history = state.cloudwatch.history.iter().rev();
    for item in history.take_while(|item| item.at >= since) {
        if item.kind == history::Kind::StateUpdate {
            let what = item.summary.trim_start_matches("Alarm updated ");
            all.push(Happening::new(item.at, Kind::Alarm, &item.alarm, what));
        }
    }
    for (at, id, what) in ec2::snapshots_since(state, since) {
        all.push(Happening::new(at, Kind::Snapshot, id, what));
    }
    for (at, place, size) in s3::written_since(state, since) {
        all.push(Happening::new(
            at,
            Kind::Object,
            &place,
            format!("{size} bytes"),
        ));
    }
    all
}
