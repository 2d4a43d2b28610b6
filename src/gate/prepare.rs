//! From a call as the playbook wrote it to an input that may be sent.

use std::fmt::Write as _;

use opsh_aws::{Controls, Fills};
use opsh_operation::select::{self, Roots};
use opsh_operation::shape::{Shape, Structure};
use opsh_operation::value::REDACTED;
use opsh_operation::{
    Effect, Fault, FaultKind, Field, Map, Report, Secret, Settle, Value, duration, validate,
};
use sha2::{Digest as _, Sha256};

use super::event::Step;
use super::{Call, Failure, Gate};
use crate::world::Scope;

/// The second map of every call.
pub static CONTROLS: Structure = Structure {
    name: "controls",
    fields: &[
        control(
            "timeout",
            Shape::Duration,
            "For the whole call with its retries.",
        ),
        control(
            "limit",
            Shape::Int {
                min: 1,
                max: i64::MAX,
            },
            "At most this many items of a listing.",
        ),
        control("region", Shape::Text, "Another region than the run's."),
        control("profile", Shape::Text, "Another profile than the run's."),
        control(
            REPEATABLE,
            Shape::Bool,
            "Doing it twice does no harm: instead of asking whether a call that was cut off was done, it is sent again.",
        ),
    ],
};

/// The control that says that a call may be sent again.
pub const REPEATABLE: &str = "repeatable";

/// Those of them that say where a call goes.
pub const CONTROLS_OF_PLACE: [&str; 2] = ["region", "profile"];

const fn control(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field {
        name,
        shape,
        required: false,
        sensitive: false,
        doc,
    }
}

/// The tag that says which run made something.
pub const RUN_TAG: &str = "opsh:run";

/// An input that may be sent.
pub struct Prepared {
    /// The parameters with tags, token and real paths.
    pub input: Map,
    /// What validation found odd.
    pub report: Report,
    /// Timeout and limit.
    pub controls: Controls,
    /// Region and profile.
    pub scope: Scope,
}

/// Validates a call and reads its controls.
///
/// # Errors
/// Every fault of the call at once; a path outside of the working directory.
pub fn prepare(gate: &Gate, call: &Call) -> Result<Prepared, Failure> {
    let operation = call.entry.operation;
    let mut report = validate::input(operation.input, &call.input);
    report
        .errors
        .extend(validate::input(&CONTROLS, &call.controls).errors);
    if !report.errors.is_empty() {
        return Err(Failure::Invalid(report));
    }
    if operation.write().is_some() {
        unreadable(&call.input)?;
    }
    let mut input = call.input.clone();
    input.retain(|_, value| !value.is_null());
    resolve_paths(gate, operation.input, &mut input)?;
    let input = sealed(operation.input, input);
    Value::Map(input.clone()).for_each_secret(&mut |secret| gate.redactor.add(secret));
    let text = |name: &str| {
        call.controls
            .get(name)
            .and_then(Value::as_text)
            .map(str::to_owned)
    };
    Ok(Prepared {
        input,
        report,
        controls: Controls {
            timeout: call.controls.get("timeout").and_then(duration::of),
            limit: call
                .controls
                .get("limit")
                .and_then(Value::as_int)
                .and_then(|limit| usize::try_from(limit).ok()),
        },
        scope: Scope {
            region: text("region"),
            profile: text("profile"),
        },
    })
}

/// Refuses what would write the word that stands for a secret instead of the secret.
fn unreadable(input: &Map) -> Result<(), Fault> {
    let Some(name) = input
        .iter()
        .find_map(|(name, value)| shows_secret(value).then_some(name))
    else {
        return Ok(());
    };
    let message = format!(
        "'{name}' holds the word {REDACTED}, which stands for a secret in a text that was put together"
    );
    Err(Fault::new(FaultKind::Invalid, message)
        .hint("join a secret with +, which keeps it: \"a\" + secret, not `a${secret}`"))
}

fn shows_secret(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.contains(REDACTED),
        Value::List(items) => items.iter().any(shows_secret),
        Value::Map(map) => map.values().any(shows_secret),
        _ => false,
    }
}

/// The same input with the texts of sensitive parameters as secrets.
#[must_use]
pub fn sealed(structure: &Structure, mut map: Map) -> Map {
    seal_fields(structure, &mut map);
    map
}

fn seal_fields(structure: &Structure, map: &mut Map) {
    for (name, value) in map {
        match (structure.field(name), &mut *value) {
            (Some(field), Value::Text(text)) if field.sensitive => {
                *value = Secret::new(std::mem::take(text)).into();
            }
            (Some(field), value) => seal(structure, &field.shape, value),
            (None, _) => {}
        }
    }
}

/// Seals what is inside of a value in the input of `structure`.
fn seal(structure: &Structure, shape: &Shape, value: &mut Value) {
    match (shape, value) {
        (Shape::Struct(inner) | Shape::Union(inner), Value::Map(map)) => seal_fields(inner, map),
        // A host's own map says of that host what the call's parameters say of every host.
        (Shape::Any, Value::Map(map)) => seal_fields(structure, map),
        (Shape::List(item), Value::List(values)) => {
            for value in values {
                seal(structure, item, value);
            }
        }
        (Shape::MapOf(item), Value::Map(map)) => {
            for value in map.values_mut() {
                seal(structure, item, value);
            }
        }
        _ => {}
    }
}

