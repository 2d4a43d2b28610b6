//! Going on with a run: what its ledger knows answers instead of the world.
//!
//! A playbook has no clock, randomness or input but through the gate, so the same
//! answers lead it to the same calls. What it asks for is compared with what it
//! asked for then; where they differ it is another playbook, and nothing is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use opsh_operation::{Fault, FaultKind, Map, Settle, Value};
use serde_json::Value as Json;

use super::branch::StepPath;
use super::event::Step;
use super::prepare::CONTROLS_OF_PLACE;
use crate::ledger::{self, StepEffect, StepEnd, StepId};

/// Marks the fault of a playbook that is not the one that ran.
pub const CHANGED: &str = "changed";

/// What the ledger knows of a step.
#[derive(Debug)]
pub enum Recall {
    /// Nothing, or that it failed and the playbook ended: it is to be done.
    New,
    /// What came of it.
    Answered(Box<Result<Value, Fault>>),
    /// That it was begun; whether it was done is to be found out.
    Begun(Begun),
}

/// A write whose outcome is not known.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Its intent, if that still waits for an outcome.
    pub intent: Option<StepId>,
    /// The intent of the last try, if that has failed with an answer that says nothing.
    pub earlier: Option<StepId>,
    /// When it was begun first.
    pub since: Timestamp,
}

/// Everything that a run did before it was gone on with.
#[derive(Debug, Default)]
pub struct Replay {
    steps: BTreeMap<Vec<u32>, Recorded>,
    /// When the last of it happened.
    last: Option<Timestamp>,
    met: Mutex<BTreeSet<Vec<u32>>>,
    /// Below these, steps are done anew.
    anew: Mutex<Vec<Vec<u32>>>,
}

#[derive(Debug)]
struct Recorded {
    id: StepId,
    operation: String,
    input: Map,
    controls: Map,
    place: String,
    effect: StepEffect,
    since: Timestamp,
    end: Option<StepEnd>,
}

impl Replay {
    /// The recorded `steps` of a run, in their order.
    ///
    /// If the run `failed`, reads after its last write are forgotten: what made
    /// the playbook fail is among them, and nothing was done because of them.
    #[must_use]
    pub fn of(mut steps: Vec<ledger::Step>, failed: bool) -> Self {
        if failed {
            let written = steps
                .iter()
                .rposition(|step| step.effect == StepEffect::Write);
            steps.truncate(written.map_or(0, |at| at + 1));
        }
        let mut replay = Self::default();
        for step in steps {
            let ended = step.end.as_ref().map_or(step.started, |end| end.ended);
            replay.last = replay.last.max(Some(ended));
            let Ok(StepPath(path)) = step.path.parse() else {
                continue;
            };
            // A step that was tried again is there once for each try: the last counts.
            let first = replay.steps.get(&path).map(|earlier| earlier.since);
            let recorded = Recorded {
                id: step.id,
                operation: step.operation,
                input: step.input,
                controls: step.controls,
                place: step.place,
                effect: step.effect,
                since: first.unwrap_or(step.started),
                end: step.end,
            };
            replay.steps.insert(path, recorded);
        }
        replay
    }

    /// When the last recorded thing happened.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// What is known of `step`, which would send `sent` with `controls`.
    ///
    /// # Errors
    /// The playbook is not the one that ran.
    pub fn recall(&self, step: &Step, sent: &Map, controls: &Map) -> Result<Recall, Fault> {
        let path = &step.path.0;
        if self.is_anew(path) {
            return Ok(Recall::New);
        }
        self.forked_there(step)?;
        let Some(recorded) = self.steps.get(path) else {
            return match self.next_after(path) {
                None => Ok(Recall::New),
                Some((next, later)) => Err(changed(
                    step,
                    &format!("nothing was called there, and then {}", later.told(next)),
                )),
            };
        };
        self.lock(&self.met).insert(path.clone());
        recorded.must_be(step, sent, controls)?;
        Ok(match &recorded.end {
            Some(end) if end.result.is_ok() || self.next_after(path).is_some() => {
                Recall::Answered(Box::new(end.result.clone()))
            }
            Some(StepEnd {
                result: Err(fault), ..
            }) if recorded.effect == StepEffect::Write && leaves_open(fault) => {
                Recall::Begun(Begun {
                    intent: None,
                    earlier: Some(recorded.id),
                    since: recorded.since,
                })
            }
            Some(_) => Recall::New,
            None => Recall::Begun(Begun {
                intent: Some(recorded.id),
                earlier: None,
                since: recorded.since,
            }),
        })
    }

