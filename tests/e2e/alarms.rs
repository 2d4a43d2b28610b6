//! The autoscaler, live against moto's server, with messages that are really signed: by an
//! authority of the test's own, which `--sns-ca` names.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use opsh_snsmessage::Kind;
use opsh_snsmessage::message::Message;
use opsh_snsmessage::signer::Signer;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_RSA_SHA256,
};
use serde_json::{Value, json};

use crate::cli::shipped;
use crate::support::component::demand;
use crate::support::moto::{Moto, REGION};
use crate::support::opsh::User;
use crate::support::python::{self, Service as Script};

const HOST: &str = "sns.us-east-1.amazonaws.com";
const FILE: &str = "SimpleNotificationService-1234.pem";
const PATIENCE: Duration = Duration::from_mins(1);

type Root = CertifiedIssuer<'static, KeyPair>;

fn root() -> Root {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn leaf(key: &KeyPair, by: &Root) -> String {
    let mut params = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.signed_by(key, by).unwrap().pem()
}

/// Who signs, and what is at SNS's host; the authority of its TLS is another.
struct Sns {
    key: KeyPair,
}

impl Sns {
    fn furnish(folder: &Path) -> Self {
        let (signing, tls) = (root(), root());
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let tls_key = KeyPair::generate().unwrap();
        let certificate = leaf(&tls_key, &tls) + tls_key.serialize_pem().as_str();
        for (name, content) in [
            ("tls.pem", certificate),
            ("tls-root.pem", tls.pem()),
            ("sns-root.pem", signing.pem()),
            (FILE, leaf(&key, &signing)),
        ] {
            std::fs::write(folder.join(name), content).unwrap();
        }
        Self { key }
    }

    fn message(&self, topic: &str, kind: Kind, id: &str, text: &str) -> Value {
        let token = (kind != Kind::Notification).then(|| "2336412f37fb".to_owned());
        let subscribe_url = token
            .as_ref()
            .map(|_| format!("https://{HOST}/?Token=2336412f37fb"));
        let mut message = Message {
            kind,
            id: id.to_owned(),
            topic: topic.to_owned(),
            subject: None,
            text: text.to_owned(),
            timestamp: Timestamp::now()
                .strftime("%Y-%m-%dT%H:%M:%S.%3fZ")
                .to_string(),
            token,
            subscribe_url,
            version: "2".to_owned(),
            signature: String::new(),
            certificate: format!("https://{HOST}/{FILE}"),
        };
        let signer = Signer::read(&self.key.serialize_der()).unwrap();
        message.signature = signer.sign(&message).unwrap();
        let mut json = json!({
            "Type": kind.name(), "MessageId": message.id, "TopicArn": message.topic,
            "Message": message.text, "Timestamp": message.timestamp,
            "SignatureVersion": message.version, "Signature": message.signature,
            "SigningCertURL": message.certificate,
        });
        if let (Some(token), Some(url)) = (message.token, message.subscribe_url) {
            json["Token"] = token.into();
            json["SubscribeURL"] = url.into();
        }
        json
    }

    fn alarm(&self, topic: &str, id: &str, name: &str) -> Value {
        let alarm = json!({"AlarmName": name, "NewStateValue": "ALARM", "NewStateReason": id});
        self.message(topic, Kind::Notification, id, &alarm.to_string())
    }
}

/// The autoscaler, killed in the end.
struct Scaler {
    child: Child,
    port: u16,
    said: std::path::PathBuf,
}

impl Scaler {
    fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap()
    }

    fn hear(&self, words: &str) {
        let begun = Instant::now();
        while !self.said().contains(words) {
            assert!(begun.elapsed() < PATIENCE, "no {words:?}: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn post(&self, message: &Value) -> u16 {
        let body = message.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "POST /alarms HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Scaler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Three machines of a pool, of which one runs; and a topic.
const PREPARE: &str = r#"
let image = ec2::describe_images(#{ owners: ["amazon"] }, #{ limit: 1 }).images[0].image_id;
for name in ["worker-1", "worker-2", "worker-3"] {
    let id = ec2::run_instances(#{
        image_id: image, instance_type: "t3.micro", min_count: 1, max_count: 1,
        tags: #{ Name: name, pool: "web" },
    }).instances[0].instance_id;
    if name != "worker-1" { ec2::stop_instances(#{ instance_ids: [id] }); }
}
let topic = sns::create_topic(#{ name: "alarms" }).topic_arn;
sns::set_topic_attributes(#{ topic_arn: topic, attribute_name: "SignatureVersion", attribute_value: "2" });
print(topic);
"#;

/// The states of the machines, by name.
const STATES: &str = r#"
import "pool" as pool;
let states = pool::machines(pool::new_pool(#{ tag: "pool=web" })).map(|one| one.state);
print(text::json_encode(states));
"#;

#[test]
fn signed_alarms_scale_a_pool_and_forged_ones_do_not() {
    let Some(moto) = demand(Moto::take()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let sns = Sns::furnish(folder.path());
    let shown = |name: &str| folder.path().join(name).display().to_string();
    let python = python::find().ok().unwrap();
    let places = Script::start(&python, "tests/e2e/places.py", &[&shown("")]);
    let user = User::of(&moto.endpoint, REGION).with("SSL_CERT_FILE", &shown("tls-root.pem"));
    let run = |text: &str| {
        std::fs::write(user.home().join("small.rhai"), text).unwrap();
        user.opsh(["run", "small.rhai", "-q", "--stack=small"])
            .done()
            .out
            .trim()
            .to_owned()
    };
    let topic = run(PREPARE);
    let states = || run(STATES);
    assert_eq!(states(), r#"["running","stopped","stopped"]"#);

    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let said = user.home().join("said");
    let child = user
        .command([
            "run".to_owned(),
            shipped("autoscaler"),
            format!("alarms={topic}"),
            format!("url=http://127.0.0.1:{port}/alarms"),
            format!("port={port}"),
            "bind=127.0.0.1".to_owned(),
            "look=never".to_owned(),
            "cooldown=0s".to_owned(),
            format!("--sns-ca={}", shown("sns-root.pem")),
            format!("--connect-to={HOST}:443:127.0.0.1:{}", places.port("sns")),
            format!("--connect-to=:30000:127.0.0.1:{}", places.port("worker")),
        ])
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&said).unwrap())
        .spawn()
        .unwrap();
    let scaler = Scaler { child, port, said };
    scaler.hear("sns::subscribe ");

    // What moto itself sends is not signed by anybody: refused.
    run(&format!(
        r#"sns::publish(#{{ topic_arn: "{topic}", message: "{{}}" }}); print("published");"#
    ));
    scaler.hear("on_alarm alarms: refused (");

    let question = sns.message(
        &topic,
        Kind::SubscriptionConfirmation,
        "question",
        "Confirm?",
    );
    assert_eq!(scaler.post(&question), 200);
    scaler.hear("sns::confirm_subscription");

    assert_eq!(scaler.post(&sns.alarm(&topic, "first", "cpu-high")), 200);
    scaler.hear("starting worker-2");
    wait(|| states() == r#"["running","running","stopped"]"#);

    let stranger = Sns {
        key: KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap(),
    };
    assert_eq!(
        scaler.post(&stranger.alarm(&topic, "second", "cpu-high")),
        403
    );
    scaler.hear("refused (signature)");
    let mut moved = sns.alarm(&topic, "third", "cpu-high");
    moved["SigningCertURL"] = format!("https://127.0.0.1:{}/{FILE}", places.port("sns")).into();
    assert_eq!(scaler.post(&moved), 403);
    scaler.hear("refused (place)");
    assert_eq!(
        scaler.post(&sns.alarm(&format!("{topic}2"), "fourth", "cpu-high")),
        403
    );
    scaler.hear("refused (topic)");

    assert_eq!(scaler.post(&sns.alarm(&topic, "fifth", "cpu-low")), 200);
    scaler.hear("stopping worker-2");
    wait(|| states() == r#"["running","stopped","stopped"]"#);
    let said = scaler.said();
    assert_eq!(said.matches("starting ").count(), 1, "{said}");
    let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
    let own = format!("{HOST} /{FILE}");
    let count = asked.lines().filter(|line| **line == own).count();
    assert_eq!(count, 1, "the certificate is kept: {asked}");
    let elsewhere = asked.lines().find(|line| !line.starts_with(HOST));
    assert_eq!(elsewhere, None, "nobody else is asked");
}

fn wait(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "in vain");
        std::thread::sleep(Duration::from_millis(200));
    }
}
