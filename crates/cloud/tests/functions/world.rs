//! A cloud whose functions are code of these tests.

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
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

pub fn never() -> bool {
    false
}

/// What the code of a test's function does.
pub type Code = fn(&Invocation) -> Result<Value, FunctionError>;

/// Runs functions by their handler's name, and notes when each began.
pub struct Native {
    pub code: BTreeMap<&'static str, Code>,
    pub begun: Arc<Mutex<Vec<(i64, String)>>>,
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

pub fn start() -> Timestamp {
    Options::default().start
}

/// A cloud with these functions, each named as its handler, all active.
pub struct World {
    pub cloud: Cloud,
    pub begun: Arc<Mutex<Vec<(i64, String)>>>,
}

impl World {
    pub fn with(code: &[(&'static str, Code)]) -> Self {
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

    pub fn on(cloud: Cloud, code: &[(&'static str, Code)]) -> Self {
        let begun = Arc::<Mutex<Vec<_>>>::default();
        cloud.employ(Arc::new(Native {
            code: code.iter().copied().collect(),
            begun: Arc::clone(&begun),
        }));
        Self { cloud, begun }
    }

    pub fn trust(&self, role: &str, service: &str) {
        let trust = json!({"Statement": {
            "Effect": "Allow",
            "Principal": {"Service": format!("{service}.amazonaws.com")},
            "Action": "sts:AssumeRole",
        }});
        let form = format!("Action=CreateRole&RoleName={role}&AssumeRolePolicyDocument={trust}");
        assert_eq!(self.form("iam", &form).status(), 200);
    }

    pub fn make(&self, name: &str, timeout: u32) {
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

    pub fn admit(&self, function: &str, service: &str) {
        let permission = json!({
            "StatementId": service,
            "Action": "lambda:InvokeFunction",
            "Principal": format!("{service}.amazonaws.com"),
        });
        let path = format!("/2015-03-31/functions/{function}/policy");
        assert_eq!(self.lambda("POST", &path, &permission).status(), 201);
    }

    pub fn every(&self, name: &str, expression: &str, function: &str) {
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

    pub fn invoke(&self, function: &str, event: &Value) -> ApiResponse {
        invoke(&self.cloud, function, event, &[("x-amz-log-type", "Tail")])
    }

    pub fn lambda(&self, method: &str, path: &str, body: &Value) -> ApiResponse {
        self.json("lambda", method, path, body)
    }

    pub fn json(&self, service: &str, method: &str, path: &str, body: &Value) -> ApiResponse {
        let url = format!("https://{service}.us-east-1.amazonaws.com{path}");
        send(&self.cloud, service, method, &url, body.to_string(), &[])
    }

    pub fn form(&self, service: &str, form: &str) -> ApiResponse {
        let url = format!("https://{service}.us-east-1.amazonaws.com/");
        send(&self.cloud, service, "POST", &url, form.to_owned(), &[])
    }

    pub fn s3(&self, method: &str, path: &str, body: &str) -> u16 {
        put(&self.cloud, method, path, body)
    }

    pub fn sleep(&self, seconds: u64) {
        self.cloud
            .clock()
            .sleep(Duration::from_secs(seconds), &never)
            .unwrap();
    }

    pub fn begun(&self) -> Vec<(i64, String)> {
        std::mem::take(&mut *self.begun.lock().unwrap())
    }

    pub fn enter(&self) -> Branch {
        self.cloud.clock().enter(&[])
    }

    /// What a function's log says.
    pub fn log(&self, function: &str) -> Vec<String> {
        self.cloud.look(|state| {
            let lines = state.lambda.functions[function].log.lines();
            lines.map(|(_, line)| line.to_owned()).collect()
        })
    }
}

pub fn zipped(mode: u32) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(mode);
    writer.start_file("bootstrap", options).unwrap();
    writer.write_all(b"native").unwrap();
    writer.finish().unwrap().into_inner()
}

pub fn arn(function: &str) -> String {
    format!("arn:aws:lambda:us-east-1:123456789012:function:{function}")
}

pub fn send(
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

pub fn invoke(
    cloud: &Cloud,
    function: &str,
    event: &Value,
    headers: &[(&str, &str)],
) -> ApiResponse {
    let url = format!(
        "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/{function}/invocations"
    );
    send(cloud, "lambda", "POST", &url, event.to_string(), headers)
}

pub fn put(cloud: &Cloud, method: &str, path: &str, body: &str) -> u16 {
    let url = format!("https://s3.us-east-1.amazonaws.com{path}");
    send(cloud, "s3", method, &url, body.to_owned(), &[])
        .status()
        .as_u16()
}

pub fn body(answer: &ApiResponse) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

pub fn event(invocation: &Invocation) -> Value {
    serde_json::from_str(&invocation.event).unwrap()
}

pub fn pause(invocation: &Invocation, seconds: u64) -> Result<Value, FunctionError> {
    let clock = invocation.cloud.clock();
    match clock.sleep(Duration::from_secs(seconds), &never) {
        Ok(()) => Ok(json!("slept")),
        Err(stopped) => Err(FunctionError::new("Stopped", stopped.to_string())),
    }
}

pub fn echo(invocation: &Invocation) -> Result<Value, FunctionError> {
    invocation.log(format!("got {}", invocation.event));
    Ok(json!({"echo": event(invocation)}))
}

pub fn fail(_: &Invocation) -> Result<Value, FunctionError> {
    Err(FunctionError::new("Sad", "it went wrong"))
}

pub fn crash(_: &Invocation) -> Result<Value, FunctionError> {
    panic!("a function may")
}

pub fn slow(invocation: &Invocation) -> Result<Value, FunctionError> {
    pause(invocation, 40)
}

/// Puts the event into a bucket, half a minute later.
pub fn keep(invocation: &Invocation) -> Result<Value, FunctionError> {
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
pub fn relay(invocation: &Invocation) -> Result<Value, FunctionError> {
    let answer = invoke(&invocation.cloud, "echo", &json!({"by": "relay"}), &[]);
    pause(invocation, 5)?;
    Ok(body(&answer))
}

/// Puts an object where putting sets it off again.
pub fn again(invocation: &Invocation) -> Result<Value, FunctionError> {
    Ok(json!(put(
        &invocation.cloud,
        "PUT",
        "/loop/object",
        "again"
    )))
}