    /// What is known of `step`, whose own work is calls below it: what came of all
    /// of it, or nothing. Then everything below is done anew: what is left of a
    /// removal is found out by looking, not by repeating the way there.
    ///
    /// # Errors
    /// The playbook is not the one that ran.
    pub fn recall_whole(&self, step: &Step) -> Result<Option<Result<Value, Fault>>, Fault> {
        let path = &step.path.0;
        if self.is_anew(path) {
            return Ok(None);
        }
        let known = self.steps.get(path);
        if let Some(recorded) = known {
            self.lock(&self.met).insert(path.clone());
            recorded.must_be(step, &step.input, &Map::new())?;
        }
        let ended = known.and_then(|recorded| recorded.end.as_ref());
        match ended {
            Some(end) if end.result.is_ok() || self.next_after(path).is_some() => {
                Ok(Some(end.result.clone()))
            }
            _ => {
                self.lock(&self.anew).push(path.clone());
                Ok(None)
            }
        }
    }

    /// Whether the branch that comes to `next` has recorded steps from there on.
    #[must_use]
    pub fn ahead(&self, next: &StepPath) -> bool {
        let Some((number, branch)) = next.0.split_last() else {
            return false;
        };
        !self.is_anew(&next.0)
            && self
                .steps
                .range(next.0.clone()..)
                .next()
                .is_some_and(|(path, _)| {
                    path.starts_with(branch) && path.get(branch.len()) >= Some(number)
                })
    }

    /// What was recorded and never asked for again, if the playbook has come to its end.
    #[must_use]
    pub fn missed(&self) -> Option<String> {
        let met = self.lock(&self.met);
        self.steps
            .iter()
            .find(|(path, recorded)| {
                recorded.effect == StepEffect::Write && !met.contains(*path) && !self.is_anew(path)
            })
            .map(|(path, recorded)| recorded.told(path))
    }

    fn is_anew(&self, path: &[u32]) -> bool {
        self.lock(&self.anew)
            .iter()
            .any(|above| path.len() > above.len() && path.starts_with(above))
    }

    /// The first recorded step after `path` in its branch or in one that it is part of.
    ///
    /// Numbers at even places of a path count steps, those at odd places tell
    /// parallel branches apart, which do not come after each other.
    fn next_after(&self, path: &[u32]) -> Option<(&Vec<u32>, &Recorded)> {
        (0..path.len()).step_by(2).rev().find_map(|at| {
            let mut from = path[..=at].to_vec();
            from[at] = from[at].checked_add(1)?;
            self.steps
                .range(from..)
                .next()
                .filter(|(other, _)| other.starts_with(&path[..at]))
        })
    }

    /// Refuses a step inside of a fork that was a call, and a call that was a fork.
    fn forked_there(&self, step: &Step) -> Result<(), Fault> {
        let path = &step.path.0;
        for at in (0..path.len() - 1).step_by(2) {
            let fork = &path[..=at];
            if let Some(recorded) = self.steps.get(fork)
                && !self.is_anew(path)
            {
                return Err(changed(step, &recorded.told(fork)));
            }
        }
        let below = self.steps.range(path.clone()..).next();
        match below {
            Some((other, recorded)) if other.len() > path.len() && other.starts_with(path) => {
                Err(changed(
                    step,
                    &format!("a parallel::map, which called {}", recorded.told(other)),
                ))
            }
            _ => Ok(()),
        }
    }

