//! Which run an undo is about, and why none is.

use std::collections::BTreeSet;

use opsh_operation::{Fault, FaultKind};

use super::plan::{Fate, Plan};
use crate::ledger::{Ledger, Secrets};

/// The run that is meant: the one named, or the newest that has something to undo; with
/// `flags` `opsh` finds the ledger again.
///
/// # Errors
/// Nothing is left to undo, or what is named is an undo itself; the ledger cannot be read.
pub fn choose(
    ledger: &mut Ledger,
    named: Option<&str>,
    stack: Option<&str>,
    flags: &str,
) -> Result<Plan, Fault> {
    if let Some(named) = named {
        let run = ledger.run(named, Secrets::Hidden);
        let run = run.map_err(|error| error.told(flags))?;
        if let Some(undone) = ledger.undone_by(&run.id)? {
            return Err(Fault::new(
                FaultKind::Invalid,
                format!("the run {} is itself the undo of run {undone}", run.id),
            )
            .hint("run the playbook again to have again what it made"));
        }
        let plan = Plan::of(ledger, run)?;
        return if plan.is_pending() {
            Ok(plan)
        } else {
            Err(nothing_left(&plan, flags))
        };
    }
    for run in ledger.runs(stack, usize::MAX)? {
        if ledger.undone_by(&run.id)?.is_none() {
            let plan = Plan::of(ledger, run)?;
            if plan.is_pending() {
                return Ok(plan);
            }
        }
    }
    let of = stack.map_or_else(String::new, |stack| format!(" of the stack '{stack}'"));
    Err(Fault::new(
        FaultKind::NotFound,
        format!("no run{of} has anything left to undo"),
    )
    .hint(format!("`opsh history{flags}` lists the runs")))
}

/// Why a run that is named has nothing to undo.
fn nothing_left(plan: &Plan, flags: &str) -> Fault {
    let count =
        |wanted: fn(&Fate) -> bool| plan.items.iter().filter(|item| wanted(&item.fate)).count();
    let counts = [
        (
            count(|fate| matches!(fate, Fate::Over(_))),
            "undone or removed already",
        ),
        (
            count(|fate| matches!(fate, Fate::Nothing(_))),
            "left nothing behind",
        ),
        (
            count(|fate| matches!(fate, Fate::Impossible(_))),
            "cannot be undone",
        ),
    ];
    let mut why: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let impossible = plan.items.iter().filter_map(|item| match &item.fate {
        Fate::Impossible(why) => Some(why.as_str()),
        _ => None,
    });
    let reasons: BTreeSet<&str> = impossible.collect();
    if let (Some(last), [reason]) = (why.last_mut(), Vec::from_iter(reasons).as_slice()) {
        *last = format!("{last} ({reason})");
    }
    let why = if why.is_empty() {
        "it wrote nothing".to_owned()
    } else {
        format!("of its writes, {}", why.join(", "))
    };
    Fault::new(
        FaultKind::NotFound,
        format!("the run {} has nothing left to undo: {why}", plan.run.id),
    )
    .hint(format!(
        "`opsh history {}{flags}` lists its steps",
        plan.run.id
    ))
}
