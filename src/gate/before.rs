//! What is there before a call that would change it instead of making it.
//!
//! Only what a run has made may its undo remove. Some calls make what is not there and
//! change what is (`s3::put_object`, `cloudwatch::put_metric_alarm`, …), and their answer
//! does not say which. So it is looked at before the intent is recorded, and what was
//! there becomes part of the intent: after a crash, the call's own doing would be seen.

use opsh_operation::select::{self, Roots};
use opsh_operation::{Before, Fault, FaultKind, Map, Operation, Value};

use super::event::Step;
use super::prepare::Prepared;
use super::{Gate, settle};
use crate::ledger::Former;

/// What `step` is going to change; nothing if it makes what is not there yet.
///
/// # Errors
/// Looking failed. That it is not allowed is no failure: then nobody knows.
pub fn look(
    gate: &Gate,
    step: &Step,
    prepared: &Prepared,
    controls: &Map,
) -> Result<Option<Former>, Fault> {
    let Some(write) = step.operation.write() else {
        return Ok(None);
    };
    let Some(before) = write.before else {
        return Ok(None);
    };
    let sent = match write.answers {
        // The look finds the files of the playbook by the names that it has for them.
        Some(_) => &step.input,
        None => &prepared.input,
    };
    let may_change = before
        .only_if
        .is_none_or(|name| sent.get(name).and_then(Value::as_bool) == Some(true));
    // What leaves no ledger behind, nobody undoes.
    if !may_change || gate.journal.is_forgotten() {
        return Ok(None);
    }
    let roots = Roots {
        input: sent,
        result: &Value::Null,
    };
    let mut each = Vec::new();
    for input in select::calls(roots, before.look.arguments) {
        match settle::ask(gate, &step.site, controls, before.look.operation, input) {
            Ok(answer) => {
                let mut found = changed(before, sent, &answer);
                match before.every {
                    Some(kept) => each.extend(found.filter_map(|item| part(&item, kept))),
                    None => {
                        if let Some(found) = found.next() {
                            return Ok(Some(Former { found: Some(found) }));
                        }
                    }
                }
            }
            Err(fault) => match fault.kind {
                FaultKind::NotFound => {}
                FaultKind::Denied | FaultKind::Policy => return Ok(Some(Former { found: None })),
                _ => return Err(fault),
            },
        }
    }
    // Also where there is none: then the call changes nothing.
    Ok(before.every.map(|_| Former {
        found: Some(Value::Map(Map::from([(EACH.to_owned(), each.into())]))),
    }))
}

/// What is kept of all that a call changes stands under this name.
const EACH: &str = "each";

/// How many of the things that it names a call changes, if they were counted before it.
#[must_use]
pub fn count(former: &Former) -> Option<usize> {
    let each = former.found.as_ref()?.get(EACH)?;
    Some(each.as_list()?.len())
}

/// What is kept of `item`.
fn part(item: &Value, source: &str) -> Option<Value> {
    let nothing = Map::new();
    let roots = Roots {
        input: &nothing,
        result: item,
    };
    select::all(roots, source).into_iter().next()
}

/// The outcome of a call that is sent again, and of which it was seen before its first time
/// whether there was something.
///
/// # Errors
/// Those of `outcome`.
pub fn answered(
    operation: &Operation,
    former: Option<&Former>,
    outcome: Result<Value, Fault>,
) -> Result<Value, Fault> {
    let place = operation.write().and_then(|write| write.answers);
    let was_there = former.is_some_and(|former| former.found.is_some());
    let Some(place) = place.filter(|_| was_there) else {
        return outcome;
    };
    let mut result = outcome?;
    match (place.strip_prefix("result."), &mut result) {
        (Some(field), Value::Map(map)) => {
            map.insert(field.to_owned(), true.into());
        }
        (None, result) => *result = true.into(),
        (Some(_), _) => {}
    }
    Ok(result)
}

/// What of `answer` the call would change.
fn changed<'a>(
    before: &'a Before,
    sent: &'a Map,
    answer: &Value,
) -> impl Iterator<Item = Value> + use<'a> {
    let nothing = Map::new();
    let listed = select::all(
        Roots {
            input: &nothing,
            result: answer,
        },
        before.look.within,
    );
    listed.into_iter().filter(move |item| {
        let roots = Roots {
            input: sent,
            result: item,
        };
        is_something(item)
            && before
                .same
                .iter()
                .all(|(left, right)| select::meet(roots, left, right))
    })
}

/// Whether a result says anything: S3 answers for a bucket that tells nobody, too.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Map(map) => map.values().any(is_something),
        Value::List(items) => !items.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_nothing_is_nothing() {
        let map = |value: Value| Value::Map(Map::from([("a".to_owned(), value)]));
        assert!(!is_something(&Value::Map(Map::new())));
        assert!(!is_something(&map(Value::Null)));
        assert!(!is_something(&map(Value::List(Vec::new()))));
        assert!(is_something(&map(false.into())));
    }
}
