//! Topics that nobody listens to, and versions that are not accepted.

use super::Alter::{By, Set, Sign};
use super::{Forgery, refused};
use crate::case::{Case, TOPIC};

const TOPICS: &[Forgery] = &[
    (
        "another name",
        Set("TopicArn", "arn:aws:sns:eu-west-1:123456789012:alarms2"),
        "Topic",
    ),
    (
        "a shorter name",
        Set("TopicArn", "arn:aws:sns:eu-west-1:123456789012:alarm"),
        "Topic",
    ),
    (
        "other letters",
        Set("TopicArn", "arn:aws:sns:eu-west-1:123456789012:Alarms"),
        "Topic",
    ),
    (
        "another account",
        Set("TopicArn", "arn:aws:sns:eu-west-1:210987654321:alarms"),
        "Topic",
    ),
    (
        "another region",
        Set("TopicArn", "arn:aws:sns:eu-west-2:123456789012:alarms"),
        "Topic",
    ),
    (
        "another partition",
        Set("TopicArn", "arn:aws-cn:sns:eu-west-1:123456789012:alarms"),
        "Topic",
    ),
    ("a star", Set("TopicArn", "*"), "Topic"),
    (
        "well signed",
        Sign("TopicArn", "arn:aws:sns:eu-west-1:123456789012:other"),
        "Topic",
    ),
    (
        "nothing is listened to",
        By(|case| case.rules.topics.clear()),
        "Topic",
    ),
];

const VERSIONS: &[Forgery] = &[
    (
        "version 1, though well signed",
        Sign("SignatureVersion", "1"),
        "Version",
    ),
    ("version 3", Set("SignatureVersion", "3"), "Version"),
    ("version 02", Set("SignatureVersion", "02"), "Version"),
    ("no number", Set("SignatureVersion", "none"), "Version"),
    ("empty", Set("SignatureVersion", ""), "Version"),
];

#[test]
fn topics_that_nobody_listens_to() {
    refused(Case::notification, TOPICS, &[]);
    let confirmation = By(|case| case.set("TopicArn", format!("{TOPIC}2")));
    refused(
        Case::confirmation,
        &[("another topic", confirmation, "Topic")],
        &[],
    );
}

#[test]
fn versions_that_are_not_accepted() {
    refused(Case::notification, VERSIONS, &[]);
}
