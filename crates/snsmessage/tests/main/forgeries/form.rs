//! Size, and the JSON of a message.

use super::Alter::{Before, Body, By, Json, Remove, Set};
use super::{Forgery, refused};
use crate::case::{Case, TOPIC};

const BODIES: &[Forgery] = &[
    (
        "one byte too many",
        By(|case| case.rules.size = case.json().len() - 1),
        "Size",
    ),
    (
        "a huge message",
        By(|case| case.set("Message", "x".repeat(600_000))),
        "Size",
    ),
    (
        "a huge field that does not count",
        By(|case| case.set("x", "x".repeat(600_000))),
        "Size",
    ),
    ("nothing", Body(""), "Json"),
    ("no JSON", Body("Type=Notification"), "Json"),
    ("a list", Body("[]"), "Json"),
    ("a text", Body("\"Notification\""), "Json"),
    ("null", Body("null"), "Json"),
    ("half a surrogate", Before(r#""Subject":"\ud800""#), "Json"),
    ("cut off", By(cut_off), "Json"),
    (
        "something behind it",
        By(|case| case.body = Some([case.json(), b"{}".to_vec()].concat())),
        "Json",
    ),
    (
        "no UTF-8",
        By(|case| case.body = Some(vec![b'{', b'"', 0xff, b'"', b':', b'1', b'}'])),
        "Json",
    ),
    (
        "very deep",
        By(|case| case.body = Some("[".repeat(100_000).into_bytes())),
        "Json",
    ),
];

const TWICE: &[Forgery] = &[
    (
        "the message",
        Before(r#""Message":"evil""#),
        "Twice Message",
    ),
    ("the topic", Before(r#""TopicArn":"arn""#), "Twice TopicArn"),
    (
        "the certificate",
        Before(r#""SigningCertURL":"https://evil.example/""#),
        "Twice SigningCertURL",
    ),
    (
        "the type, escaped",
        Before(r#""T\u0079pe":"Notification""#),
        "Twice Type",
    ),
    (
        "no subject and a subject",
        Before(r#""Subject":null"#),
        "Twice Subject",
    ),
    (
        "the id, the same",
        Before(r#""MessageId":"22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324""#),
        "Twice MessageId",
    ),
];

const MISSING: &[Forgery] = &[
    ("the type", Remove("Type"), "Missing Type"),
    ("the id", Remove("MessageId"), "Missing MessageId"),
    ("the topic", Remove("TopicArn"), "Missing TopicArn"),
    ("the message", Remove("Message"), "Missing Message"),
    ("the time", Remove("Timestamp"), "Missing Timestamp"),
    (
        "the version",
        Remove("SignatureVersion"),
        "Missing SignatureVersion",
    ),
    ("the signature", Remove("Signature"), "Missing Signature"),
    (
        "the certificate",
        Remove("SigningCertURL"),
        "Missing SigningCertURL",
    ),
    ("other letters", By(other_letters), "Missing SigningCertURL"),
    (
        "a confirmation's",
        Set("Type", "SubscriptionConfirmation"),
        "Missing Token",
    ),
];

const CONTENT: &[Forgery] = &[
    (
        "a type that there is none of",
        Set("Type", "Notify"),
        "Kind",
    ),
    (
        "a type in small letters",
        Set("Type", "notification"),
        "Kind",
    ),
    (
        "a number as version",
        Json("SignatureVersion", "2"),
        "Content SignatureVersion",
    ),
    (
        "a list as topic",
        By(|case| case.set("TopicArn", vec![TOPIC])),
        "Content TopicArn",
    ),
    (
        "a map as message",
        Json("Message", r#"{"AlarmName":"x"}"#),
        "Content Message",
    ),
    (
        "a list as certificate",
        Json("SigningCertURL", "[]"),
        "Content SigningCertURL",
    ),
    (
        "null as signature",
        Json("Signature", "null"),
        "Content Signature",
    ),
    ("a yes as type", Json("Type", "true"), "Content Type"),
    (
        "a number as subject",
        Json("Subject", "1"),
        "Content Subject",
    ),
    (
        "lines in the id",
        Set("MessageId", "1\nSubject\nx"),
        "Content MessageId",
    ),
    (
        "lines in the subject",
        Set("Subject", "x\nTimestamp\ny"),
        "Content Subject",
    ),
    (
        "lines in the topic",
        By(|case| case.set("TopicArn", format!("{TOPIC}\nType"))),
        "Content TopicArn",
    ),
    ("an empty id", Set("MessageId", ""), "Content MessageId"),
    (
        "a long id",
        By(|case| case.set("MessageId", "1".repeat(101))),
        "Content MessageId",
    ),
    (
        "no time",
        Set("Timestamp", "yesterday"),
        "Content Timestamp",
    ),
    (
        "a blank in the time",
        Set("Timestamp", "2026-05-02 00:54:06.655Z"),
        "Content Timestamp",
    ),
    (
        "another zone",
        Set("Timestamp", "2026-05-02T00:54:06.655+00:00"),
        "Content Timestamp",
    ),
    (
        "no such day",
        Set("Timestamp", "2026-02-30T00:54:06.655Z"),
        "Content Timestamp",
    ),
];

const CONFIRMATIONS: &[Forgery] = &[
    ("without a token", Remove("Token"), "Missing Token"),
    (
        "without a URL",
        Remove("SubscribeURL"),
        "Missing SubscribeURL",
    ),
    (
        "lines in the token",
        Set("Token", "1\nTopicArn\nx"),
        "Content Token",
    ),
    (
        "lines in the URL",
        Set("SubscribeURL", "https://a/\nx"),
        "Content SubscribeURL",
    ),
    ("an empty token", Set("Token", ""), "Content Token"),
];

fn cut_off(case: &mut Case) {
    let mut json = case.json();
    json.pop();
    case.body = Some(json);
}

fn other_letters(case: &mut Case) {
    let url = case.fields.remove("SigningCertURL").expect("it is there");
    case.set("SigningCertUrl", url);
}

#[test]
fn bodies_that_are_no_message() {
    refused(Case::notification, BODIES, &[]);
}

#[test]
fn fields_that_stand_there_twice() {
    refused(Case::notification, TWICE, &[]);
}

#[test]
fn fields_that_are_missing() {
    refused(Case::notification, MISSING, &[]);
}

#[test]
fn fields_that_hold_what_they_cannot_hold() {
    refused(Case::notification, CONTENT, &[]);
}

#[test]
fn confirmations_that_are_not_whole() {
    refused(Case::confirmation, CONFIRMATIONS, &[]);
}
