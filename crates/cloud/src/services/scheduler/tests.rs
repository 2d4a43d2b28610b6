#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{ROUTES, handle};
use crate::api::{ApiRequest, Protocol, rest};
use crate::furnish::Options;
use crate::services::iam;
use crate::state::State;

const ROLE: &str = "arn:aws:iam::123456789012:role/clock";

fn account() -> State {
    let mut cloud = State::furnished(&Options::default());
    let trust = json!({"Statement": {
        "Effect": "Allow",
        "Principal": {"Service": ["scheduler.amazonaws.com"]},
        "Action": "sts:AssumeRole",
    }})
    .to_string();
    let params = [("RoleName", "clock"), ("AssumeRolePolicyDocument", &trust)];
    iam::handle(&mut cloud, &ApiRequest::query("iam", "CreateRole", &params)).unwrap();
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
        .uri(format!("https://scheduler.us-east-1.amazonaws.com{path}"))
        .body(body)
        .unwrap();
    let (action, json) = rest::read(ROUTES, &http).unwrap();
    let request = ApiRequest {
        protocol: Protocol::RestJson,
        http,
        ..ApiRequest::cbor("scheduler", &action, json)
    };
    let answer = handle(cloud, &request).map_err(|error| error.to_string())?;
    Ok(serde_json::from_slice(answer.body()).unwrap_or_default())
}

fn wish(expression: &str) -> Value {
    json!({
        "ScheduleExpression": expression,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": "arn:aws:lambda:us-east-1:123456789012:function:f",
            "RoleArn": ROLE,
        },
    })
}

#[test]
fn a_schedule_is_made_once_by_its_token() {
    let mut cloud = account();
    let mut wish = wish("rate(5 minutes)");
    wish["ClientToken"] = json!("one");
    let arn = json!("arn:aws:scheduler:us-east-1:123456789012:schedule/default/tick");
    for _ in 0..2 {
        let made = call(&mut cloud, "POST", "/schedules/tick", &wish).unwrap();
        assert_eq!(made["ScheduleArn"], arn);
    }
    wish["ClientToken"] = json!("two");
    assert_eq!(
        call(&mut cloud, "POST", "/schedules/tick", &wish).unwrap_err(),
        "ConflictException: Schedule tick already exists."
    );
    let shown = call(&mut cloud, "GET", "/schedules/tick", &Value::Null).unwrap();
    assert_eq!(shown["State"], "ENABLED");
    assert_eq!(shown["ScheduleExpressionTimezone"], "UTC");
    let listed = call(
        &mut cloud,
        "GET",
        "/schedules?ScheduleGroup=default",
        &Value::Null,
    )
    .unwrap();
    assert_eq!(listed["Schedules"][0]["Name"], "tick");
    call(
        &mut cloud,
        "DELETE",
        "/schedules/tick?groupName=default",
        &Value::Null,
    )
    .unwrap();
    assert_eq!(
        call(&mut cloud, "DELETE", "/schedules/tick", &Value::Null).unwrap_err(),
        "ResourceNotFoundException: Schedule tick does not exist."
    );
}

#[test]
fn what_is_refused_is_named() {
    let mut cloud = account();
    for (pointer, value, refusal) in [
        (
            "/FlexibleTimeWindow/Mode",
            json!("FLEXIBLE"),
            "NotModelled: not modelled by the embedded cloud: the flexible time window \
             'FLEXIBLE' of a schedule (it has 'OFF')",
        ),
        (
            "/Target/Arn",
            json!("arn:aws:sqs:us-east-1:123456789012:q"),
            "NotModelled: not modelled by the embedded cloud: the schedule target \
             'arn:aws:sqs:us-east-1:123456789012:q' (it has Lambda functions)",
        ),
        (
            "/Target/RoleArn",
            json!("arn:aws:iam::123456789012:role/none"),
            "ValidationException: The execution role you provide must allow AWS EventBridge \
             Scheduler to assume the role.",
        ),
        (
            "/ScheduleExpression",
            json!("rate(5 fortnights)"),
            "ValidationException: Invalid Schedule Expression rate(5 fortnights).",
        ),
    ] {
        let mut wish = wish("rate(5 minutes)");
        *wish.pointer_mut(pointer).unwrap() = value;
        assert_eq!(
            call(&mut cloud, "POST", "/schedules/tick", &wish).unwrap_err(),
            refusal
        );
    }
    let mut wish = wish("rate(5 minutes)");
    wish["KmsKeyArn"] = json!("arn:aws:kms:us-east-1:123456789012:key/k");
    assert_eq!(
        call(&mut cloud, "POST", "/schedules/tick", &wish).unwrap_err(),
        "NotModelled: not modelled by the embedded cloud: parameter 'KmsKeyArn' of \
         scheduler:CreateSchedule"
    );
}

