//! A script's error as Lambda reports one: a type to switch on and a message with the place.

use opsh_operation::{FaultKind, Value};

use crate::script::error::{Class, ScriptError};

/// What callers of the function, retries and dead-letter queues see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of the fault, as a playbook's error map has it: `not_found`, `deadline`, …
    pub kind: String,
    /// What went wrong, with its place in the script.
    pub message: String,
}

impl Failure {
    /// What `error` says in one line.
    #[must_use]
    pub fn of(error: &ScriptError) -> Self {
        let thrown = error
            .fault
            .as_ref()
            .and_then(|fault| fault.get("kind"))
            .and_then(Value::as_text);
        let kind = thrown.unwrap_or(match error.class {
            Class::Start => FaultKind::Invalid.word(),
            Class::Failed => FaultKind::Failed.word(),
            Class::Policy => FaultKind::Policy.word(),
            Class::Deadline => FaultKind::Deadline.word(),
            Class::Interrupted => FaultKind::Interrupted.word(),
        });
        Self {
            kind: kind.to_owned(),
            message: error.summary(),
        }
    }
}
