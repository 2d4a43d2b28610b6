#![allow(clippy::unwrap_used)]

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::SignedDuration;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use super::package::Package;
use super::queue::{self, Source};
use super::{ROUTES, handle};
use crate::api::{ApiRequest, Protocol, rest};
use crate::furnish::Options;
use crate::services::iam;
use crate::state::State;

const FUNCTIONS: &str = "/2015-03-31/functions";
const ROLE: &str = "arn:aws:iam::123456789012:role/run";

/// A zip file with these files, each of this mode.
fn zipped(files: &[(&str, u32)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, mode) in files {
        let options = SimpleFileOptions::default().unix_permissions(*mode);
        writer.start_file(*name, options).unwrap();
        writer.write_all(b"#!/bin/sh\n").unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn code() -> String {
    STANDARD.encode(zipped(&[("bootstrap", 0o755)]))
}

/// An account with a role for functions, and one for machines.
fn account() -> State {
    let mut cloud = State::furnished(&Options::default());
    for (name, service) in [("run", "lambda"), ("other", "ec2")] {
        let trust = json!({"Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": format!("{service}.amazonaws.com")},
            "Action": "sts:AssumeRole",
        }]})
        .to_string();
        let params = [("RoleName", name), ("AssumeRolePolicyDocument", &trust)];
        iam::handle(&mut cloud, &ApiRequest::query("iam", "CreateRole", &params)).unwrap();
    }
    cloud
}

fn call(cloud: &mut State, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let body = if body.is_null() {
        Bytes::new()
    } else {
        body.to_string().into()
    };
    let http = http::Request::builder()
        .method(method)
        .uri(format!("https://lambda.us-east-1.amazonaws.com{path}"))
        .body(body)
        .unwrap();
    let (action, json) = rest::read(ROUTES, &http).unwrap();
    let request = ApiRequest {
        protocol: Protocol::RestJson,
        http,
        ..ApiRequest::cbor("lambda", &action, json)
    };
    let answer = handle(cloud, &request).map_err(|error| error.to_string())?;
    Ok(serde_json::from_slice(answer.body()).unwrap_or_default())
}

fn wish(name: &str) -> Value {
    json!({
        "FunctionName": name,
        "Runtime": "provided.al2023",
        "Handler": "main",
        "Role": ROLE,
        "Code": {"ZipFile": code()},
    })
}

fn make(cloud: &mut State, name: &str) -> Value {
    call(cloud, "POST", FUNCTIONS, &wish(name)).unwrap()
}

fn later(cloud: &mut State, seconds: i64) {
    let now = cloud.now + SignedDuration::from_secs(seconds);
    cloud.advance(now);
}

#[test]
fn a_function_is_pending_then_active_and_listed() {
    let mut cloud = account();
    let made = make(&mut cloud, "hello");
    assert_eq!(
        made["FunctionArn"],
        "arn:aws:lambda:us-east-1:123456789012:function:hello"
    );
    assert_eq!(
        (&made["State"], &made["Timeout"]),
        (&json!("Pending"), &json!(3))
    );
    later(&mut cloud, 3);
    let arn = "/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Ahello";
    let shown = call(
        &mut cloud,
        "GET",
        &format!("{FUNCTIONS}{arn}"),
        &Value::Null,
    )
    .unwrap();
    assert_eq!(shown["Configuration"]["State"], "Active");
    assert_eq!(shown["Configuration"]["LastUpdateStatus"], "Successful");
    let listed = call(&mut cloud, "GET", FUNCTIONS, &Value::Null).unwrap();
    assert_eq!(listed["Functions"][0]["FunctionName"], "hello");
    let gone = call(
        &mut cloud,
        "DELETE",
        &format!("{FUNCTIONS}/hello"),
        &Value::Null,
    );
    gone.unwrap();
    assert_eq!(
        call(
            &mut cloud,
            "GET",
            &format!("{FUNCTIONS}/hello"),
            &Value::Null
        )
        .unwrap_err(),
        "ResourceNotFoundException: Function not found: \
         arn:aws:lambda:us-east-1:123456789012:function:hello"
    );
}

