//! What an undo would do with each write of a run, as far as the ledger knows.

use std::collections::{BTreeMap, BTreeSet};

use opsh_operation::select::{self, Roots};
use opsh_operation::{Before, FaultKind, Inverse, Map, Operation, Value, validate};

use super::{bound, since};
use crate::gate::event::Made;
use crate::gate::{before, inverse};
use crate::ledger::{Call, Error, Ledger, Life, Resource, Run, RunId, Secrets, Step, StepId};
use crate::modules::registry::registry;

/// The writes of a run and what becomes of them, the last first.
#[derive(Debug)]
pub struct Plan {
    /// The run.
    pub run: Run,
    /// Its writes.
    pub items: Vec<Item>,
}

/// A write and what becomes of it.
#[derive(Debug)]
pub struct Item {
    /// The write.
    pub step: Step,
    /// What it made, as `(kind, id)`.
    pub made: Vec<(String, String)>,
    /// What the ledger has as made by it.
    pub own: Vec<Resource>,
    /// What becomes of it.
    pub fate: Fate,
}

impl Item {
    /// What the write was about: of the things that it names those that it has changed.
    #[must_use]
    pub fn about(&self) -> &Map {
        let operation = registry().get(&self.step.operation);
        let write = operation.and_then(|entry| entry.operation.write());
        let counts = write
            .and_then(|write| write.before)
            .is_some_and(|before| before.every.is_some());
        match &self.fate {
            Fate::Undo { calls, .. } if counts && !calls.is_empty() => &calls[0].input,
            _ => &self.step.input,
        }
    }
}

/// What an undo does with a write.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It is undone by these calls.
    Undo {
        /// The calls, in order.
        calls: Vec<Call>,
        /// Those that an undo before this one has done.
        done: BTreeSet<u32>,
    },
    /// It was in flight when its process ended: found out first.
    InFlight,
    /// It was in flight, and cannot be found out; why.
    Unknown(String),
    /// It is undone already, or was removed since.
    Over(String),
    /// It leaves nothing behind; why.
    Nothing(String),
    /// It cannot be undone; why.
    Impossible(String),
}

impl Fate {
    /// Whether there is something to do.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        matches!(self, Self::Undo { .. } | Self::InFlight | Self::Unknown(_))
    }
}

impl Plan {
    /// What undoing `run` would do.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn of(ledger: &mut Ledger, run: Run) -> Result<Self, Error> {
        let lives = ledger.lives(&run.stack)?;
        let events = ledger.events(&run.id, Secrets::Hidden)?;
        let mut tried = Tried::new();
        let mut steps = Vec::new();
        // What a service's events did, it did.
        let parts = events.iter().map(|event| &event.run.id);
        for id in std::iter::once(&run.id).chain(parts) {
            note_tried(ledger, id, &mut tried)?;
            steps.extend(ledger.writes(id, Secrets::Opened)?);
        }
        steps.sort_by_key(|step| std::cmp::Reverse(step.id));
        let runs: BTreeSet<RunId> = steps.iter().map(|step| step.run.clone()).collect();
        let mut items: Vec<Item> = steps
            .into_iter()
            .map(|step| item(step, &runs, &lives, &tried))
            .collect();
        note_unchanged(ledger, &mut items)?;
        only_the_last_try(&mut items);
        since::note(ledger, &mut items)?;
        bound::with_their_things(&mut items);
        Ok(Self { run, items })
    }

    /// Whether there is something to do.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.items.iter().any(|item| item.fate.is_pending())
    }
}

/// What became of the calls of each step's inverse in the undos before.
type Tried = BTreeMap<StepId, BTreeMap<u32, Came>>;

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    /// It was done.
    Done,
    /// What it was about was gone, or some of it.
    Gone,
}

/// Whether the undos before have undone `step`.
pub(super) fn is_undone(ledger: &mut Ledger, step: &Step) -> Result<bool, Error> {
    let mut tried = Tried::new();
    note_tried(ledger, &step.run, &mut tried)?;
    let calls = step.end.as_ref().map_or(&[][..], |end| &end.inverse);
    let done = done(calls, tried.get(&step.id));
    Ok(!calls.is_empty() && writes(calls).is_subset(&done))
}

fn note_tried(ledger: &mut Ledger, run: &RunId, tried: &mut Tried) -> Result<(), Error> {
    for undo in ledger.undos_of(run)? {
        let came = match undo.result {
            Some(Ok(())) => Came::Done,
            Some(Err(fault)) if fault.kind == FaultKind::NotFound => Came::Gone,
            _ => continue,
        };
        let calls = tried.entry(undo.undoes.step).or_default();
        let worst = calls.entry(undo.undoes.call).or_insert(came);
        *worst = came.max(*worst);
    }
    Ok(())
}

