//! Signatures that do not match: of each field, of each kind of message, of each key.

use super::Alter::{By, Remove, Set};
use super::{Forgery, refused, refused_without_connecting};
use crate::authority::{HOST, issue, leaf, other_key, trusted};
use crate::case::{Case, TOPIC, url};

const CONTENTS: &[Forgery] = &[
    (
        "another message",
        Set("Message", "{\"AlarmName\":\"evil\"}"),
        "Signature",
    ),
    (
        "one letter more",
        By(|case| case.set("Message", case.text("Message").to_owned() + " ")),
        "Signature",
    ),
    (
        "another id",
        Set("MessageId", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf325"),
        "Signature",
    ),
    ("another subject", Set("Subject", "OK"), "Signature"),
    ("no subject any more", Remove("Subject"), "Signature"),
    ("an empty subject", Set("Subject", ""), "Signature"),
    (
        "another time",
        Set("Timestamp", "2026-05-02T00:54:06.656Z"),
        "Signature",
    ),
    (
        "the same time, otherwise",
        Set("Timestamp", "2026-05-02T00:54:06.6550Z"),
        "Signature",
    ),
    (
        "another topic that is listened to",
        By(other_topic),
        "Signature",
    ),
    ("fields moved into the message", By(moved), "Signature"),
    (
        "it became a confirmation",
        By(became_confirmation),
        "Signature",
    ),
];

const CONFIRMATIONS: &[Forgery] = &[
    ("another token", Set("Token", "2336412f37fb"), "Signature"),
    (
        "another URL",
        Set("SubscribeURL", "https://evil.example/"),
        "Signature",
    ),
    (
        "it became an unsubscription",
        Set("Type", "UnsubscribeConfirmation"),
        "Signature",
    ),
    (
        "it became a notification",
        Set("Type", "Notification"),
        "Signature",
    ),
];

const SIGNATURES: &[Forgery] = &[
    (
        "another key",
        By(|case| case.sign_with(other_key())),
        "Signature",
    ),
    ("empty", Set("Signature", ""), "Signature"),
    ("no base64", Set("Signature", "EXAMPLE?"), "Signature"),
    (
        "cut off",
        By(|case| resigned(case, |text| text[..340].to_owned())),
        "Signature",
    ),
    (
        "without its padding",
        By(|case| resigned(case, |text| text.replace('=', ""))),
        "Signature",
    ),
    (
        "longer",
        By(|case| case.set("Signature", "AAAA".to_owned() + case.text("Signature"))),
        "Signature",
    ),
    ("one bit", By(one_bit), "Signature"),
    (
        "zeros",
        By(|case| case.set("Signature", "A".repeat(342) + "==")),
        "Signature",
    ),
    ("version 1 signed, 2 said", By(one_as_two), "Signature"),
    (
        "version 2 signed, 1 said where it is accepted",
        By(two_as_one),
        "Signature",
    ),
];

const CERTIFICATES: &[Forgery] = &[(
    "another certificate of SNS",
    By(other_certificate),
    "Signature",
)];

fn resigned(case: &mut Case, alter: fn(&str) -> String) {
    let altered = alter(case.text("Signature"));
    case.set("Signature", altered);
}

fn other_topic(case: &mut Case) {
    let other = format!("{TOPIC}2");
    case.rules.topics.insert(other.clone());
    case.set("TopicArn", other);
}

fn moved(case: &mut Case) {
    let (text, id) = (case.text("Message"), case.text("MessageId"));
    case.set("Message", format!("{text}\nMessageId\n{id}"));
}

fn became_confirmation(case: &mut Case) {
    case.set("Type", "SubscriptionConfirmation");
    case.set("Token", "1");
    case.set("SubscribeURL", "https://a/");
}

fn other_certificate(case: &mut Case) {
    case.serve(200, issue(&leaf(&[HOST]), other_key(), trusted()));
}

fn one_bit(case: &mut Case) {
    let text = case.text("Signature");
    let first = if text.starts_with('A') { 'B' } else { 'A' };
    case.set("Signature", format!("{first}{}", &text[1..]));
}

fn one_as_two(case: &mut Case) {
    case.set("SignatureVersion", "1");
    case.sign();
    case.set("SignatureVersion", "2");
}

fn two_as_one(case: &mut Case) {
    case.rules.sha1 = true;
    case.set("SignatureVersion", "1");
}

#[test]
fn contents_that_were_not_signed() {
    refused(Case::notification, CONTENTS, &[url()]);
    refused_without_connecting(Case::notification, CONTENTS);
}

#[test]
fn confirmations_that_were_not_signed() {
    refused(Case::confirmation, CONFIRMATIONS, &[url()]);
    refused_without_connecting(Case::confirmation, CONFIRMATIONS);
}

#[test]
fn signatures_that_are_none() {
    refused(Case::notification, SIGNATURES, &[url()]);
    refused_without_connecting(Case::notification, SIGNATURES);
    refused(Case::notification, CERTIFICATES, &[url()]);
}
