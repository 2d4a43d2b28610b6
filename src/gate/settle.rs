//! Settling a write of which nobody knows whether it was done: it was in flight
//! when its process died, or its answer was lost. Each operation declares how.

use std::time::Duration;

use opsh_operation::select::{self, Roots};
use opsh_operation::shape::Shape;
use opsh_operation::{Fault, FaultKind, Find, Map, Operation, Proof, Settle, Value};

use super::event::{Made, Site, Step};
use super::prepare::{self, CONTROLS_OF_PLACE, Prepared, REPEATABLE};
use super::replay::Begun;
use super::{Call, Failure, Gate};
use crate::modules::registry::registry;

/// Marks the fault of a step that a person must decide about.
const UNDECIDED: &str = "undecided";

/// What is made may be seen only some time after: how long is waited between looks.
const LOOKS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// How many seconds a service's clock may be behind ours; besides, services round to seconds.
const APART: i64 = 30;

/// How a write whose outcome is not known goes on.
#[derive(Debug)]
pub enum Settled {
    /// It is sent, again or for the first time.
    Send,
    /// It had been done; this is its result.
    Adopted(Value),
    /// A person says that it had been done; this is all that can be known of it.
    Assumed(Value),
}

/// A write to be settled.
pub struct Open<'a> {
    /// The step.
    pub step: &'a Step,
    /// What was sent.
    pub prepared: &'a Prepared,
    /// The call's controls.
    pub controls: &'a Map,
    /// What the ledger knows.
    pub begun: &'a Begun,
}

/// Finds out how `open` goes on.
///
/// # Errors
/// Looking for it failed; a person must decide.
pub fn settle(gate: &Gate, open: &Open<'_>) -> Result<Settled, Fault> {
    let Some(write) = open.step.operation.write() else {
        return Ok(Settled::Send);
    };
    match write.settle {
        Settle::Find(find) => Ok(look(gate, open, find)?.map_or(Settled::Send, Settled::Adopted)),
        settle if repeats(settle, &open.prepared.input, open.controls) => Ok(Settled::Send),
        _ => decide(gate, open),
    }
}

/// The same for a write whose answer this process has lost: nobody is asked, the
/// playbook learns of it.
///
/// # Errors
/// Looking for it failed; it cannot be known.
pub fn again(gate: &Gate, open: &Open<'_>) -> Result<Settled, Fault> {
    match open.step.operation.write().map(|write| write.settle) {
        Some(Settle::Find(find)) => {
            Ok(look(gate, open, find)?.map_or(Settled::Send, Settled::Adopted))
        }
        Some(settle) if repeats(settle, &open.prepared.input, open.controls) => Ok(Settled::Send),
        _ => Err(Fault::new(FaultKind::Failed, "nobody knows")),
    }
}

/// Whether a write of which nobody knows whether it was done may just be sent again,
/// as its operation declares or as the playbook says of this call.
#[must_use]
pub fn repeats(settle: Settle, input: &Map, controls: &Map) -> bool {
    let is_true = |map: &Map, name: &str| map.get(name).and_then(Value::as_bool) == Some(true);
    match settle {
        Settle::Token(_) | Settle::Repeat => true,
        Settle::RepeatIf(parameter) => is_true(input, parameter) || is_true(controls, REPEATABLE),
        Settle::Ask => is_true(controls, REPEATABLE),
        Settle::Find(_) => false,
    }
}

/// Whether a lost answer to this write must not be asked for again by sending it again.
#[must_use]
pub fn is_delicate(open: &Open<'_>) -> bool {
    open.step.operation.write().is_some_and(|write| {
        // What is removed twice is not found.
        !write.removes.is_empty() || !repeats(write.settle, &open.prepared.input, open.controls)
    })
}

/// Looks for what the write made, several times: what is new may not be seen at once.
fn look(gate: &Gate, open: &Open<'_>, find: &Find) -> Result<Option<Value>, Fault> {
    for pause in LOOKS {
        if !pause.is_zero() {
            gate.world.sleep(pause, &gate.cancel)?;
        }
        if let Some(result) = look_once(gate, open, find)? {
            return Ok(Some(result));
        }
    }
    Ok(None)
}

fn look_once(gate: &Gate, open: &Open<'_>, find: &Find) -> Result<Option<Value>, Fault> {
    let sent = &open.prepared.input;
    let nothing = Value::Null;
    let roots = Roots {
        input: sent,
        result: &nothing,
    };
    let mut candidates = Vec::new();
    for input in select::calls(roots, find.arguments) {
        let site = &open.step.site;
        match ask(gate, site, open.controls, find.operation, input) {
            Ok(answer) => {
                let input = Map::new();
                let roots = Roots {
                    input: &input,
                    result: &answer,
                };
                candidates.extend(select::all(roots, find.within));
            }
            Err(fault) if fault.kind == FaultKind::NotFound => {}
            Err(fault) => return Err(fault),
        }
    }
    candidates.retain(|candidate| proven(open, find, candidate));
    let results: Vec<Value> = if find.result.iter().any(|(_, source)| *source == "every") {
        // Of one that makes several, another step of the run may have made some.
        let mut own = Vec::new();
        for candidate in candidates {
            let alone = result(open, find, &Value::Null, std::slice::from_ref(&candidate));
            let made = Made::of(open.step.operation, sent, &alone);
            if gate.journal.is_free(&open.step.path, &made)? {
                own.push(candidate);
            }
        }
        let candidates = own;
        let all = (!candidates.is_empty()).then(|| result(open, find, &Value::Null, &candidates));
        all.into_iter().collect()
    } else {
        let each = candidates.iter();
        each.map(|candidate| result(open, find, candidate, &[]))
            .collect()
    };
    for result in results {
        let made = Made::of(open.step.operation, sent, &result);
        if gate.journal.claim(&open.step.path, &made)? {
            return Ok(Some(result));
        }
    }
    Ok(None)
}

