//! What the ledger calls the things that a run makes, and what goes with the stack.

use super::{run, user};
use crate::support::opsh::User;

/// What the stack `p` has: kinds and ids.
fn resources(user: &User) -> Vec<String> {
    let listed = user.opsh(["ls", "p", "--local", "--output", "json"]).done();
    let one = |event: &serde_json::Value| format!("{} {}", event["kind"], event["id"]);
    listed.events().iter().map(one).collect()
}

#[test]
fn a_subscription_is_known_before_it_is_confirmed() {
    let user = user(
        r#"
let topic = sns::create_topic(#{ name: "news" }).topic_arn;
sns::subscribe(#{ topic_arn: topic, protocol: "email", endpoint: "ops@example.com" });
"#,
    );
    user.opsh(["run", "p.rhai", "--local"]).done();
    let known = resources(&user);
    assert!(known[1].contains(":news:"), "{known:?}");
    user.opsh(["undo", "--local", "--yes"]).done();
    assert!(resources(&user).is_empty());
}

#[test]
fn a_parameter_that_is_overwritten_keeps_its_tags() {
    let ended = run(
        r#"
let put = |value, overwrite| ssm::put_parameter(#{
    name: "/web/color", value: value, type: "String", overwrite: overwrite,
}).version;
let versions = [put.call("blue", false), put.call("green", true)];
let tags = ssm::list_tags_for_resource(#{ resource_type: "Parameter", resource_id: "/web/color" }).tag_list;
[versions, tags["opsh:stack"]]
"#,
        &["--local", "--output", "json"],
    )
    .done();
    let result = ended.events().pop().unwrap()["value"].to_string();
    assert_eq!(result, r#"[[1,2],"p"]"#);
}

#[test]
fn schedules_of_one_name_in_two_groups_are_two() {
    let user = user(
        r#"
let trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole"}]}`;
let role = iam::create_role(#{ role_name: "nightly", assume_role_policy_document: trust }).role.arn;
scheduler::create_schedule_group(#{ name: "web" });
let schedule = #{
    name: "nightly",
    schedule_expression: "rate(1 hour)",
    flexible_time_window: #{ mode: "OFF" },
    target: #{ arn: "arn:aws:lambda:us-east-1:123456789012:function:nightly", role_arn: role },
};
scheduler::create_schedule(schedule);
scheduler::create_schedule(schedule + #{ group_name: "web" });
"#,
    );
    user.opsh(["run", "p.rhai", "--local"]).done();
    let mut schedules = resources(&user);
    schedules.retain(|one| one.starts_with("\"scheduler:schedule\""));
    assert_eq!(
        schedules,
        [
            r#""scheduler:schedule" "default/nightly""#,
            r#""scheduler:schedule" "web/nightly""#
        ]
    );
    std::fs::write(
        user.home().join("q.rhai"),
        "scheduler::delete_schedule(#{ name: \"nightly\" });\n",
    )
    .unwrap();
    let words = ["run", "q.rhai", "--local", "--stack", "p"];
    user.opsh(words).done();
    assert_eq!(resources(&user).len(), 3);
    user.opsh(["undo", "--local", "--yes"]).done();
    assert!(resources(&user).is_empty());
}

const KEY: &str = "ssh::generate_key(\"key\", #{ comment: \"me\" }).public_key\n";

#[test]
fn a_key_that_died_half_made_is_finished_and_a_foreign_one_is_left_alone() {
    for point in ["after-intent", "accepted", "answered"] {
        let user = user(KEY);
        let crash = format!("crash 0 {point}");
        let killed = user.opsh(["run", "p.rhai", "--local", "--fault", &crash]);
        assert_eq!(killed.code, -1, "{}", killed.err);
        let [key, public] = ["key", "key.pub"].map(|name| user.home().join(name));
        let before = std::fs::read(&key).ok();
        // As if it had died between the two files.
        let _ = std::fs::remove_file(&public);
        let resumed = user.opsh(["resume", "--local"]).done();
        assert!(resumed.out.ends_with(" me\n"), "{}", resumed.out);
        assert_eq!(std::fs::read_to_string(&public).unwrap(), resumed.out);
        if let Some(before) = before {
            assert_eq!(std::fs::read(&key).unwrap(), before, "{point}");
        }
        assert_eq!(resources(&user), [r#""ssh:key" "key""#]);
        user.opsh(["undo", "--local", "--yes"]).done();
        assert!(!key.exists() && !public.exists(), "{point}");
    }
    // Somebody has made a key of his own there in the meantime.
    let user = user(KEY);
    user.opsh([
        "run",
        "p.rhai",
        "--local",
        "--fault",
        "crash 0 after-intent",
    ]);
    std::fs::write(user.home().join("own.rhai"), KEY).unwrap();
    user.opsh(["run", "own.rhai", "--local"]).done();
    let key = user.home().join("key");
    let own = std::fs::read(&key).unwrap();
    let died = user.runs()[1]["run"].as_str().unwrap().to_owned();
    let refused = user.opsh(["resume", &died, "--local"]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(
        refused.err.contains("keys are never overwritten"),
        "{}",
        refused.err
    );
    assert_eq!(std::fs::read(&key).unwrap(), own);
}

#[test]
fn a_stack_takes_its_own_key_with_it_and_no_other() {
    let mine = user(KEY);
    mine.opsh(["run", "p.rhai", "--local"]).done();
    // The user has put another key in its place.
    std::fs::write(
        mine.home().join("q.rhai"),
        KEY.replace("\"key\"", "\"other\""),
    )
    .unwrap();
    mine.opsh(["run", "q.rhai", "--local", "--seed", "7"])
        .done();
    let [key, other] = ["key", "other"].map(|name| mine.home().join(name));
    std::fs::copy(&other, &key).unwrap();
    let words = [
        "run",
        &super::shipped("teardown"),
        "stack=p",
        "--local",
        "--yes",
    ];
    mine.opsh(words).done();
    assert!(resources(&mine).is_empty());
    assert_eq!(std::fs::read(&key).unwrap(), std::fs::read(&other).unwrap());
}
