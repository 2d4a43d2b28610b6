//! Sending, a bounded number of times.
//!
//! The SDK sends a request again whose answer was lost. Where that could do the
//! work twice, the gate does it instead, after it has looked for the first one.

use std::time::Duration;

use opsh_operation::{Fault, Value};

use super::settle::{self, Open, Settled};
use super::{Gate, Retries};
use crate::modules::{Entry, Handler};

/// How long is waited before each attempt after the first.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Sends what `open` describes.
///
/// # Errors
/// The last attempt's.
pub fn send(gate: &Gate, entry: &Entry, open: &Open<'_>) -> Result<Value, Fault> {
    let prepared = open.prepared;
    let delicate =
        matches!(entry.handler, Handler::Aws(_)) && settle::is_delicate(open.step, &prepared.input);
    if !delicate {
        return gate.perform(entry, prepared, Retries::Usual);
    }
    let mut pauses = PAUSES.iter();
    loop {
        let fault = match gate.perform(entry, prepared, Retries::None) {
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
