//! The live HTTP transport and the module `http` against a small server of the test's own.

use std::fs;
use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opsh::world::http::{Request, Response};
use opsh::world::live::{Live, Settings};
use opsh::world::{Cancel, World};
use opsh_operation::{Fault, FaultKind};

use crate::support::closed::ClosedPort;
use crate::support::request::Request as Seen;

/// Answers by path until the test ends.
struct Site {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Site {
    fn start(answer: fn(&str) -> Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let log = Arc::clone(&log);
                std::thread::spawn(move || serve(&stream.unwrap(), answer, &log));
            }
        });
        Self { port, seen }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(mut stream: &TcpStream, answer: fn(&str) -> Vec<u8>, log: &Mutex<Vec<Seen>>) {
    let Ok(Some(seen)) = Seen::read(&mut BufReader::new(stream)) else {
        return;
    };
    let path = seen.path.clone();
    log.lock().unwrap().push(seen);
    // The other side may have gone away, as it does when a limit is reached.
    let _ = stream.write_all(&answer(&path));
    if path == "/stall" {
        std::thread::sleep(Duration::from_secs(20));
    }
}

fn page(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}

fn answer(path: &str) -> Vec<u8> {
    match path {
        "/" => page(
            "200 OK",
            "Content-Type: text/html\r\nX-A: 1\r\nX-A: 2\r\n",
            b"<h1>hi</h1>",
        ),
        "/missing" => page("404 Not Found", "", b"nothing here"),
        "/to-root" => page("302 Found", "Location: /\r\n", b""),
        "/loop" => page("302 Found", "Location: /loop\r\n", b""),
        "/keep" => page("307 Temporary Redirect", "Location: /kept\r\n", b""),
        "/large" => page("200 OK", "", &vec![b'x'; 100_000]),
        "/endless" => {
            let mut answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
            answer.extend(std::iter::repeat_n(b'y', 5_000_000));
            answer
        }
        "/cut" | "/stall" => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec(),
        "/gibberish" => b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
        _ => page("200 OK", "", path.as_bytes()),
    }
}

fn request(method: &str, url: &str) -> Request {
    Request {
        method: method.into(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: Duration::from_secs(10),
        redirects: 5,
        limit: 1_000_000,
        download_to: None,
    }
}

fn world(connect_to: &[&str]) -> Live {
    Live::new(Settings {
        connect_to: connect_to
            .iter()
            .map(|rule| rule.parse().unwrap())
            .collect(),
        ..Settings::default()
    })
}

fn send(request: &Request) -> Result<Response, Fault> {
    world(&[]).http().send(request, &Cancel::new(None))
}

fn refused(request: &Request, port: u16) -> (FaultKind, String) {
    let fault = send(request).unwrap_err();
    (fault.kind, fault.message.replace(&port.to_string(), "PORT"))
}

#[test]
fn answers_come_back_whatever_their_status() {
    let site = Site::start(answer);
    let page = send(&request("GET", &site.url("/"))).unwrap();
    assert_eq!(
        (page.status, page.body.as_slice()),
        (200, b"<h1>hi</h1>".as_slice())
    );
    assert_eq!(page.length, 11);
    let repeated: Vec<_> = page
        .headers
        .iter()
        .filter(|(name, _)| name == "x-a")
        .collect();
    assert_eq!(repeated.len(), 2);
    let missing = send(&request("GET", &site.url("/missing"))).unwrap();
    assert_eq!(
        (missing.status, missing.body.as_slice()),
        (404, b"nothing here".as_slice())
    );
    let agent = format!("opsh/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(site.seen()[0].headers["user-agent"], agent);
}

#[test]
fn every_method_sends_its_headers_and_body() {
    let site = Site::start(answer);
    for method in ["POST", "PUT", "DELETE", "GET"] {
        let mut sent = request(method, &site.url("/echo"));
        sent.headers = vec![("X-Token".into(), "abc".into())];
        sent.body = b"data".to_vec();
        assert_eq!(send(&sent).unwrap().status, 200, "{method}");
    }
    assert_eq!(
        send(&request("POST", &site.url("/empty"))).unwrap().status,
        200
    );
    let seen = site.seen();
    for (seen, method) in seen.iter().zip(["POST", "PUT", "DELETE", "GET"]) {
        assert_eq!(
            (seen.method.as_str(), seen.path.as_str()),
            (method, "/echo")
        );
        assert_eq!(seen.body, b"data", "{method}");
        assert_eq!(seen.headers["x-token"], "abc");
    }
    assert_eq!(seen[4].headers["content-length"], "0");
}

#[test]
fn redirects_are_followed_up_to_the_limit() {
    let site = Site::start(answer);
    let page = send(&request("GET", &site.url("/to-root"))).unwrap();
    assert_eq!((page.status, page.url), (200, site.url("/")));

    let mut kept = request("POST", &site.url("/keep"));
    kept.body = b"data".to_vec();
    send(&kept).unwrap();
    let last = site.seen().pop().unwrap();
    assert_eq!(
        (last.method.as_str(), last.path.as_str(), &last.body[..]),
        ("POST", "/kept", &b"data"[..])
    );

    let mut none = request("GET", &site.url("/to-root"));
    none.redirects = 0;
    assert_eq!(send(&none).unwrap().status, 302);
    assert_eq!(
        refused(&request("GET", &site.url("/loop")), site.port),
        (
            FaultKind::Limit,
            "http://127.0.0.1:PORT/loop: more than 5 redirects, the last one to http://127.0.0.1:PORT/loop".into()
        )
    );
}

#[test]
fn credentials_do_not_cross_to_another_host() {
    static OTHER: Mutex<u16> = Mutex::new(0);
    let other = Site::start(answer);
    *OTHER.lock().unwrap() = other.port;
    let site = Site::start(|_| {
        let port = *OTHER.lock().unwrap();
        page(
            "302 Found",
            &format!("Location: http://127.0.0.1:{port}/\r\n"),
            b"",
        )
    });
    let mut sent = request("GET", &site.url("/"));
    sent.headers = vec![
        ("Authorization".into(), "Bearer s".into()),
        ("X-Plain".into(), "1".into()),
    ];
    send(&sent).unwrap();
    let has = |site: &Site, name: &str| site.seen()[0].headers.contains_key(name);
    assert!(has(&site, "authorization"));
    assert!(!has(&other, "authorization"));
    assert!(has(&other, "x-plain"));
}

#[test]
fn bodies_are_bounded_and_downloads_whole_or_absent() {
    let site = Site::start(answer);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page");
    let mut down = request("GET", &site.url("/large"));
    down.download_to = Some(path.clone());
    let page = send(&down).unwrap();
    assert_eq!((page.length, page.body.len()), (100_000, 0));
    assert_eq!(fs::metadata(&path).unwrap().len(), 100_000);

    for (url, limit) in [("/large", 99_999), ("/endless", 200_000)] {
        let mut down = request("GET", &site.url(url));
        down.limit = limit;
        down.download_to = Some(folder.path().join("refused"));
        assert_eq!(
            refused(&down, site.port),
            (
                FaultKind::Limit,
                format!(
                    "http://127.0.0.1:PORT{url}: the body is larger than the limit of {limit} bytes"
                )
            )
        );
    }
    down.limit = 100_000;
    assert_eq!(send(&down).unwrap().length, 100_000);
    let mut cut = request("GET", &site.url("/cut"));
    cut.download_to = Some(folder.path().join("cut"));
    assert_eq!(refused(&cut, site.port).0, FaultKind::Unreachable);
    let mut missing = request("GET", &site.url("/missing"));
    missing.download_to = Some(folder.path().join("missing"));
    assert_eq!(send(&missing).unwrap().body, b"nothing here");
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["page"]);

    missing.url = site.url("/");
    missing.download_to = Some(folder.path().join("none/page"));
    let fault = send(&missing).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Invalid);
    assert!(
        fault.message.starts_with("cannot write the file "),
        "{}",
        fault.message
    );
}

