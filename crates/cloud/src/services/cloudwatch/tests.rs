#![allow(clippy::unwrap_used)]

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::api::{ApiError, ApiRequest, cbor};
use crate::furnish::Options;
use crate::services::sns;
use crate::state::State;

fn call(cloud: &mut State, action: &str, body: Value) -> Result<Value, ApiError> {
    let response = super::handle(cloud, &ApiRequest::cbor("cloudwatch", action, body))?;
    Ok(cbor::decode(response.body()).unwrap())
}

fn cloud() -> State {
    State::furnished(&Options::default())
}

#[allow(clippy::cast_precision_loss)]
fn seconds(cloud: &State, ago: i64) -> f64 {
    (cloud.now.as_second() - ago) as f64
}

fn put(cloud: &mut State, value: f64) {
    call(
        cloud,
        "PutMetricData",
        json!({"Namespace": "App", "MetricData": [{"MetricName": "Views", "Value": value, "Unit": "Count"}]}),
    )
    .unwrap();
}

fn wait(cloud: &mut State, seconds: i64) {
    cloud.advance(cloud.now + SignedDuration::from_secs(seconds));
}

#[test]
fn statistics_are_made_of_what_was_published() {
    let mut cloud = cloud();
    let begin = seconds(&cloud, 0);
    for value in [1.0, 2.0, 6.0] {
        put(&mut cloud, value);
        wait(&mut cloud, 20);
    }
    put(&mut cloud, 10.0);
    wait(&mut cloud, 60);
    let answer = call(
        &mut cloud,
        "GetMetricStatistics",
        json!({
            "Namespace": "App", "MetricName": "Views", "Period": 60,
            "StartTime": begin, "EndTime": begin + 120.0,
            "Statistics": ["Average", "Sum", "SampleCount", "Minimum", "Maximum"],
            "ExtendedStatistics": ["p50"],
        }),
    )
    .unwrap();
    assert_eq!(
        answer,
        json!({"Label": "Views", "Datapoints": [
            {"Timestamp": begin, "Average": 3.0, "Sum": 9.0, "SampleCount": 3.0, "Minimum": 1.0,
             "Maximum": 6.0, "Unit": "Count", "ExtendedStatistics": {"p50": 2.0}},
            {"Timestamp": begin + 60.0, "Average": 10.0, "Sum": 10.0, "SampleCount": 1.0,
             "Minimum": 10.0, "Maximum": 10.0, "Unit": "Count", "ExtendedStatistics": {"p50": 10.0}},
        ]})
    );
}

#[test]
fn data_come_latest_first_unless_asked_otherwise_and_in_pages() {
    let mut cloud = cloud();
    let begin = seconds(&cloud, 0);
    for value in [1.0, 2.0, 3.0] {
        put(&mut cloud, value);
        wait(&mut cloud, 60);
    }
    let mut ask = |scan_by: &str, token: Option<&str>| {
        let mut body = json!({
            "StartTime": begin, "EndTime": begin + 180.0, "ScanBy": scan_by, "MaxDatapoints": 2,
            "MetricDataQueries": [{"Id": "v", "MetricStat": {
                "Metric": {"Namespace": "App", "MetricName": "Views"}, "Period": 60, "Stat": "Sum",
            }}],
        });
        if let Some(token) = token {
            body["NextToken"] = json!(token);
        }
        call(&mut cloud, "GetMetricData", body).unwrap()
    };
    let first = ask("TimestampDescending", None);
    assert_eq!(first["MetricDataResults"][0]["Values"], json!([3.0, 2.0]));
    assert_eq!(first["MetricDataResults"][0]["StatusCode"], "PartialData");
    let rest = ask("TimestampDescending", first["NextToken"].as_str());
    assert_eq!(rest["MetricDataResults"][0]["Values"], json!([1.0]));
    assert_eq!(rest["MetricDataResults"][0]["StatusCode"], "Complete");
    let ascending = ask("TimestampAscending", None);
    assert_eq!(
        ascending["MetricDataResults"][0]["Values"],
        json!([1.0, 2.0])
    );
}

