//! `log_watch`: an attack in a planted access log is reported, peace is not.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::{call, plan, run};
use crate::support::opsh::User;

pub const KEY: &str = "web/AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/09/17/123456789012_elasticloadbalancing_us-east-1_app.shop.50dc6c495c0c9188_20260917T0525Z_203.0.113.7_1a2b3c4d.log.gz";

fn line(log: &mut String, time: &str, client: &str, path: &str, target: &str, status: u16) {
    writeln!(
        log,
        "http 2026-09-17T{time}.000000Z app/shop/50dc6c495c0c9188 {client}:41000 {target} 0.000 0.020 0.000 {status} \
         {status} 100 2000 \"GET http://shop.example:80{path} HTTP/1.1\" \"curl/8.5.0\" - - \
         arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/73e2d6bc24d8a067 \
         \"Root=1-6aab787c-27aaf3f93f32ff1f5a67dc16\" \"-\" \"-\" 0 2026-09-17T{time}.000000Z \"forward\" \"-\" \"-\" \
         \"{target}\" \"{status}\" \"-\" \"-\" TID_1 \"-\" \"-\" \"-\" 203.0.113.7"
    )
    .unwrap();
}

/// Visitors who do what visitors do.
fn visitors(log: &mut String) {
    for number in 0..200 {
        let (second, client) = (number % 60, format!("192.0.2.{}", number % 40));
        let status = if number % 50 == 0 { 404 } else { 200 };
        let path = format!("/products/{}", number % 7);
        line(
            log,
            &format!("05:21:{second:02}"),
            &client,
            &path,
            "10.0.0.1:80",
            status,
        );
    }
}

/// Visitors, a scanner, somebody who asks too often, a target that fails.
pub fn attack() -> String {
    let mut log = String::new();
    visitors(&mut log);
    for number in 0..40 {
        let time = format!("05:22:{number:02}");
        line(
            &mut log,
            &time,
            "198.51.100.66",
            &format!("/admin{number}.php"),
            "10.0.0.1:80",
            404,
        );
    }
    line(
        &mut log,
        "05:22:50",
        "198.51.100.66",
        "/%2Eenv",
        "10.0.0.1:80",
        200,
    );
    for number in 0..350 {
        let time = format!("05:23:{:02}", number % 60);
        line(
            &mut log,
            &time,
            "198.51.100.7",
            &format!("/search?q={number}"),
            "10.0.0.2:80",
            200,
        );
    }
    for number in 0..12 {
        let time = format!("05:24:{number:02}");
        line(&mut log, &time, "192.0.2.1", "/buy", "10.0.0.2:80", 502);
    }
    log
}

/// A log as it lies in the bucket.
pub fn packed(log: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(log.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A user whose embedded cloud has a bucket with this log, and a topic.
fn planted(log: &str) -> (User, Vec<String>) {
    let user = User::new();
    std::fs::write(user.home().join("access.log.gz"), packed(log)).unwrap();
    let setup = format!(
        r#"s3::create_bucket(#{{ bucket: "opsh-shop-logs" }});
        s3::put_object(#{{ bucket: "opsh-shop-logs", key: "{KEY}", body: #{{ file: "access.log.gz" }} }});
        sns::create_topic(#{{ name: "traffic" }}).topic_arn"#
    );
    let topic = run(&user, "setup", &setup, &[]).result();
    (user, vec![format!("topic={}", topic.as_str().unwrap())])
}

/// As S3 tells of an object; keys are encoded as in forms.
fn landed(key: &str) -> Value {
    json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": "opsh-shop-logs"},
            "object": {"key": key.replace('/', "%2F"), "size": 1},
        },
    }]})
}

#[test]
fn an_attack_is_reported_with_its_evidence() {
    let (user, parameters) = planted(&attack());
    let planned = plan(&user, "log_watch", &landed(KEY), &parameters);
    insta::assert_snapshot!("log_watch", planned);
    let called = call(&user, "log_watch", &landed(KEY), &parameters);
    assert_eq!(
        called.result(),
        json!({"logs": 1, "lines": 603, "findings": ["rate", "scan", "errors"]})
    );
    let messages = called.messages();
    let subjects: Vec<&str> = messages
        .iter()
        .map(|(subject, _)| subject.as_str())
        .collect();
    assert_eq!(
        subjects,
        [
            "rate: 1 client asks more than 300 times a minute",
            "scan: 1 client tries doors",
            "errors: 1 target gives more than 10 answers of 5xx",
        ]
    );
    let has = |message: usize, texts: &[&str]| {
        for text in texts {
            assert!(
                messages[message].1.contains(text),
                "{text} is not in {}",
                messages[message].1
            );
        }
    };
    has(
        0,
        &[
            "seen in 603 requests from 2026-09-17T05:21:00Z to 2026-09-17T05:24:11Z",
            "198.51.100.7: 350 requests in the minute from 2026-09-17T05:23:00Z, 350 in all",
            "\"GET http://shop.example:80/search?q=",
            KEY,
        ],
    );
    has(
        1,
        &[
            "\n198.51.100.66: 40 missing paths in 40 requests, 1 requests of known weak spots",
            "ATTENTION: 1 of these were answered with 2xx",
            "paths: /admin0.php, /admin1.php",
            "/%2Eenv",
            "    http 2026-09-17T05:22:0",
        ],
    );
    has(
        2,
        &[
            "10.0.0.2:80: 12 of 362 requests answered with 5xx",
            "/buy HTTP/1.1\" ",
        ],
    );
}

#[test]
fn thresholds_are_parameters() {
    let (user, mut parameters) = planted(&attack());
    parameters.extend(
        [
            "client_requests=350",
            "missing_paths=100",
            "probe_requests=0",
            "target_errors=12",
            "total_requests=349",
        ]
        .map(str::to_owned),
    );
    let called = call(&user, "log_watch", &landed(KEY), &parameters);
    assert_eq!(called.result()["findings"], json!(["scan", "traffic"]));
    let traffic = &called.messages()[1].1;
    assert!(
        traffic.contains("2026-09-17T05:23:00Z: 350 requests, 35000 bytes in, 700000 bytes out"),
        "{traffic}"
    );
}

#[test]
fn peace_is_not_reported_and_what_is_no_log_is_left_alone() {
    let mut log = String::new();
    visitors(&mut log);
    let (user, parameters) = planted(&log);
    let quiet = call(&user, "log_watch", &landed(KEY), &parameters);
    assert_eq!(
        quiet.result(),
        json!({"logs": 1, "lines": 200, "findings": []})
    );
    assert!(quiet.messages().is_empty());
    let nothing = json!({"logs": 0, "lines": 0, "findings": []});
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "opsh-shop-logs"});
    for event in [
        test,
        landed("web/AWSLogs/123456789012/ELBAccessLogTestFile"),
        landed("uploads/cat.log.gz"),
    ] {
        assert_eq!(
            call(&user, "log_watch", &event, &parameters).result(),
            nothing
        );
    }
}

#[test]
fn reading_objects_needs_leave_whoever_asks() {
    let (user, mut parameters) = planted("");
    parameters.extend(["--deny".to_owned(), "s3:GetObject".to_owned()]);
    let called = call(&user, "log_watch", &landed(KEY), &parameters);
    assert_eq!(called.0.code, 3, "{}", called.0.out);
    let missing = call(
        &user,
        "log_watch",
        &landed(&KEY.replace("0525", "0530")),
        &parameters[..1],
    );
    assert_eq!(missing.0.code, 1);
    assert!(
        missing.0.out.contains("s3://opsh-shop-logs/web/AWSLogs"),
        "{}",
        missing.0.out
    );
}
