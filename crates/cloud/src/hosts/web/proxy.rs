//! Requests that a program of the machine answers: straight at its port, or through nginx.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, Uri};

use super::respond::{Visit, decoded, rule_for};
use super::site::{Action, Proxy, Site};
use super::{count, listener, log};
use crate::course::PATIENCE;
use crate::hosts::boot::Boot;
use crate::hosts::host::Unreachable;
use crate::hosts::machine::Machine;

/// What comes of a request that a machine got.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one at a time")]
pub enum Reply {
    /// A web server's answer.
    Answer(Response<Bytes>),
    /// A program of the machine is to be asked.
    Forward(Forward),
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
impl Reply {
    /// The answer, which must be there.
    ///
    /// # Panics
    /// It is not.
    pub fn answer(self) -> Response<Bytes> {
        match self {
            Self::Answer(answer) => answer,
            Self::Forward(forward) => panic!("a program is to be asked: {forward:?}"),
        }
    }
}

/// A request for a program of the machine.
#[derive(Debug, Clone)]
pub struct Forward {
    /// Where the program listens.
    pub port: u16,
    /// The request as the program gets it.
    pub request: Request<Bytes>,
    /// The address that it comes from.
    pub client: String,
    /// For how long the proxy waits for the answer.
    pub patience: Duration,
    /// How the request came to the machine.
    pub via: Via,
}

/// A request as it came to a machine.
#[derive(Debug, Clone)]
pub struct Via {
    /// The port.
    pub port: u16,
    /// The request.
    pub request: Request<Bytes>,
    /// The address that it came from.
    pub client: String,
}

impl Via {
    /// A request from the address `client` that reached `port`.
    #[must_use]
    pub fn of(port: u16, request: &Request<Bytes>, client: &str) -> Self {
        Self {
            port,
            request: request.clone(),
            client: client.to_owned(),
        }
    }

    /// Whether it comes from the machine itself.
    pub(super) fn is_inside(&self) -> bool {
        self.client == "127.0.0.1"
    }

    /// The same for the program that listens there.
    pub(super) fn straight(&self) -> Forward {
        Forward {
            port: self.port,
            request: self.request.clone(),
            client: self.client.clone(),
            patience: PATIENCE,
            via: self.clone(),
        }
    }

    pub(super) fn visit<'a>(&'a self, facts: &'a Boot, site: &'a Site, unit: &'a str) -> Visit<'a> {
        Visit {
            facts,
            site,
            unit,
            port: self.port,
            request: &self.request,
            client: &self.client,
            outcome: None,
        }
    }
}

impl Visit<'_> {
    /// Where the server passes the request on to, if it does.
    pub(super) fn forwards(&self, via: &Via) -> Option<Forward> {
        let path = decoded(self.request.uri().path());
        let rule = rule_for(self.host()?, &path)?;
        if rule
            .access
            .as_ref()
            .is_some_and(|access| !self.allowed(access))
        {
            return None;
        }
        let Some(Action::Proxy(to)) = &rule.action else {
            return None;
        };
        Some(Forward {
            port: to.port,
            request: self.passed_on(to, &rule.path),
            client: "127.0.0.1".to_owned(),
            patience: Duration::from_secs(to.patience),
            via: via.clone(),
        })
    }

