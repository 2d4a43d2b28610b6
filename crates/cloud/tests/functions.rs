//! Functions: code that the host runs, in the same cloud and on the same clock.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use opsh_cloud::Cloud;
use opsh_cloud::api::ApiResponse;
use opsh_cloud::clock::Branch;
use opsh_cloud::functions::{FunctionError, Invocation, Invoker};
use opsh_cloud::furnish::Options;
use opsh_cloud::services::cloudwatch::metric::{Dimension, Metric};
use opsh_cloud::services::cloudwatch::store::points;
use opsh_cloud::services::s3;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

fn never() -> bool {
    false
}

/// What the code of a test's function does.
type Code = fn(&Invocation) -> Result<Value, FunctionError>;

/// Runs functions by their handler's name, and notes when each began.
struct Native {
    code: BTreeMap<&'static str, Code>,
    begun: Arc<Mutex<Vec<(i64, String)>>>,
}

impl Invoker for Native {
    fn invoke(&self, invocation: &Invocation) -> Result<String, FunctionError> {
        let at = invocation.cloud.clock().now().as_second() - start().as_second();
        let entry = (at, invocation.function.clone());
        self.begun.lock().unwrap().push(entry);
        let code = self.code[invocation.environment["_HANDLER"].as_str()];
        code(invocation).map(|answer| answer.to_string())
    }
}

fn start() -> Timestamp {
    Options::default().start
}

/// A cloud with these functions, each named as its handler, all active.
struct World {
    cloud: Cloud,
    begun: Arc<Mutex<Vec<(i64, String)>>>,
}

