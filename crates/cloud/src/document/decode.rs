//! From a tree to a typed input, refusing what the type does not have.
//!
//! Input types derive `Deserialize` with `deny_unknown_fields`; their field list is the
//! list of modelled parameters. Scalars of the query protocol are text, so numbers and
//! flags are also read from text.

use serde::de::value::{MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::{Document, query};
use crate::api::{ApiError, ApiRequest, Protocol};

impl ApiRequest {
    /// Reads the parameters.
    ///
    /// # Errors
    /// Names the parameter that is not modelled, missing, or of the wrong type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let document = match self.protocol {
            Protocol::Json | Protocol::Cbor | Protocol::RestJson => Document::of_json(&self.json),
            Protocol::Ec2 | Protocol::Query | Protocol::Rest => query::document(&self.params),
        };
        T::deserialize(document).map_err(|fault| match fault.what {
            What::Unknown => ApiError::not_modelled(format_args!(
                "parameter '{}' of {}:{}",
                fault.path, self.service, self.action
            )),
            What::Missing => ApiError::new(
                "MissingParameter",
                format!("The parameter {} is required.", fault.path),
            ),
            What::Bad(why) if fault.path.is_empty() => ApiError::new("InvalidParameterValue", why),
            What::Bad(why) => ApiError::new(
                "InvalidParameterValue",
                format!("The parameter {} is invalid: {why}.", fault.path),
            ),
        })
    }
}

/// Why a tree is no input, and where.
#[derive(Debug)]
pub struct Fault {
    path: String,
    what: What,
}

/// Why a tree is no input.
#[derive(Debug)]
enum What {
    Unknown,
    Missing,
    Bad(String),
}

impl Fault {
    fn bad(why: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            what: What::Bad(why.into()),
        }
    }

    fn within(mut self, name: &str) -> Self {
        self.path = match self.path.as_str() {
            "" => name.to_owned(),
            rest if rest.starts_with('[') => format!("{name}{rest}"),
            rest => format!("{name}.{rest}"),
        };
        self
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {:?}", self.path, self.what)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::bad(message.to_string())
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self {
            path: field.to_owned(),
            what: What::Unknown,
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            path: field.to_owned(),
            what: What::Missing,
        }
    }
}

impl IntoDeserializer<'_, Fault> for Document {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A value that knows its place in the tree.
struct Placed(String, Document);

