//! Operations whose work is calls of others: they are one step of the playbook,
//! and their calls are steps of a branch below it.
//!
//! A replay answers a whole one that has ended. One that was cut off is done
//! again from the ledger as it is now, so it does what is left.

use opsh_operation::Value;

use super::event::Step;
use super::prepare::Prepared;
use super::{Call, Failure, Gate, branch, named, replay, stack};

/// Does what `call` asks for.
///
/// # Errors
/// What the calls say; the ledger cannot be used.
pub fn perform(gate: &Gate, call: &Call, prepared: &Prepared) -> Result<Value, Failure> {
    let operation = call.entry.operation;
    let work = || stack::perform(gate, operation, &prepared.input, &call.site);
    let refused = |fault| Failure::from(named(operation, fault));
    let mut step = Step::begun(call, gate.world.now());
    step.input.clone_from(&prepared.input);
    if let Some(outcome) = gate.journal.recall_whole(&step).map_err(refused)? {
        return outcome.map_err(Failure::from);
    }
    let below = [step.path.0.as_slice(), &[0]].concat();
    let result = branch::within(below, work);
    step.outcome = match &result {
        Ok(value) => Ok(value.clone()),
        Err(Failure::Fault(fault)) => Err(fault.as_ref().clone()),
        Err(Failure::Invalid(_)) => return result,
    };
    let cut_off = step
        .outcome
        .as_ref()
        .is_err_and(|fault| replay::is_cut_off(fault) || super::is_fatal(fault));
    if !cut_off {
        gate.journal
            .outcome(
                None,
                &step,
                &prepared.input,
                &call.controls,
                None,
                gate.world.now(),
            )
            .map_err(refused)?;
    }
    result
}
