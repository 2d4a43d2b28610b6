//! Where a redirect leads, and what may be sent there.

use opsh_operation::{Fault, FaultKind};
use ureq::http::HeaderMap;
use url::Url;

use super::faults::shown;
use crate::world::http::Request;

/// Headers that must not reach another origin.
const PRIVATE: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];
/// Headers that describe a body and go with it.
const DESCRIBING: [&str; 4] = [
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
];

/// One request on the way.
#[derive(Debug)]
pub(super) struct Hop {
    pub method: String,
    pub url: Url,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Hop {
    pub fn first(request: &Request) -> Result<Self, Fault> {
        Ok(Self {
            method: request.method.to_ascii_uppercase(),
            url: parse(&request.url)?,
            headers: request.headers.clone(),
            body: request.body.clone(),
        })
    }

    /// The hop that an answer asks for; `None` if it is no redirect.
    ///
    /// As browsers do (RFC 9110, section 15.4): 303 becomes GET, 301 and 302
    /// turn POST into GET, 307 and 308 keep method and body.
    pub fn next(&self, status: u16, headers: &HeaderMap) -> Option<Result<Self, Fault>> {
        let location = headers.get("location")?;
        let retrieves = match status {
            303 => self.method != "HEAD",
            301 | 302 => self.method == "POST",
            307 | 308 => false,
            _ => return None,
        };
        let location = String::from_utf8_lossy(location.as_bytes());
        let url = match self.url.join(&location).map_err(|error| error.to_string()) {
            Ok(url) => match parse(url.as_str()) {
                Ok(url) => url,
                Err(fault) => return Some(Err(fault)),
            },
            Err(error) => {
                return Some(Err(Fault::new(
                    FaultKind::Failed,
                    format!(
                        "{}: the redirect to '{location}' cannot be followed: {error}",
                        shown(self.url.as_str())
                    ),
                )));
            }
        };
        let elsewhere = url.origin() != self.url.origin();
        let dropped = |name: &str| {
            let is_one_of = |names: &[&str]| names.iter().any(|one| one.eq_ignore_ascii_case(name));
            (elsewhere && (is_one_of(&PRIVATE) || is_one_of(&["host"])))
                || (retrieves && is_one_of(&DESCRIBING))
        };
        Some(Ok(Self {
            method: if retrieves {
                "GET".into()
            } else {
                self.method.clone()
            },
            headers: self
                .headers
                .iter()
                .filter(|(name, _)| !dropped(name))
                .cloned()
                .collect(),
            body: if retrieves {
                Vec::new()
            } else {
                self.body.clone()
            },
            url,
        }))
    }
}

fn parse(text: &str) -> Result<Url, Fault> {
    let invalid = |reason: String| {
        Fault::new(FaultKind::Invalid, format!("'{}' {reason}", shown(text)))
            .hint("write a whole URL, e.g. \"https://example.com/path\"")
    };
    let url = Url::parse(text).map_err(|error| invalid(format!("is not a URL: {error}")))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(invalid(format!("is not http or https but {other}"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;

    fn hop(method: &str) -> Hop {
        Hop::first(&Request {
            method: method.into(),
            url: "https://a.example/x/y".into(),
            headers: vec![
                ("Authorization".into(), "Bearer t".into()),
                ("Content-Type".into(), "text/plain".into()),
                ("Accept".into(), "*/*".into()),
            ],
            body: b"data".to_vec(),
            timeout: Duration::from_secs(1),
            redirects: 5,
            limit: 1,
            download_to: None,
        })
        .unwrap()
    }

    fn to(location: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("location", location.parse().unwrap());
        headers
    }

    fn names(hop: &Hop) -> Vec<&str> {
        hop.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        let same = hop("GET").next(302, &to("../z")).unwrap().unwrap();
        assert_eq!(same.url.as_str(), "https://a.example/z");
        assert_eq!(names(&same), ["Authorization", "Content-Type", "Accept"]);
        let other = hop("GET")
            .next(302, &to("http://a.example/"))
            .unwrap()
            .unwrap();
        assert_eq!(names(&other), ["Content-Type", "Accept"]);
    }

    #[test]
    fn methods_change_as_in_browsers() {
        let after = |method, status| {
            let next = hop(method).next(status, &to("/")).unwrap().unwrap();
            (next.method, next.body.len())
        };
        assert_eq!(after("POST", 301), ("GET".into(), 0));
        assert_eq!(after("PUT", 302), ("PUT".into(), 4));
        assert_eq!(after("PUT", 303), ("GET".into(), 0));
        assert_eq!(after("HEAD", 303), ("HEAD".into(), 4));
        assert_eq!(after("POST", 307), ("POST".into(), 4));
        assert!(hop("GET").next(304, &to("/")).is_none());
        assert!(hop("GET").next(302, &HeaderMap::new()).is_none());
    }

    #[test]
    fn other_schemes_are_refused() {
        let fault = hop("GET")
            .next(302, &to("file:///etc/passwd"))
            .unwrap()
            .unwrap_err();
        assert_eq!(
            fault.message,
            "'file:///etc/passwd' is not http or https but file"
        );
    }
}