impl IntoDeserializer<'_, Fault> for Placed {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! placed {
    ($($method:ident($($arg:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, Fault> {
            self.1.$method($($arg,)* visitor).map_err(|fault| fault.within(&self.0))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Placed {
    type Error = Fault;

    placed! {
        deserialize_any() deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32()
        deserialize_i64() deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_str()
        deserialize_string() deserialize_bytes() deserialize_byte_buf() deserialize_option()
        deserialize_unit() deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str) deserialize_seq()
        deserialize_tuple(len: usize) deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_map()
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
        deserialize_identifier() deserialize_ignored_any()
    }
}

impl Document {
    fn parse<T: std::str::FromStr>(&self, expected: &str) -> Result<T, Fault> {
        let text = match self {
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Bool(yes) => yes.to_string(),
            _ => return Err(Fault::bad(format!("expected {expected}"))),
        };
        text.parse()
            .map_err(|_| Fault::bad(format!("'{text}' is not {expected}")))
    }
}

impl<'de> de::Deserializer<'de> for Document {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Self::Text(text) => visitor.visit_string(text),
            Self::Integer(number) => visitor.visit_i64(number),
            Self::Number(number) => visitor.visit_f64(number),
            Self::Bool(yes) => visitor.visit_bool(yes),
            Self::Time(at) => visitor.visit_string(at.to_string()),
            Self::List(items) => {
                let placed = items
                    .into_iter()
                    .enumerate()
                    .map(|(index, item)| Placed(format!("[{index}]"), item));
                visitor.visit_seq(SeqDeserializer::new(placed))
            }
            Self::Fields(fields) | Self::Entries(fields) => {
                let placed = fields.into_iter().map(|(name, value)| {
                    (
                        StringDeserializer::<Fault>::new(name.clone()),
                        Placed(name, value),
                    )
                });
                visitor.visit_map(MapDeserializer::new(placed))
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_bool(self.parse("true or false")?)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_i64(self.parse("a whole number")?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u64(self.parse("a whole number that is not negative")?)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_i32(self.parse("a whole number")?)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u16(self.parse("a whole number from 0 to 65535")?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u32(self.parse("a whole number that is not negative")?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_f64(self.parse("a number")?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let text: String = self.parse("a name")?;
        visitor.visit_enum(StringDeserializer::<Fault>::new(text))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        // Only instants are asked for as a borrowed string (texts as an owned one), and a
        // decoded CBOR or JSON body holds them in epoch seconds.
        let seconds = match self {
            #[allow(clippy::cast_precision_loss)] // seconds of this era are exact in a double
            Self::Integer(seconds) => seconds as f64,
            Self::Number(seconds) => seconds,
            other => return other.deserialize_any(visitor),
        };
        let at = jiff::SignedDuration::try_from_secs_f64(seconds)
            .ok()
            .and_then(|span| jiff::Timestamp::UNIX_EPOCH.checked_add(span).ok())
            .ok_or_else(|| Fault::bad(format!("{seconds} is not a time")))?;
        visitor.visit_string(at.to_string())
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            // The query protocol writes an empty list as the parameter without a value.
            Self::Text(text) if text.is_empty() => Self::List(Vec::new()).deserialize_any(visitor),
            other => other.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 u8 f32 char string bytes byte_buf unit unit_struct
        tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Input {
        name: String,
        size: Option<i64>,
        #[serde(default)]
        tags: Vec<Tag>,
        #[serde(default)]
        at: Option<jiff::Timestamp>,
        #[serde(default)]
        attributes: BTreeMap<String, String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Tag {
        key: String,
        value: f64,
    }

    fn request(pairs: &[(&str, &str)]) -> ApiRequest {
        ApiRequest::query("thing", "PutThing", pairs)
    }

    #[test]
    fn reads_text_as_the_type_that_is_expected() {
        let input: Input = request(&[
            ("Name", "7"),
            ("Size", "12"),
            ("Tags.member.1.Key", "a"),
            ("Tags.member.1.Value", "1.5"),
            ("At", "2026-01-02T03:04:05Z"),
            ("Attributes.entry.1.key", "k"),
            ("Attributes.entry.1.value", "v"),
        ])
        .read()
        .unwrap();
        assert_eq!(
            input,
            Input {
                name: "7".to_owned(),
                size: Some(12),
                tags: vec![Tag {
                    key: "a".to_owned(),
                    value: 1.5
                }],
                at: Some("2026-01-02T03:04:05Z".parse().unwrap()),
                attributes: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
            }
        );
    }

    #[test]
    fn instants_are_epoch_seconds_in_decoded_bodies() {
        let input: Input = ApiRequest::cbor(
            "thing",
            "PutThing",
            serde_json::json!({"Name": "n", "At": 1_767_225_600.5, "Size": 3.0}),
        )
        .read()
        .unwrap();
        assert_eq!(input.at, Some("2026-01-01T00:00:00.5Z".parse().unwrap()));
        assert_eq!(input.size, Some(3));
    }

    #[test]
    fn an_empty_list_is_a_list() {
        let input: Input = request(&[("Name", "n"), ("Tags", "")]).read().unwrap();
        assert_eq!(input.tags, []);
    }

    #[test]
    fn faults_name_the_place() {
        let refusal = |pairs: &[(&str, &str)]| request(pairs).read::<Input>().unwrap_err();
        assert_eq!(
            refusal(&[("Name", "n"), ("Tags.member.1.Colour", "x")]).to_string(),
            "NotModelled: not modelled by the embedded cloud: parameter 'Tags[0].Colour' of thing:PutThing"
        );
        assert_eq!(
            refusal(&[]).to_string(),
            "MissingParameter: The parameter Name is required."
        );
        assert_eq!(
            refusal(&[("Name", "n"), ("Size", "big")]).to_string(),
            "InvalidParameterValue: The parameter Size is invalid: 'big' is not a whole number."
        );
    }
}
