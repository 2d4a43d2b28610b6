//! The values that pass the gate.
//!
//! Maps are ordered by key, so that whatever is derived from a value (plans,
//! idempotency tokens, hashes) is the same on every run.

mod from;
mod json;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

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
}
