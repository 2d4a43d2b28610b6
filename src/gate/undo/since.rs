//! What has become of a thing since a step has changed it: another stack may have removed
//! it, a later run may have changed it again.
//!
//! To put back what was there before the step would make anew what is gone, or take away
//! what the later run has set.

use std::collections::BTreeSet;

use opsh_operation::select::{self, Roots};
use opsh_operation::{Map, Operation, Value};

use super::bound::subjects;
use super::plan::{self, Fate, Item};
use crate::gate::origin::region;
use crate::ledger::{Call, Error, Ledger, RunId, Step, StepId};
use crate::modules::registry::registry;

/// Leaves alone what later runs have removed or changed.
///
/// # Errors
/// The ledger cannot be read.
pub fn note(ledger: &mut Ledger, items: &mut [Item]) -> Result<(), Error> {
    let runs: BTreeSet<RunId> = items.iter().map(|item| item.step.run.clone()).collect();
    for item in items.iter_mut().filter(|item| item.own.is_empty()) {
        let Fate::Undo { calls, .. } = &item.fate else {
            continue;
        };
        if let Some(run) = removed(ledger, item.step.id, calls)? {
            let what = format!("removed since; run {run} had made it");
            item.fate = Fate::Over(what);
        } else if let Some(later) = changed(ledger, &item.step, calls, &runs)? {
            item.fate = Fate::Impossible(format!(
                "changed since by run {} (step {}): undo that run first",
                later.run, later.path
            ));
        }
    }
    Ok(())
}

/// The run that had made what `calls` are about, if that has been removed since `step`.
fn removed(ledger: &mut Ledger, step: StepId, calls: &[Call]) -> Result<Option<RunId>, Error> {
    for call in calls {
        let module = call.operation.split("::").next().unwrap_or_default();
        for id in subjects(&call.input) {
            let mut lives = ledger.lives_of(&id)?;
            lives.retain(|life| {
                let resource = &life.resource;
                let region = region::of_resource(&resource.kind, &call.controls);
                resource.kind.split(':').next() == Some(module)
                    && (resource.region == region
                        || resource.region.is_empty()
                        || region.is_empty())
            });
            let all = lives.iter().all(|life| life.removed.is_some());
            let last = lives.into_iter().max_by_key(|life| life.removed);
            if let Some(last) = last.filter(|last| all && last.removed > Some(step)) {
                return Ok(Some(last.resource.run));
            }
        }
    }
    Ok(None)
}

/// The last write of a run that is none of `runs` to what `step` has changed, if `calls`
/// would take away what it has set.
fn changed(
    ledger: &mut Ledger,
    step: &Step,
    calls: &[Call],
    runs: &BTreeSet<RunId>,
) -> Result<Option<Step>, Error> {
    let Some(thing) = Thing::of(step) else {
        return Ok(None);
    };
    let mut later = ledger.writes_since(step.id, &thing.changed_by())?;
    later.retain(|later| {
        let done = later.end.as_ref().is_some_and(|end| end.result.is_ok());
        done && calls.iter().any(|call| takes_away(call, later))
            && !runs.contains(&later.run)
            && Thing::of(later).as_ref() == Some(&thing)
    });
    for later in later.into_iter().rev() {
        if !plan::is_undone(ledger, &later)? {
            return Ok(Some(later));
        }
    }
    Ok(None)
}

/// Whether `call` sets anything otherwise than `later` has.
fn takes_away(call: &Call, later: &Step) -> bool {
    call.operation != later.operation
        || call.input.iter().any(|(name, value)| {
            let sent = later.input.get(name);
            sent.is_some_and(|sent| sent != value)
        })
}

/// What a write changes, told by how it is looked for before the write.
#[derive(PartialEq)]
struct Thing {
    operation: &'static str,
    within: &'static str,
    inputs: Vec<Map>,
    named: Vec<Value>,
    region: Option<Value>,
}

impl Thing {
    fn of(step: &Step) -> Option<Self> {
        let write = registry().get(&step.operation)?.operation.write()?;
        let before = write.before?;
        let roots = Roots {
            input: &step.input,
            result: &Value::Null,
        };
        let sources = before.same.iter().flat_map(|(left, right)| [*left, *right]);
        let named: Vec<Value> = sources
            .filter(|source| source.starts_with("input."))
            .flat_map(|source| select::all(roots, source))
            .collect();
        let inputs = select::calls(roots, before.look.arguments);
        // Without a name it would be any thing of the kind.
        let is_named = !named.is_empty() || inputs.iter().any(|input| !input.is_empty());
        is_named.then(|| Self {
            operation: before.look.operation,
            within: before.look.within,
            inputs,
            named,
            region: step.controls.get("region").cloned(),
        })
    }

    /// The writes that look for such a thing before they change it.
    fn changed_by(&self) -> Vec<String> {
        let operations = registry().operations().map(|entry| entry.operation);
        operations
            .filter(|operation| {
                let before = operation.write().and_then(|write| write.before);
                before.is_some_and(|before| before.look.operation == self.operation)
            })
            .map(Operation::full_name)
            .collect()
    }
}
