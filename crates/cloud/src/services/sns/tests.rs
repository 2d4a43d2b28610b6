#![allow(clippy::unwrap_used)]

use opsh_snsmessage::place::Place;
use opsh_snsmessage::{Answer, Certificates, Kind, Rules, Trust, Unreachable, Verifier};

use super::publish::Outcome;
use crate::api::{ApiError, ApiRequest};
use crate::furnish::Options;
use crate::state::State;

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:alerts";

fn call(cloud: &mut State, action: &str, params: &[(&str, &str)]) -> Result<String, ApiError> {
    let response = super::handle(cloud, &ApiRequest::query("sns", action, params))?;
    Ok(String::from_utf8(response.body().to_vec()).unwrap())
}

fn cloud() -> State {
    let mut cloud = State::furnished(&Options::default());
    let made = call(&mut cloud, "CreateTopic", &[("Name", "alerts")]).unwrap();
    assert!(
        made.contains(&format!("<TopicArn>{TOPIC}</TopicArn>")),
        "{made}"
    );
    cloud
}

fn subscribe(cloud: &mut State, protocol: &str, endpoint: &str) -> String {
    call(
        cloud,
        "Subscribe",
        &[
            ("TopicArn", TOPIC),
            ("Protocol", protocol),
            ("Endpoint", endpoint),
        ],
    )
    .unwrap()
}

#[test]
fn a_topic_is_made_once() {
    let mut cloud = cloud();
    call(&mut cloud, "CreateTopic", &[("Name", "alerts")]).unwrap();
    assert_eq!(cloud.sns.topics.len(), 1);
    let refusal = call(
        &mut cloud,
        "CreateTopic",
        &[
            ("Name", "alerts"),
            ("Tags.member.1.Key", "env"),
            ("Tags.member.1.Value", "prod"),
        ],
    )
    .unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "InvalidParameter: Invalid parameter: Tags Reason: Topic already exists with different tags"
    );
}

#[test]
fn a_mail_address_must_agree_before_it_gets_messages() {
    let mut cloud = cloud();
    let answer = subscribe(&mut cloud, "email", "ops@example.com");
    assert!(answer.contains("<SubscriptionArn>pending confirmation</SubscriptionArn>"));
    let listed = call(
        &mut cloud,
        "ListSubscriptionsByTopic",
        &[("TopicArn", TOPIC)],
    )
    .unwrap();
    assert!(listed.contains("<SubscriptionArn>PendingConfirmation</SubscriptionArn>"));

    let publish = [
        ("TopicArn", TOPIC),
        ("Message", "disk full"),
        ("Subject", "web-1"),
    ];
    call(&mut cloud, "Publish", &publish).unwrap();
    assert_eq!(
        cloud.sns.outbox.len(),
        1,
        "only the question: {:?}",
        cloud.sns.outbox
    );

    let token = cloud.sns.outbox[0]
        .body
        .split("Token=")
        .nth(1)
        .unwrap()
        .trim()
        .to_owned();
    let confirm = [("TopicArn", TOPIC), ("Token", token.as_str())];
    call(&mut cloud, "ConfirmSubscription", &confirm).unwrap();
    call(&mut cloud, "Publish", &publish).unwrap();
    let mail = cloud.sns.outbox.last().unwrap();
    assert_eq!(
        (
            mail.endpoint.as_str(),
            mail.subject.as_deref(),
            mail.body.as_str()
        ),
        ("ops@example.com", Some("web-1"), "disk full")
    );
}

#[test]
fn queues_get_an_envelope_and_telephones_the_text() {
    let mut cloud = cloud();
    subscribe(&mut cloud, "sqs", "arn:aws:sqs:us-east-1:123456789012:q");
    subscribe(&mut cloud, "sms", "+15550100200");
    call(
        &mut cloud,
        "Publish",
        &[
            ("TopicArn", TOPIC),
            ("Message", r#"{"default": "d", "sms": "short"}"#),
            ("MessageStructure", "json"),
            ("MessageAttributes.entry.1.Name", "kind"),
            ("MessageAttributes.entry.1.Value.DataType", "String"),
            ("MessageAttributes.entry.1.Value.StringValue", "alert"),
        ],
    )
    .unwrap();
    let envelope: serde_json::Value = serde_json::from_str(&cloud.sns.outbox[0].body).unwrap();
    assert_eq!(envelope["Message"], "d");
    assert_eq!(envelope["MessageAttributes"]["kind"]["Value"], "alert");
    assert_eq!(cloud.sns.outbox[1].body, "short");
}

#[test]
fn bad_messages_are_refused() {
    let mut cloud = cloud();
    let mut refusal =
        |params: &[(&str, &str)]| call(&mut cloud, "Publish", params).unwrap_err().to_string();
    let long = "x".repeat(262_145);
    assert_eq!(
        refusal(&[("TopicArn", TOPIC), ("Message", &long)]),
        "InvalidParameter: Invalid parameter: Message too long"
    );
    assert_eq!(
        refusal(&[
            ("TopicArn", TOPIC),
            ("Message", "x"),
            ("Subject", "two\nlines")
        ]),
        "InvalidParameter: Invalid parameter: Subject"
    );
    assert_eq!(
        refusal(&[
            ("TopicArn", &TOPIC.replace("alerts", "other")),
            ("Message", "x")
        ]),
        "NotFound: Topic does not exist"
    );
    assert_eq!(
        refusal(&[
            ("TopicArn", TOPIC),
            ("Message", "x"),
            ("MessageGroupId", "g")
        ]),
        "NotModelled: not modelled by the embedded cloud: parameter 'MessageGroupId' of sns:Publish"
    );
}

#[test]
fn a_topic_goes_with_its_subscriptions_and_may_be_deleted_twice() {
    let mut cloud = cloud();
    subscribe(&mut cloud, "sms", "+15550100200");
    for _ in 0..2 {
        call(&mut cloud, "DeleteTopic", &[("TopicArn", TOPIC)]).unwrap();
    }
    assert!(cloud.sns.subscriptions.is_empty());
    let refusal = call(&mut cloud, "GetTopicAttributes", &[("TopicArn", TOPIC)]).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (404, "NotFound"));
}

