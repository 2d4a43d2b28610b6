//! opsh as the custom runtime, against a stand-in of Lambda's runtime API.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::folder;
use crate::support::runtime_api::{Answer, Function, RuntimeApi};

const MINUTE: Duration = Duration::from_mins(1);

/// A function with this script, and so many events `{"n": 0}`, `{"n": 1}`, … of the ids `r-0`, `r-1`, ….
struct Case {
    api: RuntimeApi,
    function: Function,
    _root: tempfile::TempDir,
}

fn start(script: &str, events: i32, environment: &[(&str, &str)]) -> Case {
    let root = folder(&[("job.rhai", script)]);
    let api = RuntimeApi::new();
    for n in 0..events {
        api.event(&format!("r-{n}"), &json!({ "n": n }), MINUTE);
    }
    let function = api.start(root.path(), "job.handler", environment);
    Case {
        api,
        function,
        _root: root,
    }
}

fn bodies(answers: &[Answer]) -> Vec<(&str, &str, &Value)> {
    answers
        .iter()
        .map(|answer| (answer.kind.as_str(), answer.id.as_str(), &answer.body))
        .collect()
}

#[test]
fn each_event_is_a_run_of_its_own() {
    let case = start(
        r#"
        import "web" as web;
        const GREETING = "hello";
        let factor = param("factor", #{ default: 2, max: 10 });
        fn handler(event, context) {
            if context.deadline - time::now() < 50.0 { throw "the deadline is wrong"; }
            log::info(`${global::GREETING} ${event.n}`);
            #{
                n: event.n * 3,
                of: [context.request_id, context.function_name, context.function_arn],
                memory: context.memory,
                log: `${context.log_group} ${context.log_stream}`,
            }
        }"#,
        3,
        &[("factor", "3")],
    );
    let answers = case.api.answers(3);
    let expected = |n: i32| {
        json!({
            "log": "/aws/lambda/checker 2026/01/31/[$LATEST]abc",
            "memory": 128,
            "n": n * 3,
            "of": [
                format!("r-{n}"), "checker",
                "arn:aws:lambda:eu-central-1:123456789012:function:checker"
            ],
        })
    };
    assert_eq!(
        bodies(&answers),
        [
            ("response", "r-0", &expected(0)),
            ("response", "r-1", &expected(1)),
            ("response", "r-2", &expected(2)),
        ]
    );
    // The ledger does not grow: it has the last event's run alone.
    let ledger = case.function.scratch().join("opsh/ledger.db");
    let runs: i64 = rusqlite::Connection::open(&ledger)
        .unwrap()
        .query_row("SELECT count(*) FROM runs", [], |row| row.get(0))
        .unwrap();
    assert_eq!(runs, 1);
    let said = case.function.end();
    let lines: Vec<_> = said
        .lines()
        .map(|line| line.split_once(' ').unwrap().1)
        .collect();
    assert_eq!(
        lines,
        ["r-0 INFO hello 0", "r-1 INFO hello 1", "r-2 INFO hello 2"]
    );
}