    /// The request as nginx sends it: its own connection, the headers that are set.
    ///
    /// Source: <https://nginx.org/en/docs/http/ngx_http_proxy_module.html>.
    fn passed_on(&self, to: &Proxy, location: &str) -> Request<Bytes> {
        let asked = self
            .request
            .uri()
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        let target = match &to.path {
            Some(path) => format!("{path}{}", asked.strip_prefix(location).unwrap_or_default()),
            None => asked.to_owned(),
        };
        let mut request = self.request.clone();
        if let Ok(uri) = target.parse::<Uri>() {
            *request.uri_mut() = uri;
        }
        let headers = request.headers_mut();
        headers.remove("connection");
        let host = [("host".to_owned(), to.authority.clone())];
        for (name, value) in host.iter().chain(&to.headers) {
            let value = self.expand(value);
            let Ok(name) = HeaderName::try_from(name.to_ascii_lowercase()) else {
                continue;
            };
            if value.is_empty() {
                headers.remove(name);
            } else if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        request
    }

    fn expand(&self, value: &str) -> String {
        let header = |name: &str| {
            let value = self.request.headers().get(name);
            value
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let before = header("x-forwarded-for");
        let chain = if before.is_empty() {
            self.client.to_owned()
        } else {
            format!("{before}, {}", self.client)
        };
        // Longer names first: one may begin with another.
        value
            .replace("$proxy_add_x_forwarded_for", &chain)
            .replace("$http_upgrade", &header("upgrade"))
            .replace("$http_host", &header("host"))
            .replace("$remote_addr", self.client)
            .replace("$server_port", &self.port.to_string())
            .replace("$scheme", "http")
            .replace("$host", self.name())
    }
}

/// Reads a `proxy_pass`.
///
/// # Errors
/// What nginx says, or that the target is not modelled.
pub(super) fn target(text: &str) -> Result<Proxy, String> {
    let rest = text.strip_prefix("http://").ok_or_else(|| {
        format!("opsh local: proxy_pass to {text} is not modelled by the embedded cloud")
    })?;
    let (authority, path) = match rest.find('/') {
        Some(slash) => (&rest[..slash], Some(rest[slash..].to_owned())),
        None => (rest, None),
    };
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    if !matches!(host, "127.0.0.1" | "localhost") {
        return Err(format!(
            "opsh local: proxy_pass to another machine ({host}) is not modelled by the embedded cloud"
        ));
    }
    let port = port
        .parse()
        .map_err(|_| format!("invalid port in upstream \"{authority}\""))?;
    Ok(Proxy {
        port,
        authority: authority.to_owned(),
        path,
        headers: Vec::new(),
        patience: 60,
    })
}

/// Takes in one more directive of a location that leads to a program; gives whether it is
/// one that is modelled.
pub(super) fn set(to: &mut Proxy, name: &str, words: &[String]) -> bool {
    let word = |number: usize| words.get(number).cloned().unwrap_or_default();
    match name {
        "proxy_set_header" => to.headers.push((word(0), word(1))),
        "proxy_read_timeout" => match seconds(&word(0)) {
            Some(seconds) => to.patience = seconds,
            None => return false,
        },
        "proxy_pass"
        | "proxy_http_version"
        | "proxy_connect_timeout"
        | "proxy_send_timeout"
        | "proxy_buffering"
        | "proxy_request_buffering" => {}
        name => return !name.starts_with("proxy_"),
    }
    true
}

/// nginx's measure of time: `60`, `60s`, `5m`.
fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = match text.strip_suffix('m') {
        Some(number) => (number, 60),
        None => (text.strip_suffix('s').unwrap_or(text), 1),
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// What a request that came in as `via` gets after a program was asked.
///
/// # Errors
/// The program did not answer, and there is no proxy to say so.
pub fn relay(
    machine: &mut Machine,
    facts: &Boot,
    via: &Via,
    answer: Result<Response<Bytes>, Unreachable>,
) -> Result<Response<Bytes>, Unreachable> {
    let unit = listener(machine, via.port, via.is_inside());
    let site = unit
        .as_ref()
        .and_then(|unit| machine.sites.get(unit))
        .cloned();
    let (Some(unit), Some(site)) = (unit, site) else {
        let response = answer?;
        count(machine, &via.request, &response);
        return Ok(response);
    };
    let visit = via.visit(facts, &site, &unit);
    let response = match answer {
        Ok(mut response) => {
            let software = HeaderValue::try_from(site.software.clone());
            if let Ok(software) = software {
                response.headers_mut().insert("server", software);
            }
            if let Some(file) = visit.host().and_then(|host| host.access_log.clone()) {
                let length = response.body().len();
                log::access(machine, &visit, &file, response.status().as_u16(), length);
            }
            response
        }
        Err(Unreachable::Refused) => visit.fail(
            machine,
            502,
            "connect() failed (111: Connection refused) while connecting to upstream".to_owned(),
        ),
        Err(Unreachable::Silent) => visit.fail(
            machine,
            504,
            "upstream timed out (110: Connection timed out) while reading response header from upstream".to_owned(),
        ),
    };
    count(machine, &via.request, &response);
    Ok(response)
}
