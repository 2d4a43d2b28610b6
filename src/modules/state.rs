//! `state`: what a service keeps from event to event, and over restarts. It is kept in the
//! ledger, by stack.

use opsh_operation::{Effect, Fault, FaultKind, Inverse, Map, Settle, Shape, Value};

use super::declare::{entry, optional, plain_write, required};
use super::{Entry, Handler, given};
use crate::gate::journal::Journal;

/// Longest key, in bytes.
const KEY: usize = 256;

/// Largest value as JSON, in bytes.
const VALUE: usize = 256 * 1024;

/// The table.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "state" "get" "state:Get" Effect::Read, Handler::Ledger(get),
        ("key", "default") [
            required("key", Shape::Text, "Its key."),
            optional("default", Shape::Any, "What is given if nothing is kept there. Default: nothing."),
        ] -> Shape::Any,
        "What the stack keeps under a key.",
        r#"if state::get("runs", 0) != 0 { throw "wrong"; }"#,
    },
    entry! {
        "state" "set" "state:Set" Effect::Write(plain_write(
            Inverse::Nothing("what a service keeps is no resource"), Settle::Repeat)), Handler::Ledger(set),
        ("key", "value") [
            required("key", Shape::Text, "Its key."),
            required("value", Shape::Any, "Any value that is no function, up to 256 KiB as JSON; secrets are sealed."),
        ] -> Shape::Nothing,
        "Keeps a value under a key, also over restarts.",
        r#"state::set("runs", state::get("runs", 0) + 1);
    if state::get("runs") != 1 { throw "wrong"; }"#,
    },
    entry! {
        "state" "remove" "state:Remove" Effect::Write(plain_write(
            Inverse::Nothing("what a service keeps is no resource"), Settle::Repeat)), Handler::Ledger(remove),
        ("key") [required("key", Shape::Text, "Its key.")] -> Shape::Nothing,
        "Keeps nothing under a key any more.",
        r#"state::set("last", "a");
state::remove("last");
if state::get("last") != () { throw "wrong"; }"#,
    },
    entry! {
        "state" "all" "state:All" Effect::Read, Handler::Ledger(all),
        () [] -> Shape::MapOf(&Shape::Any),
        "Everything that the stack keeps, by key.",
        r#"state::set("a", 1);
    if state::all() != #{ a: 1 } { throw "wrong"; }"#,
    },
];

fn get(journal: &Journal, input: &Map) -> Result<Value, Fault> {
    let (stack, key) = (journal.stack(), given::text(input, "key"));
    let kept = journal.with_ledger(|ledger, _| ledger.state(&stack, key))?;
    Ok(kept.unwrap_or_else(|| input.get("default").cloned().unwrap_or_default()))
}

fn set(journal: &Journal, input: &Map) -> Result<Value, Fault> {
    let value = input.get("value").cloned().unwrap_or_default();
    let size = value.to_json().to_string().len();
    if size > VALUE {
        return Err(invalid(format!(
            "the value has {size} bytes as JSON, more than {VALUE}"
        )));
    }
    keep(journal, input, &value)
}

fn remove(journal: &Journal, input: &Map) -> Result<Value, Fault> {
    keep(journal, input, &Value::Null)
}

fn keep(journal: &Journal, input: &Map, value: &Value) -> Result<Value, Fault> {
    let (stack, key) = (journal.stack(), given::text(input, "key"));
    if key.is_empty() || key.len() > KEY {
        return Err(invalid(format!("a key has from 1 to {KEY} bytes")));
    }
    journal.with_ledger(|ledger, run| ledger.set_state(run, &stack, key, value))?;
    Ok(Value::Null)
}

fn all(journal: &Journal, _: &Map) -> Result<Value, Fault> {
    let stack = journal.stack();
    journal
        .with_ledger(|ledger, _| ledger.states(&stack))
        .map(Value::Map)
}

fn invalid(message: String) -> Fault {
    Fault::new(FaultKind::Invalid, message)
}