    #[allow(clippy::unused_self)] // reads as what it is: the replay's own lock
    fn lock<'a, T>(&self, what: &'a Mutex<T>) -> MutexGuard<'a, T> {
        what.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorded {
    /// `step 7 was ec2::run_instances (p.rhai:3:1)`.
    fn told(&self, path: &[u32]) -> String {
        format!(
            "step {} was {} ({})",
            StepPath(path.to_vec()),
            self.operation,
            self.place
        )
    }

    /// Refuses another operation, or other parameters.
    fn must_be(&self, step: &Step, sent: &Map, controls: &Map) -> Result<(), Fault> {
        let was = self.told(&step.path.0);
        if self.operation != step.operation.full_name() {
            return Err(changed(step, &was));
        }
        match self.difference(step, sent, controls) {
            None => Ok(()),
            Some(Difference { name, then, now }) => Err(changed_to(
                step,
                &format!("{was} with {name} {then}"),
                &format!(" with {name} {now}"),
            )),
        }
    }

    /// The first parameter that is not as it was.
    fn difference(&self, step: &Step, sent: &Map, controls: &Map) -> Option<Difference> {
        let place = |map: &Map| -> Map {
            map.iter()
                .filter(|(name, _)| CONTROLS_OF_PLACE.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        // A token that the gate derives differs only because something else does.
        let derived = match step.operation.write().map(|write| write.settle) {
            Some(Settle::Token(name)) if !step.input.contains_key(name) => Some(name),
            _ => None,
        };
        let given = |map: &Map| -> Map {
            let mut map = map.clone();
            map.retain(|name, _| Some(name.as_str()) != derived);
            map
        };
        first_difference(&given(&self.input), &given(sent))
            .or_else(|| first_difference(&place(&self.controls), &place(controls)))
    }
}

/// A parameter as it was and as it is.
struct Difference {
    name: String,
    then: String,
    now: String,
}

/// Whether a failed write may have been done all the same.
#[must_use]
fn leaves_open(fault: &Fault) -> bool {
    fault.open || is_cut_off(fault)
}

/// Whether a call was cut off by the end of its run.
#[must_use]
pub fn is_cut_off(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Interrupted | FaultKind::Deadline)
}

fn first_difference(then: &Map, now: &Map) -> Option<Difference> {
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    names.into_iter().find_map(|name| {
        let (then, now) = (then.get(name), now.get(name));
        (comparable(then) != comparable(now)).then(|| Difference {
            name: name.clone(),
            then: shown(then),
            now: shown(now),
        })
    })
}

/// Values as they are after a passage through the ledger.
fn comparable(value: Option<&Value>) -> Json {
    value.map_or(Json::Null, |value| {
        value.to_record(&|secret| secret.reveal().into())
    })
}

fn shown(value: Option<&Value>) -> String {
    const LONGEST: usize = 60;
    let text = match value {
        None => return "nothing".to_owned(),
        Some(value) => value.to_json().to_string(),
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    let short: String = text.chars().take(LONGEST).collect();
    format!("{short}…")
}

fn changed(now: &Step, was: &str) -> Fault {
    changed_to(now, was, "")
}

fn changed_to(now: &Step, was: &str, with: &str) -> Fault {
    let fault = Fault::new(
        FaultKind::Invalid,
        format!(
            "the playbook changed in the part that already ran: {was}; now step {} is {} ({}){with}",
            now.path,
            now.operation.full_name(),
            now.site
        ),
    )
    .hint(
        "undo the change and resume again; or keep it, and run the playbook anew after \
         `opsh undo` has removed what this run made",
    );
    super::fatal(fault, CHANGED)
}

#[cfg(test)]
mod tests;