/// Calls a read, as the playbook's own would be but for no record of it.
///
/// # Errors
/// The policy's, the read's own.
pub fn ask(
    gate: &Gate,
    site: &Site,
    controls: &Map,
    operation: &str,
    input: Map,
) -> Result<Value, Fault> {
    let entry = registry().get(operation).ok_or_else(|| {
        Fault::new(
            FaultKind::Failed,
            format!("there is no {operation} to look for it"),
        )
    })?;
    let controls: Map = controls
        .iter()
        .filter(|(name, _)| CONTROLS_OF_PLACE.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let call = Call {
        entry,
        input,
        controls,
        site: site.clone(),
        undoes: None,
    };
    let prepared = prepare::prepare(gate, &call).map_err(Failure::into_fault)?;
    gate.policy.check(entry.operation.action)?;
    gate.perform(entry, &prepared, super::Retries::Usual)
}

fn proven(open: &Open<'_>, find: &Find, candidate: &Value) -> bool {
    let roots = Roots {
        input: &open.prepared.input,
        result: candidate,
    };
    find.proof.iter().all(|proof| match proof {
        Proof::Tags(path) => {
            let has = select::argument(roots, path);
            let sent = open.prepared.input.get("tags").and_then(Value::as_map);
            sent.is_some_and(|sent| {
                sent.contains_key(prepare::RUN_TAG)
                    && sent.iter().all(|(name, value)| {
                        has.get(name).and_then(Value::as_text) == value.as_text()
                    })
            })
        }
        Proof::Since(path) => match select::argument(roots, path) {
            Value::Time(time) => {
                let ahead = open.begun.since.duration_since(time);
                ahead.as_secs() <= APART
            }
            _ => false,
        },
        Proof::Same(left, right) => {
            let (left, right) = (
                select::argument(roots, left),
                select::argument(roots, right),
            );
            !left.is_null() && left == right
        }
        Proof::Named(left, right) => {
            let name = select::argument(roots, left);
            let named = |text: &str| {
                name.as_text().is_some_and(|name| {
                    name == text
                        || name
                            .strip_suffix(text)
                            .is_some_and(|rest| rest.ends_with('/'))
                })
            };
            match select::argument(roots, right) {
                Value::Map(map) => map.values().filter_map(Value::as_text).any(named),
                value => value.as_text().is_some_and(named),
            }
        }
    })
}

/// The write's result, made of what was found.
fn result(open: &Open<'_>, find: &Find, candidate: &Value, every: &[Value]) -> Value {
    let roots = Roots {
        input: &open.prepared.input,
        result: candidate,
    };
    let mut map = Map::new();
    for (field, source) in find.result {
        let value = match *source {
            "every" => Value::List(every.to_vec()),
            source => select::argument(roots, source),
        };
        if !value.is_null() {
            map.insert((*field).to_owned(), value);
        }
    }
    match open.step.operation.output {
        Shape::Nothing => Value::Null,
        _ => Value::Map(map),
    }
}

/// The outcome of a removal that may have been done before: what it says is not there
/// any more has been removed.
///
/// # Errors
/// Every other fault.
pub fn or_gone(operation: &Operation, outcome: Result<Value, Fault>) -> Result<Value, Fault> {
    let removes = operation
        .write()
        .is_some_and(|write| !write.removes.is_empty() && write.makes.is_empty());
    match outcome {
        Err(fault) if removes && fault.kind == FaultKind::NotFound => Ok(empty(operation)),
        outcome => outcome,
    }
}

/// The outcome of a write that may have been done before: that it does not get as far as
/// that now says nothing of then.
///
/// # Errors
/// Those of `outcome`.
pub fn or_open(outcome: Result<Value, Fault>) -> Result<Value, Fault> {
    outcome.map_err(|mut fault| {
        fault.open |= matches!(
            fault.kind,
            FaultKind::Credentials
                | FaultKind::Denied
                | FaultKind::Policy
                | FaultKind::Throttled
                | FaultKind::Unreachable
                | FaultKind::Timeout
        );
        fault
    })
}

/// All that can be known of the result of a write whose answer nobody has seen.
fn empty(operation: &Operation) -> Value {
    match operation.output {
        Shape::Struct(_) => Value::Map(Map::new()),
        _ => Value::Null,
    }
}

/// What a person has said, or the question.
fn decide(gate: &Gate, open: &Open<'_>) -> Result<Settled, Fault> {
    let step = open.step;
    match gate.journal.assumption(&step.path) {
        Some(true) => Ok(Settled::Assumed(empty(step.operation))),
        Some(false) => Ok(Settled::Send),
        None => {
            let input = Value::Map(step.input.clone()).to_json();
            let run = gate.journal.run().unwrap_or_default();
            let fault = Fault::new(
                FaultKind::Failed,
                format!(
                    "nobody knows whether step {path} was done: it was begun at {since} and no \
                     answer was recorded; {name} was called with {input}",
                    path = step.path,
                    since = open.begun.since,
                    name = step.operation.full_name(),
                ),
            )
            .hint(format!(
                "find out, then say `opsh resume {run}{flags} --assume done` (it is taken as done, \
                 with an empty result) or `--assume not-done` (it is sent again)",
                flags = gate.flags(),
            ));
            Err(super::fatal(fault, UNDECIDED))
        }
    }
}
