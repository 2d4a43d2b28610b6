//! What goes wrong on the way: bounded retries, then a stop that can be resumed.

use super::{run, user};
use crate::support::opsh::User;
use crate::support::served::Served;

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
let soon = #{ timeout: "1m" };
let one = ec2::allocate_address(#{ domain: "vpc", tags: #{ Name: "n" } }, soon).allocation_id;
let two = ec2::allocate_address(#{ domain: "vpc", tags: #{ Name: "n" } }, soon).allocation_id;
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
        "delay 30s ec2:AllocateAddress",
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
        ("delay 10m ec2:AllocateAddress 100%", "within"),
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

/// What was lost first and refused after that may have been done: it is no failure that
/// leaves nothing behind.
#[test]
fn a_lost_attempt_is_not_forgotten_because_a_later_one_is_refused() {
    let volume = "ec2::create_volume(#{ availability_zone: \"us-east-1a\", size: 8 });\n";
    let volumes = "/state/ec2/region/volumes";
    for after in [
        "throttle ec2:CreateVolume 2,3,4,5,6,7",
        "refuse ExpiredToken ec2:CreateVolume 2,3,4",
    ] {
        let faults = ["--fault", "lost ec2:CreateVolume", "--fault", after];
        let failed = || {
            let user = user(volume);
            let ended = user.opsh(["run", "p.rhai", "--local"].iter().chain(&faults));
            assert_eq!(ended.code, 1, "{after}: {}", ended.err);
            assert_eq!(count(&user, volumes), 1, "{after}");
            user
        };
        let resumed = failed();
        resumed.opsh(["resume", "--local"]).done();
        assert_eq!(count(&resumed, volumes), 1, "{after}");
        assert_eq!(resources(&resumed).len(), 1, "{after}");

        let undone = failed();
        // What stops before it gets there says nothing of then either.
        let expired = "refuse ExpiredToken ec2:CreateVolume 100%";
        let undo = ["undo", "--local", "--yes"];
        let ended = undone.opsh(undo.iter().chain(&["--fault", expired]));
        assert_eq!(ended.code, 1, "{after}: {}", ended.err);
        undone.opsh(undo).done();
        assert_eq!(count(&undone, volumes), 0, "{after}");
        assert!(resources(&undone).is_empty(), "{after}");
    }
}

#[test]
fn what_a_lost_attempt_has_made_was_not_there_before() {
    let text = "s3::create_bucket(#{ bucket: \"ours\" });\n\
                s3::put_object(#{ bucket: \"ours\", key: \"k\", body: \"x\" });\n";
    let user = user(text);
    let ended = user.opsh([
        "run",
        "p.rhai",
        "--local",
        "--fault",
        "lost s3:PutObject",
        "--fault",
        "refuse ExpiredToken s3:PutObject 2,3,4",
    ]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    user.opsh(["resume", "--local"]).done();
    assert_eq!(resources(&user), ["s3:bucket ours", "s3:object ours/k"]);
    user.opsh(["undo", "--local", "--yes"]).done();
    assert!(resources(&user).is_empty());
}

/// A group, and a rule of it, which the service must know the group for.
const RULE: &str = r#"
let id = ec2::create_security_group(#{ group_name: "web", description: "d" }).group_id;
ec2::authorize_security_group_ingress(#{ group_id: id, ip_permissions: [
    #{ ip_protocol: "tcp", from_port: 80, to_port: 80, ip_ranges: [#{ cidr_ip: "0.0.0.0/0" }] },
] });
"#;

#[test]
fn what_was_just_made_and_is_not_known_yet_is_asked_for_again() {
    let fault = "refuse InvalidGroup.NotFound ec2:AuthorizeSecurityGroupIngress";
    let late = user(RULE);
    let some = format!("{fault} 1,2,3");
    late.opsh(["run", "p.rhai", "--local", "--fault", &some])
        .done();
    assert_eq!(resources(&late).len(), 2);

    let never = user(RULE);
    let all = format!("{fault} 100%");
    let ended = never.opsh(["run", "p.rhai", "--local", "--fault", &all]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(ended.err.contains("InvalidGroup.NotFound"), "{}", ended.err);
    assert!(ended.err.contains("`opsh resume "), "{}", ended.err);
    let run = &never.runs()[0];
    let [begun, over] = ["started", "ended"].map(|name| {
        let time = run[name].as_str().unwrap_or_else(|| panic!("{run}"));
        time.parse::<jiff::Timestamp>().unwrap()
    });
    assert!(over.duration_since(begun).as_secs() < 60, "{run}");
    never.opsh(["resume", "--local"]).done();
    assert_eq!(resources(&never).len(), 2);

    // What is not new is not waited for.
    let text = format!(
        "{RULE}sleep(600);\nlet before = time::now();\ntry {{ ec2::revoke_security_group_ingress(#{{ group_id: id, security_group_rule_ids: [] }}); }} catch {{}}\n(time::now() - before).to_string()"
    );
    let old = user(&text);
    let fault = "refuse InvalidGroup.NotFound ec2:RevokeSecurityGroupIngress 100%";
    let ended = old
        .opsh(["run", "p.rhai", "--local", "--fault", fault])
        .done();
    assert!(ended.out.starts_with("0."), "{}", ended.out);
}

#[test]
fn a_removal_whose_answer_was_lost_is_a_removal() {
    let text = r#"
let id = ec2::create_security_group(#{ group_name: "web", description: "d" }).group_id;
ec2::delete_security_group(#{ group_id: id });
ec2::describe_security_groups(#{ filters: #{ "group-name": "web" } }).security_groups.len()
"#;
    let lost = user(text);
    let fault = "lost ec2:DeleteSecurityGroup";
    let ended = lost
        .opsh(["run", "p.rhai", "--local", "--fault", fault])
        .done();
    assert_eq!(ended.out, "0\n");
    for point in ["after-intent", "accepted", "answered"] {
        let killed = user(text);
        let crash = format!("crash 1 {point}");
        let ended = killed.opsh(["run", "p.rhai", "--local", "--fault", &crash]);
        assert_eq!(ended.code, -1, "{}", ended.err);
        let resumed = killed.opsh(["resume", "--local"]).done();
        assert_eq!(resumed.out, "0\n", "{point}");
        assert!(resources(&killed).is_empty(), "{point}");
    }
}

#[test]
fn a_message_that_may_come_twice_is_sent_again_without_a_question() {
    let text = |controls: &str| {
        format!(
            "let topic = sns::create_topic(#{{ name: \"news\" }}).topic_arn;\n\
             sns::publish(#{{ topic_arn: topic, message: \"hello\" }}{controls});\n"
        )
    };
    let accepted = ["run", "p.rhai", "--local", "--fault", "crash 1 accepted"];
    let harmless = user(&text(", #{ repeatable: true }"));
    harmless.opsh(accepted);
    harmless.opsh(["resume", "--local"]).done();
    let delicate = user(&text(""));
    delicate.opsh(accepted);
    let asked = delicate.opsh(["resume", "--local"]);
    assert!(
        asked.err.contains("nobody knows whether step 1"),
        "{}",
        asked.err
    );
    // The same with an answer that is lost while the run lives.
    let lost = ["run", "p.rhai", "--local", "--fault", "lost sns:Publish"];
    user(&text(", #{ repeatable: true }")).opsh(lost).done();
    assert_eq!(user(&text("")).opsh(lost).code, 1);
}

#[test]
fn a_served_cloud_rehearses_faults_too() {
    let rule = "throttle ec2:CreateSecurityGroup 100%";
    let served = Served::of(user(GROUP), &["--time=virtual", "--fault", rule]);
    let run = ["run", "p.rhai", "--local-at", served.url()];
    let ended = served.user.opsh(run);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(
        ended.err.contains("Request limit exceeded"),
        "{}",
        ended.err
    );
    let next = format!("--local-at {}` goes on with it", served.url());
    assert!(ended.err.contains(&next), "{}", ended.err);
    let here = served.user.opsh(run.iter().chain(&["--fault", rule]));
    assert_eq!(
        (here.code, here.err.as_str()),
        (
            2,
            "error: what goes wrong in a cloud that another process serves is said there, to \
             `opsh local serve --fault`; here only --fault 'crash …' is\n"
        )
    );
    let crash = ["local", "serve", "--port=0", "--fault", "crash 1 accepted"];
    let refused = User::new().opsh(crash);
    assert_ne!(refused.code, 0);
    assert!(
        refused.err.contains("'crash' is for a run"),
        "{}",
        refused.err
    );
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
