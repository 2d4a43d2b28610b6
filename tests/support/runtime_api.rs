//! A stand-in of Lambda's runtime API: hands out events, keeps what is answered.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::request::Request;

/// An event that waits to be asked for.
struct Event {
    id: String,
    body: String,
    /// How long the function may take.
    limit: Duration,
}

/// What a runtime reported.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// `response`, `error` or `init/error`.
    pub kind: String,
    /// Of which invocation.
    pub id: String,
    /// What.
    pub body: Value,
    /// `Lambda-Runtime-Function-Error-Type`.
    pub error_type: Option<String>,
}

#[derive(Default)]
struct Desk {
    waiting: Mutex<VecDeque<Event>>,
    answers: Mutex<Vec<Answer>>,
    changed: Condvar,
}

/// The stand-in.
pub struct RuntimeApi {
    address: String,
    desk: Arc<Desk>,
}

impl RuntimeApi {
    /// Listens on a port of its own.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let desk = Arc::new(Desk::default());
        let served = Arc::clone(&desk);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let desk = Arc::clone(&served);
                std::thread::spawn(move || converse(stream, &desk));
            }
        });
        Self { address, desk }
    }

    /// Has an event to hand out.
    pub fn event(&self, id: &str, body: &Value, limit: Duration) {
        self.desk.waiting.lock().unwrap().push_back(Event {
            id: id.into(),
            body: body.to_string(),
            limit,
        });
        self.desk.changed.notify_all();
    }

    /// Starts the function in `root` as Lambda does.
    pub fn start(&self, root: &Path, handler: &str, more: &[(&str, &str)]) -> Function {
        let temporary = tempfile::tempdir().unwrap();
        let environment = BTreeMap::from([
            ("AWS_LAMBDA_RUNTIME_API", self.address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "checker"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/checker"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/31/[$LATEST]abc"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIK7MDENGEXAMPLEKEY"),
            ("_HANDLER", handler),
            ("LAMBDA_TASK_ROOT", root.to_str().unwrap()),
            ("TMPDIR", temporary.path().to_str().unwrap()),
            ("PATH", "/usr/bin:/bin"),
        ]);
        let child = Command::new(env!("CARGO_BIN_EXE_opsh"))
            .current_dir(root)
            .env_clear()
            .envs(environment)
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Function { child, temporary }
    }

    /// Waits for so many answers.
    pub fn answers(&self, count: usize) -> Vec<Answer> {
        let end = Instant::now() + Duration::from_mins(1);
        let mut answers = self.desk.answers.lock().unwrap();
        while answers.len() < count {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "only these were answered: {answers:?}");
            answers = self.desk.changed.wait_timeout(answers, left).unwrap().0;
        }
        answers.clone()
    }
}

/// A runtime that was started.
pub struct Function {
    child: Child,
    temporary: tempfile::TempDir,
}

impl Function {
    /// Its `/tmp`.
    pub fn scratch(&self) -> &Path {
        self.temporary.path()
    }

    /// Ends it as Lambda does, and gives what it wrote on standard output.
    pub fn end(mut self) -> String {
        self.child.kill().unwrap();
        self.output()
    }

    /// Waits until it ends by itself; its exit code, and what it wrote.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, self.output())
    }

    fn output(&mut self) -> String {
        let mut text = String::new();
        let mut out = self.child.stdout.take().unwrap();
        out.read_to_string(&mut text).unwrap();
        self.child.wait().unwrap();
        text
    }
}

/// Answers the requests of one connection.
fn converse(stream: TcpStream, desk: &Desk) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some(request) = Request::read(&mut reader).unwrap_or_default() {
        let path = request.path.strip_prefix("/2018-06-01/runtime/").unwrap();
        if (request.method.as_str(), path) == ("GET", "invocation/next") {
            let Some(event) = next(desk) else { return };
            let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + event.limit;
            let Event { id, body, .. } = event;
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                 Lambda-Runtime-Aws-Request-Id: {id}\r\n\
                 Lambda-Runtime-Deadline-Ms: {}\r\n\
                 Lambda-Runtime-Invoked-Function-Arn: \
                 arn:aws:lambda:eu-central-1:123456789012:function:checker\r\n\
                 Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700\r\n\r\n{body}",
                body.len(),
                deadline.as_millis(),
            );
            stream.write_all(answer.as_bytes()).unwrap();
            continue;
        }
        let (id, kind) = path
            .strip_prefix("invocation/")
            .map_or(("", path), |rest| rest.split_once('/').unwrap());
        let answer = Answer {
            kind: kind.into(),
            id: id.into(),
            body: serde_json::from_slice(&request.body).unwrap(),
            error_type: request
                .headers
                .get("lambda-runtime-function-error-type")
                .cloned(),
        };
        desk.answers.lock().unwrap().push(answer);
        desk.changed.notify_all();
        stream
            .write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
    }
}

/// The next event; as Lambda does, lets the runtime wait for it.
fn next(desk: &Desk) -> Option<Event> {
    let mut waiting = desk.waiting.lock().unwrap();
    loop {
        if let Some(event) = waiting.pop_front() {
            return Some(event);
        }
        let (guard, timeout) = desk
            .changed
            .wait_timeout(waiting, Duration::from_mins(2))
            .unwrap();
        if timeout.timed_out() {
            return None;
        }
        waiting = guard;
    }
}
