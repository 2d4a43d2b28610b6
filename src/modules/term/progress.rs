//! `term::progress`: how far something is that takes long.

use opsh_operation::{Fault, Map, Value};

use crate::modules::{Context, given};

/// How far something is, as one line: `vol-1   40 %  8 GiB`.
#[must_use]
pub fn line(label: &str, percent: i64, note: &str) -> String {
    let line = format!("{label} {percent:>3} %  {note}");
    line.trim_end().to_owned()
}

/// Shows how far it is.
pub(super) fn show(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let label = given::text(input, "label");
    let percent = input.get("percent").and_then(Value::as_int).unwrap_or(0);
    let note = input
        .get("note")
        .and_then(Value::as_text)
        .unwrap_or_default();
    context.terminal.progress(label, percent, note);
    Ok(Value::Null)
}
