//! From a request to its response: route, body within its limits, handler, response.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, HeaderValue, RETRY_AFTER};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use opsh_operation::Value;
use tracing::Level;

use super::response::{self, Answer, of_status};
use super::routes::{Found, Pattern, find, segments};
use super::upload::{self, Upload};
use super::workers::{Busy, Work};
use super::{files, request};
use crate::gate::event::{Event as Happened, Served};
use crate::script::error::{Class, ScriptError};
use crate::service::{Event, Handler, Hub};

/// Takes in what is no event of its own yet: a message that must be proved first.
pub trait Inbox: Send + Sync {
    /// What is said to who sent `body`.
    fn take(&self, hub: &Arc<Hub>, body: &[u8]) -> (StatusCode, String);
}

/// What a route leads to.
#[derive(Clone)]
pub enum Target {
    /// A handler.
    Handler(Handler),
    /// A text that needs nobody to handle it.
    Text(String),
    /// Somebody who reads the body.
    Inbox(Arc<dyn Inbox>),
    /// A folder of files for everybody to see.
    Folder(PathBuf),
    /// A folder that files are uploaded to, and who is told of them.
    Upload(PathBuf, Option<Handler>),
}

/// A route.
#[derive(Clone)]
pub struct Route {
    /// Which requests take it.
    pub pattern: Pattern,
    /// What it leads to.
    pub target: Target,
    /// The largest body, if not that of all routes.
    pub max_body: Option<u64>,
}

/// What a request may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of its body.
    pub body: u64,
    /// For its body to come.
    pub read: Duration,
}

/// What answers requests.
pub struct Front {
    /// The server's name in logs.
    pub name: String,
    /// Where handlers are.
    pub hub: Arc<Hub>,
    /// What there is.
    pub routes: Vec<Route>,
    /// What a request may take.
    pub limits: Limits,
    /// Whether each request is logged.
    pub access_log: bool,
    /// Who handles requests.
    pub work: Work,
}