#[test]
fn what_aws_refuses_is_refused() {
    let mut cloud = account();
    make(&mut cloud, "taken");
    let refusals: [(&str, Value, &str); 10] = [
        (
            "FunctionName",
            json!("taken"),
            "ResourceConflictException: Function already exist: taken",
        ),
        (
            "Role",
            json!("arn:aws:iam::123456789012:role/other"),
            "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda.",
        ),
        (
            "Role",
            json!("arn:aws:iam::123456789012:role/none"),
            "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda.",
        ),
        (
            "Code",
            json!({"ZipFile": STANDARD.encode("no zip")}),
            "InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then try to upload again.",
        ),
        (
            "Timeout",
            json!(901),
            "ValidationException: 1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900",
        ),
        (
            "MemorySize",
            json!(64),
            "ValidationException: 1 validation error detected: Value '64' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128",
        ),
        (
            "Runtime",
            json!("python3.13"),
            "NotModelled: not modelled by the embedded cloud: the Lambda runtime 'python3.13' (it has 'provided.al2023')",
        ),
        (
            "VpcConfig",
            json!({"SubnetIds": ["subnet-1"]}),
            "NotModelled: not modelled by the embedded cloud: parameter 'VpcConfig' of lambda:CreateFunction",
        ),
        (
            "Environment",
            json!({"Variables": {"AWS_REGION": "x", "MINE": "y"}}),
            "InvalidParameterValueException: Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION",
        ),
        (
            "Code",
            json!({"S3Bucket": "none", "S3Key": "k"}),
            "InvalidParameterValueException: Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist",
        ),
    ];
    for (member, value, refusal) in refusals {
        let mut wish = wish("new");
        wish[member] = value;
        assert_eq!(
            call(&mut cloud, "POST", FUNCTIONS, &wish).unwrap_err(),
            refusal
        );
    }
    assert_eq!(cloud.lambda.functions.len(), 1);
}

#[test]
fn an_update_takes_a_while_and_bars_the_next() {
    let mut cloud = account();
    make(&mut cloud, "f");
    let change = json!({"MemorySize": 256, "Environment": {"Variables": {"STAGE": "test"}}});
    let path = format!("{FUNCTIONS}/f/configuration");
    let early = call(&mut cloud, "PUT", &path, &change).unwrap_err();
    assert!(early.contains("following state: Pending"), "{early}");
    later(&mut cloud, 3);
    let changed = call(&mut cloud, "PUT", &path, &change).unwrap();
    assert_eq!(changed["LastUpdateStatus"], "InProgress");
    assert_eq!(changed["Environment"]["Variables"]["STAGE"], "test");
    let code = json!({"ZipFile": STANDARD.encode(zipped(&[("bootstrap", 0o755), ("x", 0o644)]))});
    let code_path = format!("{FUNCTIONS}/f/code");
    let barred = call(&mut cloud, "PUT", &code_path, &code).unwrap_err();
    assert!(barred.contains("An update is in progress"), "{barred}");
    later(&mut cloud, 3);
    let stale = json!({"ZipFile": code["ZipFile"], "RevisionId": "other"});
    let stale = call(&mut cloud, "PUT", &code_path, &stale).unwrap_err();
    assert!(stale.starts_with("PreconditionFailedException"), "{stale}");
    let updated = call(&mut cloud, "PUT", &code_path, &code).unwrap();
    assert_ne!(updated["CodeSha256"], changed["CodeSha256"]);
    assert_eq!(updated["MemorySize"], 256);
}

