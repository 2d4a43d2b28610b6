//! What comes through a socket is believed only if it is signed: on the embedded cloud by
//! its own SNS.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use opsh_cloud::services::sns::signing::signed;
use opsh_snsmessage::Kind;
use opsh_snsmessage::message::Message;
use serde_json::{Map, Value, json};

use super::user;
use crate::support::opsh::User;

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:alarms";
const PATIENCE: Duration = Duration::from_mins(1);

struct Service {
    child: Child,
    /// Gone once somebody else goes on with it.
    user: Option<User>,
    port: u16,
}

impl Service {
    fn start() -> Self {
        Self::with(
            "file::write(`${alarm.message_id}.txt`, `${alarm.name} ${alarm.state} ${alarm.dimensions.InstanceId}`)",
        )
    }

    /// With this for a handler.
    fn with(handler: &str) -> Self {
        Self::of(user(&format!(
            r#"
serve(#{{ port: 0, routes: #{{ "GET /ping": |request| "OK" }} }});
on_alarm("{TOPIC}", |alarm| {{ {handler} }});
run_forever();
"#
        )))
    }

    /// The service of `user`, from now on.
    fn of(user: User) -> Self {
        let child = user
            .command(["run", "p.rhai", "--local"])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(user.home().join("said")).unwrap())
            .spawn()
            .unwrap();
        let mut service = Self {
            child,
            user: Some(user),
            port: 0,
        };
        service.wait(|| service.listens_at().is_some());
        service.port = service.listens_at().unwrap();
        service
    }

