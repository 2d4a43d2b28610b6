//! One request with the redirects that it leads through.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use opsh_operation::{Fault, FaultKind};
use url::Url;

use super::{body, faults, redirect};
use crate::world::http::{Request, Response};

pub(super) struct Exchange {
    pub agent: ureq::Agent,
    pub request: Request,
    /// When the whole of it must be over.
    pub end: Instant,
    /// Set when nobody waits any more.
    pub abandoned: Arc<AtomicBool>,
}

impl Exchange {
    pub fn run(self) -> Result<Response, Fault> {
        let mut hop = redirect::Hop::first(&self.request)?;
        let mut followed = 0;
        loop {
            let answer = self.send(&hop)?;
            let Some(next) = hop.next(answer.status().as_u16(), answer.headers()) else {
                return self.receive(&hop.url, answer);
            };
            if self.request.redirects == 0 {
                return self.receive(&hop.url, answer);
            }
            followed += 1;
            if followed > self.request.redirects {
                return Err(Fault::new(
                    FaultKind::Limit,
                    format!(
                        "{}: more than {} redirects, the last one to {}",
                        faults::shown(&self.request.url),
                        self.request.redirects,
                        next.as_ref().map_or("nowhere", |hop| hop.url.as_str())
                    ),
                )
                .hint("raise 'redirects' if the site really needs more"));
            }
            hop = next?;
        }
    }

    fn left(&self, url: &Url) -> Result<Duration, Fault> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(faults::timeout(url.as_str(), self.request.timeout));
        }
        Ok(left)
    }

    fn send(&self, hop: &redirect::Hop) -> Result<ureq::http::Response<ureq::Body>, Fault> {
        let left = self.left(&hop.url)?;
        let fault = |error| faults::from_ureq(error, hop.url.as_str(), self.request.timeout);
        let mut builder = ureq::http::Request::builder()
            .method(hop.method.as_str())
            .uri(hop.url.as_str());
        for (name, value) in &hop.headers {
            builder = builder.header(name, value);
        }
        let invalid = |error: ureq::http::Error| {
            Fault::new(
                FaultKind::Invalid,
                format!("{}: {error}", faults::shown(hop.url.as_str())),
            )
        };
        let bare = hop.body.is_empty() && !matches!(hop.method.as_str(), "POST" | "PUT" | "PATCH");
        if bare {
            let request = builder.body(()).map_err(invalid)?;
            let request = self
                .agent
                .configure_request(request)
                .timeout_global(Some(left))
                .build();
            self.agent.run(request).map_err(fault)
        } else {
            let request = builder.body(hop.body.as_slice()).map_err(invalid)?;
            let request = self
                .agent
                .configure_request(request)
                .timeout_global(Some(left))
                .build();
            self.agent.run(request).map_err(fault)
        }
    }

    fn receive(
        &self,
        url: &Url,
        answer: ureq::http::Response<ureq::Body>,
    ) -> Result<Response, Fault> {
        let (parts, stream) = answer.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let taken = body::Receiver {
            url: url.as_str(),
            limit: self.request.limit,
            timeout: self.request.timeout,
            abandoned: &self.abandoned,
        }
        .take(
            stream,
            self.request
                .download_to
                .as_deref()
                .filter(|_| parts.status.is_success()),
        )?;
        Ok(Response {
            status: parts.status.as_u16(),
            url: url.as_str().to_owned(),
            headers,
            length: taken.length,
            body: taken.body,
        })
    }
}
