//! `serve(#{ … })`: its options and routes, read off the map.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use opsh_operation::suggest::closest;
use opsh_operation::{Fault, FaultKind, Map, Value};
use rhai::{Dynamic, FnPtr, NativeCallContext};

use super::engine::Runtime;
use super::service::{Given, duration, refused, registered};
use super::values::to_value;
use crate::modules::service;
use crate::service::http::answer::{Limits, Route, Target};
use crate::service::http::connection::Pace;
use crate::service::http::routes::Pattern;
use crate::service::http::{Options, Server};
use crate::service::{Bounds, Handler};

/// Registers the server that `given` describes.
pub(super) fn serve(
    runtime: &Arc<Runtime>,
    context: &NativeCallContext,
    given: rhai::Map,
) -> Given {
    match server(runtime, context, given) {
        Ok(server) => registered(runtime, context, server),
        Err(fault) => Err(refused(runtime, context, &fault)),
    }
}

fn invalid(why: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Invalid, format!("serve: {why}"))
}

fn server(
    runtime: &Arc<Runtime>,
    context: &NativeCallContext,
    mut given: rhai::Map,
) -> Result<Arc<Server>, Fault> {
    runtime.service.possible("serve")?;
    let routes = given
        .remove("routes")
        .and_then(|routes| routes.flatten().try_cast::<rhai::Map>())
        .ok_or_else(|| invalid("'routes' is missing: #{ \"GET /ping\": |request| \"OK\" }"))?;
    let map = super::service::options("serve", given, service::fields("serve"))?;
    let options = options(&map)?;
    let routing = Routing {
        runtime,
        context,
        server: format!("serve {}", options.port),
        limit: time(&map, "timeout", 30)?,
    };
    let mut made: Vec<Route> = Vec::new();
    for (text, target) in routes {
        let route = routing.route(&text, target.flatten())?;
        if let Some(other) = made
            .iter()
            .find(|other| other.pattern.clashes(&route.pattern))
        {
            return Err(invalid(format!(
                "the routes '{}' and '{}' take the same requests",
                other.pattern, route.pattern
            )));
        }
        made.push(route);
    }
    if made.is_empty() {
        return Err(invalid("'routes' is empty"));
    }
    Ok(Server::new(options, made))
}

fn options(map: &Map) -> Result<Options, Fault> {
    let number = |name: &str, least: i64, most: i64, default: i64| match map.get(name) {
        None => Ok(default),
        Some(value) => value
            .as_int()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| {
                invalid(format!(
                    "'{name}' must be a whole number from {least} to {most}, not {}",
                    value.to_json()
                ))
            }),
    };
    let time = |name: &str, default: u64| time(map, name, default);
    let count = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let bind = match map.get("bind").map(|bind| (bind, bind.as_text())) {
        None | Some((_, Some("localhost"))) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Some((bind, text)) => text.and_then(|text| text.parse().ok()).ok_or_else(|| {
            invalid(format!(
                "'bind' must be an address such as \"127.0.0.1\" or \"0.0.0.0\", not {}",
                bind.to_json()
            ))
        })?,
    };
    if !map.contains_key("port") {
        return Err(invalid("'port' is missing"));
    }
    let access_log = match map.get("access_log") {
        None => true,
        Some(Value::Bool(wanted)) => *wanted,
        Some(other) => {
            let other = other.to_json();
            return Err(invalid(format!(
                "'access_log' must be true or false, not {other}"
            )));
        }
    };
    Ok(Options {
        bind,
        port: u16::try_from(number("port", 0, 65535, 0)?).unwrap_or_default(),
        limits: Limits {
            body: number("max_body", 0, i64::MAX, 1 << 20)?.unsigned_abs(),
            read: time("read_timeout", 30)?,
        },
        pace: Pace {
            head: time("head_timeout", 10)?,
            idle: time("idle_timeout", 60)?,
        },
        workers: count(number("workers", 1, 256, 8)?),
        queue: count(number("queue", 0, 100_000, 64)?),
        connections: count(number("connections", 1, 100_000, 1024)?),
        access_log,
    })
}

/// The duration `name` of a server's options, or so many seconds.
fn time(map: &Map, name: &str, default: u64) -> Result<Duration, Fault> {
    duration("serve", map, name, Duration::from_millis(1))
        .map(|given| given.unwrap_or(Duration::from_secs(default)))
}

/// What the routes of a server share.
struct Routing<'a> {
    runtime: &'a Runtime,
    context: &'a NativeCallContext<'a>,
    /// The server's name in those of its handlers.
    server: String,
    /// How long a handler may take.
    limit: Duration,
}

