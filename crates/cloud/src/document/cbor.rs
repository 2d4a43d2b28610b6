//! Trees in CBOR, as Smithy RPC v2 sends them.
//!
//! <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>: instants are
//! epoch seconds under tag 1.

use std::io::Read as _;

use bytes::Bytes;
use ciborium::Value;
use http::header::CONTENT_ENCODING;
use jiff::Timestamp;

use super::Document;
use crate::api::{ApiError, ApiRequest};

/// CBOR's tag of an instant in epoch seconds (RFC 8949, 3.4.2).
const EPOCH: u64 = 1;

/// The tree of a request's body; large ones come compressed.
pub fn document(request: &ApiRequest) -> Result<Document, ApiError> {
    let bad = |what: &str| ApiError::new("SerializationException", what);
    let body = request.http.body();
    let encoding = request.http.headers().get(CONTENT_ENCODING);
    let mut unpacked = Vec::new();
    let body: &[u8] = if encoding.is_some_and(|value| value.as_bytes() == b"gzip") {
        flate2::read::GzDecoder::new(&body[..])
            .read_to_end(&mut unpacked)
            .map_err(|_| bad("the body is not gzip"))?;
        &unpacked
    } else {
        body
    };
    if body.is_empty() {
        return Ok(Document::empty());
    }
    let value: Value = ciborium::from_reader(body).map_err(|_| bad("the body is not CBOR"))?;
    tree(value).ok_or_else(|| bad("the body holds a value that no parameter has"))
}

fn tree(value: Value) -> Option<Document> {
    Some(match value {
        Value::Text(text) => Document::Text(text),
        Value::Bool(yes) => Document::Bool(yes),
        Value::Integer(number) => Document::Integer(i64::try_from(i128::from(number)).ok()?),
        Value::Float(number) => Document::Number(number),
        Value::Array(items) => {
            Document::List(items.into_iter().map(tree).collect::<Option<Vec<_>>>()?)
        }
        Value::Map(pairs) => {
            let mut fields = Vec::with_capacity(pairs.len());
            for (name, value) in pairs {
                if value == Value::Null {
                    continue;
                }
                fields.push((name.into_text().ok()?, tree(value)?));
            }
            Document::Fields(fields)
        }
        Value::Tag(EPOCH, seconds) => Document::Time(instant(&seconds)?),
        _ => return None,
    })
}

fn instant(seconds: &Value) -> Option<Timestamp> {
    match seconds {
        Value::Integer(whole) => {
            Timestamp::from_second(i64::try_from(i128::from(*whole)).ok()?).ok()
        }
        Value::Float(seconds) if seconds.is_finite() => {
            let span = jiff::SignedDuration::try_from_secs_f64(*seconds).ok()?;
            Timestamp::UNIX_EPOCH.checked_add(span).ok()
        }
        _ => None,
    }
}

/// `document` as bytes.
pub fn bytes(document: &Document) -> Bytes {
    let mut bytes = Vec::new();
    // Writing to memory cannot fail, and the tree holds nothing that CBOR has not.
    if ciborium::into_writer(&value(document), &mut bytes).is_err() {
        bytes.clear();
    }
    bytes.into()
}

fn value(document: &Document) -> Value {
    match document {
        Document::Text(text) => Value::Text(text.clone()),
        Document::Integer(number) => Value::Integer((*number).into()),
        Document::Number(number) => Value::Float(*number),
        Document::Bool(yes) => Value::Bool(*yes),
        Document::Time(at) => {
            Value::Tag(EPOCH, Box::new(Value::Float(at.as_duration().as_secs_f64())))
        }
        Document::List(items) => Value::Array(items.iter().map(value).collect()),
        Document::Fields(fields) | Document::Entries(fields) => Value::Map(
            fields
                .iter()
                .map(|(name, document)| (Value::Text(name.clone()), value(document)))
                .collect(),
        ),
    }
}