#[test]
fn permissions_say_who_may_invoke_on_whose_behalf() {
    let mut cloud = account();
    make(&mut cloud, "f");
    let path = format!("{FUNCTIONS}/f/policy");
    let none = call(&mut cloud, "GET", &path, &Value::Null).unwrap_err();
    assert!(none.starts_with("ResourceNotFoundException"), "{none}");
    let permission = json!({
        "StatementId": "bucket",
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
        "SourceArn": "arn:aws:s3:::web-*",
    });
    call(&mut cloud, "POST", &path, &permission).unwrap();
    let twice = call(&mut cloud, "POST", &path, &permission).unwrap_err();
    assert!(
        twice.starts_with("ResourceConflictException: The statement id (bucket)"),
        "{twice}"
    );
    let policy = call(&mut cloud, "GET", &path, &Value::Null).unwrap();
    let policy: Value = serde_json::from_str(policy["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(
        policy["Statement"][0]["Principal"]["Service"],
        "s3.amazonaws.com"
    );
    let admits =
        |cloud: &State, service: &str, source: &str| super::admits(cloud, service, source, "f");
    assert!(admits(&cloud, "s3.amazonaws.com", "arn:aws:s3:::web-logs"));
    assert!(!admits(&cloud, "s3.amazonaws.com", "arn:aws:s3:::other"));
    assert!(!admits(
        &cloud,
        "sns.amazonaws.com",
        "arn:aws:s3:::web-logs"
    ));
    call(
        &mut cloud,
        "DELETE",
        &format!("{path}/bucket"),
        &Value::Null,
    )
    .unwrap();
    assert!(!admits(&cloud, "s3.amazonaws.com", "arn:aws:s3:::web-logs"));
}

#[test]
fn tags_and_reservations_come_and_go() {
    let mut cloud = account();
    make(&mut cloud, "f");
    let tags = "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af";
    call(
        &mut cloud,
        "POST",
        tags,
        &json!({"Tags": {"a": "1", "b": "2"}}),
    )
    .unwrap();
    call(
        &mut cloud,
        "DELETE",
        &format!("{tags}?tagKeys=a"),
        &Value::Null,
    )
    .unwrap();
    assert_eq!(
        call(&mut cloud, "GET", tags, &Value::Null).unwrap(),
        json!({"Tags": {"b": "2"}})
    );
    let reserve = |cloud: &mut State, count: i64| {
        let body = json!({"ReservedConcurrentExecutions": count});
        call(cloud, "PUT", "/2017-10-31/functions/f/concurrency", &body)
    };
    assert!(
        reserve(&mut cloud, 901)
            .unwrap_err()
            .contains("below its minimum value of [100]")
    );
    reserve(&mut cloud, 5).unwrap();
    let read = "/2019-09-30/functions/f/concurrency";
    assert_eq!(
        call(&mut cloud, "GET", read, &Value::Null).unwrap(),
        json!({"ReservedConcurrentExecutions": 5})
    );
    call(
        &mut cloud,
        "DELETE",
        "/2017-10-31/functions/f/concurrency",
        &Value::Null,
    )
    .unwrap();
    assert_eq!(
        call(&mut cloud, "GET", read, &Value::Null).unwrap(),
        json!({})
    );
}

#[test]
fn a_package_is_read_file_by_file() {
    let package = Package::new(zipped(&[("bootstrap", 0o755), ("main.rhai", 0o644)]).into());
    assert_eq!(package.files(), ["bootstrap", "main.rhai"]);
    assert_eq!(package.read("main.rhai").unwrap(), b"#!/bin/sh\n");
    assert_eq!(package.read("none"), None);
    assert_eq!(package.executable("bootstrap"), Some(true));
    assert_eq!(package.executable("main.rhai"), Some(false));
    assert_eq!(package.executable("none"), None);
}

#[test]
fn a_failed_event_comes_back_twice_then_is_dropped() {
    let mut cloud = account();
    make(&mut cloud, "f");
    later(&mut cloud, 3);
    queue::enqueue(&mut cloud, "f", "{}".to_owned(), Source::Trigger);
    let mut pauses = Vec::new();
    while let Some(due) = queue::next(&cloud, false) {
        let before = cloud.now;
        let now = due.max(cloud.now);
        cloud.advance(now);
        pauses.push(cloud.now.duration_since(before).as_secs());
        let runs = queue::begin(&mut cloud, false, true);
        assert_eq!(runs.len(), 1);
        queue::ended(&mut cloud, &runs[0].id, false);
    }
    assert_eq!(pauses, [0, 60, 120]);
}

#[test]
fn without_room_an_event_waits_and_a_chain_without_end_is_cut() {
    let mut cloud = account();
    make(&mut cloud, "f");
    later(&mut cloud, 3);
    cloud.lambda.functions.get_mut("f").unwrap().reserved = Some(1);
    for _ in 0..2 {
        queue::enqueue(&mut cloud, "f", "{}".to_owned(), Source::Trigger);
    }
    let first = queue::begin(&mut cloud, false, true);
    assert_eq!((first.len(), cloud.lambda.queue.len()), (1, 1));
    later(&mut cloud, 1);
    assert!(queue::begin(&mut cloud, false, true).is_empty());
    queue::ended(&mut cloud, &first[0].id, true);
    later(&mut cloud, 2);
    assert_eq!(queue::begin(&mut cloud, false, true).len(), 1);
    cloud.lambda.cause = 16;
    queue::enqueue(&mut cloud, "f", "{}".to_owned(), Source::Trigger);
    assert!(cloud.lambda.queue.is_empty());
    let said = cloud.lambda.functions["f"]
        .log
        .lines()
        .last()
        .unwrap()
        .1
        .to_owned();
    assert!(said.contains("taken for a loop without end"), "{said}");
}