/// Whose a write is.
pub struct Signature<'a> {
    /// The stack.
    pub stack: &'a str,
    /// The run.
    pub run: &'a str,
    /// What the operation's binding declares.
    pub fills: Fills,
}

/// Adds what makes a write recognisable: our tags, the idempotency token, and what
/// the ids of what it makes are read off.
pub fn sign(signature: &Signature<'_>, step: &Step, prepared: &mut Prepared) {
    let Effect::Write(write) = &step.operation.effect else {
        return;
    };
    let Signature { stack, run, fills } = *signature;
    let literal = |source: &str| {
        let nothing = Value::Null;
        let roots = Roots {
            input: &Map::new(),
            result: &nothing,
        };
        select::argument(roots, source)
    };
    for (name, source) in fills.always {
        prepared.input.insert((*name).to_owned(), literal(source));
    }
    for (name, source) in fills.absent {
        prepared
            .input
            .entry((*name).to_owned())
            .or_insert_with(|| literal(source));
    }
    let untagged = fills
        .untagged_if
        .and_then(|name| prepared.input.get(name))
        .and_then(Value::as_bool);
    if let Some(parameter) = write.tags.filter(|_| untagged != Some(true)) {
        let tags = prepared
            .input
            .entry(parameter.to_owned())
            .or_insert_with(|| Value::Map(Map::new()));
        if let Value::Map(tags) = tags {
            tags.insert("opsh:stack".to_owned(), stack.into());
            tags.insert(RUN_TAG.to_owned(), run.into());
        }
    }
    if let Settle::Token(parameter) = write.settle {
        prepared
            .input
            .entry(parameter.to_owned())
            .or_insert_with(|| token(run, step).into());
    }
}

/// An idempotency token that a replay of the same step of the same run derives again.
fn token(run: &str, step: &Step) -> String {
    let input = Value::Map(step.input.clone()).to_record(&|secret| secret.reveal().into());
    let mut hash = Sha256::new();
    hash.update(format!(
        "{run}\n{}\n{}\n{input}",
        step.path,
        step.operation.full_name()
    ));
    hash.finalize()
        .iter()
        .take(16)
        .fold(String::from("opsh-"), |mut token, byte| {
            // Writing to a String cannot fail.
            let _ = write!(token, "{byte:02x}");
            token
        })
}

fn resolve_paths(gate: &Gate, structure: &Structure, map: &mut Map) -> Result<(), Fault> {
    for (name, value) in map.iter_mut() {
        if let Some(field) = structure.field(name) {
            resolve_path(gate, &field.shape, value)?;
        }
    }
    Ok(())
}

fn resolve_path(gate: &Gate, shape: &Shape, value: &mut Value) -> Result<(), Fault> {
    let real = |path: &str| {
        gate.files
            .resolve(path, gate.world.files())
            .map(|path| path.display().to_string())
    };
    match (shape, value) {
        (Shape::Path, Value::Text(path)) => *path = real(path)?,
        (Shape::Output, Value::Text(path)) => {
            let real = gate.files.resolve_output(path, gate.world.files())?;
            *path = real.display().to_string();
        }
        (Shape::Body, Value::Map(body)) => {
            if let Some(Value::Text(path)) = body.get_mut("file") {
                *path = real(path)?;
            }
        }
        (Shape::List(item), Value::List(values)) => {
            for value in values {
                resolve_path(gate, item, value)?;
            }
        }
        (Shape::Struct(inner), Value::Map(map)) => resolve_paths(gate, inner, map)?,
        _ => {}
    }
    Ok(())
}

/// Paths in a result as the playbook knows them: the same wherever it runs.
pub fn show_paths(gate: &Gate, shape: &Shape, value: &mut Value) {
    match (shape, value) {
        (Shape::Path | Shape::Output, Value::Text(path)) => {
            *path = gate.files.shown(path, gate.world.files());
        }
        (Shape::List(item), Value::List(values)) => {
            for value in values {
                show_paths(gate, item, value);
            }
        }
        (Shape::Struct(structure), Value::Map(map)) => {
            for (name, value) in map.iter_mut() {
                if let Some(field) = structure.field(name) {
                    show_paths(gate, &field.shape, value);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::modules::registry::registry;

    #[test]
    fn what_a_host_says_itself_is_as_secret_as_what_the_call_says() {
        let host = || {
            Value::Map(Map::from([
                ("host".into(), "db".into()),
                ("passphrase".into(), "hunter2".into()),
            ]))
        };
        let said = Secret::new("hunter2").into();
        for name in ["run", "read", "upload", "download", "wait", "run_all"] {
            let entry = registry().get(&format!("ssh::{name}")).unwrap();
            let (key, value) = if name == "run_all" {
                ("hosts", Value::List(vec!["web".into(), host()]))
            } else {
                ("host", host())
            };
            let input = Map::from([
                (key.to_owned(), value),
                ("passphrase".into(), "hunter2".into()),
            ]);
            let input = sealed(entry.operation.input, input);
            assert_eq!(input["passphrase"], said, "{name}");
            let own = match &input[key] {
                Value::List(hosts) => {
                    assert_eq!(hosts[0], "web".into());
                    &hosts[1]
                }
                own => own,
            };
            assert_eq!(own.get("passphrase"), Some(&said), "{name}");
            assert_eq!(own.get("host"), Some(&"db".into()), "{name}");
        }
    }
}
