//! Calling a recorded inverse: what is gone already is as good as undone.

use std::collections::BTreeSet;
use std::time::Duration;

use opsh_operation::{Effect, Fault, FaultKind, Value};

use super::event::Site;
use super::waves::Patience;
use super::{Call, Failure, Gate};
use crate::ledger::{self, RunId, StepId, Undoes};
use crate::modules::Entry;
use crate::modules::registry::registry;

/// How long what still depends on a resource is waited for: network interfaces of
/// a load balancer, for example, go minutes after it.
const PATIENCE: Duration = Duration::from_mins(5);
/// The first pause; each is twice the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long an inverse's own waiters wait: a large group takes its time to end.
const WAITERS: &str = "30m";

/// An inverse that is to be called.
pub struct Inverse<'a> {
    /// Its calls, in order.
    pub calls: &'a [ledger::Call],
    /// The step that it undoes, where that is to be recorded.
    pub step: Option<(&'a RunId, StepId)>,
    /// Those of its calls that were done before a crash.
    pub done: BTreeSet<u32>,
    /// Who asks for it.
    pub site: &'a Site,
}

impl Inverse<'_> {
    /// Calls it; says whether something was gone already.
    ///
    /// # Errors
    /// What its calls say, `not_found` excepted.
    pub fn call(&self, gate: &Gate, patience: Patience) -> Result<bool, Failure> {
        let mut gone = false;
        for (number, call) in (0..).zip(self.calls) {
            if !self.done.contains(&number) {
                gone |= self.one(gate, number, call, patience)?;
            }
        }
        Ok(gone)
    }

    fn one(
        &self,
        gate: &Gate,
        number: u32,
        call: &ledger::Call,
        patience: Patience,
    ) -> Result<bool, Failure> {
        let entry = entry(call)?;
        let started = gate.world.now();
        let mut pause = FIRST_PAUSE;
        loop {
            let fault = match self.send(gate, number, entry, call) {
                Ok(_) => return Ok(false),
                Err(Failure::Fault(fault)) => fault,
                Err(failure) => return Err(failure),
            };
            let waited = gate.world.now().duration_since(started).unsigned_abs();
            match fault.kind {
                FaultKind::NotFound => {
                    // One of several that is gone must not keep the others.
                    for part in split(call) {
                        self.one(gate, number, &part, patience)?;
                    }
                    return Ok(true);
                }
                FaultKind::Dependency if patience == Patience::Now && waited < PATIENCE => {
                    gate.world.sleep(pause, &gate.cancel)?;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                _ => return Err(Failure::Fault(fault)),
            }
        }
    }

    fn send(
        &self,
        gate: &Gate,
        number: u32,
        entry: &'static Entry,
        call: &ledger::Call,
    ) -> Result<Value, Failure> {
        let mut controls = call.controls.clone();
        if matches!(entry.operation.effect, Effect::Read) {
            controls
                .entry("timeout".to_owned())
                .or_insert_with(|| WAITERS.into());
        }
        gate.call(Call {
            entry,
            input: call.input.clone(),
            controls,
            site: self.site.clone(),
            undoes: self.step.map(|(run, step)| Undoes {
                run: run.clone(),
                step,
                call: number,
            }),
        })
    }
}

/// The operation that a recorded call names.
///
/// # Errors
/// This opsh does not have it.
pub fn entry(call: &ledger::Call) -> Result<&'static Entry, Fault> {
    registry().get(&call.operation).ok_or_else(|| {
        Fault::new(
            FaultKind::Failed,
            format!(
                "the ledger asks for {}, which this opsh does not have",
                call.operation
            ),
        )
        .hint("use the opsh version that made the stack, or a newer one")
    })
}

/// A call about several things as a call about each; nothing if it is about one.
#[must_use]
pub fn split(call: &ledger::Call) -> Vec<ledger::Call> {
    let lists: Vec<_> = call
        .input
        .iter()
        .filter_map(|(name, value)| match value {
            Value::List(items) if items.len() > 1 => Some((name, items)),
            _ => None,
        })
        .collect();
    let [(name, items)] = lists[..] else {
        return Vec::new();
    };
    items
        .iter()
        .map(|item| {
            let mut part = call.clone();
            part.input
                .insert(name.clone(), Value::List(vec![item.clone()]));
            part
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opsh_operation::Map;

    #[test]
    fn a_call_about_several_things_is_one_about_each() {
        let call = |ids: &[&str]| ledger::Call {
            operation: "ec2::terminate_instances".into(),
            input: Map::from([("instance_ids".into(), ids.to_vec().into())]),
            controls: Map::new(),
        };
        assert_eq!(
            split(&call(&["i-1", "i-2"])),
            [call(&["i-1"]), call(&["i-2"])]
        );
        assert!(split(&call(&["i-1"])).is_empty());
    }
}
