//! What goes wrong on the way: bounded retries, then a stop that can be resumed.

use super::{run, user};
use crate::support::opsh::User;

/// What the stack `p` has: kinds and ids.
fn resources(user: &User) -> Vec<String> {
    let listed = user.opsh(["ls", "p", "--local", "--output", "json"]).done();
    listed
        .events()
        .iter()
        .map(|one| {
            format!(
                "{} {}",
                one["kind"].as_str().unwrap(),
                one["id"].as_str().unwrap()
            )
        })
        .collect()
}

/// How many things of a kind the embedded cloud has.
fn count(user: &User, place: &str) -> usize {
    let path = user.home().join(".opsh/local/state.json");
    let state: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    state.pointer(place).unwrap().as_object().unwrap().len()
}

const GROUP: &str = "ec2::create_security_group(#{ group_name: \"web\", description: \"d\" });\n";
const ADDRESSES: &str = r#"
let one = ec2::allocate_address(#{ domain: "vpc", tags: #{ Name: "n" } }).allocation_id;
let two = ec2::allocate_address(#{ domain: "vpc", tags: #{ Name: "n" } }).allocation_id;
assert(one != two, "the same twice");
"#;

#[test]
fn a_fault_that_passes_is_not_noticed() {
    for fault in [
        "throttle ec2:CreateSecurityGroup 1,2",
        "server 503 ec2:CreateSecurityGroup 1,2",
        "reset ec2:CreateSecurityGroup 1,2",
        "lost ec2:CreateSecurityGroup",
        "delay 30s ec2:CreateSecurityGroup",
        "server 500 ec2:AllocateAddress 1",
        "lost ec2:AllocateAddress 1,2",
    ] {
        let user = user(&format!("{GROUP}{ADDRESSES}"));
        let ended = user.opsh(["run", "p.rhai", "--local", "--fault", fault]);
        assert_eq!(ended.code, 0, "{fault}: {}", ended.err);
        assert_eq!(resources(&user).len(), 3, "{fault}");
        assert_eq!(count(&user, "/state/ec2/region/addresses"), 2, "{fault}");
        assert_eq!(count(&user, "/state/ec2/region/groups"), 2, "{fault}");
    }
}

#[test]
fn a_fault_that_stays_stops_the_run_which_can_be_resumed() {
    for (fault, says) in [
        (
            "throttle ec2:AllocateAddress 100%",
            "Request limit exceeded",
        ),
        ("server 503 ec2:AllocateAddress 100%", "InternalError"),
        ("reset ec2:AllocateAddress 100%", "connection reset"),
        (
            "refuse ExpiredToken ec2:AllocateAddress 100%",
            "aws sso login",
        ),
        (
            "refuse InvalidGroup.NotFound ec2:AllocateAddress 100%",
            "NotFound",
        ),
        (
            "capacity ec2:AllocateAddress 100%",
            "InsufficientInstanceCapacity",
        ),
    ] {
        let user = user(&format!("{GROUP}{ADDRESSES}"));
        let ended = user.opsh(["run", "p.rhai", "--local", "--fault", fault]);
        assert_eq!(ended.code, 1, "{fault}: {}", ended.err);
        assert!(ended.err.contains(says), "{fault}: {}", ended.err);
        assert!(
            ended.err.contains("`opsh resume "),
            "{fault}: {}",
            ended.err
        );
        // It stays down once more, and then it is well again.
        let again = user.opsh(["resume", "--local", "--fault", fault]);
        assert_eq!(again.code, 1, "{fault}: {}", again.err);
        user.opsh(["resume", "--local"]).done();
        assert_eq!(resources(&user).len(), 3, "{fault}");
        assert_eq!(count(&user, "/state/ec2/region/addresses"), 2, "{fault}");
        assert_eq!(count(&user, "/state/ec2/region/groups"), 2, "{fault}");
    }
}

#[test]
fn of_two_alike_the_one_in_flight_is_found() {
    for (step, point) in [
        (0, "accepted"),
        (1, "after-intent"),
        (1, "accepted"),
        (1, "answered"),
    ] {
        let user = user(ADDRESSES);
        let crash = format!("crash {step} {point}");
        let killed = user.opsh(["run", "p.rhai", "--local", "--fault", &crash]);
        assert_eq!(killed.code, -1, "{crash}: {}", killed.err);
        let resumed = user.opsh(["resume", "--local", "--output", "json"]).done();
        assert_eq!(count(&user, "/state/ec2/region/addresses"), 2, "{crash}");
        assert_eq!(resources(&user).len(), 2, "{crash}");
        let adopted = resumed.out.contains(r#""adopted":true"#);
        assert_eq!(adopted, point != "after-intent", "{crash}: {}", resumed.out);
    }
}

#[test]
fn what_somebody_else_made_in_the_meantime_is_not_adopted() {
    let user = user(GROUP);
    user.opsh([
        "run",
        "p.rhai",
        "--local",
        "--fault",
        "crash 0 after-intent",
    ]);
    std::fs::write(user.home().join("q.rhai"), GROUP).unwrap();
    user.opsh(["run", "q.rhai", "--local"]).done();
    let refused = user.opsh(["resume", "--local"]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(
        refused.err.contains("InvalidGroup.Duplicate"),
        "{}",
        refused.err
    );
    assert!(resources(&user).is_empty());
}

#[test]
fn a_bucket_of_before_is_not_adopted() {
    let user = user("s3::create_bucket(#{ bucket: \"ours\" });\n");
    std::fs::write(
        user.home().join("q.rhai"),
        "s3::create_bucket(#{ bucket: \"ours\" });\nsleep(60);\nec2::describe_vpcs(#{});\n",
    )
    .unwrap();
    user.opsh(["run", "q.rhai", "--local"]).done();
    // In us-east-1 making a bucket of one's own again is no error.
    let killed = user.opsh([
        "run",
        "p.rhai",
        "--local",
        "--fault",
        "crash 0 after-intent",
    ]);
    assert_eq!(killed.code, -1);
    let resumed = user.opsh(["resume", "--local", "--output", "json"]);
    assert!(
        !resumed.out.contains(r#""adopted":true"#),
        "{}",
        resumed.out
    );
}

#[test]
fn a_fault_is_rehearsed_on_the_embedded_cloud_only() {
    let ended = run(GROUP, &["--fault", "lost ec2:CreateSecurityGroup"]);
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (
            2,
            "error: --fault needs --local or --dry-run: nothing goes wrong on purpose on the real AWS\n"
        )
    );
    let ended = run(GROUP, &["--local", "--fault", "explode"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended
            .err
            .contains("'explode' is no fault; there are throttle"),
        "{}",
        ended.err
    );
}

#[test]
#[cfg(unix)]
fn nothing_is_sent_without_a_durable_intent() {
    use std::os::unix::fs::PermissionsExt as _;
    // No file may grow beyond what the ledger has when it begins: the disk is full.
    let text = "let text = \"x\"; for n in 0..18 { text += text; }\n\
                ssm::put_parameter(#{ name: \"/a\", type: \"String\", value: \"small\", description: text });\n";
    let user = user(text);
    user.opsh(["run", "p.rhai", "--dry-run"]);
    let program = env!("CARGO_BIN_EXE_opsh");
    let script = user.home().join("full.sh");
    std::fs::write(
        &script,
        format!("#!/bin/sh\ntrap '' XFSZ\nulimit -f 256\nexec {program} run p.rhai --local\n"),
    )
    .unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let ended = std::process::Command::new(&script)
        .current_dir(user.home())
        .env_clear()
        .env("HOME", user.home())
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{error}");
    assert!(error.contains("the ledger"), "{error}");
    let state = user.home().join(".opsh/local/state.json");
    let sent = std::fs::read_to_string(state).is_ok_and(|state| state.contains("\"/a\""));
    assert!(!sent, "it was sent: {error}");
}
