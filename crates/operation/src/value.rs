//! The values that pass the gate.
//!
//! Maps are ordered by key, so that whatever is derived from a value (plans,
//! idempotency tokens, hashes) is the same on every run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde_json::Value as Json;

/// Names and values, ordered by name.
pub type Map = BTreeMap<String, Value>;

/// What stands for a secret wherever people or files could see it.
pub const REDACTED: &str = "[secret]";

/// A text that must never be shown, logged or stored in plain.
///
/// `Debug` and `Display` print [`REDACTED`]; only [`Secret::reveal`] gives the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Marks `text` as secret.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// One value of a playbook, an input or a result.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// Absent; Rhai's `()`.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(String),
    /// Raw bytes; Rhai's blob.
    Bytes(Vec<u8>),
    /// A point in time; prints as RFC 3339.
    Time(Timestamp),
    /// A text that is redacted wherever it could be seen.
    Secret(Secret),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name.
    Map(Map),
}

impl Value {
    /// What a person calls the type of this value.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "bool",
            Self::Int(_) => "integer",
            Self::Float(_) => "float",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Time(_) => "time",
            Self::Secret(_) => "secret",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// The text, also of a secret: for senders only.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Secret(secret) => Some(secret.reveal()),
            _ => None,
        }
    }

    /// The whole number, if it is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The number as a float; integers widen.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The values of a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a map.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The entry `name` of a map; `None` if this is no map or has none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_map().and_then(|map| map.get(name))
    }

    /// Whether this is [`Value::Null`].
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Calls `visit` with every secret inside this value.
    pub fn for_each_secret(&self, visit: &mut dyn FnMut(&Secret)) {
        match self {
            Self::Secret(secret) => visit(secret),
            Self::List(items) => items.iter().for_each(|item| item.for_each_secret(visit)),
            Self::Map(map) => map.values().for_each(|item| item.for_each_secret(visit)),
            _ => {}
        }
    }

    /// JSON for people and other programs: times as RFC 3339, bytes as base64,
    /// secrets as [`REDACTED`]. Cannot be read back; see [`Value::to_record`].
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Bytes(bytes) => Json::String(BASE64.encode(bytes)),
            Self::Time(time) => Json::String(time.to_string()),
            Self::Secret(_) => Json::String(REDACTED.to_owned()),
            Self::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Self::Map(map) => Json::Object(
                map.iter()
                    .map(|(name, item)| (name.clone(), item.to_json()))
                    .collect(),
            ),
            plain => plain.plain_json(),
        }
    }

    /// Plain JSON as a value; the counterpart of APIs that answer in JSON.
    #[must_use]
    pub fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Bool(*flag),
            Json::Number(number) => number.as_i64().map_or_else(
                || Self::Float(number.as_f64().unwrap_or(f64::NAN)),
                Self::Int,
            ),
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(items) => Self::List(items.iter().map(Self::from_json).collect()),
            Json::Object(entries) => Self::Map(
                entries
                    .iter()
                    .map(|(name, item)| (name.clone(), Self::from_json(item)))
                    .collect(),
            ),
        }
    }

    /// JSON from which [`Value::from_record`] makes the same value again.
    ///
    /// What JSON cannot say is tagged: `{"$time": "…"}`, `{"$bytes": "…"}`,
    /// `{"$float": "NaN"}`; a map with a key that begins with `$` is wrapped in
    /// `{"$map": …}`. Secrets become whatever `seal` makes of them.
    #[must_use]
    pub fn to_record(&self, seal: &dyn Fn(&Secret) -> Json) -> Json {
        let tagged =
            |tag: &str, body: Json| Json::Object([(tag.to_owned(), body)].into_iter().collect());
        match self {
            Self::Bytes(bytes) => tagged("$bytes", Json::String(BASE64.encode(bytes))),
            Self::Time(time) => tagged("$time", Json::String(time.to_string())),
            Self::Secret(secret) => tagged("$secret", seal(secret)),
            Self::Float(number) if !number.is_finite() || number.fract() == 0.0 => {
                tagged("$float", Json::String(number.to_string()))
            }
            Self::List(items) => {
                Json::Array(items.iter().map(|item| item.to_record(seal)).collect())
            }
            Self::Map(map) => {
                let body = Json::Object(
                    map.iter()
                        .map(|(name, item)| (name.clone(), item.to_record(seal)))
                        .collect(),
                );
                if map.keys().any(|name| name.starts_with('$')) {
                    tagged("$map", body)
                } else {
                    body
                }
            }
            plain => plain.plain_json(),
        }
    }

    /// Reads what [`Value::to_record`] wrote; `unseal` opens sealed secrets.
    ///
    /// # Errors
    /// A sentence about the first thing that cannot be read.
    pub fn from_record(
        json: &Json,
        unseal: &dyn Fn(&Json) -> Result<Secret, String>,
    ) -> Result<Self, String> {
        match json {
            Json::Array(items) => items
                .iter()
                .map(|item| Self::from_record(item, unseal))
                .collect::<Result<_, _>>()
                .map(Self::List),
            Json::Object(entries) => {
                if let Some((tag, body)) = entries.iter().next()
                    && entries.len() == 1
                    && tag.starts_with('$')
                {
                    return Self::from_tagged(tag, body, unseal);
                }
                Self::map_from_record(entries, unseal)
            }
            plain => Ok(Self::from_json(plain)),
        }
    }

    fn map_from_record(
        entries: &serde_json::Map<String, Json>,
        unseal: &dyn Fn(&Json) -> Result<Secret, String>,
    ) -> Result<Self, String> {
        entries
            .iter()
            .map(|(name, item)| Ok((name.clone(), Self::from_record(item, unseal)?)))
            .collect::<Result<_, String>>()
            .map(Self::Map)
    }

    fn from_tagged(
        tag: &str,
        body: &Json,
        unseal: &dyn Fn(&Json) -> Result<Secret, String>,
    ) -> Result<Self, String> {
        let text = || body.as_str().ok_or_else(|| format!("{tag} holds no text"));
        match tag {
            "$bytes" => BASE64
                .decode(text()?)
                .map(Self::Bytes)
                .map_err(|error| format!("$bytes: {error}")),
            "$time" => text()?
                .parse()
                .map(Self::Time)
                .map_err(|error| format!("$time: {error}")),
            "$float" => text()?
                .parse()
                .map(Self::Float)
                .map_err(|error| format!("$float: {error}")),
            "$secret" => unseal(body).map(Self::Secret),
            "$map" => match body {
                Json::Object(entries) => Self::map_from_record(entries, unseal),
                _ => Err("$map holds no object".to_owned()),
            },
            other => Err(format!("unknown tag {other}")),
        }
    }

    fn plain_json(&self) -> Json {
        match self {
            Self::Bool(flag) => Json::Bool(*flag),
            Self::Int(number) => Json::from(*number),
            Self::Float(number) => {
                serde_json::Number::from_f64(*number).map_or(Json::Null, Json::Number)
            }
            Self::Text(text) => Json::String(text.clone()),
            _ => Json::Null,
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}
impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}
impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}
impl From<Secret> for Value {
    fn from(secret: Secret) -> Self {
        Self::Secret(secret)
    }
}
impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}
impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}
impl<T: Into<Value>> From<Vec<T>> for Value
where
    Value: NotByte<T>,
{
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(item: Option<T>) -> Self {
        item.map_or(Self::Null, Into::into)
    }
}

