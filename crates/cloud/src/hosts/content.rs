//! The bytes of a file, saved readably.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a file holds. Cheap to clone; text is saved as text, anything else as base64.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content(pub Bytes);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Saved {
    Text(String),
    Base64(String),
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => Saved::Text(text.to_owned()),
            Err(_) => Saved::Base64(STANDARD.encode(&self.0)),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Saved::deserialize(deserializer)? {
            Saved::Text(text) => Bytes::from(text),
            Saved::Base64(text) => {
                Bytes::from(STANDARD.decode(text).map_err(serde::de::Error::custom)?)
            }
        }))
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl From<&[u8]> for Content {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}