/// Why a request is not answered as it wishes.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    words: Cow<'static, str>,
    allow: Option<String>,
    /// What stands in the log.
    note: Option<String>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, words: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            words: words.into(),
            allow: None,
            note: None,
        }
    }

    pub(super) fn too_large(most: u64) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body may have {most} bytes"),
        )
    }

    pub(super) fn broken_off() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "the body broke off")
    }

    pub(super) fn disk(error: &std::io::Error) -> Self {
        Self {
            note: Some(format!("an upload could not be written: {error}")),
            ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "")
        }
    }

    fn into_response(self) -> Response<Body> {
        let mut response = of_status(self.status, &self.words);
        let headers = response.headers_mut();
        if let Some(allow) = self
            .allow
            .and_then(|allow| HeaderValue::from_str(&allow).ok())
        {
            headers.insert(ALLOW, allow);
        }
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // What is left of the body is not read.
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

impl Front {
    /// Answers a request of `remote`.
    pub async fn answer(&self, request: Request<Body>, remote: &str) -> Response<Body> {
        let begun = Instant::now();
        let (parts, body) = request.into_parts();
        let outcome = self.routed(&parts, body, remote).await;
        let mut response = outcome.unwrap_or_else(|refusal| {
            if let Some(note) = &refusal.note {
                self.hub
                    .say(Level::ERROR, &format!("{}: {note}", self.name));
            }
            refusal.into_response()
        });
        let headers = response.headers_mut();
        headers
            .entry("x-content-type-options")
            .or_insert(HeaderValue::from_static("nosniff"));
        if self.access_log {
            let gate = self.hub.gate();
            gate.tell(&Happened::Served(&Served {
                server: self.name.clone(),
                method: parts.method.to_string(),
                path: parts.uri.path().to_owned(),
                status: response.status().as_u16(),
                bytes: axum::body::HttpBody::size_hint(response.body()).exact(),
                seconds: if self.hub.is_virtual() {
                    0.0
                } else {
                    begun.elapsed().as_secs_f64()
                },
                remote: remote.to_owned(),
            }));
        }
        response
    }

    async fn routed(
        &self,
        parts: &Parts,
        body: Body,
        remote: &str,
    ) -> Result<Response<Body>, Refusal> {
        let path = segments(parts.uri.path())
            .ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, "the path is not understood"))?;
        let patterns = self.routes.iter().map(|route| &route.pattern);
        let (route, names) = match find(patterns, parts.method.as_str(), &path) {
            Found::Route(index, names) => (&self.routes[index], names),
            Found::Methods(methods) => {
                return Err(Refusal {
                    allow: Some(methods.join(", ")),
                    ..Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "")
                });
            }
            Found::Nothing => return Err(Refusal::new(StatusCode::NOT_FOUND, "")),
        };
        let most = route.max_body.unwrap_or(self.limits.body);
        if length(parts).is_some_and(|length| length > most) {
            return Err(Refusal::too_large(most));
        }
        match &route.target {
            Target::Folder(folder) => {
                let depth = route.pattern.depth();
                let prefix = path[..depth]
                    .iter()
                    .fold(String::new(), |prefix, part| prefix + "/" + part.as_str());
                Ok(files::below(folder, &prefix, &path[depth..], head(parts)).await)
            }
            Target::Text(text) => plain(&Value::Text(text.clone())),
            Target::Handler(handler) => {
                let body = whole(body, most, Patience::new(self.limits.read)).await?;
                let request = asked(parts, names, &body, remote)?;
                self.handled(route, handler, request, parts).await
            }
            Target::Inbox(inbox) => {
                let body = whole(body, most, Patience::new(self.limits.read)).await?;
                let (status, words) = self.taken(inbox, body).await?;
                Ok(of_status(status, &words))
            }
            Target::Upload(folder, handler) => {
                let name = names.get("name").cloned();
                let (method, headers) = (parts.method.clone(), parts.headers.clone());
                let mut coming = Request::new(body);
                *coming.method_mut() = method;
                *coming.headers_mut() = headers;
                let patience = Patience::new(self.limits.read);
                let upload =
                    upload::receive(folder, name.as_deref(), most, patience, coming).await?;
                self.uploaded(route, handler.as_ref(), upload, names, parts, remote)
                    .await
            }
        }
    }

    /// What somebody who reads bodies says: it may ask others, and takes its time.
    async fn taken(
        &self,
        inbox: &Arc<dyn Inbox>,
        body: Bytes,
    ) -> Result<(StatusCode, String), Refusal> {
        if matches!(self.work, Work::Here) {
            return Ok(inbox.take(&self.hub, &body));
        }
        let (inbox, hub) = (Arc::clone(inbox), Arc::clone(&self.hub));
        tokio::task::spawn_blocking(move || inbox.take(&hub, &body))
            .await
            .map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, ""))
    }

    async fn uploaded(
        &self,
        route: &Route,
        handler: Option<&Handler>,
        upload: Upload,
        names: BTreeMap<String, String>,
        parts: &Parts,
        remote: &str,
    ) -> Result<Response<Body>, Refusal> {
        let gate = self.hub.gate();
        let shown = |path: &PathBuf| {
            let text = path.display().to_string();
            gate.files.shown(&text, gate.world.files())
        };
        let files: Vec<Value> = upload
            .files
            .iter()
            .map(|file| file.to_value(&shown(&file.path)))
            .collect();
        let Some(handler) = handler else {
            let mut response = plain(&Value::List(files))?;
            *response.status_mut() = StatusCode::CREATED;
            return Ok(response);
        };
        let mut request = asked(parts, names, &Bytes::new(), remote)?;
        if let Value::Map(map) = &mut request {
            map.insert("files".to_owned(), Value::List(files));
            map.insert("form".to_owned(), Value::Map(upload.fields));
        }
        self.handled(route, handler, request, parts).await
    }

    /// What the handler says to `request`.
    async fn handled(
        &self,
        route: &Route,
        handler: &Handler,
        request: Value,
        parts: &Parts,
    ) -> Result<Response<Body>, Refusal> {
        let event = Event::new(handler, route.pattern.to_string(), vec![request]);
        let outcome = self.work.give(&self.hub, event).await.map_err(|busy| {
            let words = match busy {
                Busy::Full => "too many requests are waiting",
                Busy::Stopping => "the service is stopping",
            };
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, words)
        })?;
        let value = outcome.map_err(|error| failed(&error))?;
        let wrong = |why: String| Refusal {
            note: Some(format!(
                "{}: what its handler gives is no response: {why}",
                route.pattern
            )),
            ..Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "")
        };
        match response::of(&value).map_err(wrong)? {
            Answer::Whole(response) => Ok(response),
            Answer::File(path, status, headers) => {
                let gate = self.hub.gate();
                let real = gate
                    .files
                    .resolve(&path, gate.world.files())
                    .map_err(|fault| wrong(fault.message))?;
                let mut response = files::one(&real, head(parts)).await;
                if response.status() == StatusCode::NOT_FOUND {
                    return Err(wrong(format!("there is no file {path}")));
                }
                if status != StatusCode::OK {
                    *response.status_mut() = status;
                }
                response.headers_mut().extend(headers);
                Ok(response)
            }
        }
    }
}

