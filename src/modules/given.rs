//! Reading a validated input: what is missing has its default, what is there has its type.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use opsh_operation::{Fault, FaultKind, Map, Secret, Value, duration};

use crate::world::content::Content;
use crate::world::files::Files;

/// The text `name`, also of a secret; empty if it is not there.
pub(crate) fn text<'a>(input: &'a Map, name: &str) -> &'a str {
    input.get(name).and_then(Value::as_text).unwrap_or_default()
}

/// The text `name`, also of a secret, if it is there.
pub(crate) fn optional_text<'a>(input: &'a Map, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Value::as_text)
}

/// The secret `name`, whether it was marked as one or not.
pub(crate) fn secret(input: &Map, name: &str) -> Option<Secret> {
    match input.get(name)? {
        Value::Secret(secret) => Some(secret.clone()),
        Value::Text(text) => Some(Secret::new(text.as_str())),
        _ => None,
    }
}

/// The whole number `name`.
pub(crate) fn int(input: &Map, name: &str, default: i64) -> i64 {
    input.get(name).and_then(Value::as_int).unwrap_or(default)
}

/// The whole number `name`, which is not negative.
pub(crate) fn count(input: &Map, name: &str, default: u64) -> u64 {
    input
        .get(name)
        .and_then(Value::as_int)
        .and_then(|number| u64::try_from(number).ok())
        .unwrap_or(default)
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
pub(crate) fn duration(input: &Map, name: &str) -> Option<Duration> {
    duration::of(input.get(name)?)
}

/// Permissions in octal digits.
pub(crate) fn mode(text: &str) -> Result<u32, Fault> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o7777)
        .ok_or_else(|| {
            Fault::new(
                FaultKind::Invalid,
                format!("{text:?} is not a file mode; write it in octal, e.g. \"0600\""),
            )
        })
}

/// JSON with the secrets in it, for who sends it or keeps it as a secret.
pub(crate) fn revealed(value: &Value) -> serde_json::Value {
    match value {
        Value::Secret(secret) => secret.reveal().into(),
        Value::List(items) => items.iter().map(revealed).collect(),
        Value::Map(map) => map
            .iter()
            .map(|(name, item)| (name.clone(), revealed(item)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        plain => plain.to_json(),
    }
}

/// What is to be sent: the text or the bytes `name`, or what is in the file that it names.
pub(crate) fn content(
    files: &dyn Files,
    input: &Map,
    name: &str,
) -> Result<Option<Content>, Fault> {
    match input.get(name) {
        Some(Value::Bytes(bytes)) => Ok(Some(bytes.clone().into())),
        Some(value @ (Value::Text(_) | Value::Secret(_))) => {
            let bytes = value.as_text().map(|text| text.as_bytes().to_vec());
            Ok(bytes.map(Content::Bytes))
        }
        Some(Value::Map(map)) => {
            let Some(path) = map.get("file").and_then(Value::as_text) else {
                return Ok(None);
            };
            let path = Path::new(path);
            let real = files.to_read(path);
            let real = real.map_err(|error| Content::File(path.to_owned()).unreadable(&error))?;
            Ok(Some(Content::File(real)))
        }
        _ => Ok(None),
    }
}

/// The same, all of it in memory.
pub(crate) fn body(files: &dyn Files, input: &Map, name: &str) -> Result<Option<Vec<u8>>, Fault> {
    let content = content(files, input, name)?;
    let whole = |content: Content| content.whole().map(Cow::into_owned);
    content.map(whole).transpose()
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Instant;

    #[test]
    fn modes_are_octal() {
        assert_eq!(mode("0644"), Ok(0o644));
        assert_eq!(mode("1777"), Ok(0o1777));
        for wrong in ["rw", "99", "77777"] {
            assert_eq!(
                mode(wrong).unwrap_err().message,
                format!("{wrong:?} is not a file mode; write it in octal, e.g. \"0600\"")
            );
        }
    }

    #[test]
    fn clocks_have_room_for_every_duration() {
        for long in [Value::Int(i64::MAX), "2562047788015h".into()] {
            let input = Map::from([("timeout".into(), long)]);
            let read = duration(&input, "timeout").unwrap();
            assert!(Instant::now().checked_add(read).is_some(), "{read:?}");
        }
    }
}
