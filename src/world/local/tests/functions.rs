//! Functions of the embedded cloud, asked for by the SDK's client, asking by it.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, InvocationType, LogType, Runtime, State};
use bytes::Bytes;
use opsh_cloud::functions::{FunctionError, Invocation, Invoker};
use opsh_operation::{Fault, FaultKind};
use serde_json::json;

use super::{Local, cancel, local, never, run, s3, with_object};
use crate::world::local::{Fixtures, Outside};
use crate::world::{Kind, Scope, World as _};

/// Copies an object under another key after as many seconds as the event says, in a
/// world of its own.
struct Copier;

impl Copier {
    fn copy(world: &Local, event: &str) -> Result<(), Fault> {
        let event: serde_json::Value = serde_json::from_str(event).unwrap();
        let seconds = event["seconds"].as_u64().unwrap_or_default();
        world.sleep(Duration::from_secs(seconds), &cancel())?;
        let _branch = world.enter(&[]);
        run(world, async {
            let copy = s3(world).copy_object().bucket("site").key("copy.txt");
            copy.copy_source("site/a%20b.txt").send().await.unwrap();
        });
        Ok(())
    }
}

impl Invoker for Copier {
    fn invoke(&self, invocation: &Invocation) -> Result<String, FunctionError> {
        let outside = Outside::Fixtures(Fixtures::default());
        let world = Local::of_function(invocation, Kind::DryRun, outside).unwrap();
        invocation.log("copying");
        match Self::copy(&world, &invocation.event) {
            Ok(()) => Ok(json!({"copied": true}).to_string()),
            Err(fault) => {
                assert_eq!(fault.kind, FaultKind::Deadline);
                Err(FunctionError::new("deadline", fault.message))
            }
        }
    }
}

fn role(local: &Local) {
    let trust = json!({"Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }});
    let form = format!("Action=CreateRole&RoleName=run&AssumeRolePolicyDocument={trust}");
    let request = http::Request::post("https://iam.amazonaws.com/")
        .body(Bytes::from(form))
        .unwrap();
    let answer = run(local, local.cloud().aws(request)).unwrap();
    assert_eq!(answer.status(), 200);
}

fn code() -> FunctionCode {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    writer.start_file("bootstrap", options).unwrap();
    writer.write_all(b"native").unwrap();
    let zip = writer.finish().unwrap().into_inner();
    FunctionCode::builder().zip_file(Blob::new(zip)).build()
}

async fn made(client: &Client) {
    client
        .create_function()
        .function_name("copier")
        .runtime(Runtime::Providedal2023)
        .handler("main")
        .role("arn:aws:iam::123456789012:role/run")
        .code(code())
        .timeout(5)
        .send()
        .await
        .unwrap();
}

async fn ready(client: &Client) {
    let shown = client.get_function_configuration().function_name("copier");
    let shown = shown.send().await.unwrap();
    assert_eq!(shown.state(), Some(&State::Active));
}

#[test]
fn a_function_asks_the_cloud_that_runs_it() {
    let local = local();
    local.cloud().employ(Arc::new(Copier));
    let client = Client::new(local.aws(&Scope::default(), &cancel()).unwrap().config());
    role(&local);
    run(&local, with_object(&s3(&local)));
    run(&local, made(&client));
    local.sleep(Duration::from_secs(3), &cancel()).unwrap();
    run(&local, ready(&client));
    let before = local.now();
    let invoked = run(&local, async {
        let invoke = client.invoke().function_name("copier");
        let invoke = invoke.payload(Blob::new(r#"{"seconds": 2}"#));
        invoke.log_type(LogType::Tail).send().await.unwrap()
    });
    assert_eq!(invoked.status_code(), 200);
    assert_eq!(invoked.function_error(), None);
    assert_eq!(invoked.executed_version(), Some("$LATEST"));
    assert_eq!(invoked.payload().unwrap().as_ref(), br#"{"copied":true}"#);
    assert!(invoked.log_result().is_some());
    assert_eq!(local.now().duration_since(before).as_secs(), 2);
    let copied = run(&local, async {
        let head = s3(&local).head_object().bucket("site").key("copy.txt");
        head.send().await.unwrap().content_length()
    });
    assert_eq!(copied, Some(11));
}

#[test]
fn a_function_that_takes_too_long_is_told_and_ended() {
    let local = local();
    local.cloud().employ(Arc::new(Copier));
    let client = Client::new(local.aws(&Scope::default(), &cancel()).unwrap().config());
    role(&local);
    run(&local, made(&client));
    local.sleep(Duration::from_secs(3), &cancel()).unwrap();
    let before = local.now();
    let late = run(&local, async {
        let invoke = client.invoke().function_name("copier");
        let invoke = invoke.payload(Blob::new(r#"{"seconds": 60}"#));
        invoke.send().await.unwrap()
    });
    assert_eq!(late.function_error(), Some("Unhandled"));
    let said = String::from_utf8_lossy(late.payload().unwrap().as_ref()).into_owned();
    assert!(said.contains("Task timed out after 5.00 seconds"), "{said}");
    assert_eq!(local.now().duration_since(before).as_secs(), 5);
}

#[test]
fn an_event_that_is_left_runs_when_the_world_waits() {
    let local = local();
    local.cloud().employ(Arc::new(Copier));
    let client = Client::new(local.aws(&Scope::default(), &cancel()).unwrap().config());
    role(&local);
    run(&local, with_object(&s3(&local)));
    run(&local, made(&client));
    let left = run(&local, async {
        let invoke = client.invoke().function_name("copier");
        let invoke = invoke.invocation_type(InvocationType::Event);
        invoke.send().await.unwrap()
    });
    assert_eq!(left.status_code(), 202);
    local.sleep(Duration::from_secs(4), &cancel()).unwrap();
    let runs = local.cloud().look(|state| {
        let log = &state.lambda.functions["copier"].log;
        log.lines().filter(|(_, line)| *line == "copying").count()
    });
    assert_eq!(runs, 1, "once it was active");
    local.cloud().rest(&never);
}
