//! Sending, a bounded number of times.
//!
//! The SDK sends a request again whose answer was lost. Where that could do the
//! work twice, the gate does it instead, after it has looked for the first one.

use std::time::Duration;

use opsh_operation::{Fault, Value};

use super::settle::{self, Open, Settled};
use super::{Gate, Retries, fresh};
use crate::modules::{Entry, Handler};

/// How long is waited before each attempt after the first.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Sends what `open` describes; again if a service does not know yet what the run has
/// just made.
///
/// # Errors
/// The last attempt's.
pub fn send(gate: &Gate, entry: &Entry, open: &Open<'_>) -> Result<Value, Fault> {
    let mut pauses = fresh::PAUSES.iter();
    loop {
        let outcome = send_known(gate, entry, open);
        let Err(fault) = &outcome else {
            return outcome;
        };
        let (action, sent) = (open.step.operation.action, &open.prepared.input);
        let fresh = gate.journal.fresh();
        if !fresh.is_missed(fault, action, sent, gate.world.now()) {
            return outcome;
        }
        let Some(pause) = pauses.next() else {
            return outcome;
        };
        gate.world.sleep(*pause, &gate.cancel)?;
    }
}

/// The same, where "not found" is an answer.
fn send_known(gate: &Gate, entry: &Entry, open: &Open<'_>) -> Result<Value, Fault> {
    let prepared = open.prepared;
    let delicate = matches!(entry.handler, Handler::Aws(_)) && settle::is_delicate(open);
    if !delicate {
        return gate.perform(entry, prepared, Retries::Usual);
    }
    let mut pauses = PAUSES.iter();
    let mut lost = false;
    loop {
        let mut outcome = gate.perform(entry, prepared, Retries::None);
        if lost {
            outcome = settle::or_gone(open.step.operation, outcome);
            outcome = settle::or_open(outcome);
        }
        lost |= outcome.as_ref().is_err_and(|fault| fault.open);
        let fault = match outcome {
            Err(fault) if fault.open => match settle::again(gate, open) {
                Ok(Settled::Adopted(value) | Settled::Assumed(value)) => return Ok(value),
                Ok(Settled::Send) => fault,
                // What happened first says more than that it could not be looked for.
                Err(_) => return Err(fault),
            },
            Err(fault) if fault.retryable => fault,
            ended => return ended,
        };
        let Some(pause) = pauses.next() else {
            return Err(fault);
        };
        gate.world.sleep(*pause, &gate.cancel)?;
    }
}
