//! From an operation's input to a request, and from an answer to its result.

use std::time::Duration;

use opsh_operation::{Fault, FaultKind, Map, Value};
use url::Url;

use crate::modules::Context;
use crate::modules::{answer, given};
use crate::world::files::Files;
use crate::world::http::{Request, Response};

const TIMEOUT: Duration = Duration::from_secs(30);
/// A body beyond this is refused, unless the playbook says otherwise.
const LIMIT: u64 = 16 * 1024 * 1024;
const REDIRECTS: u64 = 10;

/// Fields of an operation that sends a request: its own, then those that all share.
macro_rules! request_fields {
    ($($own:expr),* $(,)?) => {
        &[
            $crate::modules::declare::required(
                "url",
                opsh_operation::Shape::Text,
                "The whole URL, http or https.",
            ),
            $($own,)*
            $crate::modules::declare::optional(
                "headers",
                opsh_operation::Shape::MapOf(&opsh_operation::Shape::Text),
                "Headers by name.",
            ),
            $crate::modules::declare::optional(
                "query",
                opsh_operation::Shape::MapOf(&opsh_operation::Shape::Any),
                "Appended to the URL, encoded; a list repeats its name.",
            ),
            $crate::modules::declare::optional(
                "timeout",
                opsh_operation::Shape::Duration,
                "For the whole exchange, redirects included; 30 s by default.",
            ),
            $crate::modules::declare::optional(
                "redirects",
                opsh_operation::Shape::Int { min: 0, max: 100 },
                "How many redirects are followed; 10 by default. With 0 the redirect itself is the answer.",
            ),
            $crate::modules::declare::optional(
                "limit",
                opsh_operation::Shape::Int { min: 0, max: i64::MAX },
                "Refuse a body beyond this many bytes.",
            ),
        ]
    };
}
pub(super) use request_fields;

/// Parameters that carry a body.
macro_rules! body_fields {
    () => {
        $crate::modules::http::request::request_fields![
            $crate::modules::declare::optional(
                "json",
                opsh_operation::Shape::Any,
                "A value to send as JSON, with that content type.",
            ),
            $crate::modules::declare::optional(
                "body",
                opsh_operation::Shape::Body,
                "Text, bytes, or #{ file: \"path\" } to send.",
            ),
            $crate::modules::declare::optional(
                "check",
                opsh_operation::Shape::Bool,
                "Whether a status other than 2xx is an error; false by default.",
            ),
        ]
    };
}
pub(super) use body_fields;

/// The request that `input` describes.
pub(super) fn of(files: &dyn Files, method: &str, input: &Map) -> Result<Request, Fault> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in input
        .get("headers")
        .and_then(Value::as_map)
        .into_iter()
        .flatten()
    {
        let value = value.as_text().unwrap_or_default();
        headers.push((name.clone(), value.to_owned()));
    }
    let body = match (input.get("json"), given::body(files, input, "body")?) {
        (Some(_), Some(_)) => {
            return Err(invalid("give 'json' or 'body', not both".to_owned()));
        }
        (Some(json), None) => {
            if !headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            {
                headers.push(("content-type".into(), "application/json".into()));
            }
            given::revealed(json).to_string().into_bytes()
        }
        (None, body) => body.unwrap_or_default(),
    };
    Ok(Request {
        method: method.to_owned(),
        url: url(input)?,
        headers,
        body,
        timeout: given::duration(input, "timeout").unwrap_or(TIMEOUT),
        redirects: u32::try_from(given::count(input, "redirects", REDIRECTS)).unwrap_or(u32::MAX),
        limit: given::count(input, "limit", LIMIT),
        download_to: None,
    })
}

