//! Requests of programs on a machine: to the metadata service and to the machine itself;
//! nothing else is reachable from inside the embedded cloud.

use bytes::Bytes;
use http::{Method, Request};

use super::call::Call;
use crate::hosts::{Unreachable, imds, web};

/// A request as the command line has it.
pub struct Asked {
    pub method: String,
    pub url: url::Url,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An answer as the wire has it.
pub struct Answered {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Why there is no answer, with curl's exit status.
pub struct Failed {
    pub code: i32,
    pub text: String,
}

/// Sends a request, and with `redirects` those it is sent on to.
pub fn follow(
    call: &Call<'_>,
    redirects: bool,
    asked: &Asked,
) -> Result<(Answered, url::Url), Failed> {
    let mut url = asked.url.clone();
    for _ in 0..20 {
        let answer = send(call, asked, &url)?;
        let target = answer
            .headers
            .iter()
            .find(|(name, _)| name == "location")
            .map(|(_, value)| value.clone());
        match target {
            Some(target) if redirects && (300..400).contains(&answer.status) => {
                url = url.join(&target).map_err(|_| Failed {
                    code: 3,
                    text: "URL rejected".to_owned(),
                })?;
            }
            _ => return Ok((answer, url)),
        }
    }
    Err(Failed {
        code: 47,
        text: "Maximum (50) redirects followed".to_owned(),
    })
}

fn send(call: &Call<'_>, asked: &Asked, url: &url::Url) -> Result<Answered, Failed> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    let facts = &call.session.facts;
    let own = &facts.addresses;
    let local = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]")
        || host == own.private
        || host == own.private_dns
        || host == own.host_name();
    let method = Method::from_bytes(asked.method.as_bytes()).unwrap_or(Method::GET);
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let refused = || Failed {
        code: 7,
        text: format!(
            "Failed to connect to {host} port {port} after 0 ms: Could not connect to server"
        ),
    };
    if host == imds::ADDRESS {
        return Ok(metadata(call, asked, &method, &target));
    }
    if !local {
        let name = host.parse::<std::net::IpAddr>().is_err();
        return Err(if name {
            Failed {
                code: 6,
                text: format!("Could not resolve host: {host}"),
            }
        } else {
            refused()
        });
    }
    if url.scheme() != "http" {
        return Err(refused());
    }
    let mut request = Request::builder().method(method).uri(&target);
    let shown = if port == 80 {
        host.clone()
    } else {
        format!("{host}:{port}")
    };
    request = request.header("host", shown);
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    let request = request
        .body(Bytes::from(asked.body.clone()))
        .map_err(|error| Failed {
            code: 43,
            text: error.to_string(),
        })?;
    let client = if host == own.private {
        own.private.clone()
    } else {
        "127.0.0.1".to_owned()
    };
    let via = web::Via::of(port, &request, &client);
    let response = match call.ask(&via).ok_or_else(refused)? {
        Ok(response) => response,
        Err(Unreachable::Refused) => return Err(refused()),
        Err(Unreachable::Silent) => {
            return Err(Failed {
                code: 28,
                text: format!("Operation timed out after waiting for {host} port {port}"),
            });
        }
    };
    Ok(Answered {
        status: response.status().as_u16(),
        headers: response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect(),
        body: response.into_body().to_vec(),
    })
}

fn metadata(call: &Call<'_>, asked: &Asked, method: &Method, target: &str) -> Answered {
    let header = |name: &str| {
        asked
            .headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    };
    let mut timeline = call.machine();
    let answer = imds::answer(
        &mut timeline.present,
        &call.session.facts,
        method,
        target,
        &header,
    );
    let mut headers = vec![
        ("content-type".to_owned(), answer.kind.to_owned()),
        ("content-length".to_owned(), answer.body.len().to_string()),
        ("server".to_owned(), "EC2ws".to_owned()),
    ];
    headers.extend(
        answer
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    Answered {
        status: answer.status.as_u16(),
        headers,
        body: if *method == Method::HEAD {
            Vec::new()
        } else {
            answer.body.into_bytes()
        },
    }
}
