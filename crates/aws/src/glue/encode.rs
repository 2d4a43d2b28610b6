//! The SDK's types as values.

use std::collections::HashMap;

use aws_smithy_types::{Blob, DateTime};
use jiff::Timestamp;
use opsh_operation::{Map, Secret, Value};

/// What a result can hold.
pub trait Encode: Sized {
    /// This as a value; absent is [`Value::Null`].
    fn encode(self) -> Value;

    /// A list of these as a value; lists of tags are maps.
    fn encode_list(items: Vec<Self>) -> Value {
        Value::List(items.into_iter().map(Self::encode).collect())
    }
}

impl Encode for bool {
    fn encode(self) -> Value {
        Value::Bool(self)
    }
}

impl Encode for i32 {
    fn encode(self) -> Value {
        Value::Int(self.into())
    }
}

impl Encode for i64 {
    fn encode(self) -> Value {
        Value::Int(self)
    }
}

impl Encode for f64 {
    fn encode(self) -> Value {
        Value::Float(self)
    }
}

impl Encode for f32 {
    fn encode(self) -> Value {
        Value::Float(self.into())
    }
}

impl Encode for String {
    fn encode(self) -> Value {
        Value::Text(self)
    }
}

impl Encode for Blob {
    fn encode(self) -> Value {
        Value::Bytes(self.into_inner())
    }
}

impl Encode for DateTime {
    /// A time outside of years -9999 to 9999 stays text.
    fn encode(self) -> Value {
        let nanos = i32::try_from(self.subsec_nanos()).unwrap_or_default();
        match Timestamp::new(self.secs(), nanos) {
            Ok(time) => Value::Time(time),
            Err(_) => Value::Text(self.to_string()),
        }
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(self) -> Value {
        self.map_or(Value::Null, T::encode)
    }
}

impl<T: Encode> Encode for Box<T> {
    fn encode(self) -> Value {
        (*self).encode()
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(self) -> Value {
        T::encode_list(self)
    }
}

impl<K: AsRef<str>, T: Encode> Encode for HashMap<K, T> {
    fn encode(self) -> Value {
        Value::Map(
            self.into_iter()
                .map(|(name, item)| (name.as_ref().to_owned(), item.encode()))
                .collect(),
        )
    }
}

/// The word of an enumeration.
pub fn text(word: &str) -> Value {
    Value::Text(word.to_owned())
}

/// Adds a field unless it is absent.
pub fn put(map: &mut Map, name: &str, value: Value) {
    if !value.is_null() {
        map.insert(name.to_owned(), value);
    }
}

/// The map of a union with its one member.
pub fn only(name: &str, value: Value) -> Value {
    Value::Map(Map::from([(name.to_owned(), value)]))
}

/// Every text in `value` as a secret.
pub fn hide(value: Value) -> Value {
    match value {
        Value::Text(text) => Value::Secret(Secret::new(text)),
        Value::List(items) => Value::List(items.into_iter().map(hide).collect()),
        Value::Map(map) => Value::Map(
            map.into_iter()
                .map(|(name, item)| (name, hide(item)))
                .collect(),
        ),
        other => other,
    }
}

/// Makes the field `name` a secret if the field `other` has the value `word`.
pub fn hide_when(map: &mut Map, name: &str, other: &str, word: &str) {
    if map.get(other).and_then(Value::as_text) == Some(word)
        && let Some(value) = map.remove(name)
    {
        map.insert(name.to_owned(), hide(value));
    }
}

/// A list of tags as a map; a tag without a key has no place there.
pub fn tag_map(tags: impl Iterator<Item = (Value, Value)>) -> Value {
    Value::Map(
        tags.filter_map(|(key, value)| match key {
            Value::Text(key) if value.is_null() => Some((key, text(""))),
            Value::Text(key) => Some((key, value)),
            _ => None,
        })
        .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_timestamps_and_absent_is_nothing() {
        assert_eq!(
            DateTime::from_secs_and_nanos(1, 500_000_000)
                .encode()
                .to_json(),
            "1970-01-01T00:00:01.5Z"
        );
        assert_eq!(None::<String>.encode(), Value::Null);
    }

    #[test]
    fn a_secure_parameter_is_hidden_and_a_plain_one_is_not() {
        let parameter = |kind: &str| {
            let mut map = Map::from([("type".into(), kind.into()), ("value".into(), "v".into())]);
            hide_when(&mut map, "value", "type", "SecureString");
            map.remove("value")
        };
        assert_eq!(parameter("String"), Some("v".into()));
        assert_eq!(
            parameter("SecureString"),
            Some(Value::Secret(Secret::new("v")))
        );
    }

    #[test]
    fn tags_are_a_map_and_empty_values_stay() {
        let tags = [("Name".into(), "web".into()), ("bare".into(), Value::Null)];
        assert_eq!(
            tag_map(tags.into_iter()).to_json().to_string(),
            r#"{"Name":"web","bare":""}"#
        );
    }
}
