//! Everything that there is on somebody's embedded cloud, without what differs from one
//! run to the next: what two runs leave is the same if this is.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::support::opsh::User;

/// What of the account's state is there to stay: figures and logs come and go.
const LASTING: [&str; 25] = [
    "autoscaling/groups",
    "autoscaling/policies",
    "cloudwatch/alarms",
    "ec2/region/addresses",
    "ec2/region/groups",
    "ec2/region/images",
    "ec2/region/instances",
    "ec2/region/interfaces",
    "ec2/region/key_pairs",
    "ec2/region/snapshots",
    "ec2/region/templates",
    "ec2/region/volumes",
    "elbv2/balancers",
    "elbv2/groups",
    "elbv2/listeners",
    "iam/policies",
    "iam/profiles",
    "iam/roles",
    "lambda/functions",
    "s3/buckets",
    "scheduler/groups",
    "scheduler/schedules",
    "sns/subscriptions",
    "sns/topics",
    "ssm/parameters",
];

/// What a thing says of what happens to it, not of itself: when which check, visit or
/// evaluation comes depends on how long a run took.
const PASSING: [&str; 22] = [
    "activity",
    "cause",
    "digest",
    "draining_until",
    "etag",
    "fingerprint",
    "generation",
    "health",
    "in_service",
    "log",
    "mac",
    "nodes",
    "plan",
    "reason",
    "reason_data",
    "refreshes",
    "retry",
    "revision",
    "scaled",
    "turns",
    "verdict",
    "warming",
];

/// Everything that there is, also the keys beside the cloud.
pub fn world(user: &User) -> Vec<String> {
    let path = user.home().join(".opsh/local/state.json");
    let state: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut all = Vec::new();
    for place in LASTING {
        let part = state
            .pointer(&format!("/state/{place}"))
            .unwrap_or_else(|| panic!("no {place} in the state"));
        let entries: Vec<&Value> = match part {
            Value::Object(map) => map.values().collect(),
            Value::Array(items) => items.iter().collect(),
            other => panic!("{place} is {other}"),
        };
        all.extend(
            entries
                .iter()
                .map(|entry| format!("{place} {}", plain(entry))),
        );
    }
    let keys = user.home().join(".opsh/keys");
    for file in std::fs::read_dir(keys).into_iter().flatten() {
        all.push(format!("key {}", file.unwrap().file_name().display()));
    }
    all.sort();
    all
}

/// What one has more often than the other.
pub fn difference(left: &[String], right: &[String]) -> Vec<String> {
    let count = |all: &[String], line: &String| all.iter().filter(|other| *other == line).count();
    let more = |one: &[String], other: &[String], sign: &str| {
        let mut lines: Vec<String> = one
            .iter()
            .filter(|line| count(one, line) > count(other, line))
            .map(|line| format!("{sign} {line}"))
            .collect();
        lines.dedup();
        lines
    };
    [more(left, right, "+"), more(right, left, "-")].concat()
}

/// A value without ids, times and keys; maps by id as sorted lists.
fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) => plain_text(text).into(),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(map) => {
            let by_id = map.keys().any(|name| plain_text(name) != *name);
            // An access log is there sooner or later.
            let kept = map.iter().filter(|(name, _)| {
                !PASSING.contains(&name.as_str()) && !name.starts_with("logs/")
            });
            if by_id {
                let mut values: Vec<String> =
                    kept.map(|(_, item)| plain(item).to_string()).collect();
                values.sort();
                json!(values)
            } else {
                kept.map(|(name, item)| (name.clone(), plain(item)))
                    .collect()
            }
        }
        other => other.clone(),
    }
}

fn plain_text(text: &str) -> String {
    if text.parse::<jiff::Timestamp>().is_ok() {
        return "(a time)".to_owned();
    }
    if text.starts_with("ssh-ed25519 ") {
        return "(a key)".to_owned();
    }
    text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.')
        .map(|word| {
            let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.');
            let (word, separator) = word.split_at(end.unwrap_or(word.len()));
            plain_word(word) + separator
        })
        .collect()
}

/// A word without addresses, UUIDs and other ids between its hyphens.
fn plain_word(word: &str) -> String {
    const UUID: [usize; 5] = [8, 4, 4, 4, 12];
    if word.parse::<IpAddr>().is_ok() {
        return "(an address)".to_owned();
    }
    let mut parts: Vec<&str> = word.split('-').collect();
    let uuid = |parts: &[&str]| {
        parts
            .iter()
            .zip(UUID)
            .all(|(part, length)| part.len() == length && is_hex(part))
    };
    while let Some(at) = parts.windows(UUID.len()).position(uuid) {
        parts.splice(at..at + UUID.len(), ["…"]);
    }
    let parts: Vec<&str> = parts
        .into_iter()
        .map(|part| if is_id(part) { "…" } else { part })
        .collect();
    parts.join("-")
}

fn is_hex(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `0773da23c60562cf6`, `123456789012`, or one of IAM's such as `AROA5WW5YQJXC6BJAPUGE`.
fn is_id(word: &str) -> bool {
    let digits = word.bytes().any(|byte| byte.is_ascii_digit());
    let of_iam = word.len() == 21
        && word
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    digits && (of_iam || (word.len() >= 8 && is_hex(word)))
}

#[test]
fn ids_are_told_from_names() {
    for (text, expected) in [
        ("i-0773da23c60562cf6", "i-…"),
        (
            "arn:aws:sns:us-east-1:123456789012:web-health",
            "arn:aws:sns:us-east-1:…:web-health",
        ),
        (
            "Tracking-web-0c9ca5f5-85a4-4c71-8262-06546b64f93d",
            "Tracking-web-…",
        ),
        ("172.31.3.7:80", "(an address):80"),
        ("AROA5WW5YQJXC6BJAPUGE", "…"),
        ("t3.micro in us-east-1a", "t3.micro in us-east-1a"),
        ("2026-01-01T00:00:00.5Z", "(a time)"),
    ] {
        assert_eq!(plain_text(text), expected);
    }
}
