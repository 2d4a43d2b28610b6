//! From an HTTP request to an answer of the cloud.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use opsh_cloud::router::header;
use opsh_cloud::{Cloud, Unreachable};

use super::control;
use super::door::{self, Door};
use crate::world::served::notice::Notice;
use crate::world::served::wire;

/// The largest body that a request may bring: all of it is held in memory.
const LIMIT: usize = 1 << 30;

/// Who answers.
pub(super) struct Desk {
    cloud: Cloud,
    notice: Notice,
    region: String,
}

impl Desk {
    pub fn new(cloud: Cloud, notice: Notice) -> Self {
        Self {
            region: cloud.region(),
            cloud,
            notice,
        }
    }

    /// Answers a request; what the cloud does may take its time and waits for nobody.
    fn answer(&self, request: http::Request<Bytes>) -> Response {
        match door::find(request, self.notice.port(), &self.region) {
            Door::Api(request) => self.call(request),
            Door::Visit(request) => self.visit(request),
            Door::Own(request) => match request.uri().path() {
                "/" => self.front(),
                wire::PATH => self.control(&request),
                _ => text(StatusCode::NOT_FOUND, "there is no such page"),
            },
            Door::Refused(why) => text(StatusCode::FORBIDDEN, why),
        }
    }

    fn call(&self, request: http::Request<Bytes>) -> Response {
        let answered = self
            .cloud
            .clock()
            .block_on(self.cloud.aws(request), &|| false);
        match answered {
            Ok(Ok(answer)) => answer.map(Body::from),
            Ok(Err(_)) | Err(_) => broken(),
        }
    }

    fn visit(&self, request: http::Request<Bytes>) -> Response {
        match self.cloud.visit(request) {
            Ok(answer) => answer.map(Body::from),
            Err(Unreachable::Reset(_)) => broken(),
            Err(why @ Unreachable::TimedOut(_)) => {
                text(StatusCode::GATEWAY_TIMEOUT, &why.to_string())
            }
            Err(why) => text(StatusCode::BAD_GATEWAY, &why.to_string()),
        }
    }

    /// A run in another process, which has read the token in the cloud's folder.
    fn control(&self, request: &http::Request<Bytes>) -> Response {
        let bearer = format!("Bearer {}", self.notice.token);
        if header(request, AUTHORIZATION.as_str()) != bearer {
            return text(StatusCode::FORBIDDEN, "the token is not this server's");
        }
        match control::answer(&self.cloud, request.body()) {
            Ok(answer) => Response::new(Body::from(answer)),
            Err(malformed) => text(StatusCode::BAD_REQUEST, &malformed.to_string()),
        }
    }

    /// What somebody sees who looks here with a browser.
    fn front(&self) -> Response {
        let status = self.cloud.status();
        let (url, port) = (&self.notice.url, self.notice.port());
        text(
            StatusCode::OK,
            &format!(
                "The embedded cloud of opsh: account {}, region {}, time {}.\n\n\
                 AWS tools: endpoint {url}\n\
                 Hosts and balancers: curl -H 'Host: NAME' {url}/\n\
                 or http://NAME.localhost:{port}/ in a browser",
                status.account,
                status.region,
                status.now.strftime("%Y-%m-%d %H:%M:%SZ"),
            ),
        )
    }
}

/// Answers any request.
pub(super) async fn answer(
    State(desk): State<Arc<Desk>>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let announced = parts
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > LIMIT as u64) {
        return too_large();
    }
    let Ok(body) = to_bytes(body, LIMIT).await else {
        return too_large();
    };
    let request = http::Request::from_parts(parts, body);
    tokio::task::spawn_blocking(move || desk.answer(request))
        .await
        .unwrap_or_else(|_| broken())
}

/// As S3 says it, the only service that gets large bodies.
fn too_large() -> Response {
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>EntityTooLarge</Code>\
                <Message>The embedded cloud takes at most 1 GiB in one request; upload in parts\
                </Message></Error>";
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        http::HeaderValue::from_static("application/xml"),
    );
    headers.insert(CONNECTION, http::HeaderValue::from_static("close"));
    response
}

fn text(status: StatusCode, words: &str) -> Response {
    let mut response = Response::new(Body::from(format!("{words}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        http::HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

/// An answer that breaks off before it has begun: the connection is closed.
fn broken() -> Response {
    let nothing = futures_util::stream::once(async {
        Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    let mut response = Response::new(Body::from_stream(nothing));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