/// Those of `calls` that need not be sent again. One about several things, of which
/// one was gone, does: the others may be left, and asking again is harmless.
fn done(calls: &[Call], tried: Option<&BTreeMap<u32, Came>>) -> BTreeSet<u32> {
    (0..)
        .zip(calls)
        .filter(
            |(number, call)| match tried.and_then(|tried| tried.get(number)) {
                Some(Came::Done) => true,
                Some(Came::Gone) => inverse::split(call).is_empty(),
                None => false,
            },
        )
        .map(|(number, _)| number)
        .collect()
}

fn item(step: Step, runs: &BTreeSet<RunId>, lives: &[Life], tried: &Tried) -> Item {
    let operation = registry().get(&step.operation).map(|entry| entry.operation);
    let mut made = operation.map_or_else(Vec::new, |operation| made(operation, &step));
    let mut fate = fate(&step, operation, &made, lives, tried.get(&step.id));
    if let (Fate::Nothing(why), Some(operation)) = (&fate, operation)
        && let Some(maker) = maker_of_removed(operation, &step, runs, lives)
    {
        fate = Fate::Impossible(format!("{why}; run {maker} had made it"));
    }
    let own: Vec<Resource> = lives
        .iter()
        .map(|life| &life.resource)
        .filter(|resource| resource.run == step.run && resource.path == step.path)
        .cloned()
        .collect();
    let may_change = operation
        .and_then(Operation::write)
        .is_some_and(|write| write.before.is_some());
    if may_change && own.is_empty() {
        // It changed what was there.
        made.clear();
    }
    Item {
        step,
        made,
        own,
        fate,
    }
}

/// Of a write that was looked after before it and recorded no call: either nothing was as it
/// would not have left it, or nobody could see.
fn note_unchanged(ledger: &mut Ledger, items: &mut [Item]) -> Result<(), Error> {
    for item in items {
        let operation = registry().get(&item.step.operation);
        let write = operation.and_then(|entry| entry.operation.write());
        let before = write.and_then(|write| write.before);
        let counts = before.is_some_and(|before| before.every.is_some());
        let unrecorded = item
            .step
            .end
            .as_ref()
            .is_some_and(|end| end.inverse.is_empty());
        if counts && unrecorded && matches!(item.fate, Fate::Impossible(_)) {
            item.fate = match ledger.former(item.step.id)?.as_ref().map(before::count) {
                Some(Some(0)) => Fate::Nothing("it changed nothing".to_owned()),
                _ => Fate::Impossible("what it changed could not be seen before it".to_owned()),
            };
        }
    }
    Ok(())
}

/// A step that was tried again is there once for each try; of the earlier ones,
/// nothing is to be found out any more: the last one has.
fn only_the_last_try(items: &mut [Item]) {
    let mut seen = BTreeSet::new();
    for item in items {
        if !seen.insert(item.step.path.clone()) && item.fate == Fate::InFlight {
            item.fate = Fate::Over("tried again since".to_owned());
        }
    }
}

fn made(operation: &Operation, step: &Step) -> Vec<(String, String)> {
    let Some(Ok(result)) = step.end.as_ref().map(|end| &end.result) else {
        return Vec::new();
    };
    Made::of(operation, &step.input, result)
        .into_iter()
        .map(|made| (made.kind.to_owned(), made.id))
        .collect()
}

/// The run, none of `runs`, that had made what a step has removed.
fn maker_of_removed<'a>(
    operation: &Operation,
    step: &Step,
    runs: &BTreeSet<RunId>,
    lives: &'a [Life],
) -> Option<&'a RunId> {
    let Ok(result) = &step.end.as_ref()?.result else {
        return None;
    };
    let roots = Roots {
        input: &step.input,
        result,
    };
    operation.write()?.removes.iter().find_map(|removes| {
        let ids = select::all(roots, removes.id);
        let theirs = lives.iter().find(|life| {
            let resource = &life.resource;
            life.removed.is_some_and(|at| at > step.id)
                && resource.seq < step.id.number()
                && resource.kind == removes.kind
                && !runs.contains(&resource.run)
                && ids.iter().any(|id| id.as_text() == Some(&resource.id))
        })?;
        Some(&theirs.resource.run)
    })
}