#[test]
fn waiting_ends_at_the_timeout_and_when_interrupted() {
    let site = Site::start(answer);
    let mut stalled = request("GET", &site.url("/stall"));
    stalled.timeout = Duration::from_millis(300);
    let start = Instant::now();
    assert_eq!(
        refused(&stalled, site.port),
        (
            FaultKind::Timeout,
            "http://127.0.0.1:PORT/stall: no complete answer within 300ms".into()
        )
    );
    assert!(start.elapsed() < Duration::from_secs(5));

    let cancel = Cancel::new(None);
    let other = cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        other.interrupt();
    });
    stalled.timeout = Duration::from_secs(20);
    let start = Instant::now();
    let fault = world(&[]).http().send(&stalled, &cancel).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Interrupted);
    assert!(start.elapsed() < Duration::from_millis(1100));
}

#[test]
fn what_does_not_answer_is_told_apart() {
    let nobody = ClosedPort::take();
    let closed = nobody.port;
    assert_eq!(
        refused(
            &request("GET", &format!("http://127.0.0.1:{closed}/?token=s")),
            closed
        ),
        (
            FaultKind::Unreachable,
            "http://127.0.0.1:PORT/?…: the connection was refused: nothing listens there".into()
        )
    );
    assert_eq!(
        refused(&request("GET", "http://no-such-host.invalid/"), 1),
        (
            FaultKind::Unreachable,
            "http://no-such-host.invalid/: there is no such host".into()
        )
    );
    let site = Site::start(answer);
    let (kind, message) = refused(&request("GET", &site.url("/gibberish")), site.port);
    assert_eq!(kind, FaultKind::Unreachable, "{message}");
    let (kind, message) = refused(
        &request("GET", &format!("https://127.0.0.1:{}/", site.port)),
        site.port,
    );
    assert_eq!(kind, FaultKind::Unreachable, "{message}");
    assert!(
        message.contains("TLS") || message.contains("closed"),
        "{message}"
    );
    assert_eq!(
        refused(&request("GET", "ftp://example.com/"), 1),
        (
            FaultKind::Invalid,
            "'ftp://example.com/' is not http or https but ftp".into()
        )
    );
    assert_eq!(
        refused(&request("GET", "example.com"), 1).1,
        "'example.com' is not a URL: relative URL without a base"
    );
}

#[test]
fn redirected_connections_reach_the_stand_in() {
    let site = Site::start(answer);
    let rules = [
        format!("site.example:80:127.0.0.1:{}", site.port),
        format!("203.0.113.10:80:localhost:{}", site.port),
        format!("[2001:db8::1]::127.0.0.1:{}", site.port),
    ];
    let world = world(&rules.each_ref().map(String::as_str));
    for url in [
        "http://site.example/",
        "http://203.0.113.10/",
        "http://[2001:db8::1]/",
    ] {
        let page = world
            .http()
            .send(&request("GET", url), &Cancel::new(None))
            .unwrap();
        assert_eq!(page.status, 200, "{url}");
    }
    assert_eq!(site.seen()[0].headers["host"], "site.example");
}
