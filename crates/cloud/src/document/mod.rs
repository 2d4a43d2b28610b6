//! What a request says and an answer holds, whatever protocol carries it.
//!
//! Most services speak AWS's query protocol (form parameters in, XML out), `CloudWatch`
//! speaks `rpc-v2-cbor` (older tools: query). A [`Document`] is the tree that all carry:
//!
//! - [`decode`] turns a request's tree into a typed input; a parameter that the input
//!   type does not have is refused by its path, so nothing is ever ignored;
//! - [`query`] reads the tree from form parameters;
//! - [`render`] writes an answer's tree in the protocol of the request.

pub mod decode;
pub mod query;
pub mod render;

use jiff::Timestamp;
use serde_json::Value;

/// A tree of values.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    /// A string; in a request of the query protocol, any scalar.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Bool(bool),
    /// An instant.
    Time(Timestamp),
    /// Several values, in order.
    List(Vec<Document>),
    /// A structure: names that the API knows.
    Fields(Vec<(String, Document)>),
    /// A map: names that the caller chose.
    Entries(Vec<(String, Document)>),
}

impl Document {
    /// The tree of a decoded JSON or CBOR body.
    #[must_use]
    pub fn of_json(value: &Value) -> Self {
        match value {
            Value::Null => Self::empty(),
            Value::Bool(yes) => Self::Bool(*yes),
            Value::Number(number) => number.as_i64().map_or_else(
                || Self::Number(number.as_f64().unwrap_or_default()),
                Self::Integer,
            ),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::of_json).collect()),
            Value::Object(members) => Self::Fields(
                members
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| (name.clone(), Self::of_json(value)))
                    .collect(),
            ),
        }
    }

    /// A structure without fields.
    #[must_use]
    pub fn empty() -> Self {
        Self::Fields(Vec::new())
    }

    /// A structure of the fields that are there.
    pub fn fields<N: Into<String>>(
        fields: impl IntoIterator<Item = (N, Option<Document>)>,
    ) -> Self {
        Self::Fields(
            fields
                .into_iter()
                .filter_map(|(name, value)| Some((name.into(), value?)))
                .collect(),
        )
    }

    /// A list.
    pub fn list<T: Into<Document>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    /// A map of strings.
    pub fn entries<N: Into<String>, V: Into<Document>>(
        entries: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self::Entries(
            entries
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

/// A field that is always there.
pub fn some(value: impl Into<Document>) -> Option<Document> {
    Some(value.into())
}

/// A field that is there when its value is.
pub fn maybe<T: Into<Document> + Clone>(value: Option<&T>) -> Option<Document> {
    value.cloned().map(Into::into)
}

impl From<&str> for Document {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Document {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Document {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<i64> for Document {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Document {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<bool> for Document {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Timestamp> for Document {
    fn from(value: Timestamp) -> Self {
        Self::Time(value)
    }
}
