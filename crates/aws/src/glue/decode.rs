//! Values as the SDK's types.
//!
//! Inputs have passed [`opsh_operation::validate`] when they come here, so these
//! faults are seen only by callers that skip it.

use std::collections::HashMap;

use aws_smithy_types::error::operation::BuildError;
use aws_smithy_types::{Blob, DateTime};
use jiff::Timestamp;
use opsh_operation::{Fault, FaultKind, Map, Value};

use super::bodies;

/// What an input can hold.
pub trait Decode: Sized {
    /// Reads one of these.
    ///
    /// # Errors
    /// `invalid` if the value is something else.
    fn decode(value: Value) -> Result<Self, Fault>;

    /// Reads a list of these; tags and filters come as maps.
    ///
    /// # Errors
    /// `invalid` if the value is something else.
    fn decode_list(value: Value) -> Result<Vec<Self>, Fault> {
        items(value)
    }
}

fn mismatch(wanted: &str, value: &Value) -> Fault {
    Fault::new(
        FaultKind::Invalid,
        format!("must be {wanted}, not {}", value.type_name()),
    )
}

impl Decode for bool {
    fn decode(value: Value) -> Result<Self, Fault> {
        value.as_bool().ok_or_else(|| mismatch("bool", &value))
    }
}

impl Decode for i64 {
    fn decode(value: Value) -> Result<Self, Fault> {
        value.as_int().ok_or_else(|| mismatch("integer", &value))
    }
}

impl Decode for i32 {
    fn decode(value: Value) -> Result<Self, Fault> {
        value
            .as_int()
            .and_then(|number| number.try_into().ok())
            .ok_or_else(|| mismatch("an integer of 32 bits", &value))
    }
}

impl Decode for f64 {
    fn decode(value: Value) -> Result<Self, Fault> {
        value.as_float().ok_or_else(|| mismatch("a number", &value))
    }
}

impl Decode for String {
    fn decode(value: Value) -> Result<Self, Fault> {
        match value {
            Value::Text(text) => Ok(text),
            other => word(&other).map(str::to_owned),
        }
    }
}

impl Decode for Blob {
    fn decode(value: Value) -> Result<Self, Fault> {
        match value {
            Value::Bytes(bytes) => Ok(Self::new(bytes)),
            Value::Map(map) => bodies::content(&map).map(Self::new),
            other => word(&other).map(Self::new),
        }
    }
}

