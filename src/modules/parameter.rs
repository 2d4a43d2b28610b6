//! Parameters that senders share: credentials, bodies, durations with defaults.

use std::path::Path;
use std::time::Duration;

use opsh_operation::shape::{Field, Shape};
use opsh_operation::validate::parse_duration;
use opsh_operation::{Fault, FaultKind, Map, Secret, Value};

use crate::world::files::Files;

/// A parameter that may be left out and is never shown.
#[must_use]
pub const fn secret(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field {
        sensitive: true,
        ..super::declare::optional(name, shape, doc)
    }
}

/// The parameter `name` as text; a secret in plain.
#[must_use]
pub fn text<'a>(input: &'a Map, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Value::as_text)
}

/// The required parameter `name` as text.
///
/// # Errors
/// It is missing; the gate lets no such call through.
pub fn needed<'a>(input: &'a Map, name: &str) -> Result<&'a str, Fault> {
    text(input, name).ok_or_else(|| {
        Fault::new(
            FaultKind::Invalid,
            format!("missing parameter '{name}' (text)"),
        )
    })
}

/// The parameter `name` as a secret, whether it was marked as one or not.
#[must_use]
pub fn concealed(input: &Map, name: &str) -> Option<Secret> {
    match input.get(name)? {
        Value::Secret(secret) => Some(secret.clone()),
        Value::Text(text) => Some(Secret::new(text.as_str())),
        _ => None,
    }
}

/// The parameter `name` as a truth value.
#[must_use]
pub fn flag(input: &Map, name: &str, otherwise: bool) -> bool {
    input
        .get(name)
        .and_then(Value::as_bool)
        .unwrap_or(otherwise)
}

/// The parameter `name` as a number that is not negative.
#[must_use]
pub fn count(input: &Map, name: &str, otherwise: u64) -> u64 {
    input
        .get(name)
        .and_then(Value::as_int)
        .and_then(|number| u64::try_from(number).ok())
        .unwrap_or(otherwise)
}

/// The parameter `name` as a duration.
#[must_use]
pub fn duration(input: &Map, name: &str, otherwise: Duration) -> Duration {
    match input.get(name) {
        Some(Value::Int(seconds)) => u64::try_from(*seconds).ok().map(Duration::from_secs),
        Some(Value::Text(text)) => parse_duration(text),
        _ => None,
    }
    .unwrap_or(otherwise)
}

/// The parameter `name` as what is to be sent: text, bytes, or the content of a file.
///
/// # Errors
/// The file cannot be read.
pub fn content(files: &dyn Files, input: &Map, name: &str) -> Result<Option<Vec<u8>>, Fault> {
    match input.get(name) {
        Some(Value::Bytes(bytes)) => Ok(Some(bytes.clone())),
        Some(value @ (Value::Text(_) | Value::Secret(_))) => {
            Ok(value.as_text().map(|text| text.as_bytes().to_vec()))
        }
        Some(Value::Map(map)) => map
            .get("file")
            .and_then(Value::as_text)
            .map(|path| {
                files.read(Path::new(path)).map_err(|error| {
                    Fault::new(
                        if error.kind() == std::io::ErrorKind::NotFound {
                            FaultKind::NotFound
                        } else {
                            FaultKind::Invalid
                        },
                        format!("cannot read the file {path}: {error}"),
                    )
                })
            })
            .transpose(),
        _ => Ok(None),
    }
}

/// Bytes as a playbook likes them: text if they are UTF-8.
#[must_use]
pub fn text_or_bytes(bytes: Vec<u8>) -> Value {
    match String::from_utf8(bytes) {
        Ok(text) => Value::Text(text),
        Err(error) => Value::Bytes(error.into_bytes()),
    }
}

/// Seconds between two times, to the millisecond.
#[must_use]
pub fn seconds(from: jiff::Timestamp, to: jiff::Timestamp) -> Value {
    Value::Float((to.duration_since(from).as_secs_f64() * 1000.0).round() / 1000.0)
}