#[test]
fn a_failure_is_reported_and_the_next_event_served() {
    let case = start(
        r#"
        fn handler(event, context) {
            if event.n == 0 { throw "no such thing"; }
            if event.n == 1 { throw #{ kind: "unhealthy", message: "two targets are down" }; }
            if event.n == 2 { http::get(#{ ulr: "x" }); }
            if event.n == 3 { let deep = deeper(0); }
            if event.n == 4 { let all = [0]; loop { all += all; } }
            "well"
        }
        fn deeper(n) { deeper(n + 1) }"#,
        6,
        &[],
    );
    let answers = case.api.answers(6);
    let errors: Vec<_> = answers
        .iter()
        .filter(|answer| answer.kind == "error")
        .map(|answer| {
            format!(
                "{}: {}",
                answer.body["errorType"].as_str().unwrap(),
                answer.body["errorMessage"].as_str().unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(errors.join("\n"));
    assert_eq!(bodies(&answers)[5], ("response", "r-5", &json!("well")));
    let said = case.function.end();
    assert!(
        said.contains("r-0 ERROR error: job.rhai:3:31: no such thing\r"),
        "{said}"
    );
}

#[test]
fn what_overruns_stops_before_lambda_kills_it() {
    let root = folder(&[(
        "job.rhai",
        r#"fn handler(event, context) {
            if event.wait { sleep(60); }
            if event.spin { loop {} }
            "in time"
        }"#,
    )]);
    let api = RuntimeApi::new();
    let limit = Duration::from_secs(2);
    api.event("sleeps", &json!({"wait": true, "spin": false}), limit);
    let function = api.start(root.path(), "job.handler", &[]);
    let begun = Instant::now();
    // Only then does its time begin.
    api.answers(1);
    assert!(begun.elapsed() < Duration::from_secs(30));
    for (id, spin) in [("spins", true), ("works", false)] {
        api.event(id, &json!({"wait": false, "spin": spin}), limit);
    }
    let answers = api.answers(3);
    for answer in &answers[..2] {
        assert_eq!(answer.kind, "error");
        assert_eq!(answer.body["errorType"], "deadline", "{answer:?}");
    }
    assert_eq!(
        bodies(&answers)[2],
        ("response", "works", &json!("in time"))
    );
    function.end();
}

#[test]
fn a_function_that_cannot_start_says_why() {
    for (script, handler, why) in [
        (
            "fn handler(event) {}",
            "job.handler",
            "job.rhai has no function handler(event, context)",
        ),
        (
            "fn handler(event, context) {",
            "job.handler",
            "job.rhai:1:29: syntax error:",
        ),
        (
            "fn handler(event, context) { ec2::run_instance() }",
            "job.handler",
            "job.rhai:1:30: there is no operation ec2::run_instance; did you mean ec2::run_instances?",
        ),
        (
            "let t = param(\"topic\", #{}); fn handler(e, c) {}",
            "job.handler",
            "job.rhai:1:9: parameter 'topic' has no value",
        ),
        (
            "fn handler(e, c) {}",
            "other.handler",
            "cannot read the playbook 'other.rhai': no such file",
        ),
    ] {
        let root = folder(&[("job.rhai", script)]);
        let api = RuntimeApi::new();
        let function = api.start(root.path(), handler, &[]);
        let answers = api.answers(1);
        assert_eq!(answers[0].kind, "init/error");
        assert_eq!(answers[0].body["errorType"], "invalid");
        assert_eq!(answers[0].error_type.as_deref(), Some("opsh.invalid"));
        let message = answers[0].body["errorMessage"].as_str().unwrap();
        assert!(message.starts_with(why), "{message}");
        let (code, said) = function.ended();
        assert_eq!(code, Some(1));
        assert!(said.contains(" - ERROR error: "), "{said}");
    }
}

#[test]
fn secrets_are_neither_said_nor_returned() {
    let case = start(
        r#"
        let token = param("token", #{ type: "secret" });
        fn handler(event, context) {
            let other = secret("OTHER");
            print(`with ${other} and plain ${event.n}`);
            log::warn("Bearer " + other);
            if event.n == 1 { throw `refused: ${text::base64_encode("hunter2hunter2")}`; }
            #{ token: other, role: secret("AWS_SECRET_ACCESS_KEY") }
        }"#,
        2,
        &[
            ("token", "swordfish"),
            ("OTHER", "hunter2hunter2"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ],
    );
    let answers = case.api.answers(2);
    assert_eq!(
        bodies(&answers)[0],
        (
            "response",
            "r-0",
            &json!({"token": "[secret]", "role": "[secret]"})
        )
    );
    let said = case.function.end();
    let all = format!("{said}{answers:?}");
    for secret in ["swordfish", "hunter2", "aHVudGVyMm", "wJalrXUtnFEMI"] {
        assert!(!all.contains(secret), "{all}");
    }
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["level"], "INFO");
    assert_eq!(lines[0]["requestId"], "r-0");
    assert_eq!(lines[0]["message"], "with [secret] and plain 0");
    assert_eq!(lines[1]["level"], "WARN");
}
