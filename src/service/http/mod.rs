//! `serve`: HTTP requests as events.
//!
//! - [`routes`]: which route a request takes; [`answer`]: from a request to its response;
//! - [`request`], [`response`]: both as maps;
//! - [`files`]: folders for everybody to see; [`upload`]: files that come;
//! - [`connection`]: how long a slow client may take;
//! - [`workers`]: who handles requests, so many at once.
//!
//! On the real clock a server has a socket. On the virtual one it is lodged in the embedded
//! cloud, and requests come from there and from the events file; they pass the same way.

pub mod answer;
pub mod connection;
pub mod files;
pub mod request;
pub mod response;
pub mod routes;
pub mod upload;
pub mod workers;

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use bytes::Bytes;
use http::{Request, Response};
use opsh_operation::{Fault, FaultKind, Map, Value};
use tokio::sync::oneshot;
use tracing::Level;

use super::{Hub, Source};
use crate::lock::lock;
use crate::world::Answerer;
use answer::{Front, Limits, Route};
use connection::{Door, Pace, Peer};
use workers::Work;

/// How a server is to be.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The address to listen on.
    pub bind: IpAddr,
    /// The port; 0 for a free one.
    pub port: u16,
    /// What a request may take.
    pub limits: Limits,
    /// How long a client may take to ask.
    pub pace: Pace,
    /// How many requests are handled at once.
    pub workers: usize,
    /// How many requests wait for a worker.
    pub queue: usize,
    /// How many connections there are at once.
    pub connections: usize,
    /// Whether each request is logged.
    pub access_log: bool,
}

/// A server.
pub struct Server {
    options: Options,
    routes: Vec<Route>,
    listener: Mutex<Option<TcpListener>>,
    /// Its place in the embedded cloud, while time is virtual.
    lodging: Mutex<Option<Box<dyn Send>>>,
    itself: Weak<Self>,
}

/// The server inside of the embedded cloud.
struct Lodger {
    server: Weak<Server>,
    hub: Weak<Hub>,
}

impl Answerer for Lodger {
    fn answer(&self, request: Request<Bytes>, client: &str) -> Response<Bytes> {
        let answered = match (self.server.upgrade(), self.hub.upgrade()) {
            (Some(server), Some(hub)) => server.answer_here(&hub, request, client).ok(),
            _ => None,
        };
        answered.unwrap_or_else(|| {
            let mut gone = Response::new(Bytes::new());
            *gone.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
            gone
        })
    }
}

impl Server {
    /// A server with `routes`.
    #[must_use]
    pub fn new(options: Options, routes: Vec<Route>) -> Arc<Self> {
        Arc::new_cyclic(|itself| Self {
            options,
            routes,
            listener: Mutex::default(),
            lodging: Mutex::default(),
            itself: Weak::clone(itself),
        })
    }

    fn front(&self, hub: &Arc<Hub>, work: Work) -> Front {
        let joined = hub.joined_routes();
        Front {
            name: self.label(),
            hub: Arc::clone(hub),
            routes: self.routes.iter().cloned().chain(joined).collect(),
            limits: self.options.limits,
            access_log: self.options.access_log,
            work,
        }
    }

    /// Answers a request on the calling thread, which is a branch of the virtual clock.
    ///
    /// # Errors
    /// The process cannot have an executor.
    fn answer_here(
        &self,
        hub: &Arc<Hub>,
        request: Request<Bytes>,
        remote: &str,
    ) -> Result<Response<Bytes>, Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| no_executor(&error))?;
        let front = self.front(hub, Work::Here);
        runtime.block_on(async {
            let response = front.answer(request.map(Body::from), remote).await;
            let (parts, body) = response.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await;
            let body = body.map_err(|error| {
                Fault::new(
                    FaultKind::Failed,
                    format!("the response broke off: {error}"),
                )
            })?;
            Ok(Response::from_parts(parts, body))
        })
    }

    /// Serves on `listener` until `told`; then ends what it is about, for at most the grace.
    async fn serve(
        listener: TcpListener,
        options: Options,
        front: Arc<Front>,
        grace: Duration,
        told: oneshot::Receiver<()>,
    ) -> std::io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let door = Door::new(listener, options.pace, options.connections);
        let app = Router::new()
            .fallback(asked)
            .with_state(front)
            .into_make_service_with_connect_info::<Peer>();
        let (late, is_late) = oneshot::channel();
        let serving = axum::serve(door, app).with_graceful_shutdown(async move {
            // Whoever would tell it is gone: that is as good.
            let _ = told.await;
            let _ = late.send(());
        });
        let patience = async {
            let _ = is_late.await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            served = serving => served,
            () = patience => Ok(()),
        }
    }
}

async fn asked(
    State(front): State<Arc<Front>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request<Body>,
) -> Response<Body> {
    peer.asks();
    let response = front.answer(request, &peer.remote.to_string()).await;
    peer.is_answered();
    response
}

