//! Genuine messages out of their time, and those that have come before.

use super::Alter::{By, Sign};
use super::{Forgery, refused, refused_without_connecting};
use crate::case::{Case, url};

const TIMES: &[Forgery] = &[
    (
        "an hour and a bit old",
        Sign("Timestamp", "2026-05-01T23:54:09.999Z"),
        "Stale",
    ),
    (
        "a day old",
        Sign("Timestamp", "2026-05-01T00:54:06.655Z"),
        "Stale",
    ),
    (
        "of the year 1970",
        Sign("Timestamp", "1970-01-01T00:00:00.000Z"),
        "Stale",
    ),
    (
        "more than five minutes ahead",
        Sign("Timestamp", "2026-05-02T00:59:10.001Z"),
        "Ahead",
    ),
    (
        "of the year 9999",
        Sign("Timestamp", "9999-12-30T00:00:00.000Z"),
        "Ahead",
    ),
];

const AGAIN: &[Forgery] = &[
    ("the same", By(come_before), "Replay"),
    ("otherwise written", By(otherwise), "Replay"),
    (
        "with other fields that are not signed",
        By(other_fields),
        "Replay",
    ),
];

fn come_before(case: &mut Case) {
    case.deliver().expect("it is genuine");
}

fn otherwise(case: &mut Case) {
    come_before(case);
    case.body = Some([b" ".as_slice(), &case.json(), b"\n"].concat());
}

fn other_fields(case: &mut Case) {
    come_before(case);
    case.set("UnsubscribeURL", "https://evil.example/");
}

#[test]
fn messages_out_of_their_time() {
    refused(Case::notification, TIMES, &[url()]);
    refused_without_connecting(Case::notification, TIMES);
}

#[test]
fn messages_that_have_come_before() {
    refused(Case::notification, AGAIN, &[url()]);
    refused_without_connecting(Case::notification, AGAIN);
}