impl Routing<'_> {
    /// A route: a function, a text, `#{ folder: … }` or `#{ upload: … }`.
    fn route(&self, text: &str, target: Dynamic) -> Result<Route, Fault> {
        let (target, max_body) = self.target(text, target)?;
        let below = matches!(target, Target::Folder(_));
        Ok(Route {
            pattern: Pattern::read(text, below).map_err(invalid)?,
            target,
            max_body,
        })
    }

    fn target(&self, text: &str, target: Dynamic) -> Result<(Target, Option<u64>), Fault> {
        if let Some(function) = target.clone().try_cast::<FnPtr>() {
            return Ok((Target::Handler(self.handler(text, &function)), None));
        }
        if let Ok(words) = target.clone().into_immutable_string() {
            return Ok((Target::Text(words.to_string()), None));
        }
        let map = target.try_cast::<rhai::Map>();
        let map = map.ok_or_else(|| leads_elsewhere(text))?;
        if map.contains_key("folder") {
            return Ok((self.folder(text, map)?, None));
        }
        let (target, max_body) = self.upload(text, map)?;
        Ok((target, Some(max_body)))
    }

    fn handler(&self, text: &str, function: &FnPtr) -> Handler {
        let bounds = Bounds {
            limit: Some(self.limit),
            exclusive: None,
        };
        let handler = Handler::new(self.context, function).within(bounds);
        let name = format!("{} {text}", self.server);
        self.runtime.service.handler(&name, &handler)
    }

    /// `#{ folder: … }`.
    fn folder(&self, text: &str, map: rhai::Map) -> Result<Target, Fault> {
        if map.contains_key("handler") || !text.starts_with("GET ") {
            return Err(invalid(format!(
                "the folder of the route '{text}' is for GET, and has no handler"
            )));
        }
        let map = known(text, map, &["folder"])?;
        Ok(Target::Folder(folder(
            self.runtime,
            path(text, &map, "folder")?,
        )?))
    }

    /// `#{ upload: … }`, and how large a body may be.
    fn upload(&self, text: &str, mut map: rhai::Map) -> Result<(Target, u64), Fault> {
        let handler = map
            .remove("handler")
            .map(|handler| {
                let function = handler.flatten().try_cast::<FnPtr>();
                function.ok_or_else(|| invalid(format!("the 'handler' of '{text}' is no function")))
            })
            .transpose()?;
        let map = known(text, map, &["upload", "max_body"])?;
        let most = match map.get("max_body") {
            None => 1 << 30,
            Some(value) => value
                .as_int()
                .and_then(|bytes| u64::try_from(bytes).ok())
                .ok_or_else(|| invalid(format!("the 'max_body' of '{text}' must be bytes")))?,
        };
        let folder = upload(self.runtime, path(text, &map, "upload")?)?;
        let handler = handler.map(|function| self.handler(text, &function));
        Ok((Target::Upload(folder, handler), most))
    }
}

/// What a route may lead to.
const FORM: &str = "a function, a text, #{ folder: … } or #{ upload: … }";

fn leads_elsewhere(text: &str) -> Fault {
    invalid(format!("the route '{text}' leads to {FORM}"))
}

/// The options of a route, of which there are these.
fn known(text: &str, map: rhai::Map, options: &[&str]) -> Result<Map, Fault> {
    let value = to_value(&Dynamic::from_map(map)).map_err(invalid)?;
    let map = value.as_map().cloned().unwrap_or_default();
    if let Some(unknown) = map.keys().find(|name| !options.contains(&name.as_str())) {
        let near = closest(unknown, options.iter().copied()).map_or_else(
            || format!("; it is {FORM}"),
            |near| format!("; did you mean '{near}'?"),
        );
        return Err(invalid(format!(
            "the route '{text}' has no '{unknown}'{near}"
        )));
    }
    Ok(map)
}

fn path<'a>(text: &str, map: &'a Map, name: &str) -> Result<&'a str, Fault> {
    let path = map.get(name).and_then(Value::as_text);
    path.ok_or_else(|| leads_elsewhere(text))
}

/// The folder that everybody may see.
fn folder(runtime: &Runtime, path: &str) -> Result<PathBuf, Fault> {
    let gate = &runtime.gate;
    let real = gate.files.resolve(path, gate.world.files())?;
    if real.is_dir() {
        Ok(real)
    } else {
        Err(invalid(format!("there is no folder '{path}'")))
    }
}

/// The folder that uploads come to; made if it is not there.
fn upload(runtime: &Runtime, path: &str) -> Result<PathBuf, Fault> {
    let gate = &runtime.gate;
    let real = gate.files.resolve_output(path, gate.world.files())?;
    std::fs::create_dir_all(&real)
        .map_err(|error| invalid(format!("the folder '{path}' cannot be made: {error}")))?;
    Ok(real)
}