#[test]
fn attributes_show_what_was_set_and_what_was_not() {
    let mut cloud = cloud();
    call(
        &mut cloud,
        "SetTopicAttributes",
        &[
            ("TopicArn", TOPIC),
            ("AttributeName", "SignatureVersion"),
            ("AttributeValue", "2"),
        ],
    )
    .unwrap();
    subscribe(&mut cloud, "sms", "+15550100200");
    let shown = call(&mut cloud, "GetTopicAttributes", &[("TopicArn", TOPIC)]).unwrap();
    for expected in [
        "<key>SignatureVersion</key><value>2</value>",
        "<key>SubscriptionsConfirmed</key><value>1</value>",
        "<key>Owner</key><value>123456789012</value>",
    ] {
        assert!(shown.contains(expected), "{shown}");
    }
}

#[test]
fn a_web_server_outside_is_left_to_a_carrier_and_one_that_is_gone_is_tried_four_times() {
    let mut cloud = cloud();
    subscribe(&mut cloud, "http", "http://127.0.0.1:9000/hook");
    let question: serde_json::Value = serde_json::from_str(&cloud.sns.outbox[0].body).unwrap();
    assert_eq!(question["Type"], "SubscriptionConfirmation");
    assert_eq!(cloud.sns.outbox[0].outcome, Outcome::Outside);

    subscribe(&mut cloud, "http", "http://203.0.113.200/hook");
    let failed = Outcome::Failed("no answer from 203.0.113.200".to_owned());
    assert_eq!(cloud.sns.outbox[1].outcome, failed);
    for tries in 1..=4 {
        let later = cloud.now + jiff::SignedDuration::from_secs(20);
        cloud.advance(later);
        assert_eq!(
            cloud.events.happened(),
            tries.min(3),
            "after {tries} pauses"
        );
    }
    assert_eq!(cloud.sns.outbox[1].outcome, failed);
}

/// The embedded cloud's certificate, as somebody fetches it.
struct Fetched;

impl Certificates for Fetched {
    fn fetch(&self, place: &Place) -> Result<Answer, Unreachable> {
        let request = http::Request::get(place.to_string()).body(bytes::Bytes::new());
        let answer = super::signing::visit(place.host(), &request.unwrap());
        Ok(Answer {
            status: 200,
            body: answer.unwrap().into_body().to_vec(),
        })
    }
}

#[test]
fn what_web_servers_get_is_signed_by_this_cloud_and_confirmed_by_its_token() {
    for version in ["2", "1"] {
        let mut cloud = cloud();
        let attribute = [
            ("TopicArn", TOPIC),
            ("AttributeName", "SignatureVersion"),
            ("AttributeValue", version),
        ];
        call(&mut cloud, "SetTopicAttributes", &attribute).unwrap();
        let mut rules = Rules::of([TOPIC.to_owned()]);
        rules.sha1 = version == "1";
        let trust = Trust::of_pem(super::signing::AUTHORITY.as_bytes()).unwrap();
        let verifier = Verifier::new(rules, trust, Box::new(Fetched));
        let arrived = |cloud: &State| {
            let body = &cloud.sns.outbox.last().unwrap().body;
            verifier.verify(body.as_bytes(), cloud.now).unwrap()
        };

        subscribe(&mut cloud, "http", "http://127.0.0.1:9000/hook");
        let question = arrived(&cloud);
        assert_eq!(question.kind, Kind::SubscriptionConfirmation);
        let token = question.token.unwrap();
        let publish = [("TopicArn", TOPIC), ("Message", "a \"quoted\"\nmessage")];
        call(&mut cloud, "Publish", &publish).unwrap();
        assert_eq!(cloud.sns.outbox.len(), 1, "nobody has agreed yet");

        let confirm = [("TopicArn", TOPIC), ("Token", token.as_str())];
        let first = call(&mut cloud, "ConfirmSubscription", &confirm).unwrap();
        let again = call(&mut cloud, "ConfirmSubscription", &confirm).unwrap();
        assert!(first.contains(TOPIC) && again.contains(TOPIC));
        call(&mut cloud, "Publish", &publish).unwrap();
        let message = arrived(&cloud);
        assert_eq!(message.text, "a \"quoted\"\nmessage");
        assert_eq!((message.kind, message.subject), (Kind::Notification, None));
    }
}
