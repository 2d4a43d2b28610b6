//! An instance metadata service, version 2, on a loopback port.
//!
//! After the EC2 user guide, "Use the Instance Metadata Service": a `PUT` to
//! `/latest/api/token` with `X-aws-ec2-metadata-token-ttl-seconds` gives a token for so many
//! seconds; without a good one every other request is answered 401.

use std::collections::BTreeMap;
use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::request::Request;

/// The service; it lasts as long as the test process.
pub struct Metadata {
    /// What belongs into `AWS_EC2_METADATA_SERVICE_ENDPOINT`.
    pub url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    pages: BTreeMap<&'static str, String>,
    /// The status of all answers, if it is switched off.
    off: Option<u16>,
    tokens: Vec<String>,
    /// Methods and paths in the order in which they came, and the status of each.
    seen: Vec<String>,
}

impl Metadata {
    /// That of an instance without a public address.
    pub fn start() -> Self {
        let document = r#"{"accountId": "123456789012", "architecture": "x86_64",
            "availabilityZone": "eu-west-1b", "imageId": "ami-1", "instanceId": "i-0fee1",
            "instanceType": "t3.micro", "privateIp": "10.0.0.7", "region": "eu-west-1",
            "billingProducts": null, "version": "2017-09-30"}"#;
        let pages = BTreeMap::from([
            (
                "/latest/dynamic/instance-identity/document",
                document.to_owned(),
            ),
            ("/latest/meta-data/", "instance-id\nlocal-ipv4".to_owned()),
            ("/latest/meta-data/instance-id", "i-0fee1".to_owned()),
            (
                "/latest/meta-data/iam/security-credentials/web",
                r#"{"SecretAccessKey": "wJalr-secret-of-the-instance"}"#.to_owned(),
            ),
        ]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            pages,
            off: None,
            tokens: Vec::new(),
            seen: Vec::new(),
        }));
        let own = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&own);
                // A visitor that goes away early is no failure of the service.
                std::thread::spawn(move || drop(serve(&stream, &state)));
            }
        });
        Self { url, state }
    }

    /// Gives the instance a public address.
    pub fn with_public_address(self) -> Self {
        let mut state = self.state.lock().unwrap();
        for (path, value) in [
            ("/latest/meta-data/public-ipv4", "203.0.113.9"),
            (
                "/latest/meta-data/public-hostname",
                "ec2-203-0-113-9.example",
            ),
        ] {
            state.pages.insert(path, value.to_owned());
        }
        drop(state);
        self
    }

    /// Answers everything with `status`.
    pub fn switched_off(self, status: u16) -> Self {
        self.state.lock().unwrap().off = Some(status);
        self
    }

    /// What was asked, and with which status it was answered.
    pub fn seen(&self) -> Vec<String> {
        self.state.lock().unwrap().seen.clone()
    }
}

fn serve(mut stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::read(&mut reader)? {
        let (method, path) = (&request.method, &request.path);
        let mut state = state.lock().unwrap();
        let (status, ttl, body) = answer(&mut state, method, path, &request.headers);
        state.seen.push(format!("{method} {path} {status}"));
        write!(
            stream,
            "HTTP/1.1 {status} As-It-Is\r\nContent-Type: text/plain\r\n{ttl}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
    Ok(())
}

fn answer(
    state: &mut State,
    method: &str,
    path: &str,
    headers: &BTreeMap<String, String>,
) -> (u16, String, String) {
    let plain = |status| (status, String::new(), String::new());
    if let Some(status) = state.off {
        return plain(status);
    }
    let ttl = "x-aws-ec2-metadata-token-ttl-seconds";
    if path == "/latest/api/token" {
        let seconds = headers.get(ttl).and_then(|text| text.parse::<u32>().ok());
        return match (method, seconds) {
            ("PUT", Some(seconds @ 1..=21_600)) => {
                let token = format!("AQAEA-{}", state.tokens.len());
                state.tokens.push(token.clone());
                (200, format!("{ttl}: {seconds}\r\n"), token)
            }
            ("PUT", _) => plain(400),
            _ => plain(405),
        };
    }
    let token = headers.get("x-aws-ec2-metadata-token");
    if !token.is_some_and(|token| state.tokens.contains(token)) {
        return plain(401);
    }
    match state.pages.get(path) {
        Some(body) if method == "GET" => (200, String::new(), body.clone()),
        _ => plain(404),
    }
}