fn plain(value: &Value) -> Result<Response<Body>, Refusal> {
    match response::of(value) {
        Ok(Answer::Whole(response)) => Ok(response),
        _ => Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "")),
    }
}

/// What a client is told of a handler that failed: nothing of its inside.
fn failed(error: &ScriptError) -> Refusal {
    match error.class {
        Class::Deadline => Refusal::new(StatusCode::GATEWAY_TIMEOUT, "the answer took too long"),
        Class::Interrupted => {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping")
        }
        Class::Failed | Class::Start | Class::Policy => {
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "")
        }
    }
}

fn asked(
    parts: &Parts,
    names: BTreeMap<String, String>,
    body: &Bytes,
    remote: &str,
) -> Result<Value, Refusal> {
    request::to_value(parts, names, body, remote)
        .map_err(|why| Refusal::new(StatusCode::BAD_REQUEST, why))
}

/// The head of a request, for what answers with files.
fn head(parts: &Parts) -> Request<()> {
    let mut request = Request::new(());
    request.method_mut().clone_from(&parts.method);
    request.uri_mut().clone_from(&parts.uri);
    request.headers_mut().clone_from(&parts.headers);
    request
}

fn length(parts: &Parts) -> Option<u64> {
    let value = parts.headers.get(CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

/// The whole body, if it has no more than `most` bytes.
async fn whole(body: Body, most: u64, mut patience: Patience) -> Result<Bytes, Refusal> {
    let mut pieces = body.into_data_stream();
    let mut whole = BytesMut::new();
    while let Some(piece) = patience.wait(pieces.next()).await? {
        let piece = piece.map_err(|_| Refusal::broken_off())?;
        if (whole.len() + piece.len()) as u64 > most {
            return Err(Refusal::too_large(most));
        }
        patience.came(piece.len());
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// How long a body may take: so long for its first mebibyte, and so long again for each
/// that has come.
pub struct Patience {
    begun: tokio::time::Instant,
    step: Duration,
    came: u64,
}

impl Patience {
    fn new(step: Duration) -> Self {
        Self {
            begun: tokio::time::Instant::now(),
            step,
            came: 0,
        }
    }

    /// Takes note that so many bytes have come.
    pub(super) fn came(&mut self, bytes: usize) {
        self.came += bytes as u64;
    }

    /// What `next` gives, if it comes in time.
    pub(super) async fn wait<T>(&self, next: impl Future<Output = T>) -> Result<T, Refusal> {
        let steps = u32::try_from(1 + (self.came >> 20)).unwrap_or(u32::MAX);
        let due = self.begun
            + self
                .step
                .saturating_mul(steps)
                .min(Duration::from_hours(24 * 365));
        tokio::time::timeout_at(due, next)
            .await
            .map_err(|_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body took too long"))
    }
}
