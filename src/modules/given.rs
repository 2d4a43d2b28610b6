//! Reading a validated input: what is missing has its default, what is there has its type.

use std::borrow::Cow;

use opsh_operation::validate::parse_duration;
use opsh_operation::{Map, Secret, Value};

/// The text `name`, also of a secret; empty if it is not there.
pub(crate) fn text<'a>(input: &'a Map, name: &str) -> &'a str {
    input.get(name).and_then(Value::as_text).unwrap_or_default()
}

/// The whole number `name`.
pub(crate) fn int(input: &Map, name: &str, default: i64) -> i64 {
    input.get(name).and_then(Value::as_int).unwrap_or(default)
}

/// The number `name`.
pub(crate) fn float(input: &Map, name: &str) -> Option<f64> {
    input.get(name).and_then(Value::as_float)
}

/// The truth value `name`.
pub(crate) fn flag(input: &Map, name: &str, default: bool) -> bool {
    input.get(name).and_then(Value::as_bool).unwrap_or(default)
}

/// The items of the list `name`.
pub(crate) fn list<'a>(input: &'a Map, name: &str) -> &'a [Value] {
    input.get(name).and_then(Value::as_list).unwrap_or_default()
}

/// The bytes `name`; text gives its UTF-8.
pub(crate) fn bytes<'a>(input: &'a Map, name: &str) -> Cow<'a, [u8]> {
    match input.get(name) {
        Some(Value::Bytes(bytes)) => Cow::Borrowed(bytes),
        Some(other) => Cow::Borrowed(other.as_text().unwrap_or_default().as_bytes()),
        None => Cow::Borrowed(&[]),
    }
}

/// The duration `name` in seconds.
pub(crate) fn duration(input: &Map, name: &str) -> Option<std::time::Duration> {
    match input.get(name)? {
        Value::Int(seconds) => u64::try_from(*seconds)
            .ok()
            .map(std::time::Duration::from_secs),
        Value::Text(text) => parse_duration(text),
        _ => None,
    }
}

/// `text` as a result of `input`: what was made of a secret is a secret.
pub(crate) fn derived(input: &Map, text: impl Into<String>) -> Value {
    let mut tainted = false;
    for value in input.values() {
        value.for_each_secret(&mut |_| tainted = true);
    }
    if tainted {
        Secret::new(text.into()).into()
    } else {
        text.into().into()
    }
}
