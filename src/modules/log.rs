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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use opsh_operation::Secret;

    use super::*;
    use crate::modules::testing::Bench;

    #[test]
    fn messages_reach_the_log_without_secrets() {
        let bench = Bench::new(ENTRIES);
        let value = Map::from([("key".to_owned(), Secret::new("hunter2").into())]);
        bench.call("warn", [("message", "careful".into())]).unwrap();
        bench.call("debug", [("message", value.into())]).unwrap();
        bench
            .call("info", [("message", Secret::new("hunter2").into())])
            .unwrap();
        assert_eq!(
            *bench.terminal.said.lock().unwrap(),
            [
                "WARN: careful",
                "DEBUG: {\"key\":\"[secret]\"}",
                "INFO: [secret]"
            ]
        );
    }
}