#[test]
fn math_is_refused_by_name() {
    let mut cloud = cloud();
    let refusal = call(
        &mut cloud,
        "GetMetricData",
        json!({"StartTime": 0, "EndTime": 60, "MetricDataQueries": [{"Id": "e", "Expression": "SUM(m1)"}]}),
    )
    .unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "NotModelled: not modelled by the embedded cloud: parameter 'MetricDataQueries[0].Expression' of cloudwatch:GetMetricData"
    );
}

#[test]
fn metrics_are_listed_by_namespace_name_and_dimension() {
    let mut cloud = cloud();
    for (name, page) in [("Views", "home"), ("Views", "about"), ("Errors", "home")] {
        call(
            &mut cloud,
            "PutMetricData",
            json!({"Namespace": "App", "MetricData": [{
                "MetricName": name, "Value": 1.0, "Dimensions": [{"Name": "Page", "Value": page}],
            }]}),
        )
        .unwrap();
    }
    let mut count = |filter: Value| {
        let answer = call(&mut cloud, "ListMetrics", filter).unwrap();
        answer["Metrics"].as_array().unwrap().len()
    };
    assert_eq!(count(json!({})), 3);
    assert_eq!(count(json!({"MetricName": "Views"})), 2);
    assert_eq!(
        count(json!({"Dimensions": [{"Name": "Page", "Value": "home"}]})),
        2
    );
    assert_eq!(
        count(json!({"Dimensions": [{"Name": "Page"}], "Namespace": "Other"})),
        0
    );
    wait(&mut cloud, 15 * 86_400);
    let later = call(&mut cloud, "ListMetrics", json!({})).unwrap();
    assert_eq!(later["Metrics"], json!([]));
}

#[test]
fn what_is_published_must_be_within_reach_of_now() {
    let mut cloud = cloud();
    let mut refusal = |at: f64| {
        let body = json!({"Namespace": "App", "MetricData": [{"MetricName": "m", "Value": 1.0, "Timestamp": at}]});
        call(&mut cloud, "PutMetricData", body).unwrap_err().message
    };
    let now = 1_767_225_600.0;
    assert_eq!(
        refusal(now + 7201.0),
        "The parameter MetricData.member.1.Timestamp must specify a time no more than two hours in the future."
    );
    assert_eq!(
        refusal(now - 14.0 * 86_400.0 - 1.0),
        "The parameter MetricData.member.1.Timestamp must specify a time no more than two weeks in the past."
    );
}

