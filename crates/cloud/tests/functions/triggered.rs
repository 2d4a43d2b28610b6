//! Functions that objects, messages and other functions set off.

use opsh_cloud::api::ApiResponse;
use opsh_cloud::services::cloudwatch::metric::{Dimension, Metric};
use opsh_cloud::services::cloudwatch::store::points;
use opsh_cloud::services::s3;
use serde_json::{Value, json};

use crate::world::{World, again, arn, echo, fail, send, slow, start};

pub fn notify(world: &World, bucket: &str, function: &str, prefix: &str) -> ApiResponse {
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
