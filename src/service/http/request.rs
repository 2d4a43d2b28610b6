//! A request as a handler gets it.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, header};
use opsh_operation::{Map, Secret, Value};
use url::form_urlencoded;

/// Headers by which somebody proves who they are: sealed in the ledger, never shown.
const SECRET: [header::HeaderName; 3] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
];

/// The map of a request; `params` are the values of the names in its route.
///
/// # Errors
/// The body says that it is JSON and is none; in words.
pub fn to_value(
    parts: &Parts,
    params: BTreeMap<String, String>,
    body: &Bytes,
    remote: &str,
) -> Result<Value, String> {
    let params = params
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let map = Map::from([
        ("method".to_owned(), parts.method.as_str().into()),
        ("path".to_owned(), parts.uri.path().into()),
        ("params".to_owned(), Value::Map(params)),
        (
            "query".to_owned(),
            Value::Map(query(parts.uri.query().unwrap_or_default())),
        ),
        ("headers".to_owned(), Value::Map(headers(&parts.headers))),
        ("json".to_owned(), json(&parts.headers, body)?),
        (
            "body".to_owned(),
            match std::str::from_utf8(body) {
                Ok(text) => text.into(),
                Err(_) => Value::Bytes(body.to_vec()),
            },
        ),
        ("remote".to_owned(), remote.into()),
    ]);
    Ok(Value::Map(map))
}

/// A name that is there several times has the list of its values.
fn several(pairs: impl Iterator<Item = (String, Value)>) -> Map {
    let mut map = Map::new();
    for (name, value) in pairs {
        match map.get_mut(&name) {
            None => {
                map.insert(name, value);
            }
            Some(Value::List(values)) => values.push(value),
            Some(first) => *first = Value::List(vec![std::mem::take(first), value]),
        }
    }
    map
}

fn query(text: &str) -> Map {
    several(
        form_urlencoded::parse(text.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned().into())),
    )
}

fn headers(headers: &HeaderMap) -> Map {
    several(headers.iter().map(|(name, value)| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let value = if SECRET.contains(name) {
            Secret::new(text).into()
        } else {
            text.into()
        };
        (name.as_str().to_owned(), value)
    }))
}

/// The body if it is JSON: it must be where it says so, and may be where it says it is text.
fn json(headers: &HeaderMap, body: &Bytes) -> Result<Value, String> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| {
            let kind = value.split(';').next().unwrap_or_default();
            kind.trim().to_ascii_lowercase()
        })
        .unwrap_or_default();
    let said = kind == "application/json" || kind.ends_with("+json");
    let looks = matches!(body.first(), Some(b'{' | b'['));
    if !said && !looks {
        return Ok(Value::Null);
    }
    match serde_json::from_slice(body) {
        Ok(json) => Ok(Value::from_json(&json)),
        Err(error) if said => Err(format!("the body is no JSON: {error}")),
        Err(_) => Ok(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn value(request: http::request::Builder, body: &'static str) -> Result<Value, String> {
        let (parts, body) = request
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap()
            .into_parts();
        to_value(&parts, BTreeMap::new(), &body, "192.0.2.1:5")
    }

    #[test]
    fn a_request_is_a_map() {
        let request = http::Request::post("/a?x=1&y=a%20b&x=2")
            .header("Authorization", "Bearer hunter2")
            .header("X-Two", "1")
            .header("X-Two", "2");
        let value = value(request, "{\"n\": 1}").unwrap();
        assert_eq!(
            value.to_json(),
            serde_json::json!({
                "method": "POST", "path": "/a", "params": {},
                "query": {"x": ["1", "2"], "y": "a b"},
                "headers": {"authorization": "[secret]", "x-two": ["1", "2"]},
                "json": {"n": 1}, "body": "{\"n\": 1}", "remote": "192.0.2.1:5",
            })
        );
    }

    #[test]
    fn json_that_is_none_is_refused_only_where_it_was_promised() {
        let promised = http::Request::post("/").header("content-type", "application/json; a=b");
        assert!(
            value(promised, "{")
                .unwrap_err()
                .starts_with("the body is no JSON")
        );
        let text = http::Request::post("/").header("content-type", "text/plain");
        assert_eq!(value(text, "{").unwrap().get("json"), Some(&Value::Null));
        let empty = http::Request::get("/");
        assert_eq!(value(empty, "").unwrap().get("body"), Some(&"".into()));
    }
}
