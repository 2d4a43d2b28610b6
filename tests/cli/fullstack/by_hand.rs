//! What the README lets a user try by hand: a machine fails, somebody attacks, and the
//! functions that `fullstack` deployed and wired see to it, as the time goes on.

use serde_json::{Value, json};

use super::{deploy, look};
use crate::cli::shipped;
use crate::support::opsh::{User, result, writes};

/// Lets the time go on and gives what happened: kind, to what, what.
fn advance(user: &User, by: &str) -> Vec<(String, String, String)> {
    let ended = user
        .opsh(["local", "advance", by, "--output", "json"])
        .done();
    let text = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
    ended
        .events()
        .iter()
        .filter(|event| event["event"] == "happened")
        .map(|event| (text(event, "kind"), text(event, "to"), text(event, "what")))
        .collect()
}

/// The subjects of what a topic's subscribers got.
fn told(user: &User, topic: &str) -> Vec<(String, String)> {
    let words = ["local", "outbox", "--topic", topic, "--output", "json"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    user.opsh(words)
        .done()
        .events()
        .iter()
        .map(|event| (text(&event["subject"]), text(&event["body"])))
        .collect()
}

#[test]
fn a_machine_that_fails_is_kept_reported_and_replaced_and_an_attack_is_reported() {
    let user = User::new();
    let subscribed = ["sms=+15551234567"];
    deploy(&user, &subscribed);
    let ready = advance(&user, "1m");
    assert!(
        !ready.iter().any(|(kind, ..)| kind == "group"),
        "{ready:#?}"
    );

    let stopped = user
        .opsh([
            "local",
            "exec",
            "fullstack",
            "--",
            "systemctl",
            "stop",
            "httpd",
        ])
        .done();
    assert!(stopped.err.ends_with(", one of 2\n"), "{}", stopped.err);
    let failing = stopped.err.split([' ', ',']).nth(1).unwrap().to_owned();
    let happened = advance(&user, "15m");
    let find = |kind: &str, to: &str, what: &str| {
        let found = happened
            .iter()
            .position(|(k, t, w)| k == kind && t.contains(to) && w.contains(what));
        found.unwrap_or_else(|| panic!("no {kind} of '{to}': '{what}' in {happened:#?}"))
    };
    // In this order: seen, kept, reported, terminated, replaced, healthy again.
    let order = [
        find("target", &failing, "unhealthy"),
        find(
            "snapshot",
            "snap-",
            &format!("{failing} before it was replaced"),
        ),
        find("message", "+15551234567", &format!("{failing} is replaced")),
        find(
            "group",
            "fullstack",
            &format!("Terminating EC2 instance: {failing}"),
        ),
        find("group", "fullstack", "Launching a new EC2 instance"),
    ];
    assert!(order.is_sorted(), "{order:?} in {happened:#?}");
    let (_, _, last) = happened
        .iter()
        .rfind(|(kind, ..)| kind == "target")
        .unwrap();
    assert_eq!(last, "healthy");
    find("instance", &failing, "terminated");
    let health_checks =
        |(kind, to, _): &&(String, String, String)| kind == "run" && to == "fullstack-health-check";
    let runs = happened.iter().filter(health_checks).count();
    assert!((14..=16).contains(&runs), "{runs} runs in 15 minutes");
    let messages = told(&user, "fullstack-health");
    let replaced = format!("health: {failing} is replaced");
    let (_, body) = messages
        .iter()
        .find(|(subject, _)| *subject == replaced)
        .unwrap_or_else(|| panic!("{messages:#?}"));
    assert!(body.contains("failed 3 checks in a row"), "{body}");
    // What has healed by itself is no difference.
    assert_eq!(writes(&deploy(&user, &subscribed)), [""; 0]);

    let attack = shipped("attack");
    user.opsh(["run", &attack, "--local"]).done();
    let messages = told(&user, "fullstack-traffic");
    let subjects: Vec<&str> = messages
        .iter()
        .map(|(subject, _)| subject.as_str())
        .filter(|subject| !subject.starts_with("ALARM") && !subject.starts_with("OK"))
        .collect();
    assert_eq!(
        subjects,
        [
            "rate: 1 client asks more than 300 times a minute",
            "scan: 1 client tries doors",
            "errors: 1 target gives more than 10 answers of 5xx",
        ]
    );
    let (_, scan) = &messages[messages.len() - 2];
    assert!(scan.contains("198.51.100.66: 40 missing paths"), "{scan}");

    let removed = deploy(&user, &["do=teardown", "--yes"]);
    assert_eq!(result(&removed)["left"], json!([]));
    let kept = r#"ec2::describe_snapshots(#{ owner_ids: ["self"] }).snapshots.len() + s3::list_buckets(#{}).buckets.len()"#;
    assert_eq!(look(&user, kept, &[]), 0);
}

#[test]
fn somebody_who_tries_doors_is_in_the_balancers_log_and_reported() {
    let user = User::new();
    let made = result(&deploy(&user, &["golden=false", "sms=+15551234567"]));
    let attack = r#"
        let url = param("url");
        for number in 0..30 { http::get(`${url}admin${number}.php`); }
        for path in [".env", ".git/config", "wp-login.php"] { http::get(url + path); }
    "#;
    std::fs::write(user.home().join("attacker.rhai"), attack).unwrap();
    let url = format!("url={}", made["url"].as_str().unwrap());
    user.opsh(["run", "attacker.rhai", "--local", &url]).done();
    assert!(told(&user, "fullstack-traffic").is_empty());

    // The balancer delivers its log every five minutes.
    let happened = advance(&user, "6m");
    let logs = happened
        .iter()
        .filter(|(kind, to, _)| kind == "object" && to.contains("/elasticloadbalancing/"));
    assert!(logs.count() >= 1, "{happened:#?}");
    let messages = told(&user, "fullstack-traffic");
    let (subject, body) = &messages[0];
    assert_eq!(subject, "scan: 1 client tries doors");
    let evidence = "33 missing paths in 33 requests, 3 requests of known weak spots";
    assert!(body.contains(evidence), "{body}");
    assert!(body.contains("/wp-login.php"), "{body}");
}