impl World {
    fn with(code: &[(&'static str, Code)]) -> Self {
        let world = Self::on(Cloud::furnished(&Options::default()), code);
        world.trust("run", "lambda");
        world.trust("clock", "scheduler");
        let policy = json!({"Statement": {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": "*",
        }});
        let form = format!(
            "Action=PutRolePolicy&RoleName=clock&PolicyName=invoke&PolicyDocument={policy}"
        );
        assert_eq!(world.form("iam", &form).status(), 200);
        for (name, _) in code {
            world.make(name, 60);
        }
        world.sleep(3);
        world
    }

    fn on(cloud: Cloud, code: &[(&'static str, Code)]) -> Self {
        let begun = Arc::<Mutex<Vec<_>>>::default();
        cloud.employ(Arc::new(Native {
            code: code.iter().copied().collect(),
            begun: Arc::clone(&begun),
        }));
        Self { cloud, begun }
    }

    fn trust(&self, role: &str, service: &str) {
        let trust = json!({"Statement": {
            "Effect": "Allow",
            "Principal": {"Service": format!("{service}.amazonaws.com")},
            "Action": "sts:AssumeRole",
        }});
        let form = format!("Action=CreateRole&RoleName={role}&AssumeRolePolicyDocument={trust}");
        assert_eq!(self.form("iam", &form).status(), 200);
    }

    fn make(&self, name: &str, timeout: u32) {
        let wish = json!({
            "FunctionName": name,
            "Runtime": "provided.al2023",
            "Handler": name,
            "Role": "arn:aws:iam::123456789012:role/run",
            "Code": {"ZipFile": STANDARD.encode(zipped(0o755))},
            "Timeout": timeout,
        });
        let made = self.lambda("POST", "/2015-03-31/functions", &wish);
        assert_eq!(made.status(), 201, "{made:?}");
    }

    fn admit(&self, function: &str, service: &str) {
        let permission = json!({
            "StatementId": service,
            "Action": "lambda:InvokeFunction",
            "Principal": format!("{service}.amazonaws.com"),
        });
        let path = format!("/2015-03-31/functions/{function}/policy");
        assert_eq!(self.lambda("POST", &path, &permission).status(), 201);
    }

    fn every(&self, name: &str, expression: &str, function: &str) {
        let wish = json!({
            "ScheduleExpression": expression,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": arn(function),
                "RoleArn": "arn:aws:iam::123456789012:role/clock",
                "Input": json!({"from": name}).to_string(),
            },
        });
        let made = self.json("scheduler", "POST", &format!("/schedules/{name}"), &wish);
        assert_eq!(made.status(), 200, "{made:?}");
    }

    fn invoke(&self, function: &str, event: &Value) -> ApiResponse {
        invoke(&self.cloud, function, event, &[("x-amz-log-type", "Tail")])
    }

    fn lambda(&self, method: &str, path: &str, body: &Value) -> ApiResponse {
        self.json("lambda", method, path, body)
    }

    fn json(&self, service: &str, method: &str, path: &str, body: &Value) -> ApiResponse {
        let url = format!("https://{service}.us-east-1.amazonaws.com{path}");
        send(&self.cloud, service, method, &url, body.to_string(), &[])
    }

    fn form(&self, service: &str, form: &str) -> ApiResponse {
        let url = format!("https://{service}.us-east-1.amazonaws.com/");
        send(&self.cloud, service, "POST", &url, form.to_owned(), &[])
    }

    fn s3(&self, method: &str, path: &str, body: &str) -> u16 {
        put(&self.cloud, method, path, body)
    }

    fn sleep(&self, seconds: u64) {
        self.cloud
            .clock()
            .sleep(Duration::from_secs(seconds), &never)
            .unwrap();
    }

    fn begun(&self) -> Vec<(i64, String)> {
        std::mem::take(&mut *self.begun.lock().unwrap())
    }

    fn enter(&self) -> Branch {
        self.cloud.clock().enter(&[])
    }

    /// What a function's log says.
    fn log(&self, function: &str) -> Vec<String> {
        self.cloud.look(|state| {
            let lines = state.lambda.functions[function].log.lines();
            lines.map(|(_, line)| line.to_owned()).collect()
        })
    }
}

fn zipped(mode: u32) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(mode);
    writer.start_file("bootstrap", options).unwrap();
    writer.write_all(b"native").unwrap();
    writer.finish().unwrap().into_inner()
}

fn arn(function: &str) -> String {
    format!("arn:aws:lambda:us-east-1:123456789012:function:{function}")
}

fn send(
    cloud: &Cloud,
    service: &str,
    method: &str,
    url: &str,
    body: String,
    headers: &[(&str, &str)],
) -> ApiResponse {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=0"
    );
    let mut request = http::Request::builder()
        .method(method)
        .uri(url)
        .header("authorization", authorization);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Bytes::from(body)).unwrap();
    let answer = cloud.clock().block_on(cloud.aws(request), &never);
    answer.unwrap().unwrap()
}

fn invoke(cloud: &Cloud, function: &str, event: &Value, headers: &[(&str, &str)]) -> ApiResponse {
    let url = format!(
        "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/{function}/invocations"
    );
    send(cloud, "lambda", "POST", &url, event.to_string(), headers)
}

fn put(cloud: &Cloud, method: &str, path: &str, body: &str) -> u16 {
    let url = format!("https://s3.us-east-1.amazonaws.com{path}");
    send(cloud, "s3", method, &url, body.to_owned(), &[])
        .status()
        .as_u16()
}

fn body(answer: &ApiResponse) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

fn event(invocation: &Invocation) -> Value {
    serde_json::from_str(&invocation.event).unwrap()
}

fn pause(invocation: &Invocation, seconds: u64) -> Result<Value, FunctionError> {
    let clock = invocation.cloud.clock();
    match clock.sleep(Duration::from_secs(seconds), &never) {
        Ok(()) => Ok(json!("slept")),
        Err(stopped) => Err(FunctionError::new("Stopped", stopped.to_string())),
    }
}

fn echo(invocation: &Invocation) -> Result<Value, FunctionError> {
    invocation.log(format!("got {}", invocation.event));
    Ok(json!({"echo": event(invocation)}))
}

