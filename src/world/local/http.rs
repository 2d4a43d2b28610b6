//! HTTP to what the embedded cloud simulates, and to what it does not.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opsh_cloud::tenants::Place;
use opsh_cloud::{Unreachable, Visitor};
use opsh_operation::{Fault, FaultKind};

use super::doors::Doors;
use super::fixtures::Fixtures;
use super::wait;
use crate::world::Cancel;
use crate::world::files::Files;
use crate::world::http::{Request, Response, Transport};

/// How long an exchange takes in virtual time.
const LATENCY: Duration = Duration::from_millis(20);

/// Who answers for sites that are not simulated.
#[derive(Clone)]
pub enum Outside {
    /// The real network, if there is a way to it.
    Real(Option<Arc<dyn Transport>>),
    /// Files.
    Fixtures(Fixtures),
}

/// The world's HTTP.
pub(super) struct Visits<D> {
    doors: D,
    outside: Outside,
    files: Arc<dyn Files>,
    /// The machine that requests come from.
    place: Place,
}

/// One step of an exchange: an answer of the cloud or of a file, or the last word
/// of the real network.
enum Step {
    Answer(http::Response<Bytes>),
    Final(Response),
}

impl<D: Doors> Visits<D> {
    pub fn new(doors: D, outside: Outside, files: Arc<dyn Files>) -> Self {
        Self {
            doors,
            outside,
            files,
            place: Place::Caller,
        }
    }

    /// From now on requests come from a machine of the cloud.
    pub fn set_place(&mut self, place: Place) {
        self.place = place;
    }

    /// Asks one URL, without following where it leads.
    fn ask(&self, request: &Request, cancel: &Cancel) -> Result<Step, Fault> {
        let clock = self.doors.clock();
        let until = clock.now().checked_add(request.timeout);
        wait(clock, LATENCY, cancel)?;
        let mut visit = http::Request::builder()
            .method(request.method.as_str())
            .uri(&request.url);
        for (name, value) in &request.headers {
            visit = visit.header(name, value);
        }
        let visit = visit
            .body(Bytes::from(request.body.clone()))
            .map_err(|error| Fault::new(FaultKind::Invalid, format!("{}: {error}", request.url)))?;
        let visitor = Visitor {
            place: &self.place,
            patience: request.timeout.saturating_sub(LATENCY),
            stop: &|| cancel.reason().is_some(),
        };
        let unreachable = match self.doors.visit(&visitor, visit) {
            Ok(answer) => return Ok(Step::Answer(answer)),
            Err(unreachable) => unreachable,
        };
        if let Unreachable::NoSuchHost(_) = unreachable {
            match &self.outside {
                Outside::Real(Some(transport)) => {
                    return transport.send(request, cancel).map(Step::Final);
                }
                Outside::Fixtures(fixtures) => {
                    if let Some(fixture) = fixtures.get(&request.url) {
                        return http::Response::builder()
                            .header("content-type", &fixture.content_type)
                            .header("content-length", fixture.body.len())
                            .body(fixture.body.clone())
                            .map(Step::Answer)
                            .map_err(|error| Fault::new(FaultKind::Failed, error.to_string()));
                    }
                }
                Outside::Real(None) => {}
            }
        }
        if let (Unreachable::TimedOut(_), Ok(until)) = (&unreachable, until) {
            // What a client would wait for in vain passes in virtual time.
            let left = until.duration_since(clock.now()).try_into();
            wait(clock, left.unwrap_or_default(), cancel)?;
        }
        Err(self.fault(request, &unreachable))
    }

    fn fault(&self, request: &Request, why: &Unreachable) -> Fault {
        let url = &request.url;
        match why {
            Unreachable::NoSuchHost(_) => {
                let fault = Fault::new(
                    FaultKind::Unreachable,
                    format!("{url}: a dry run asks nobody outside"),
                );
                match self.outside {
                    Outside::Fixtures(_) => {
                        fault.hint(format!("let a file answer: --fixture {url}=FILE"))
                    }
                    Outside::Real(_) => Fault::new(FaultKind::Unreachable, format!("{url}: {why}")),
                }
            }
            Unreachable::TimedOut(_) => Fault::new(
                FaultKind::Timeout,
                format!(
                    "{url}: no answer within {}",
                    humantime::format_duration(request.timeout)
                ),
            )
            .hint("check that the host runs and that its security groups let the caller in"),
            Unreachable::Refused(_) => Fault::new(FaultKind::Unreachable, format!("{url}: {why}")),
            Unreachable::Reset(_) => {
                Fault::new(FaultKind::Unreachable, format!("{url}: {why}")).open()
            }
        }
    }
}

impl<D: Doors> Transport for Visits<D> {
    fn send(&self, request: &Request, cancel: &Cancel) -> Result<Response, Fault> {
        cancel.check()?;
        let mut request = request.clone();
        let mut left = request.redirects;
        loop {
            let answer = match self.ask(&request, cancel)? {
                Step::Final(response) => return Ok(response),
                Step::Answer(answer) => answer,
            };
            let Some(next) = redirect(&answer, &request).filter(|_| request.redirects > 0) else {
                return received(&request, answer, self.files.as_ref());
            };
            if left == 0 {
                return Err(Fault::new(
                    FaultKind::Limit,
                    format!("{}: more than {} redirects", request.url, request.redirects),
                ));
            }
            left -= 1;
            if answer.status() == http::StatusCode::SEE_OTHER {
                "GET".clone_into(&mut request.method);
                request.body.clear();
            }
            request.url = next;
        }
    }
}

/// Where an answer sends the visitor on to.
fn redirect(answer: &http::Response<Bytes>, request: &Request) -> Option<String> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = answer.headers().get("location")?.to_str().ok()?;
    let base = url::Url::parse(&request.url).ok()?;
    base.join(location).ok().map(Into::into)
}

fn received(
    request: &Request,
    answer: http::Response<Bytes>,
    files: &dyn Files,
) -> Result<Response, Fault> {
    let (parts, body) = answer.into_parts();
    let length = body.len() as u64;
    if length > request.limit {
        return Err(Fault::new(
            FaultKind::Limit,
            format!(
                "{}: the body has {length} bytes, more than the limit of {}",
                request.url, request.limit
            ),
        ));
    }
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    let mut body = body.to_vec();
    if let Some(path) = &request.download_to
        && parts.status.is_success()
    {
        files.write(path, &body, 0o644).map_err(|error| {
            Fault::new(FaultKind::Failed, format!("{}: {error}", path.display()))
        })?;
        body.clear();
    }
    Ok(Response {
        status: parts.status.as_u16(),
        url: request.url.clone(),
        headers,
        body,
        length,
    })
}
