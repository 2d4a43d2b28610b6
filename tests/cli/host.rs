//! Figures of the machine, and the metadata of the instance: real ones live, furnished
//! ones elsewhere.

use std::fs;

use serde_json::Value;

use crate::support::imds::Metadata;
use crate::support::opsh::{Ended, User};

const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

/// Runs `script`; what it prints is JSON.
fn run(user: &User, script: &str, flags: &[&str]) -> Ended {
    fs::write(user.home().join("ask.rhai"), script).unwrap();
    user.opsh([&["run", "ask.rhai"], flags].concat())
}

fn printed(ended: Ended) -> Value {
    let ended = ended.done();
    let line = ended.out.lines().last().unwrap();
    serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {}", ended.out))
}

const INSTANCE: &str = "print(text::json_encode(imds::instance()));";

#[test]
fn live_figures_are_those_of_this_machine() {
    let script = r#"print(text::json_encode(#{
        about: host::about(), cpu: host::cpu(), memory: host::memory(), disks: host::disks(),
        networks: host::networks(), rates: host::rates(), load: host::load(),
        uptime: host::uptime(), processes: host::processes(#{ by: "memory", limit: 5 }),
    }));"#;
    let user = User::new();
    let figures = printed(run(&user, script, &[]));
    let total: u64 = fs::read_to_string("/proc/meminfo")
        .unwrap()
        .lines()
        .find_map(|line| {
            line.strip_prefix("MemTotal:")?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        })
        .unwrap();
    assert_eq!(figures["memory"]["total"], total * 1024);
    let up: f64 = fs::read_to_string("/proc/uptime")
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let told = figures["uptime"]["seconds"].as_f64().unwrap();
    assert!((told - up).abs() < 120.0, "{told} {up}");
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(figures["about"]["name"], name.trim());
    assert_eq!(figures["processes"].as_array().unwrap().len(), 5);
    let percent = figures["cpu"]["percent"].as_f64().unwrap();
    assert!((0.0..=100.0).contains(&percent));
    assert!(figures["rates"]["seconds"].as_f64().unwrap() >= 0.2);
}

#[test]
fn furnished_figures_are_the_same_everywhere() {
    let script = r#"print(text::json_encode([host::cpu(), host::uptime(), imds::instance()]));"#;
    let user = User::new();
    let first = run(&user, script, &["--dry-run"]).done().out;
    let second = run(&User::new(), script, &["--dry-run"]).done().out;
    assert_eq!(first, second);
    let Value::Array(figures) = serde_json::from_str(first.lines().last().unwrap()).unwrap() else {
        panic!("{first}");
    };
    assert_eq!(figures[0]["percent"], 12.5);
    assert_eq!(figures[1]["text"], "12 days, 3:25");
    assert_eq!(figures[2]["instance_type"], "t3.nano");
    assert_eq!(figures[2]["region"], "us-east-1");
}

#[test]
fn metadata_is_asked_with_one_token() {
    let metadata = Metadata::start();
    let user = User::new().with(ENDPOINT, &metadata.url);
    let script = r#"
        let own = imds::instance();
        if imds::get("/latest/meta-data/instance-id") != own.instance_id { throw own; }
        if imds::get("meta-data/") != "instance-id\nlocal-ipv4" { throw "list"; }
        try { imds::get("meta-data/spot/instance-action"); throw "found"; }
        catch (fault) { if fault.kind != "not_found" { throw fault; } }
        print(text::json_encode(own));"#;
    let own = printed(run(&user, script, &[]));
    assert_eq!(own["availability_zone"], "eu-west-1b");
    assert_eq!(own["private_ip"], "10.0.0.7");
    // There is none: that is no fault.
    assert!(own.get("public_ip").is_none_or(Value::is_null), "{own}");
    let seen = metadata.seen();
    let tokens = seen.iter().filter(|line| line.starts_with("PUT"));
    assert_eq!(tokens.count(), 1, "{seen:?}");
    assert!(!seen.iter().any(|line| line.ends_with("401")), "{seen:?}");
}

#[test]
fn a_public_address_is_told_and_credentials_are_not() {
    let metadata = Metadata::start().with_public_address();
    let user = User::new().with(ENDPOINT, &metadata.url);
    assert_eq!(
        printed(run(&user, INSTANCE, &[]))["public_ip"],
        "203.0.113.9"
    );
    let script = r#"print(imds::get("meta-data/iam/security-credentials/web"));"#;
    let ended = run(&user, script, &["-v"]).done();
    let said = format!("{}{}", ended.out, ended.err);
    assert!(
        said.contains("[secret]") && !said.contains("wJalr"),
        "{said}"
    );
}

#[test]
fn where_there_is_no_metadata_a_sentence_says_so() {
    for (url, flag, words) in [
        // Nothing listens on the port of discarding.
        (
            "http://127.0.0.1:9".to_owned(),
            None,
            "the instance metadata service does not answer: this is not an EC2 instance",
        ),
        (
            Metadata::start().switched_off(403).url,
            None,
            "the instance metadata service refuses to answer: it is switched off",
        ),
        (
            Metadata::start().url,
            Some("AWS_EC2_METADATA_DISABLED"),
            "instance metadata is not to be asked: AWS_EC2_METADATA_DISABLED is set",
        ),
    ] {
        let mut user = User::new().with(ENDPOINT, &url);
        if let Some(flag) = flag {
            user = user.with(flag, "true");
        }
        let ended = run(&user, INSTANCE, &[]);
        assert_eq!(ended.code, 1);
        assert!(ended.err.contains(words), "{}", ended.err);
    }
}