fn alarm(cloud: &mut State, more: Value) {
    let mut body = json!({
        "AlarmName": "busy", "Namespace": "App", "MetricName": "Views", "Statistic": "Sum",
        "Period": 60, "EvaluationPeriods": 2, "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanThreshold", "Tags": [{"Key": "opsh:stack", "Value": "s"}],
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    call(cloud, "PutMetricAlarm", body).unwrap();
}

fn shown(cloud: &mut State) -> Value {
    call(cloud, "DescribeAlarms", json!({"AlarmNames": ["busy"]})).unwrap()["MetricAlarms"][0]
        .clone()
}

#[test]
fn an_alarm_follows_its_metric_and_tells_its_topic() {
    let mut cloud = cloud();
    let query = |action: &str, params: &[(&str, &str)]| ApiRequest::query("sns", action, params);
    let topic = "arn:aws:sns:us-east-1:123456789012:ops";
    sns::handle(&mut cloud, &query("CreateTopic", &[("Name", "ops")])).unwrap();
    let subscribe = [
        ("TopicArn", topic),
        ("Protocol", "sms"),
        ("Endpoint", "+15550100200"),
    ];
    sns::handle(&mut cloud, &query("Subscribe", &subscribe)).unwrap();

    alarm(
        &mut cloud,
        json!({"AlarmActions": [topic], "OKActions": [topic]}),
    );
    assert_eq!(shown(&mut cloud)["StateValue"], "INSUFFICIENT_DATA");
    for value in [1.0, 9.0, 10.0] {
        put(&mut cloud, value);
        wait(&mut cloud, 60);
    }
    let sounding = shown(&mut cloud);
    assert_eq!(sounding["StateValue"], "ALARM");
    assert_eq!(
        sounding["StateReason"],
        "Threshold Crossed: 2 out of the last 2 datapoints [10.0 (01/01/26 00:02:00), \
         9.0 (01/01/26 00:01:00)] were greater than the threshold (5.0) \
         (minimum 2 datapoints for OK -> ALARM transition)."
    );
    let told: Vec<Value> = cloud
        .sns
        .outbox
        .iter()
        .map(|delivery| serde_json::from_str(&delivery.body).unwrap())
        .collect();
    assert_eq!(told.len(), 2, "became OK, then ALARM");
    assert_eq!(told[1]["NewStateValue"], "ALARM");
    assert_eq!(told[1]["Trigger"]["Statistic"], "SUM");
    assert_eq!(
        cloud.sns.outbox[1].subject.as_deref(),
        Some("ALARM: \"busy\" in US East (N. Virginia)")
    );

    wait(&mut cloud, 600);
    assert_eq!(shown(&mut cloud)["StateValue"], "INSUFFICIENT_DATA");
    let history = call(
        &mut cloud,
        "DescribeAlarmHistory",
        json!({"AlarmName": "busy", "HistoryItemType": "StateUpdate", "ScanBy": "TimestampAscending"}),
    )
    .unwrap();
    let summaries: Vec<&str> = history["AlarmHistoryItems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["HistorySummary"].as_str().unwrap())
        .collect();
    assert_eq!(
        summaries,
        [
            "Alarm updated from INSUFFICIENT_DATA to OK",
            "Alarm updated from OK to ALARM",
            "Alarm updated from ALARM to INSUFFICIENT_DATA",
        ]
    );
}

#[test]
fn no_data_is_good_or_bad_as_the_alarm_says() {
    for (missing, verdict, reason) in [
        (
            "breaching",
            "ALARM",
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching].",
        ),
        (
            "notBreaching",
            "OK",
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [NonBreaching].",
        ),
        (
            "ignore",
            "INSUFFICIENT_DATA",
            "Unchecked: Initial alarm creation",
        ),
    ] {
        let mut cloud = cloud();
        alarm(&mut cloud, json!({"TreatMissingData": missing}));
        wait(&mut cloud, 60);
        let alarm = shown(&mut cloud);
        assert_eq!(alarm["StateValue"], verdict);
        assert_eq!(alarm["StateReason"], reason);
    }
}

#[test]
fn switched_off_alarms_change_but_set_nothing_off() {
    let mut cloud = cloud();
    let topic = "arn:aws:sns:us-east-1:123456789012:ops";
    alarm(&mut cloud, json!({"AlarmActions": [topic]}));
    call(
        &mut cloud,
        "DisableAlarmActions",
        json!({"AlarmNames": ["busy"]}),
    )
    .unwrap();
    let set = json!({"AlarmName": "busy", "StateValue": "ALARM", "StateReason": "drill"});
    call(&mut cloud, "SetAlarmState", set.clone()).unwrap();
    assert_eq!(shown(&mut cloud)["StateReason"], "drill");
    let actions = |cloud: &mut State| {
        let body = json!({"HistoryItemType": "Action"});
        let history = call(cloud, "DescribeAlarmHistory", body).unwrap();
        history["AlarmHistoryItems"].as_array().unwrap().len()
    };
    assert_eq!(actions(&mut cloud), 0);
    call(
        &mut cloud,
        "EnableAlarmActions",
        json!({"AlarmNames": ["busy"]}),
    )
    .unwrap();
    let back = json!({"AlarmName": "busy", "StateValue": "OK", "StateReason": "drill"});
    call(&mut cloud, "SetAlarmState", back).unwrap();
    call(&mut cloud, "SetAlarmState", set).unwrap();
    assert_eq!(
        actions(&mut cloud),
        1,
        "the topic is missing: the failure is told"
    );
}

#[test]
fn deleted_alarms_are_gone_and_one_made_again_starts_anew() {
    let mut cloud = cloud();
    alarm(&mut cloud, json!({}));
    let names = json!({"AlarmNames": ["busy"]});
    call(&mut cloud, "DeleteAlarms", names.clone()).unwrap();
    assert_eq!(
        call(&mut cloud, "DeleteAlarms", names).unwrap_err().code,
        "ResourceNotFound"
    );
    alarm(&mut cloud, json!({}));
    assert_eq!(
        shown(&mut cloud)["StateReason"],
        "Unchecked: Initial alarm creation"
    );
}

#[test]
fn tags_are_put_listed_and_taken() {
    let mut cloud = cloud();
    alarm(&mut cloud, json!({}));
    let arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:busy";
    let more = json!({"ResourceARN": arn, "Tags": [{"Key": "env", "Value": "prod"}]});
    call(&mut cloud, "TagResource", more).unwrap();
    let less = json!({"ResourceARN": arn, "TagKeys": ["opsh:stack"]});
    call(&mut cloud, "UntagResource", less).unwrap();
    let listed = call(
        &mut cloud,
        "ListTagsForResource",
        json!({"ResourceARN": arn}),
    )
    .unwrap();
    assert_eq!(listed, json!({"Tags": [{"Key": "env", "Value": "prod"}]}));
}

#[test]
fn instances_have_no_metrics_at_first_and_then_every_minute_if_monitored() {
    use crate::furnish::AL2023_X86_64;
    use crate::services::ec2;
    let mut cloud = cloud();
    let mut launch = |monitored: bool| {
        let data = ec2::LaunchData {
            image: Some(AL2023_X86_64.to_owned()),
            instance_type: Some("t3.nano".to_owned()),
            monitoring: Some(monitored),
            ..ec2::LaunchData::default()
        };
        let spec = ec2::LaunchSpec {
            data,
            min: 1,
            max: 1,
            ..ec2::LaunchSpec::default()
        };
        ec2::launch(&mut cloud, spec).unwrap().remove(0)
    };
    let (minutely, basic) = (launch(true), launch(false));
    let begin = seconds(&cloud, 0);
    let count = |cloud: &mut State, instance: &str, name: &str| {
        let body = json!({
            "Namespace": "AWS/EC2", "MetricName": name, "Period": 60,
            "Dimensions": [{"Name": "InstanceId", "Value": instance}],
            "StartTime": begin, "EndTime": begin + 3600.0, "Statistics": ["Average"],
        });
        let answer = call(cloud, "GetMetricStatistics", body).unwrap();
        answer["Datapoints"].as_array().unwrap().len()
    };
    wait(&mut cloud, 120);
    assert_eq!(count(&mut cloud, &minutely, "CPUUtilization"), 0);
    wait(&mut cloud, 1080);
    assert!(count(&mut cloud, &minutely, "CPUUtilization") >= 15);
    let basics = count(&mut cloud, &basic, "NetworkIn");
    assert!((2..=4).contains(&basics), "{basics}");
    assert!(count(&mut cloud, &basic, "StatusCheckFailed") >= 15);
    let listed = call(
        &mut cloud,
        "ListMetrics",
        json!({"Dimensions": [{"Name": "InstanceId", "Value": basic}]}),
    )
    .unwrap();
    assert_eq!(listed["Metrics"].as_array().unwrap().len(), 9);
}
