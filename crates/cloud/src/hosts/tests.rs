//! Whole machines, from power-on to a served page.
#![allow(clippy::unwrap_used)]

use jiff::{SignedDuration, Timestamp};

use super::*;

mod services;
mod shell;
mod user_data;
mod website;

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap() + SignedDuration::from_secs(seconds)
}

pub(super) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5vyJUnd8n5R0w0zXfFz0m1VY0o6nW2g2b2x8o0y3Qd me@here";

pub(super) fn boot_of(flavour: Flavour, user_data: Option<&str>) -> Boot {
    Boot {
        instance_id: "i-0a1b2c3d4e5f60718".into(),
        instance_type: "t3.nano".into(),
        cpus: 2,
        memory_mib: 512,
        image_id: "ami-00000000000000001".into(),
        flavour,
        architecture: "x86_64".into(),
        availability_zone: "us-east-1a".into(),
        region: "us-east-1".into(),
        account: "123456789012".into(),
        reservation_id: "r-00000000000000001".into(),
        vpc_id: "vpc-00000000000000001".into(),
        vpc_cidr: "172.31.0.0/16".into(),
        subnet_id: "subnet-00000000000000001".into(),
        subnet_cidr: "172.31.0.0/20".into(),
        interface_id: "eni-00000000000000001".into(),
        mac: "0a:1b:2c:3d:4e:5f".into(),
        security_groups: vec![("web".into(), "sg-00000000000000001".into())],
        addresses: Addresses {
            private: "172.31.5.6".into(),
            private_dns: "ip-172-31-5-6.ec2.internal".into(),
            public: Some("203.0.113.10".into()),
            public_dns: Some("ec2-203-0-113-10.compute-1.amazonaws.com".into()),
        },
        key: Some(("mine".into(), KEY.into())),
        user_data: user_data.map(|text| text.as_bytes().to_vec()),
        iam_profile: None,
        tags: BTreeMap::from([("Name".into(), "web".into())]),
        tags_in_metadata: false,
        http_tokens_required: true,
    }
}

pub(super) fn host(flavour: Flavour, user_data: Option<&str>) -> Host {
    Host::new(boot_of(flavour, user_data), None, at(0))
}

/// Runs a line as the default user ten minutes after power-on; expects success.
pub(super) fn sh(host: &mut Host, line: &str) -> String {
    let output = run(host, line, 600);
    assert_eq!(
        output.exit_code,
        0,
        "{line}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

pub(super) fn run(host: &mut Host, line: &str, seconds: i64) -> CommandOutput {
    let user = host.facts().flavour.default_user();
    host.run(user, line, b"", at(seconds)).unwrap()
}

/// Runs a line; gives exit status, output and complaints.
pub(super) fn try_sh(host: &mut Host, line: &str) -> (i32, String, String) {
    let output = run(host, line, 600);
    (
        output.exit_code,
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn a_login_needs_the_key_and_time() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    assert_eq!(
        host.login("ec2-user", KEY, at(2)),
        Err(LoginRefusal::Unreachable(Unreachable::Silent))
    );
    assert_eq!(
        host.login("ec2-user", KEY, at(12)),
        Err(LoginRefusal::Unreachable(Unreachable::Refused))
    );
    assert_eq!(host.login("ec2-user", KEY, at(30)), Ok(()));
    let other = KEY.replace("AAAAIJ5", "AAAAIJ6");
    assert_eq!(
        host.login("ec2-user", &other, at(30)),
        Err(LoginRefusal::Key)
    );
    assert_eq!(
        host.login("nobody-here", KEY, at(30)),
        Err(LoginRefusal::Key)
    );
    assert_eq!(
        host.login("root", KEY, at(30)).unwrap_err().to_string(),
        "Please login as the user \"ec2-user\" rather than the user \"root\"."
    );
}

#[test]
fn commands_change_the_disk_and_permissions_hold() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    assert_eq!(
        sh(&mut host, "echo hello > note; cat note; pwd"),
        "hello\n/home/ec2-user\n"
    );
    assert_eq!(sh(&mut host, "cat note | tr a-z A-Z"), "HELLO\n");
    let (code, _, complaint) = try_sh(&mut host, "echo x > /etc/motd");
    assert_eq!(
        (code, complaint.as_str()),
        (1, "bash: line 1: /etc/motd: Permission denied\n")
    );
    let (code, _, complaint) = try_sh(&mut host, "no-such-program");
    assert_eq!(
        (code, complaint.as_str()),
        (127, "bash: line 1: no-such-program: command not found\n")
    );
    assert_eq!(
        sh(&mut host, ". /etc/os-release; echo $ID $VERSION_ID"),
        "amzn 2023\n"
    );
}

#[test]
fn the_console_shows_the_host_key() {
    let mut host = host(
        Flavour::AmazonLinux2023,
        Some("#!/bin/bash\necho from user-data\n"),
    );
    assert!(!host.console_output(at(10)).contains("BEGIN SSH HOST KEY"));
    let console = host.console_output(at(60));
    let key = host.host_key();
    assert!(key.starts_with("ssh-ed25519 AAAA"), "{key}");
    let begin = console.find("-----BEGIN SSH HOST KEY KEYS-----").unwrap();
    let end = console.find("-----END SSH HOST KEY KEYS-----").unwrap();
    assert!(console[begin..end].contains(&key));
    assert!(console.contains(&host.host_key_fingerprint()));
    assert!(console.contains("from user-data"), "{console}");
}

#[test]
fn a_host_is_the_same_after_saving_and_loading() {
    let mut host = host(
        Flavour::Ubuntu2404,
        Some("#!/bin/sh\nprintf '\\377' > /root/raw\n"),
    );
    sh(&mut host, "echo kept > kept");
    let saved = serde_json::to_string(&host).unwrap();
    let mut loaded: Host = serde_json::from_str(&saved).unwrap();
    assert_eq!(serde_json::to_string(&loaded).unwrap(), saved);
    assert_eq!(sh(&mut loaded, "cat kept"), "kept\n");
}