/// Keeps `Vec<u8>` (bytes) apart from lists of everything else.
#[doc(hidden)]
pub trait NotByte<T> {}
impl NotByte<bool> for Value {}
impl NotByte<i64> for Value {}
impl NotByte<f64> for Value {}
impl NotByte<&str> for Value {}
impl NotByte<String> for Value {}
impl NotByte<Value> for Value {}
impl NotByte<Map> for Value {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_went() {
        let value = Value::Map(Map::from([
            (
                "a".into(),
                Value::List(vec![
                    Value::Int(1),
                    Value::Float(2.0),
                    Value::Float(f64::INFINITY),
                ]),
            ),
            ("b".into(), Value::Bytes(vec![0, 255])),
            ("c".into(), Value::Time(Timestamp::UNIX_EPOCH)),
            ("d".into(), Value::Secret(Secret::new("s3cret"))),
            (
                "e".into(),
                Value::Map(Map::from([("$x".into(), Value::Null)])),
            ),
        ]));
        let record =
            value.to_record(&|secret| Json::String(secret.reveal().chars().rev().collect()));
        let back = Value::from_record(&record, &|sealed| {
            Ok(Secret::new(
                sealed
                    .as_str()
                    .unwrap_or_default()
                    .chars()
                    .rev()
                    .collect::<String>(),
            ))
        });
        assert_eq!(back, Ok(value));
    }

    #[test]
    fn secrets_are_never_shown() {
        let value = Value::List(vec![Value::Secret(Secret::new("hunter2"))]);
        assert_eq!(format!("{value:?}"), "List([Secret([secret])])");
        assert_eq!(value.to_json().to_string(), r#"["[secret]"]"#);
    }
}
