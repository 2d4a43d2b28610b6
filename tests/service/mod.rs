//! Playbooks that stay and react, through the binary.

mod limits;
mod requests;
mod restart;
mod stopping;
mod uploads;
mod virtual_time;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::opsh::{Ended, User};

/// Longer than anything here takes, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(1);

/// A handler that says that it has begun, and is held until there is a file `go`.
const HELD: &str = r#""GET /held": |request| { log::info("begun"); while !file::exists("go") { sleep(0.01); } "done" },"#;

/// A service that runs beside the test; killed if it is dropped alive.
struct Service {
    child: Child,
    user: User,
    port: u16,
    said: Arc<Mutex<String>>,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// A user with a playbook that serves these routes and is told of `options`.
fn user(routes: &str, options: &str) -> User {
    let user = User::new();
    let text = format!(
        "serve(#{{ port: 0, {options} routes: #{{ {routes} }} }});\nrun_forever(#{{ grace: \"5s\" }});\n"
    );
    std::fs::write(user.home().join("p.rhai"), text).unwrap();
    user
}

/// Starts a service with these routes.
fn serve(routes: &str, options: &str) -> Service {
    Service::start(user(routes, options), &[])
}

impl Service {
    /// Starts `p.rhai` of `user`, and waits until it listens.
    fn start(user: User, options: &[&str]) -> Self {
        let mut child = user
            .command(["run", "p.rhai"].iter().chain(options))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let sink = Arc::clone(&said);
        std::thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).unwrap_or(0) > 0 {
                sink.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        let mut service = Self {
            child,
            user,
            port: 0,
            said,
        };
        let line = service.hear("listening on http://127.0.0.1:");
        let port = line.rsplit_once(':').unwrap().1;
        service.port = port.trim().parse().unwrap();
        service
    }

    /// Waits until it says `words`, and gives the line.
    fn hear(&mut self, words: &str) -> String {
        self.hears(words, 1)
    }

    /// Waits until it has said `words` so many times, and gives the last such line.
    fn hears(&mut self, words: &str, times: usize) -> String {
        let begun = Instant::now();
        loop {
            let said = self.said();
            let mut lines = said.lines().filter(|line| line.contains(words));
            if let Some(line) = lines.nth(times - 1) {
                return line.to_owned();
            }
            let over = self.child.try_wait().unwrap();
            assert!(
                over.is_none() && begun.elapsed() < PATIENCE,
                "it does not say {words:?} ({over:?}):\n{said}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it has said so far on stderr.
    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// A connection to it.
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends these bytes and reads the answer until the end of the connection.
    fn raw(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.connect();
        stream.write_all(bytes.as_ref()).unwrap();
        answer(&mut stream)
    }

    /// Asks.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let length = match (method, body) {
            ("GET" | "HEAD", "") => String::new(),
            _ => format!("content-length: {}\r\n", body.len()),
        };
        self.raw(format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}{length}\r\n{body}"
        ))
    }

    /// A connection on which `path` has been asked for, and nothing been read yet.
    fn asking(&self, path: &str) -> TcpStream {
        let mut stream = self.connect();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "")
    }

    /// Sends it a signal.
    fn signal(&self, name: &str) {
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.child.id())])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    fn ended(&mut self) -> Ended {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut out = String::new();
        let mut results = self.child.stdout.take().unwrap();
        results.read_to_string(&mut out).unwrap();
        Ended {
            code: status.code().unwrap_or(-1),
            out,
            err: self.said(),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer that comes on `stream`, until its end.
fn answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A reset behind the answer is as good as its end.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Answer {
        status: head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0),
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}