    fn wait(&self, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE, "in vain: {}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn listens_at(&self) -> Option<u16> {
        let said = self.said();
        let (_, address) = said.split_once("listening on http://127.0.0.1:")?;
        address.lines().next()?.parse().ok()
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.home().join("said")).unwrap()
    }

    /// The status and the body of the answer.
    fn post(&self, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "POST /alarms HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: text/plain; charset=UTF-8\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .unwrap();
        // Whoever is refused for its size need not be read to the end.
        let _ = stream.write_all(body);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.trim().to_owned())
    }

    /// What the handler made of a message.
    fn handled(&self, id: &str) -> Option<String> {
        std::fs::read_to_string(self.home().join(format!("{id}.txt"))).ok()
    }

    fn home(&self) -> &Path {
        self.user.as_ref().unwrap().home()
    }

    /// Kills it, and gives back whose it is.
    fn killed(mut self) -> User {
        let _ = self.child.kill();
        self.child.wait().unwrap();
        self.user.take().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An alarm as the embedded cloud's SNS sends it now.
fn message(id: &str) -> Map<String, Value> {
    let alarm = json!({
        "AlarmName": "cpu-high", "NewStateValue": "ALARM", "OldStateValue": "OK",
        "Trigger": {"Dimensions": [{"name": "InstanceId", "value": "i-1"}]},
    });
    signed(Message {
        kind: Kind::Notification,
        id: id.to_owned(),
        topic: TOPIC.to_owned(),
        subject: None,
        text: alarm.to_string(),
        timestamp: Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%S.%3fZ")
            .to_string(),
        token: None,
        subscribe_url: None,
        version: "2".to_owned(),
        signature: String::new(),
        certificate: "https://sns.us-east-1.amazonaws.com/\
            SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
            .to_owned(),
    })
}

fn bytes(message: &Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec(message).unwrap()
}

#[test]
fn a_signed_alarm_is_handled_once_and_forgeries_are_refused_by_their_check() {
    let service = Service::start();
    let genuine = message("message-1");
    assert_eq!(service.post(&bytes(&genuine)).0, 200);
    service.wait(|| service.handled("message-1").is_some());
    let handled = service.handled("message-1").unwrap();
    assert_eq!(handled, "cpu-high ALARM i-1");

    std::fs::remove_file(service.home().join("message-1.txt")).unwrap();
    assert_eq!(
        service.post(&bytes(&genuine)).0,
        200,
        "SNS need not send it again"
    );

    let forged = |field: &str, value: &str| {
        let mut message = message("message-2");
        message.insert(field.to_owned(), value.into());
        service.post(&bytes(&message))
    };
    let elsewhere = "https://sns.us-east-1.amazonaws.com@127.0.0.1/a.pem";
    for (field, value, check) in [
        ("Message", "{}", "signature"),
        (
            "TopicArn",
            "arn:aws:sns:us-east-1:123456789012:other",
            "topic",
        ),
        ("SignatureVersion", "1", "version"),
        ("SigningCertURL", elsewhere, "place"),
        ("Type", "Notify", "form"),
        ("Signature", "AAAA", "signature"),
    ] {
        let (status, words) = forged(field, value);
        assert_eq!(
            (status, words.as_str()),
            (403, format!("403 Forbidden: {check}").as_str())
        );
    }
    assert_eq!(service.post(&vec![b' '; 600_000]).0, 413);
    assert_eq!(service.post(b"hello").0, 403);

    // The service is well, and what was refused or came again was not handled.
    assert_eq!(service.post(&bytes(&message("message-3"))).0, 200);
    service.wait(|| service.handled("message-3").is_some());
    assert_eq!(service.handled("message-1"), None);
    assert_eq!(service.handled("message-2"), None);
    let said = service.said();
    assert_eq!(said.matches("refused (").count(), 7, "{said}");
}

/// How often a message was handled is in its file.
const COUNTS: &str = r#"
    while file::exists("hold") { sleep(0.02); }
    let name = `${alarm.message_id}.txt`;
    let before = if file::exists(name) { parse_int(file::read(name)) } else { 0 };
    file::write(name, `${before + 1}`);
"#;

#[test]
fn what_was_answered_outlives_the_process_and_is_handled_once() {
    let service = Service::with(COUNTS);
    let genuine = bytes(&message("message-1"));
    std::fs::write(service.home().join("hold"), "").unwrap();
    assert_eq!(service.post(&genuine).0, 200);
    // It is killed before the handler has done anything.
    let user = service.killed();
    std::fs::remove_file(user.home().join("hold")).unwrap();
    let service = Service::of(user);
    service.wait(|| service.handled("message-1").is_some());
    let said = service.said();
    assert!(
        said.contains(".1 (alarm cpu-high ALARM), which was under way"),
        "{said}"
    );
    let again = service.post(&genuine);
    assert_eq!(again, (200, "200 OK: it has come before".to_owned()));

    let service = Service::of(service.killed());
    assert_eq!(service.post(&genuine), again, "it is known over restarts");
    assert_eq!(service.post(&bytes(&message("message-2"))).0, 200);
    service.wait(|| service.handled("message-2").is_some());
    assert_eq!(service.handled("message-1").unwrap(), "1");
}

#[test]
fn what_cannot_be_recorded_is_not_answered_as_taken() {
    let service = Service::with(COUNTS);
    // An event of its own first: the ledger is there.
    assert_eq!(service.post(&bytes(&message("message-1"))).0, 200);
    service.wait(|| service.handled("message-1").is_some());
    let ledger = service.home().join(".opsh/local/ledger.db");
    let other = rusqlite::Connection::open(ledger).unwrap();
    other.busy_timeout(PATIENCE).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let genuine = bytes(&message("message-2"));
    assert_eq!(service.post(&genuine).0, 503);
    other.execute_batch("ROLLBACK").unwrap();
    // A service whose ledger cannot be written ends; SNS tries again at the next.
    let mut service = service;
    let code = service.child.wait().unwrap().code();
    assert_eq!(code, Some(1), "{}", service.said());
    let service = Service::of(service.killed());
    assert_eq!(service.handled("message-2"), None);
    assert_eq!(service.post(&genuine).0, 200);
    service.wait(|| service.handled("message-2").is_some());
    assert_eq!(service.handled("message-2").unwrap(), "1");
}