fn fail(_: &Invocation) -> Result<Value, FunctionError> {
    Err(FunctionError::new("Sad", "it went wrong"))
}

fn crash(_: &Invocation) -> Result<Value, FunctionError> {
    panic!("a function may")
}

fn slow(invocation: &Invocation) -> Result<Value, FunctionError> {
    pause(invocation, 40)
}

/// Puts the event into a bucket, half a minute later.
fn keep(invocation: &Invocation) -> Result<Value, FunctionError> {
    pause(invocation, 30)?;
    let status = put(
        &invocation.cloud,
        "PUT",
        "/kept/copy/event",
        &invocation.event,
    );
    Ok(json!(status))
}

/// Invokes `echo` and answers what it says.
fn relay(invocation: &Invocation) -> Result<Value, FunctionError> {
    let answer = invoke(&invocation.cloud, "echo", &json!({"by": "relay"}), &[]);
    pause(invocation, 5)?;
    Ok(body(&answer))
}

/// Puts an object where putting sets it off again.
fn again(invocation: &Invocation) -> Result<Value, FunctionError> {
    Ok(json!(put(
        &invocation.cloud,
        "PUT",
        "/loop/object",
        "again"
    )))
}

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

#[test]
fn schedules_fire_while_a_sleeper_sleeps() {
    let world = World::with(&[("echo", echo), ("slow", slow)]);
    let _root = world.enter();
    world.every("tick", "rate(1 minute)", "echo");
    world.every("tock", "cron(2/2 * * * ? *)", "slow");
    world.sleep(4 * 60);
    let expected = [
        (3, "echo"),
        (63, "echo"),
        (120, "slow"),
        (123, "echo"),
        (183, "echo"),
    ];
    let expected: Vec<(i64, String)> = expected
        .into_iter()
        .map(|(at, name)| (at, name.to_owned()))
        .chain([(240, "slow".to_owned()), (243, "echo".to_owned())])
        .collect();
    assert_eq!(world.begun(), expected);
    assert!(
        world
            .log("echo")
            .contains(&r#"got {"from":"tick"}"#.to_owned())
    );
    // 40 seconds from minute 2 have passed for the one, and none yet for the other.
    let reports = |name| {
        let log = world.log(name);
        log.iter().filter(|line| line.starts_with("REPORT")).count()
    };
    assert_eq!((reports("slow"), reports("echo")), (1, 5));
}

#[test]
fn the_same_order_every_time() {
    let once = || {
        let world = World::with(&[("keep", keep), ("echo", echo), ("relay", relay)]);
        let root = world.enter();
        world.s3("PUT", "/kept", "");
        for (name, function) in [("a", "keep"), ("b", "relay"), ("c", "echo")] {
            world.every(name, "rate(1 minute)", function);
        }
        for _ in 0..5 {
            world.sleep(47);
            world.invoke("relay", &json!({}));
        }
        drop(root);
        world.cloud.rest(&never);
        let state = world
            .cloud
            .look(|state| serde_json::to_string(state).unwrap());
        (world.begun(), state)
    };
    let first = once();
    for _ in 0..5 {
        let (begun, state) = once();
        assert_eq!(begun, first.0);
        assert!(state == first.1, "another state in the end");
    }
}

#[test]
fn a_year_can_be_interrupted() {
    let world = World::with(&[("echo", echo)]);
    let _root = world.enter();
    world.every("tick", "rate(1 minute)", "echo");
    let begun = Arc::clone(&world.begun);
    let stop = move || begun.lock().unwrap().len() > 20;
    let year = Duration::from_hours(365 * 24);
    world.cloud.clock().sleep(year, &stop).unwrap_err();
    assert!(world.begun().len() < 100_000);
}

fn notify(world: &World, bucket: &str, function: &str, prefix: &str) -> ApiResponse {
    let url = format!("https://s3.us-east-1.amazonaws.com/{bucket}?notification");
    let xml = format!(
        "<NotificationConfiguration><CloudFunctionConfiguration><Id>one</Id><CloudFunction>{}\
         </CloudFunction><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix\
         </Name><Value>{prefix}</Value></FilterRule></S3Key></Filter></CloudFunctionConfiguration>\
         </NotificationConfiguration>",
        arn(function)
    );
    send(&world.cloud, "s3", "PUT", &url, xml, &[])
}

#[test]
fn new_objects_set_functions_off() {
    let world = World::with(&[("echo", echo)]);
    let _root = world.enter();
    world.s3("PUT", "/photos", "");
    let refused = notify(&world, "photos", "echo", "in/");
    let refusal = String::from_utf8_lossy(refused.body()).into_owned();
    assert!(
        refusal.contains("Unable to validate the following destination configurations"),
        "{refusal}"
    );
    world.admit("echo", "s3");
    assert_eq!(notify(&world, "photos", "echo", "in/").status(), 200);
    world.s3("PUT", "/photos/out/a.jpg", "no");
    world.s3("PUT", "/photos/in/a%20b.jpg", "yes");
    assert_eq!(world.begun(), []);
    world.sleep(1);
    assert_eq!(world.begun(), [(3, "echo".to_owned())]);
    let log = world.log("echo");
    let got = log
        .iter()
        .find_map(|line| line.strip_prefix("got "))
        .unwrap();
    let record = &serde_json::from_str::<Value>(got).unwrap()["Records"][0];
    assert_eq!(record["eventName"], "ObjectCreated:Put");
    assert_eq!(record["s3"]["bucket"]["name"], "photos");
    assert_eq!(record["s3"]["object"]["key"], "in/a+b.jpg");
    assert_eq!(record["s3"]["object"]["size"], 3);
}

#[test]
fn logs_that_a_balancer_delivers_set_functions_off() {
    let world = World::with(&[("echo", echo)]);
    let _root = world.enter();
    world.s3("PUT", "/weblogs", "");
    world.admit("echo", "s3");
    assert_eq!(notify(&world, "weblogs", "echo", "AWSLogs/").status(), 200);
    let principal = "logdelivery.elasticloadbalancing.amazonaws.com";
    let policy = json!({"Statement": {
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::weblogs/AWSLogs/*",
    }});
    assert_eq!(world.s3("PUT", "/weblogs?policy", &policy.to_string()), 204);
    let delivered = world.cloud.change(|state| {
        let key = "AWSLogs/123456789012/one.log.gz";
        s3::deliver(
            state,
            principal,
            "weblogs",
            key,
            "application/gzip",
            "x".into(),
        )
    });
    delivered.unwrap().unwrap();
    world.sleep(1);
    assert_eq!(world.begun(), [(3, "echo".to_owned())]);
}

#[test]
fn what_runs_publishes_metrics() {
    let world = World::with(&[("fail", fail), ("slow", slow)]);
    let _root = world.enter();
    world.invoke("fail", &json!({}));
    world.invoke("slow", &json!({}));
    let sum = |function: &str, name: &str| {
        let metric = Metric {
            namespace: "AWS/Lambda".to_owned(),
            name: name.to_owned(),
            dimensions: vec![Dimension::new("FunctionName", function)],
        };
        let from = start().as_second();
        let points = world
            .cloud
            .change(|state| points(state, &metric, from..from + 60, 60, None));
        let points = points.unwrap();
        points.iter().map(|point| point.summary.sum).sum::<f64>()
    };
    for (function, name, expected) in [
        ("fail", "Invocations", 1.0),
        ("fail", "Errors", 1.0),
        ("slow", "Errors", 0.0),
        ("slow", "Duration", 40_000.0),
    ] {
        let value = sum(function, name);
        assert!((value - expected).abs() < 0.5, "{function} {name}: {value}");
    }
}

#[test]
fn a_function_that_sets_itself_off_is_cut() {
    let world = World::with(&[("again", again)]);
    let _root = world.enter();
    world.s3("PUT", "/loop", "");
    world.admit("again", "s3");
    assert_eq!(notify(&world, "loop", "again", "").status(), 200);
    world.s3("PUT", "/loop/object", "first");
    world.sleep(1);
    assert_eq!(world.begun().len(), 16);
}

#[test]
fn messages_reach_subscribed_functions() {
    let world = World::with(&[("echo", echo)]);
    let _root = world.enter();
    let topic = "arn:aws:sns:us-east-1:123456789012:news";
    let version = "Version=2010-03-31";
    world.form("sns", &format!("Action=CreateTopic&{version}&Name=news"));
    let subscribe = format!(
        "Action=Subscribe&{version}&TopicArn={topic}&Protocol=lambda&Endpoint={}",
        arn("echo")
    );
    assert_eq!(world.form("sns", &subscribe).status(), 200);
    let publish = format!("Action=Publish&{version}&TopicArn={topic}&Message=hello");
    world.form("sns", &publish);
    world.sleep(1);
    assert_eq!(world.begun(), [], "its policy does not let SNS in");
    world.admit("echo", "sns");
    world.form("sns", &publish);
    world.sleep(1);
    let log = world.log("echo");
    let got = log
        .iter()
        .find_map(|line| line.strip_prefix("got "))
        .unwrap();
    let record = &serde_json::from_str::<Value>(got).unwrap()["Records"][0];
    assert_eq!(record["EventSource"], "aws:sns");
    assert_eq!(record["Sns"]["Message"], "hello");
}

#[test]
fn a_left_event_is_tried_three_times() {
    let world = World::with(&[("fail", fail)]);
    let _root = world.enter();
    let left = invoke(
        &world.cloud,
        "fail",
        &json!({}),
        &[("x-amz-invocation-type", "Event")],
    );
    assert_eq!(left.status(), 202);
    world.sleep(3600);
    let at: Vec<i64> = world.begun().into_iter().map(|(at, _)| at).collect();
    assert_eq!(at, [3, 63, 183]);
}

#[test]
fn the_end_of_a_command_waits_for_what_is_under_way() {
    let world = World::with(&[("keep", keep), ("echo", echo)]);
    world.s3("PUT", "/kept", "");
    world.admit("echo", "s3");
    assert_eq!(notify(&world, "kept", "echo", "copy/").status(), 200);
    {
        let _root = world.enter();
        world.every("tick", "rate(1 minute)", "echo");
        invoke(
            &world.cloud,
            "keep",
            &json!({}),
            &[("x-amz-invocation-type", "Event")],
        );
    }
    world.cloud.rest(&never);
    let begun = world.begun();
    assert!(
        begun.contains(&(33, "echo".to_owned())),
        "the object set it off: {begun:?}"
    );
    assert!(
        world
            .log("keep")
            .iter()
            .any(|line| line.starts_with("REPORT"))
    );
    assert_eq!(
        world.cloud.clock().now().as_second() - start().as_second(),
        33
    );
}

#[test]
fn schedules_and_events_go_on_with_the_next_command() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::default();
    let code: &[(&'static str, Code)] = &[("echo", echo)];
    {
        let first = World::with(code);
        let saved = first.cloud.look(Clone::clone);
        let cloud = Cloud::open(folder.path(), &options).unwrap();
        cloud.change(|state| *state = saved).unwrap();
        let world = World::on(cloud, code);
        world.every("tick", "rate(5 minutes)", "echo");
        assert_eq!(
            world
                .cloud
                .status()
                .counts
                .iter()
                .filter(|count| count.0 == "scheduler")
                .count(),
            1
        );
    }
    let world = World::on(Cloud::open(folder.path(), &options).unwrap(), code);
    world.sleep(11 * 60);
    assert_eq!(world.begun().len(), 3);
}
