//! A write that was in flight when its process ended: what came of it is found out
//! before anything is undone, so that nothing that it made stays behind.
//!
//! What can be looked for is looked for. What is idempotent is sent once more, and
//! so made if it was not there yet: then it is known, and undone like everything.

use opsh_operation::{Fault, FaultKind, Settle};

use super::plan::{Fate, Plan};
use crate::gate::event::{Made, Site, Step};
use crate::gate::origin::region;
use crate::gate::prepare::{self, Prepared};
use crate::gate::replay::Begun;
use crate::gate::settle::{self, Open, Settled};
use crate::gate::{Call, Failure, Gate};
use crate::ledger::{self, RunId, Secrets};
use crate::modules::registry::registry;

/// Settles what is open in `plan`, and gives the plan as it is then.
///
/// # Errors
/// The ledger cannot be used; the run was interrupted.
pub fn settle(gate: &Gate, plan: Plan, site: &Site) -> Result<Plan, Failure> {
    let plan = undone(gate, plan, site)?;
    let open: Vec<&ledger::Step> = plan
        .items
        .iter()
        .filter(|item| item.fate == Fate::InFlight)
        .map(|item| &item.step)
        .collect();
    if open.is_empty() {
        return Ok(plan);
    }
    let mut unknown = Vec::new();
    for step in open {
        if let Err(fault) = one(gate, &plan.run.id, step, site) {
            gate.cancel.check()?;
            unknown.push((step.id, fault));
        }
    }
    let run = plan.run;
    let mut plan = gate
        .journal
        .with_ledger(|ledger, _| Plan::of(ledger, run.clone()))?;
    for item in &mut plan.items {
        let why = unknown.iter().find(|(id, _)| *id == item.step.id);
        if let (Fate::InFlight, Some((_, fault))) = (&item.fate, why) {
            let hint = fault.hint.as_ref();
            let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
            item.fate = Fate::Unknown(format!("{fault}{hint}"));
        }
    }
    Ok(plan)
}

/// Finds out what came of the calls of an undo before this one that were cut off, where they
/// can be looked for: sent again, they would be refused.
fn undone(gate: &Gate, plan: Plan, site: &Site) -> Result<Plan, Failure> {
    let open = gate.journal.with_ledger(|ledger, _| {
        let mut runs: Vec<&RunId> = plan.items.iter().map(|item| &item.step.run).collect();
        runs.dedup();
        let mut open = Vec::new();
        for run in runs {
            let undos = ledger.undos_of(run)?;
            for undo in undos.iter().filter(|undo| undo.result.is_none()) {
                let steps = ledger.writes(&undo.by, Secrets::Opened)?;
                open.extend(steps.into_iter().filter(|step| step.id == undo.step));
            }
        }
        Ok(open)
    })?;
    let mut settled = false;
    for step in open.iter().filter(|step| is_found(step)) {
        // What cannot be looked for is sent again, in its turn.
        settled |= one(gate, &step.run, step, site).is_ok();
        gate.cancel.check()?;
    }
    if !settled {
        return Ok(plan);
    }
    let run = plan.run;
    let plan = gate
        .journal
        .with_ledger(|ledger, _| Plan::of(ledger, run.clone()))?;
    Ok(plan)
}

fn is_found(step: &ledger::Step) -> bool {
    let write = registry().get(&step.operation);
    let write = write.and_then(|entry| entry.operation.write());
    write.is_some_and(|write| matches!(write.settle, Settle::Find(_)))
}

fn one(gate: &Gate, run: &RunId, step: &ledger::Step, site: &Site) -> Result<(), Fault> {
    let entry = registry().get(&step.operation).ok_or_else(|| {
        Fault::new(
            FaultKind::Failed,
            format!("this opsh does not have {}", step.operation),
        )
    })?;
    let call = Call {
        entry,
        input: step.input.clone(),
        controls: step.controls.clone(),
        site: site.clone(),
        undoes: None,
    };
    let mut prepared = prepare::prepare(gate, &call).map_err(Failure::into_fault)?;
    // Exactly what was sent: with the tags and the token of its own run.
    prepared.input.clone_from(&step.input);
    let mut passing = Step::begun(&call, step.started);
    if let Ok(path) = step.path.parse() {
        passing.path = path;
    }
    let begun = Begun {
        intent: Some(step.id),
        earlier: None,
        since: step.started,
    };
    match entry.operation.write().map(|write| write.settle) {
        Some(Settle::Find(_)) => found(gate, &call, passing, &prepared, &begun),
        Some(settle) if !settle::repeats(settle, &prepared.input, &call.controls) => {
            Err(nobody_knows(gate, run))
        }
        // What fails now is recorded as its outcome.
        _ => gate
            .pass(&call, passing, &prepared, Some(&begun))
            .map(drop)
            .or_else(|fault| if fault.open { Err(fault) } else { Ok(()) }),
    }
}

/// Looks for what the write made; what is not found was never done.
fn found(
    gate: &Gate,
    call: &Call,
    mut step: Step,
    prepared: &Prepared,
    begun: &Begun,
) -> Result<(), Fault> {
    let open = Open {
        step: &step,
        prepared,
        controls: &call.controls,
        begun,
    };
    let settled = settle::settle(gate, &open)?;
    match settled {
        Settled::Adopted(value) | Settled::Assumed(value) => {
            step.made = Made::of(step.operation, &prepared.input, &value);
            step.outcome = Ok(value);
        }
        Settled::Send => {
            step.outcome = Err(Fault::new(
                FaultKind::Failed,
                "it was never done: nothing of it was found",
            ));
        }
    }
    let former = gate.journal.former(begun)?;
    let placed = region::placed(gate, call.entry, &prepared.scope, &call.controls);
    gate.journal.outcome(
        begun.intent,
        &step,
        &prepared.input,
        &placed,
        former.as_ref(),
        gate.world.now(),
    )
}

fn nobody_knows(gate: &Gate, run: &RunId) -> Fault {
    Fault::new(FaultKind::Failed, "nobody knows whether it was done").hint(format!(
        "find out, and say `opsh resume {run}{} --assume done` or `--assume not-done`, then undo again",
        gate.flags()
    ))
}
