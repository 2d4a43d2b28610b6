//! Encodings and hashes.

use ::hmac::{Hmac, KeyInit as _, Mac as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::Md5;
use opsh_operation::{Fault, Map, Secret, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::invalid;
use crate::modules::given::revealed;
use crate::modules::{Context, given};

/// RFC 3986's unreserved characters stay.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) fn base64_encode(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let text = BASE64.encode(given::bytes(input, "data"));
    Ok(given::derived(input, text))
}

pub(super) fn base64_decode(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let text: String = given::text(input, "text").split_whitespace().collect();
    let bytes = BASE64
        .decode(text)
        .map_err(|error| invalid(format!("that is not base64: {error}")))?;
    let secret = matches!(input.get("text"), Some(Value::Secret(_)));
    if given::flag(input, "bytes", false) && !secret {
        return Ok(bytes.into());
    }
    String::from_utf8(bytes)
        .map(|text| given::derived(input, text))
        .map_err(|_| {
            if secret {
                return invalid("the secret holds bytes that are not UTF-8 text, and only text can be kept secret")
                    .hint("decode it where it is used, e.g. with `base64 --decode` on the host");
            }
            invalid("the base64 holds bytes that are not UTF-8 text")
                .hint("ask for bytes: text::base64_decode(text, #{ bytes: true })")
        })
}

pub(super) fn json_encode(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let json = revealed(input.get("value").unwrap_or(&Value::Null));
    let text = if given::flag(input, "pretty", false) {
        format!("{json:#}")
    } else {
        json.to_string()
    };
    Ok(given::derived(input, text))
}

pub(super) fn json_decode(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let json: Json = serde_json::from_str(given::text(input, "text"))
        .map_err(|error| invalid(format!("that is not JSON: {error}")))?;
    let value = Value::from_json(&json);
    let secret = matches!(input.get("text"), Some(Value::Secret(_)));
    Ok(if secret { guarded(value) } else { value })
}

/// The texts of what was decoded from a secret are secrets.
fn guarded(value: Value) -> Value {
    match value {
        Value::Text(text) => Secret::new(text).into(),
        Value::List(items) => Value::List(items.into_iter().map(guarded).collect()),
        Value::Map(map) => Value::Map(
            map.into_iter()
                .map(|(name, item)| (name, guarded(item)))
                .collect(),
        ),
        plain => plain,
    }
}

pub(super) fn url_encode(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let text = utf8_percent_encode(given::text(input, "text"), UNRESERVED);
    Ok(given::derived(input, text.to_string()))
}

pub(super) fn url_decode(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    percent_decode_str(given::text(input, "text"))
        .decode_utf8()
        .map(|text| given::derived(input, text))
        .map_err(|_| invalid("the percent-encoded text is not UTF-8"))
}

pub(super) fn html_escape(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    Ok(given::derived(
        input,
        escaped_for_html(given::text(input, "text")),
    ))
}

/// A text for HTML's content and quoted attributes, as `html_escape` and templates write it.
pub(super) fn escaped_for_html(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            plain => escaped.push(plain),
        }
    }
    escaped
}

pub(super) fn sha256(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let hash = Sha256::digest(given::bytes(input, "data"));
    Ok(given::derived(input, hex::encode(hash)))
}

pub(super) fn md5(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let hash = Md5::digest(given::bytes(input, "data"));
    Ok(given::derived(input, hex::encode(hash)))
}

pub(super) fn hmac(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&given::bytes(input, "key"))
        .map_err(|error| invalid(error.to_string()))?;
    mac.update(&given::bytes(input, "data"));
    Ok(given::derived(
        input,
        hex::encode(mac.finalize().into_bytes()),
    ))
}