fn fate(
    step: &Step,
    operation: Option<&Operation>,
    made: &[(String, String)],
    lives: &[Life],
    tried: Option<&BTreeMap<u32, Came>>,
) -> Fate {
    let write = operation.and_then(Operation::write);
    let before = write
        .filter(|write| write.answers.is_none())
        .and_then(|write| write.before);
    match write.map(|write| &write.inverse) {
        Some(Inverse::Nothing(why)) => return Fate::Nothing((*why).to_owned()),
        Some(Inverse::Impossible(why)) if before.is_none() => {
            return if failed(step) {
                Fate::Nothing("it failed".to_owned())
            } else {
                Fate::Impossible((*why).to_owned())
            };
        }
        Some(Inverse::Impossible(_) | Inverse::Calls(_)) | None => {}
    }
    let calls = match &step.end {
        None => return Fate::InFlight,
        Some(end) => match &end.result {
            // Its answer was lost: it may have been done all the same.
            Err(fault) if fault.open => return Fate::InFlight,
            Err(_) => return Fate::Nothing("it failed".to_owned()),
            Ok(_) => end.inverse.clone(),
        },
    };
    let restores = before.is_some_and(|before| is_restoring(before, &calls));
    if let Some(fate) = since(step, made, lives, restores) {
        return fate;
    }
    if calls.is_empty() {
        return match operation {
            Some(_) if before.is_some() => Fate::Impossible(WAS_THERE.to_owned()),
            Some(_) => Fate::Nothing("it changed nothing".to_owned()),
            None => Fate::Impossible("this opsh does not have the operation".to_owned()),
        };
    }
    let done = done(&calls, tried);
    if writes(&calls).is_subset(&done) {
        return Fate::Over("undone already".to_owned());
    }
    if let Some(why) = calls.iter().find_map(unusable) {
        return Fate::Impossible(why);
    }
    // Of what the step has made and what is still there, it was said already.
    let is_own = |life: &Life| life.resource.run == step.run && life.resource.path == step.path;
    if !lives.iter().any(is_own)
        && let Some(run) = removed(step, &calls, lives)
    {
        return Fate::Over(format!("removed since by run {run}"));
    }
    Fate::Undo { calls, done }
}

/// Why what only changed something cannot be undone.
const WAS_THERE: &str = "it was there before, and what it was is not kept";

/// Whether `calls` put back what was there before.
fn is_restoring(before: &Before, calls: &[Call]) -> bool {
    let called = calls.iter().map(|call| call.operation.as_str());
    let declared = before.restore.iter().map(|call| call.operation);
    !calls.is_empty() && called.eq(declared)
}

fn failed(step: &Step) -> bool {
    step.end.as_ref().is_some_and(|end| end.result.is_err())
}

/// The numbers of the calls that change something; the others only wait.
fn writes(calls: &[Call]) -> BTreeSet<u32> {
    (0..)
        .zip(calls)
        .filter(|(_, call)| {
            registry()
                .get(&call.operation)
                .is_none_or(|entry| entry.operation.write().is_some())
        })
        .map(|(number, _)| number)
        .collect()
}

/// What has become of the resources that a step said it made: it may have found
/// them there, and they may be gone.
fn since(step: &Step, made: &[(String, String)], lives: &[Life], restores: bool) -> Option<Fate> {
    if made.is_empty() {
        return None;
    }
    let of = |life: &&Life| {
        made.iter()
            .any(|(kind, id)| *kind == life.resource.kind && *id == life.resource.id)
    };
    let own: Vec<&Life> = lives
        .iter()
        .filter(of)
        .filter(|life| life.resource.run == step.run && life.resource.path == step.path)
        .collect();
    if own.is_empty() {
        // It was there before: the ledger kept it as what another step had made.
        let other = lives.iter().filter(of).rfind(|life| {
            life.resource.seq < step.id.number() && life.removed.is_none_or(|at| at > step.id)
        })?;
        let resource = &other.resource;
        return if resource.run == step.run {
            Some(Fate::Over(format!("undone with step {}", resource.path)))
        } else if restores {
            None
        } else {
            Some(Fate::Impossible(format!(
                "it changed what run {} had made; what that was before is not known",
                resource.run
            )))
        };
    }
    own.iter()
        .all(|life| life.removed.is_some())
        .then(|| Fate::Over("removed since".to_owned()))
}

/// The run that removed what the calls are about, if it is gone since the step. Things of
/// different kinds may have the same name: none of them may be there.
fn removed<'a>(step: &Step, calls: &[Call], lives: &'a [Life]) -> Option<&'a RunId> {
    let gone = |call: &Call, name: &str, value: &Value| {
        let id = value.as_text()?;
        let meant = |life: &&Life| {
            let resource = &life.resource;
            resource.id == id && bound::may_be(&resource.kind, &call.operation, name)
        };
        let named = || lives.iter().filter(meant);
        let last = named().max_by_key(|life| life.removed)?;
        let all = named().all(|life| life.removed.is_some());
        (all && last.removed? > step.id).then_some(&last.resource.run)
    };
    calls.iter().find_map(|call| {
        call.input.iter().find_map(|(name, value)| match value {
            Value::List(items) if !items.is_empty() => {
                let gone = items.iter().filter_map(|item| gone(call, name, item));
                let gone: Vec<&RunId> = gone.collect();
                (gone.len() == items.len()).then(|| gone[0])
            }
            value => gone(call, name, value),
        })
    })
}

/// Why a recorded call cannot be sent.
fn unusable(call: &Call) -> Option<String> {
    let entry = match inverse::entry(call) {
        Ok(entry) => entry,
        Err(fault) => return Some(fault.message),
    };
    let report = validate::input(entry.operation.input, &call.input);
    let problem = report.errors.first()?;
    Some(format!(
        "{} does not fit: {}",
        call.operation, problem.message
    ))
}