/// Sends it; gives the result's fields that every operation has, and the answer.
pub(super) fn send(context: &Context<'_>, request: &Request) -> Result<(Map, Response), Fault> {
    let start = context.world.now();
    let response = context.world.http().send(request, context.cancel)?;
    let seconds = answer::seconds(start, context.world.now());
    let mut headers = Map::new();
    for (name, value) in &response.headers {
        // Repeated headers are one list of values (RFC 9110, section 5.3).
        match headers.get_mut(name) {
            Some(Value::Text(before)) => {
                before.push_str(", ");
                before.push_str(value);
            }
            _ => {
                headers.insert(name.clone(), value.as_str().into());
            }
        }
    }
    let content_type = headers.get("content-type").cloned().unwrap_or_default();
    let result = Map::from([
        ("status".to_owned(), i64::from(response.status).into()),
        ("url".to_owned(), response.url.as_str().into()),
        ("headers".to_owned(), headers.into()),
        ("content_type".to_owned(), content_type),
        (
            "length".to_owned(),
            i64::try_from(response.length).unwrap_or(i64::MAX).into(),
        ),
        ("seconds".to_owned(), seconds),
    ]);
    Ok((result, response))
}

/// A fault for a status other than 2xx.
pub(super) fn check(request: &Request, response: &Response) -> Result<(), Fault> {
    if (200..300).contains(&response.status) {
        return Ok(());
    }
    let kind = match response.status {
        401 | 403 => FaultKind::Denied,
        404 | 410 => FaultKind::NotFound,
        429 => FaultKind::Throttled,
        _ => FaultKind::Failed,
    };
    let reason = http::StatusCode::from_u16(response.status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .map_or(String::new(), |reason| format!(" {reason}"));
    let place = request.url.split(['?', '#']).next().unwrap_or_default();
    let mut fault = Fault::new(
        kind,
        format!(
            "{place}: {} was answered with {}{reason}",
            request.method, response.status
        ),
    )
    .code(response.status.to_string())
    .hint("the error's 'body' says more; check: false returns any status as a result");
    fault.retryable = response.status == 429 || response.status >= 500;
    fault
        .details
        .insert("status".into(), i64::from(response.status).into());
    fault
        .details
        .insert("body".into(), answer::text_or_bytes(response.body.clone()));
    Err(fault)
}

fn url(input: &Map) -> Result<String, Fault> {
    let text = given::text(input, "url");
    let Some(query) = input.get("query").and_then(Value::as_map) else {
        return Ok(text.to_owned());
    };
    let mut url = Url::parse(text).map_err(|error| {
        invalid(format!("'{text}' is not a URL: {error}"))
            .hint("write a whole URL, e.g. \"https://example.com/path\"")
    })?;
    {
        let mut pairs = url.query_pairs_mut();
        for (name, value) in query {
            let values = match value {
                Value::List(items) => items.as_slice(),
                one => std::slice::from_ref(one),
            };
            for value in values {
                pairs.append_pair(name, &plain(name, value)?);
            }
        }
    }
    Ok(url.into())
}

/// A value as a query's text.
fn plain(name: &str, value: &Value) -> Result<String, Fault> {
    match value {
        Value::Int(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Time(time) => Ok(time.to_string()),
        other => other.as_text().map(str::to_owned).ok_or_else(|| {
            invalid(format!(
                "parameter 'query.{name}' must be text, a number or a list of them, not {}",
                other.type_name()
            ))
        }),
    }
}

fn invalid(message: String) -> Fault {
    Fault::new(FaultKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::world::files::Disk;
    use opsh_operation::Secret;

    #[test]
    fn queries_and_json_are_encoded_with_their_secrets() {
        let input = Map::from([
            ("url".into(), "http://h/p?a=1".into()),
            (
                "query".into(),
                Map::from([
                    ("b".into(), vec!["x y", "&"].into()),
                    ("n".into(), 7_i64.into()),
                ])
                .into(),
            ),
            (
                "json".into(),
                Map::from([("token".into(), Secret::new("s").into())]).into(),
            ),
        ]);
        let request = of(&Disk, "POST", &input).unwrap();
        assert_eq!(request.url, "http://h/p?a=1&b=x+y&b=%26&n=7");
        assert_eq!(request.body, br#"{"token":"s"}"#);
        assert_eq!(
            request.headers,
            [("content-type".to_owned(), "application/json".to_owned())]
        );
    }

    #[test]
    fn two_bodies_are_refused() {
        let input = Map::from([
            ("url".into(), "http://h/".into()),
            ("json".into(), 1_i64.into()),
            ("body".into(), "x".into()),
        ]);
        assert_eq!(
            of(&Disk, "POST", &input).unwrap_err().message,
            "give 'json' or 'body', not both"
        );
    }
}