#[test]
fn one_that_is_done_vanishes_if_asked_to() {
    let mut cloud = account();
    let mut once = wish("at(2026-01-01T00:01:00)");
    once["ActionAfterCompletion"] = json!("DELETE");
    call(&mut cloud, "POST", "/schedules/once", &once).unwrap();
    call(
        &mut cloud,
        "POST",
        "/schedules/kept",
        &wish("at(2026-01-01T00:01:00)"),
    )
    .unwrap();
    let now = cloud.now + SignedDuration::from_secs(61);
    cloud.advance(now);
    let names: Vec<&String> = cloud.scheduler.schedules.keys().collect();
    assert_eq!(names, ["default/kept"]);
}

#[test]
fn a_target_that_is_not_there_is_asked_again_for_a_while() {
    let mut cloud = account();
    let policy = json!({"Statement": {
        "Effect": "Allow",
        "Action": "lambda:InvokeFunction",
        "Resource": "arn:aws:lambda:*:function:f",
    }})
    .to_string();
    let params = [
        ("RoleName", "clock"),
        ("PolicyName", "invoke"),
        ("PolicyDocument", &policy),
    ];
    iam::handle(
        &mut cloud,
        &ApiRequest::query("iam", "PutRolePolicy", &params),
    )
    .unwrap();
    let mut once = wish("at(2026-01-01T00:01:00)");
    once["Target"]["RetryPolicy"] = json!({"MaximumRetryAttempts": 3});
    call(&mut cloud, "POST", "/schedules/once", &once).unwrap();
    let mut tries = Vec::new();
    while let Some((at, event)) = cloud.events.due(cloud.now + SignedDuration::from_mins(10)) {
        cloud.now = at;
        if let crate::events::Event::Scheduler(event) = event {
            tries.push(at.duration_since(Options::default().start).as_secs());
            super::happen(&mut cloud, event);
        }
    }
    assert_eq!(tries, [60, 62, 66, 74]);
}

#[test]
fn groups_have_tags_and_take_their_schedules_along() {
    let mut cloud = account();
    let group = json!({"Tags": [{"Key": "a", "Value": "1"}]});
    let made = call(&mut cloud, "POST", "/schedule-groups/night", &group).unwrap();
    assert_eq!(
        made["ScheduleGroupArn"],
        "arn:aws:scheduler:us-east-1:123456789012:schedule-group/night"
    );
    let mut wish = wish("rate(1 day)");
    wish["GroupName"] = json!("night");
    call(&mut cloud, "POST", "/schedules/tick", &wish).unwrap();
    let tags = "/tags/arn%3Aaws%3Ascheduler%3Aus-east-1%3A123456789012%3Aschedule-group%2Fnight";
    assert_eq!(
        call(&mut cloud, "GET", tags, &Value::Null).unwrap(),
        json!({"Tags": [{"Key": "a", "Value": "1"}]})
    );
    call(
        &mut cloud,
        "DELETE",
        &format!("{tags}?TagKeys=a"),
        &Value::Null,
    )
    .unwrap();
    assert_eq!(
        call(&mut cloud, "GET", tags, &Value::Null).unwrap(),
        json!({"Tags": []})
    );
    call(&mut cloud, "DELETE", "/schedule-groups/night", &Value::Null).unwrap();
    assert!(cloud.scheduler.schedules.is_empty());
    let listed = call(&mut cloud, "GET", "/schedule-groups", &Value::Null).unwrap();
    assert_eq!(listed["ScheduleGroups"][0]["Name"], "default");
}