impl Decode for DateTime {
    fn decode(value: Value) -> Result<Self, Fault> {
        let time: Timestamp = match &value {
            Value::Time(time) => *time,
            Value::Text(text) => text.parse().map_err(|_| mismatch("a time", &value))?,
            other => return Err(mismatch("a time", other)),
        };
        Ok(Self::from_nanos(time.as_nanosecond()).unwrap_or_else(|_| {
            // Beyond the nanoseconds of 128 bits lies no jiff timestamp.
            Self::from_secs(time.as_second())
        }))
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(value: Value) -> Result<Self, Fault> {
        T::decode(value).map(Self::new)
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(value: Value) -> Result<Self, Fault> {
        T::decode_list(value)
    }
}

impl<K: for<'a> From<&'a str> + std::hash::Hash + Eq, T: Decode> Decode for HashMap<K, T> {
    fn decode(value: Value) -> Result<Self, Fault> {
        fields(value)?
            .into_iter()
            .map(|(name, item)| Ok((K::from(&name), T::decode(item)?)))
            .collect()
    }
}

/// The text of an enumeration, or any other.
///
/// # Errors
/// `invalid` if the value is no text.
pub fn word(value: &Value) -> Result<&str, Fault> {
    value.as_text().ok_or_else(|| mismatch("text", value))
}

/// The entries of a structure.
///
/// # Errors
/// `invalid` if the value is no map.
pub fn fields(value: Value) -> Result<Map, Fault> {
    match value {
        Value::Map(map) => Ok(map),
        other => Err(mismatch("a map", &other)),
    }
}

/// The items of a list, each read.
///
/// # Errors
/// `invalid` if the value is no list, or an item's fault.
pub fn items<T: Decode>(value: Value) -> Result<Vec<T>, Fault> {
    match value {
        Value::List(items) => items.into_iter().map(T::decode).collect(),
        other => Err(mismatch("a list", &other)),
    }
}

/// Takes the entry `name` out of `map` and reads it.
///
/// # Errors
/// The value's fault, with the entry's name.
pub fn take<T: Decode>(map: &mut Map, name: &str) -> Result<Option<T>, Fault> {
    match map.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => T::decode(value).map(Some).map_err(|mut fault| {
            fault.message = if fault.message.starts_with('\'') {
                format!("'{name}.{}", &fault.message[1..])
            } else {
                format!("'{name}' {}", fault.message)
            };
            fault
        }),
    }
}

/// The one entry of a union.
///
/// # Errors
/// `invalid` if there is not exactly one.
pub fn single(value: Value) -> Result<(String, Value), Fault> {
    let map = fields(value)?;
    if map.len() != 1 {
        return Err(Fault::new(
            FaultKind::Invalid,
            "must have exactly one entry",
        ));
    }
    map.into_iter().next().ok_or_else(|| unknown_member(""))
}

/// A union has no such entry.
pub fn unknown_member(name: &str) -> Fault {
    Fault::new(FaultKind::Invalid, format!("has no entry '{name}'"))
}

/// The SDK misses a required field.
#[allow(clippy::needless_pass_by_value)] // a function for `map_err`
pub fn incomplete(error: BuildError) -> Fault {
    Fault::new(FaultKind::Invalid, error.to_string())
}

/// Names and values of tags, ordered by name.
///
/// # Errors
/// `invalid` if a value is no text.
pub fn pairs(tags: Map) -> Result<Vec<(String, String)>, Fault> {
    tags.into_iter()
        .map(|(name, value)| Ok((name, String::decode(value)?)))
        .collect()
}

/// Names and values of filters, ordered by name.
///
/// # Errors
/// `invalid` if a value is neither text nor a list of texts.
pub fn filters(value: Value) -> Result<Vec<(String, Vec<String>)>, Fault> {
    fields(value)?
        .into_iter()
        .map(|(name, value)| {
            let values = match value {
                Value::List(_) => items(value)?,
                one => vec![String::decode(one)?],
            };
            Ok((name, values))
        })
        .collect()
}

/// Moves the parameter `tags` into `tag_specifications` for each of `types`.
///
/// A type that the playbook has specified itself keeps its tags and gets these too
/// where they do not differ: EC2 takes each resource type once.
pub fn specify_tags(input: &mut Map, types: &[&str]) {
    let Some(Value::Map(tags)) = input.remove("tags") else {
        return;
    };
    if tags.is_empty() {
        return;
    }
    let mut specifications = match input.remove("tag_specifications") {
        Some(Value::List(items)) => items,
        _ => Vec::new(),
    };
    for kind in types {
        let own = specifications.iter_mut().find_map(|item| match item {
            Value::Map(map) if map.get("resource_type").and_then(Value::as_text) == Some(kind) => {
                Some(map)
            }
            _ => None,
        });
        if let Some(map) = own {
            let Value::Map(given) = map
                .entry("tags".into())
                .or_insert_with(|| Value::Map(Map::new()))
            else {
                continue;
            };
            for (name, value) in &tags {
                given.entry(name.clone()).or_insert_with(|| value.clone());
            }
        } else {
            specifications.push(Value::Map(Map::from([
                ("resource_type".into(), (*kind).into()),
                ("tags".into(), Value::Map(tags.clone())),
            ])));
        }
    }
    input.insert("tag_specifications".into(), Value::List(specifications));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn map(entries: &[(&str, Value)]) -> Map {
        entries
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    }

    #[test]
    fn faults_name_the_whole_path() {
        struct Inner;
        impl Decode for Inner {
            fn decode(value: Value) -> Result<Self, Fault> {
                take::<i64>(&mut fields(value)?, "count").map(|_| Self)
            }
        }
        let mut input = map(&[("outer", Value::Map(map(&[("count", "x".into())])))]);
        let fault = take::<Inner>(&mut input, "outer").err().unwrap();
        assert_eq!(fault.message, "'outer.count' must be integer, not text");
    }

    #[test]
    fn filters_take_one_text_or_several() {
        let value = Value::Map(map(&[("a", "1".into()), ("b", vec!["2", "3"].into())]));
        assert_eq!(
            filters(value).unwrap(),
            [
                ("a".to_owned(), vec!["1".to_owned()]),
                ("b".to_owned(), vec!["2".to_owned(), "3".to_owned()])
            ]
        );
    }

    #[test]
    fn tags_join_what_the_playbook_specified() {
        let mut input = map(&[
            ("tags", Value::Map(map(&[("Name", "web".into())]))),
            (
                "tag_specifications",
                Value::List(vec![Value::Map(map(&[
                    ("resource_type", "volume".into()),
                    ("tags", Value::Map(map(&[("Name", "disk".into())]))),
                ]))]),
            ),
        ]);
        specify_tags(&mut input, &["instance", "volume"]);
        assert_eq!(
            Value::Map(input).to_json().to_string(),
            r#"{"tag_specifications":[{"resource_type":"volume","tags":{"Name":"disk"}},{"resource_type":"instance","tags":{"Name":"web"}}]}"#
        );
    }

    #[test]
    fn times_come_as_times_or_text() {
        let text = DateTime::decode("2026-01-31T12:00:00Z".into()).unwrap();
        let time = DateTime::decode(Value::Time("2026-01-31T12:00:00Z".parse().unwrap())).unwrap();
        assert_eq!(text, time);
        assert!(DateTime::decode(Value::Int(1)).is_err());
    }
}
