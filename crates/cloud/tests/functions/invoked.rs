//! Functions that somebody asks for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::world::{World, body, crash, echo, fail, invoke, relay, slow, zipped};

#[test]
fn who_waits_gets_the_answer_with_the_end_of_the_log() {
    let world = World::with(&[("echo", echo)]);
    let _root = world.enter();
    let answer = world.invoke("echo", &json!({"n": 1}));
    assert_eq!(answer.status(), 200);
    assert_eq!(body(&answer), json!({"echo": {"n": 1}}));
    assert_eq!(answer.headers()["x-amz-executed-version"], "$LATEST");
    assert!(!answer.headers().contains_key("x-amz-function-error"));
    let log = STANDARD.decode(answer.headers()["x-amz-log-result"].as_bytes());
    let log = String::from_utf8(log.unwrap()).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert!(lines[0].starts_with("START RequestId: "), "{log}");
    assert_eq!(lines[1], r#"got {"n":1}"#);
    assert!(lines[3].ends_with("\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB"));
    assert_eq!(world.log("echo"), lines);
}

#[test]
fn a_function_calls_back_into_the_cloud_while_its_caller_waits() {
    let world = World::with(&[("echo", echo), ("relay", relay)]);
    let _root = world.enter();
    let before = world.cloud.clock().now();
    let answer = world.invoke("relay", &json!({}));
    assert_eq!(body(&answer), json!({"echo": {"by": "relay"}}));
    let took = world.cloud.clock().now().duration_since(before);
    assert_eq!(took.as_secs(), 5);
}

#[test]
fn failures_are_answers_with_a_mark() {
    let world = World::with(&[("fail", fail), ("crash", crash), ("slow", slow)]);
    let _root = world.enter();
    let failed = world.invoke("fail", &json!({}));
    assert_eq!(failed.headers()["x-amz-function-error"], "Unhandled");
    assert_eq!(
        body(&failed),
        json!({"errorType": "Sad", "errorMessage": "it went wrong"})
    );
    let crashed = body(&world.invoke("crash", &json!({})));
    assert_eq!(crashed["errorType"], "Runtime.ExitError");
    let change = json!({"Timeout": 10});
    let path = "/2015-03-31/functions/slow/configuration";
    assert_eq!(world.lambda("PUT", path, &change).status(), 200);
    let before = world.cloud.clock().now();
    let late = body(&world.invoke("slow", &json!({})));
    assert_eq!(late["errorType"], "Sandbox.Timedout");
    let message = late["errorMessage"].as_str().unwrap();
    assert!(
        message.ends_with("Error: Task timed out after 10.00 seconds"),
        "{message}"
    );
    let took = world.cloud.clock().now().duration_since(before);
    assert_eq!(took.as_secs(), 10);
}

#[test]
fn a_package_that_cannot_be_started_says_why() {
    let world = World::with(&[("echo", echo)]);
    let _root = world.enter();
    let code = json!({"ZipFile": STANDARD.encode(zipped(0o644))});
    let path = "/2015-03-31/functions/echo/code";
    assert_eq!(world.lambda("PUT", path, &code).status(), 200);
    let refused = body(&world.invoke("echo", &json!({})));
    assert_eq!(refused["errorType"], "Runtime.InvalidEntrypoint");
    let message = refused["errorMessage"].as_str().unwrap();
    assert!(message.ends_with("fork/exec /var/task/bootstrap: permission denied"));
}

#[test]
fn without_somebody_who_runs_functions_invoking_is_refused() {
    let world = World::with(&[("echo", echo)]);
    let copy = world.cloud.copy();
    let answer = invoke(&copy, "echo", &json!({}), &[]);
    assert_eq!(answer.status(), 400);
    assert_eq!(
        body(&answer)["message"],
        "not modelled by the embedded cloud: running the function 'echo' (nobody runs \
         functions on this embedded cloud)"
    );
}
