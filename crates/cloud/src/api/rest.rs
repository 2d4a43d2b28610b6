//! `restJson1`: the action in method and path, parameters in path, query, headers and body.

use std::collections::BTreeSet;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{ApiError, ApiRequest, ApiResponse, cbor};
use crate::router::header;

/// What a method and a path mean.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path; `{Name}` is a parameter.
    pub path: &'static str,
    /// The action.
    pub action: &'static str,
    /// Parameters in the query by the name that they have there; `Name[]` may be repeated.
    /// Others keep their name.
    pub query: &'static [(&'static str, &'static str)],
    /// Parameters in headers.
    pub headers: &'static [(&'static str, &'static str)],
    /// Whether the body is data of the caller's own, not parameters.
    pub opaque: bool,
}

impl Route {
    /// A route whose parameters are in path and body.
    #[must_use]
    pub const fn new(method: &'static str, path: &'static str, action: &'static str) -> Self {
        Self {
            method,
            path,
            action,
            query: &[],
            headers: &[],
            opaque: false,
        }
    }

    /// The same with these parameters in the query.
    #[must_use]
    pub const fn query(mut self, query: &'static [(&'static str, &'static str)]) -> Self {
        self.query = query;
        self
    }

    /// The parameters in `path`, if it is this route's.
    fn fits(&self, method: &str, path: &str) -> Option<Map<String, Value>> {
        if method != self.method {
            return None;
        }
        let mut parameters = Map::new();
        let mut given = path.trim_end_matches('/').split('/');
        for wanted in self.path.split('/') {
            let segment = given.next()?;
            match wanted
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'))
            {
                Some(_) if segment.is_empty() => return None,
                Some(name) => {
                    parameters.insert(name.to_owned(), unescape(segment).into());
                }
                None if wanted != segment => return None,
                None => {}
            }
        }
        given.next().is_none().then_some(parameters)
    }
}

/// The action and all parameters of a request.
///
/// # Errors
/// No such route; a body that is no JSON object.
pub fn read(routes: &[Route], http: &http::Request<Bytes>) -> Result<(String, Value), ApiError> {
    let (method, path) = (http.method().as_str(), http.uri().path());
    let found = routes
        .iter()
        .find_map(|route| Some((route, route.fits(method, path)?)));
    let Some((route, mut parameters)) = found else {
        return Err(ApiError::not_modelled(format_args!("{method} {path}")));
    };
    for (name, value) in query(http) {
        let known = route.query.iter().find(|(there, _)| *there == name);
        match known.map(|(_, member)| *member) {
            Some(member) if member.ends_with("[]") => {
                let list = parameters
                    .entry(member.trim_end_matches("[]"))
                    .or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(items) = list {
                    items.push(value.into());
                }
            }
            member => {
                parameters.insert(member.unwrap_or(&name).to_owned(), value.into());
            }
        }
    }
    for (there, member) in route.headers {
        let value = header(http, there);
        if !value.is_empty() {
            parameters.insert((*member).to_owned(), value.into());
        }
    }
    if !route.opaque && !http.body().is_empty() {
        let malformed = |why: String| ApiError::new("SerializationException", why);
        let body: Value =
            serde_json::from_slice(http.body()).map_err(|error| malformed(error.to_string()))?;
        let Value::Object(members) = body else {
            return Err(malformed("the body must be a JSON object".to_owned()));
        };
        let placed: BTreeSet<String> = parameters.keys().cloned().collect();
        parameters.extend(
            members
                .into_iter()
                .filter(|(name, _)| !placed.contains(name)),
        );
    }
    Ok((route.action.to_owned(), Value::Object(parameters)))
}

/// The query's pairs in order: names may be repeated.
fn query(http: &http::Request<Bytes>) -> Vec<(String, String)> {
    http.uri()
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (
                unescape(&name.replace('+', " ")),
                unescape(&value.replace('+', " ")),
            )
        })
        .collect()
}

fn unescape(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl ApiRequest {
    /// An answer of `restJson1`.
    #[must_use]
    pub fn rest(&self, status: u16, body: &Value) -> ApiResponse {
        let body = match status {
            204 => String::new(),
            _ => cbor::plain(body).to_string(),
        };
        self.answer(status, "application/json", body)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;
    use serde_json::json;

    use super::{Route, read};

    const ROUTES: &[Route] = &[
        Route::new("GET", "/things", "ListThings"),
        Route::new("POST", "/things/{Name}", "MakeThing"),
        Route::new("DELETE", "/tags/{Resource}", "Untag").query(&[("tagKeys", "TagKeys[]")]),
    ];

    fn ask(method: &str, url: &str, body: &str) -> (String, serde_json::Value) {
        let http = http::Request::builder()
            .method(method)
            .uri(format!("https://x{url}"))
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        read(ROUTES, &http).unwrap_or_else(|error| (error.to_string(), json!(null)))
    }

    #[test]
    fn parameters_come_from_path_query_and_body() {
        assert_eq!(
            ask("POST", "/things/a%2Fb", r#"{"Size": 3}"#),
            ("MakeThing".to_owned(), json!({"Name": "a/b", "Size": 3}))
        );
        assert_eq!(
            ask("DELETE", "/tags/arn%3Ax?tagKeys=a&tagKeys=b+c&other=1", ""),
            (
                "Untag".to_owned(),
                json!({"Resource": "arn:x", "TagKeys": ["a", "b c"], "other": "1"})
            )
        );
        assert_eq!(ask("GET", "/things", "").0, "ListThings");
    }

    #[test]
    fn what_no_route_leads_to_is_refused_by_method_and_path() {
        assert_eq!(
            ask("PUT", "/things/a", "").0,
            "NotModelled: not modelled by the embedded cloud: PUT /things/a"
        );
    }
}