impl Source for Server {
    fn label(&self) -> String {
        format!(
            "serve {}",
            SocketAddr::new(self.options.bind, self.options.port)
        )
    }

    fn open(&self, hub: &Arc<Hub>) -> Result<(), Fault> {
        if hub.is_virtual() {
            let lodger = Arc::new(Lodger {
                server: self.itself.clone(),
                hub: Arc::downgrade(hub),
            });
            let options = self.options;
            let lodging = hub.world().lodge(options.bind, options.port, lodger)?;
            *lock(&self.lodging) = Some(lodging);
            return Ok(());
        }
        let address = SocketAddr::new(self.options.bind, self.options.port);
        let refused = |error: std::io::Error| {
            Fault::new(
                FaultKind::Failed,
                format!("{address} cannot be listened on: {error}"),
            )
            .hint("free the port, or give another as 'port'")
        };
        let listener = TcpListener::bind(address).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let own = listener.local_addr().map_err(refused)?;
        hub.say(Level::INFO, &format!("listening on http://{own}"));
        *lock(&self.listener) = Some(listener);
        Ok(())
    }

    fn run(&self, hub: &Arc<Hub>) -> Result<(), Fault> {
        let listener = lock(&self.listener).take();
        let Some(listener) = listener else {
            hub.rest();
            return Ok(());
        };
        let options = self.options;
        let name = self.label();
        let (work, workers) = workers::start(hub, &name, options.workers, options.queue)
            .map_err(|error| super::rehearsal::no_thread(&error))?;
        let front = Arc::new(self.front(hub, work));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| no_executor(&error))?;
        let (tell, told) = oneshot::channel();
        let grace = hub.grace();
        let (done, is_done) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let served = Self::serve(listener, options, front, grace, told).await;
            // Nobody waits any more only if the service is gone.
            let _ = done.send(served);
        });
        hub.rest();
        let _ = tell.send(());
        let mut served = None;
        let served = std::cell::RefCell::new(&mut served);
        hub.wait_for(|| match is_done.try_recv() {
            Ok(result) => {
                **served.borrow_mut() = Some(result);
                true
            }
            Err(std::sync::mpsc::TryRecvError::Empty) => false,
            Err(std::sync::mpsc::TryRecvError::Disconnected) => true,
        });
        // Connections that are left are closed, and with the last of them the queue.
        runtime.shutdown_background();
        hub.wait_for(|| {
            hub.is_cut_off() || workers.iter().all(std::thread::JoinHandle::is_finished)
        });
        match served.into_inner().take() {
            Some(Err(error)) => Err(Fault::new(FaultKind::Failed, error.to_string())),
            _ => Ok(()),
        }
    }

    fn close(&self) {
        lock(&self.lodging).take();
    }

    fn kind(&self) -> Option<&'static str> {
        Some("request")
    }

    fn replay(&self, hub: &Arc<Hub>, event: &Value) -> Result<Value, Fault> {
        let request = planned(event)
            .map_err(|why| Fault::new(FaultKind::Invalid, format!("the request: {why}")))?;
        let response = self.answer_here(hub, request, "192.0.2.1")?;
        Ok(Value::Int(response.status().as_u16().into()))
    }
}

fn no_executor(error: &std::io::Error) -> Fault {
    Fault::new(FaultKind::Failed, format!("no executor: {error}"))
}

/// The request of an events file: `method`, `path` with its query, `headers`, and `body` or
/// `json`.
fn planned(event: &Value) -> Result<Request<Bytes>, String> {
    const MEMBERS: [&str; 5] = ["method", "path", "headers", "body", "json"];
    let none = Map::new();
    let map = event.as_map().ok_or("it must be an object")?;
    if let Some(unknown) = map.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(format!(
            "it has no '{unknown}'; it has {}",
            MEMBERS.join(", ")
        ));
    }
    let text = |name: &str| map.get(name).and_then(Value::as_text);
    let mut request = Request::builder()
        .method(text("method").unwrap_or("GET"))
        .uri(text("path").unwrap_or("/"));
    for (name, value) in map.get("headers").and_then(Value::as_map).unwrap_or(&none) {
        request = request.header(name, value.as_text().unwrap_or_default());
    }
    let body = match (map.get("json"), map.get("body")) {
        (Some(json), None) => {
            request = request.header("content-type", "application/json");
            json.to_json().to_string()
        }
        (None, Some(Value::Text(body))) => body.clone(),
        (None, Some(body)) => body.to_json().to_string(),
        (None, None) => String::new(),
        (Some(_), Some(_)) => return Err("it has either 'body' or 'json'".to_owned()),
    };
    request
        .body(Bytes::from(body))
        .map_err(|error| error.to_string())
}
