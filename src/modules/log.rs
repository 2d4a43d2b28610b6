//! `log`: what happens, for whoever watches. Nothing of it is recorded.

use opsh_operation::{Effect, Fault, Map, Shape, Value};
use tracing::Level;

use super::declare::{entry, required};
use super::{Context, Entry, Handler};

/// The table.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "log" "debug" "log:Debug" Effect::Pure, Handler::Native(|context, input| write(context, input, Level::DEBUG)),
        ("message") [required("message", Shape::Any, "A text, or any value.")] -> Shape::Nothing,
        "Logs a detail; shown with -v and in the log file.",
        r#"log::debug(`trying ${3} times`);"#,
    },
    entry! {
        "log" "info" "log:Info" Effect::Pure, Handler::Native(|context, input| write(context, input, Level::INFO)),
        ("message") [required("message", Shape::Any, "A text, or any value.")] -> Shape::Nothing,
        "Logs what happens.",
        r#"log::info("the page is up");"#,
    },
    entry! {
        "log" "warn" "log:Warn" Effect::Pure, Handler::Native(|context, input| write(context, input, Level::WARN)),
        ("message") [required("message", Shape::Any, "A text, or any value.")] -> Shape::Nothing,
        "Logs what somebody should look at.",
        r#"log::warn("the instance type is not free-tier eligible");"#,
    },
    entry! {
        "log" "error" "log:Error" Effect::Pure, Handler::Native(|context, input| write(context, input, Level::ERROR)),
        ("message") [required("message", Shape::Any, "A text, or any value.")] -> Shape::Nothing,
        "Logs what went wrong; the playbook goes on.",
        r#"log::error("a target is unhealthy");"#,
    },
];

// The signature is the handlers'.
#[allow(clippy::unnecessary_wraps)]
fn write(context: &Context<'_>, input: &Map, level: Level) -> Result<Value, Fault> {
    let message = shown(input.get("message").unwrap_or(&Value::Null));
    context.terminal.log(level, &message);
    Ok(Value::Null)
}

/// A value as people read it: text as it is, secrets redacted, all else as JSON.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => text.clone(),
        Value::Secret(secret) => secret.to_string(),
        Value::Time(time) => time.to_string(),
        other => other.to_json().to_string(),
    }
}
