//! What a handler gives as a response.

use axum::body::Body;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use opsh_operation::suggest::did_you_mean;
use opsh_operation::{Map, Value};

/// The members of a map that is a response.
const MEMBERS: [&str; 5] = ["status", "headers", "body", "json", "file"];

/// What a handler asks to be sent.
#[derive(Debug)]
pub enum Answer {
    /// This.
    Whole(Response<Body>),
    /// The file at this path, under these head lines.
    File(String, StatusCode, http::HeaderMap),
}

/// The response that `value` means: nothing, a text, bytes, a list as JSON, or a map with
/// `status`, `headers` and `body`, `json` or `file`.
///
/// # Errors
/// It means none; in words.
pub fn of(value: &Value) -> Result<Answer, String> {
    let Value::Map(map) = value else {
        return plain(value).map(Answer::Whole);
    };
    if let Some(unknown) = map.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let near = did_you_mean(unknown, MEMBERS);
        return Err(format!(
            "a response has no '{unknown}'{near}; it has status, headers, and body, json or file \
             (a map as JSON is #{{ json: … }})"
        ));
    }
    let status = status(map)?;
    let headers = headers(map)?;
    let mut contents = ["body", "json", "file"]
        .into_iter()
        .filter_map(|name| Some((name, map.get(name)?)));
    let mut response = match (contents.next(), contents.next()) {
        (None, _) => Response::new(Body::empty()),
        (Some(("json", value)), None) => json(value),
        (Some(("file", value)), None) => {
            let path = value.as_text().ok_or("'file' must be a path")?;
            return Ok(Answer::File(
                path.to_owned(),
                status.unwrap_or(StatusCode::OK),
                headers,
            ));
        }
        (Some((_, value)), None) => plain(value)?,
        (Some((one, _)), Some((other, _))) => {
            return Err(format!("a response has either '{one}' or '{other}'"));
        }
    };
    if let Some(status) = status {
        *response.status_mut() = status;
    }
    for (name, value) in &headers {
        if name == CONTENT_TYPE {
            response.headers_mut().insert(name, value.clone());
        } else {
            response.headers_mut().append(name, value.clone());
        }
    }
    Ok(Answer::Whole(response))
}

fn plain(value: &Value) -> Result<Response<Body>, String> {
    let (kind, body) = match value {
        Value::Null => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            return Ok(response);
        }
        Value::Text(text) => ("text/plain; charset=utf-8", Body::from(text.clone())),
        Value::Bytes(bytes) => ("application/octet-stream", Body::from(bytes.clone())),
        Value::Secret(_) => return Err("a secret is not sent in a response".to_owned()),
        Value::List(_) | Value::Map(_) => return Ok(json(value)),
        Value::Time(time) => ("text/plain; charset=utf-8", Body::from(time.to_string())),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => (
            "text/plain; charset=utf-8",
            Body::from(value.to_json().to_string()),
        ),
    };
    Ok(typed(kind, body))
}

/// A response with JSON; secrets in it are redacted.
fn json(value: &Value) -> Response<Body> {
    typed("application/json", Body::from(value.to_json().to_string()))
}

fn typed(kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A response of the server itself: its status in words.
#[must_use]
pub fn of_status(status: StatusCode, words: &str) -> Response<Body> {
    let reason = status.canonical_reason().unwrap_or("error");
    let text = if words.is_empty() {
        format!("{} {reason}\n", status.as_u16())
    } else {
        format!("{} {reason}: {words}\n", status.as_u16())
    };
    let mut response = typed("text/plain; charset=utf-8", Body::from(text));
    *response.status_mut() = status;
    response
}

fn status(map: &Map) -> Result<Option<StatusCode>, String> {
    map.get("status")
        .map(|value| {
            value
                .as_int()
                .and_then(|code| u16::try_from(code).ok())
                .and_then(|code| StatusCode::from_u16(code).ok())
                .filter(|status| !status.is_informational() && status.as_u16() < 600)
                .ok_or_else(|| {
                    format!(
                        "'status' must be a number from 200 to 599, not {}",
                        value.to_json()
                    )
                })
        })
        .transpose()
}

fn headers(map: &Map) -> Result<http::HeaderMap, String> {
    let mut headers = http::HeaderMap::new();
    let Some(given) = map.get("headers") else {
        return Ok(headers);
    };
    let given = given.as_map().ok_or("'headers' must be a map")?;
    for (name, value) in given {
        let key: HeaderName = name
            .parse()
            .map_err(|_| format!("'{name}' is no name of a header"))?;
        let values = match value {
            Value::List(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values {
            let text = match value {
                Value::Text(text) => text.clone(),
                Value::Secret(_) => return Err("a secret is not sent in a response".to_owned()),
                other => other.to_json().to_string(),
            };
            let value = HeaderValue::from_str(&text)
                .map_err(|_| format!("the header '{name}' cannot have the value {text:?}"))?;
            headers.append(key.clone(), value);
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use opsh_operation::Secret;
    use serde_json::json;

    use super::*;

    fn whole(value: &Value) -> Response<Body> {
        match of(value).unwrap() {
            Answer::Whole(response) => response,
            other @ Answer::File(..) => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_are_responses() {
        let seen = |json: serde_json::Value| {
            let response = whole(&Value::from_json(&json));
            let kind = response.headers().get(CONTENT_TYPE).cloned();
            let kind = kind.map(|kind| kind.to_str().unwrap().to_owned());
            (response.status().as_u16(), kind.unwrap_or_default())
        };
        assert_eq!(seen(json!(null)), (204, String::new()));
        assert_eq!(seen(json!("OK")), (200, "text/plain; charset=utf-8".into()));
        assert_eq!(seen(json!([1])), (200, "application/json".into()));
        assert_eq!(seen(json!({"status": 404})), (404, String::new()));
        assert_eq!(
            seen(json!({"status": 201, "json": {"a": 1}})),
            (201, "application/json".into())
        );
        assert_eq!(
            seen(json!({"body": "<p>", "headers": {"content-type": "text/html"}})),
            (200, "text/html".into())
        );
    }

    #[test]
    fn what_is_no_response_is_named() {
        for (value, why) in [
            (json!({"statu": 1}), "did you mean 'status'?"),
            (
                json!({"status": 99}),
                "'status' must be a number from 200 to 599",
            ),
            (
                json!({"status": 101}),
                "'status' must be a number from 200 to 599",
            ),
            (json!({"body": "a", "json": 1}), "either 'body' or 'json'"),
            (
                json!({"headers": {"a b": "1"}}),
                "'a b' is no name of a header",
            ),
            (
                json!({"headers": {"a": "1\r\nb: 2"}}),
                "cannot have the value",
            ),
        ] {
            let error = of(&Value::from_json(&value)).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let secret = Value::Secret(Secret::new("hunter2"));
        assert!(of(&secret).unwrap_err().contains("a secret is not sent"));
    }
}
