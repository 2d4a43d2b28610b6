//! Undoing a run: its writes backwards, each by its recorded inverse.
//!
//! An undo is a run of its own on the same stack, under the stack's lock. Each
//! of its writes is recorded with the step that it undoes, so an undo that was
//! killed goes on where it was.

mod bound;
pub mod choose;
pub mod flight;
pub mod plan;
mod since;

use super::event::Site;
use super::inverse::Inverse;
use super::removal::aliases;
use super::waves::{self, Ended, Thing};
use super::{Failure, Gate};
use crate::ledger::Resource;
use bound::subjects;
use plan::{Fate, Item, Plan};

/// What came of a write that was to be undone.
#[derive(Debug)]
pub enum Outcome {
    /// It is undone.
    Undone {
        /// Whether what it made was gone already.
        already_gone: bool,
    },
    /// It is not, because of this.
    Left(String),
}

/// Undoes what `plan` says, what does not depend on each other at the same time,
/// and goes on after a failure with what does not depend on what failed; gives
/// for each item that was pending what came of it, by its place in the plan.
///
/// # Errors
/// The ledger cannot be used; the run was interrupted.
pub fn carry_out(gate: &Gate, plan: &Plan, site: &Site) -> Result<Vec<(usize, Outcome)>, Failure> {
    let pending: Vec<usize> = plan
        .items
        .iter()
        .enumerate()
        .filter(|(_, item)| matches!(item.fate, Fate::Undo { .. }))
        .map(|(place, _)| place)
        .collect();
    let things: Vec<Thing> = pending
        .iter()
        .map(|place| thing(&plan.items[*place]))
        .collect();
    let ended = waves::carry_out(gate, &things, |index, patience| {
        let item = &plan.items[pending[index]];
        let Fate::Undo { calls, done } = &item.fate else {
            return Ok(true);
        };
        let inverse = Inverse {
            calls,
            step: Some((&item.step.run, item.step.id)),
            done: done.clone(),
            site,
        };
        let gone = inverse.call(gate, patience)?;
        forget(gate, item)?;
        Ok(gone)
    })?;
    let unknown = plan.items.iter().enumerate();
    let unknown = unknown.filter_map(|(place, item)| match &item.fate {
        Fate::Unknown(why) => Some((place, Outcome::Left(why.clone()))),
        _ => None,
    });
    Ok(pending
        .iter()
        .zip(ended)
        .map(|(place, ended)| {
            let outcome = match ended {
                Ended::Gone(already_gone) => Outcome::Undone { already_gone },
                Ended::Failed(fault) => Outcome::Left(fault.to_string()),
                Ended::Waits(other) => Outcome::Left(format!(
                    "step {} must be undone first",
                    plan.items[pending[other]].step.path
                )),
            };
            (*place, outcome)
        })
        .chain(unknown)
        .collect())
}

/// Notes that what a step made is gone where the inverse's calls did not name it.
fn forget(gate: &Gate, item: &Item) -> Result<(), Failure> {
    let now = gate.world.now();
    let gone: Vec<&Resource> = item.own.iter().collect();
    gate.journal
        .with_ledger(|ledger, run| ledger.forget(run, &gone, now))?;
    Ok(())
}

fn thing(item: &Item) -> Thing {
    let step = &item.step;
    let Fate::Undo { calls, .. } = &item.fate else {
        return Thing::default();
    };
    let mut names: Vec<String> = item.made.iter().map(|(_, id)| id.clone()).collect();
    if names.is_empty() {
        // What changed a thing is known by the thing that it changed.
        names.extend(calls.iter().flat_map(|call| subjects(&call.input)));
    }
    names.extend(aliases(step));
    let mut mentions = waves::texts(&step.input);
    mentions.extend(calls.iter().flat_map(|call| waves::texts(&call.input)));
    Thing {
        order: step.id.number(),
        names,
        mentions: Some(mentions),
        rank: None,
    }
}
