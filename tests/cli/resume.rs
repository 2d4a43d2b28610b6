//! `opsh resume`: a run that died, failed or was stopped goes on where it was.

mod interrupted;

use serde_json::Value;

use super::user;
use crate::support::opsh::{Ended, User};

/// Makes a topic after each of three questions.
const THREE: &str = r#"
let names = [];
for name in ["one", "two", "three"] {
    let before = time::now();
    sleep(3600);
    names.push(sns::create_topic(#{ name: name }).topic_arn);
}
names
"#;

fn steps(ended: &Ended) -> Vec<Value> {
    let mut events = ended.events();
    events.retain(|event| event["event"] == "step");
    events
}

fn writes(ended: &Ended) -> Vec<Value> {
    let mut steps = steps(ended);
    steps.retain(|step| step["effect"] == "write");
    steps
}

/// What the stack `p` has, without ids and times.
fn resources(user: &User) -> Vec<String> {
    let listed = user.opsh(["ls", "p", "--local", "--output", "json"]).done();
    let mut found: Vec<String> = listed
        .events()
        .iter()
        .map(|one| format!("{} {}", one["kind"].as_str().unwrap(), one["name"]))
        .collect();
    found.sort();
    found
}

#[test]
fn a_killed_run_goes_on_under_its_id_and_ends_as_if_nothing_had_happened() {
    let undisturbed = user(THREE);
    let expected = undisturbed
        .opsh(["run", "p.rhai", "--local", "--output", "json"])
        .done();
    let user = user(THREE);
    let killed = user.opsh(["run", "p.rhai", "--local", "--fault", "crash 3 answered"]);
    assert_eq!(killed.code, -1, "{}", killed.err);
    // Killed once more on the way.
    let again = user.opsh(["resume", "--local", "--fault", "crash 5 after-intent"]);
    assert_eq!(again.code, -1, "{}", again.err);
    let resumed = user.opsh(["resume", "--local", "--output", "json"]).done();
    let result = |ended: &Ended| ended.events().pop().unwrap();
    assert_eq!(result(&resumed), result(&expected));
    let replayed: Vec<bool> = steps(&resumed)
        .iter()
        .map(|step| step["replayed"] == true)
        .collect();
    assert_eq!(replayed, [true, true, true, true, true, false]);
    let history = user.opsh(["history", "--local", "--output", "json"]).done();
    let runs = history.events();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["outcome"], "done");
    assert_eq!(runs[0]["resumes"], 2);
    let nothing = user.opsh(["resume", "--local"]);
    assert_eq!(
        (nothing.code, nothing.err.as_str()),
        (
            2,
            "error: there is nothing to resume: every run has come to its end\n  next: runs against AWS are resumed without --local\n"
        )
    );
}

#[test]
fn what_was_slept_through_is_not_slept_again_and_time_goes_on() {
    let user = user(THREE);
    user.opsh([
        "run",
        "p.rhai",
        "--local",
        "--fault",
        "crash 4 before-intent",
    ]);
    let resumed = user.opsh(["resume", "--local", "--output", "json"]).done();
    assert_eq!(steps(&resumed).len(), 6);
    let history = user
        .opsh([
            "history",
            &run_id(&user),
            "--local",
            "-v",
            "--output",
            "json",
        ])
        .done();
    let begun: Vec<jiff::Timestamp> = history
        .events()
        .iter()
        .map(|step| step["started"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(begun.is_sorted(), "{begun:?}");
    let hours = begun[5].duration_since(begun[0]).as_hours();
    // Three hours of sleep, none of them twice.
    assert_eq!(hours, 3, "{begun:?}");
}

fn run_id(user: &User) -> String {
    let runs = user
        .opsh(["history", "--local", "--output", "json"])
        .done()
        .events();
    runs[0]["run"].as_str().unwrap().to_owned()
}

#[test]
fn parameters_secrets_and_variables_are_as_they_were() {
    let text = r#"
let count = param("count", #{ default: 1, doc: "How many." });
let pass = param("pass", #{ type: "secret", doc: "A secret." });
let token = random::uuid();
let made = ssm::put_parameter(#{ name: "/a", value: pass, type: "SecureString" }).version;
let read = ssm::get_parameter(#{ name: "/a", with_decryption: true }).parameter.value;
ssm::put_parameter(#{ name: "/b", value: `${token} ${count}`, type: "String" });
#{ token: token, count: count, same: read == pass, made: made }
"#;
    let user = user(text);
    let killed = user.opsh([
        "run",
        "p.rhai",
        "count=3",
        "pass=hunter2hunter2",
        "--local",
        "--fault",
        "crash 3 accepted",
    ]);
    assert_eq!(killed.code, -1, "{}", killed.err);
    let resumed = user
        .opsh(["resume", "--local", "--output", "json", "-v"])
        .done();
    let result = resumed.events().pop().unwrap()["value"].clone();
    assert_eq!(result["count"], 3);
    assert_eq!(result["same"], true);
    assert_eq!(result["made"], 1);
    assert!(!resumed.out.contains("hunter2"), "{}", resumed.out);
}

#[test]
fn a_changed_playbook_is_refused_at_the_step_and_nothing_is_sent() {
    let user = user(THREE);
    user.opsh([
        "run",
        "p.rhai",
        "--local",
        "--fault",
        "crash 5 before-intent",
    ]);
    std::fs::write(
        user.home().join("p.rhai"),
        THREE.replace("\"two\"", "\"zwei\""),
    )
    .unwrap();
    let refused = user.opsh(["resume", "--local"]);
    assert_eq!(
        (refused.code, refused.err.as_str()),
        (
            2,
            "\
error: p.rhai:6:16: sns::create_topic: the playbook changed in the part that already ran: step 3 was sns::create_topic (p.rhai:6:16) with name \"two\"; now step 3 is sns::create_topic (p.rhai:6:16) with name \"zwei\"
   |
 6 |     names.push(sns::create_topic(#{ name: name }).topic_arn);
   |                ^^^^^^^^^^^^^^^^^
  next: undo the change and resume again; or keep it, and run the playbook anew after `opsh undo` has removed what this run made
"
        )
    );
    // A try that was refused leaves the run as it was.
    std::fs::write(user.home().join("p.rhai"), THREE).unwrap();
    user.opsh(["resume", "--local"]).done();
    assert_eq!(resources(&user).len(), 3);
}

#[test]
fn a_playbook_that_ends_before_what_it_did_is_noticed() {
    let user = user(THREE);
    user.opsh([
        "run",
        "p.rhai",
        "--local",
        "--fault",
        "crash 5 before-intent",
    ]);
    std::fs::write(
        user.home().join("p.rhai"),
        THREE.replace(", \"two\", \"three\"", ""),
    )
    .unwrap();
    let refused = user.opsh(["resume", "--local"]);
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(
        refused
            .err
            .contains("step 3 was sns::create_topic (p.rhai:6:16); now it ends without that"),
        "{}",
        refused.err
    );
}

#[test]
fn a_failed_run_tries_again_what_failed() {
    let user = user(THREE);
    let failed = user.opsh([
        "run",
        "p.rhai",
        "--local",
        "--fault",
        "refuse ExpiredToken sns:CreateTopic 2",
    ]);
    assert_eq!(failed.code, 1, "{}", failed.err);
    let run = run_id(&user);
    assert!(
        failed.err.ends_with(&format!(
            "  next: `opsh resume {run} --local` goes on with it, `opsh undo {run} --local` removes what it made\n"
        )),
        "{}",
        failed.err
    );
    let resumed = user.opsh(["resume", "--local", "--output", "json"]).done();
    let fresh: Vec<bool> = writes(&resumed)
        .iter()
        .map(|step| step["replayed"] != true)
        .collect();
    assert_eq!(fresh, [false, true, true]);
    assert_eq!(resources(&user).len(), 3);
}

#[test]
fn a_failure_that_the_playbook_caught_is_caught_again() {
    let text = r#"
let caught = "";
try { sns::create_topic(#{ name: "a" }); } catch (problem) { caught = problem.code; }
sns::create_topic(#{ name: "b" });
sns::create_topic(#{ name: "c" });
caught
"#;
    let user = user(text);
    user.opsh([
        "run",
        "p.rhai",
        "--local",
        "--fault",
        "refuse TooBusy sns:CreateTopic 1",
        "--fault",
        "crash 2 before-intent",
    ]);
    let resumed = user.opsh(["resume", "--local"]).done();
    assert_eq!(resumed.out, "TooBusy\n");
    assert_eq!(resources(&user).len(), 2);
}

#[test]
fn a_question_that_failed_the_playbook_is_asked_again() {
    // The playbook itself gives up, after reads that all went well.
    let text = r#"
sns::create_topic(#{ name: "a" });
if !file::exists("ready") { throw "not ready"; }
sns::create_topic(#{ name: "b" });
"#;
    let user = user(text);
    let failed = user.opsh(["run", "p.rhai", "--local"]);
    assert_eq!(failed.code, 1);
    std::fs::write(user.home().join("ready"), "").unwrap();
    user.opsh(["resume", "--local"]).done();
    assert_eq!(resources(&user).len(), 2);
}

#[test]
fn branches_go_on_each_where_it_was() {
    let text = r#"
parallel::map(["a", "b", "c", "d"], |name| {
    let first = sns::create_topic(#{ name: name }).topic_arn;
    let second = sns::create_topic(#{ name: name + "-2" }).topic_arn;
    [first, second]
})
"#;
    let undisturbed = super::run(text, &["--local", "--output", "json"]).done();
    for crash in [
        "crash 0.0.0 accepted",
        "crash 0.2.1 answered",
        "crash 0.3.1 recorded",
    ] {
        let user = user(text);
        let killed = user.opsh(["run", "p.rhai", "--local", "--fault", crash]);
        assert_eq!(killed.code, -1, "{crash}: {}", killed.err);
        let resumed = user.opsh(["resume", "--local", "--output", "json"]).done();
        assert_eq!(
            resumed.events().pop(),
            undisturbed.events().pop(),
            "{crash}"
        );
        assert_eq!(resources(&user).len(), 8, "{crash}");
    }
}

#[test]
fn nobody_knows_is_said_with_what_is_known_and_answered() {
    let text = r#"
let topic = sns::create_topic(#{ name: "a" }).topic_arn;
sns::publish(#{ topic_arn: topic, message: "hello" });
sns::create_topic(#{ name: "b" }).topic_arn;
"#;
    for (assume, sent) in [("done", 0), ("1=done", 0), ("not-done", 1)] {
        let user = user(text);
        user.opsh([
            "run",
            "p.rhai",
            "--local",
            "--fault",
            "crash 1 after-intent",
        ]);
        let asked = user.opsh(["resume", "--local"]);
        assert_eq!(asked.code, 1, "{}", asked.err);
        for part in [
            "p.rhai:3:1: sns::publish: nobody knows whether step 1 was done: it was begun at 2026-01-01T00:00:00",
            r#"sns::publish was called with {"message":"hello","topic_arn":"arn:aws:sns:us-east-1:123456789012:a"}"#,
            &format!("opsh resume {} --local --assume done", run_id(&user)),
        ] {
            assert!(asked.err.contains(part), "{part}\n{}", asked.err);
        }
        let resumed = user
            .opsh(["resume", "--local", "--assume", assume, "--output", "json"])
            .done();
        let published = &writes(&resumed)[1];
        assert_eq!(published["assumed"] == true, sent == 0, "{published}");
        assert_eq!(resources(&user).len(), 2);
    }
}

#[test]
fn another_run_of_the_stack_since_then_stops_an_unnamed_resume() {
    let user = user(THREE);
    user.opsh([
        "run",
        "p.rhai",
        "--local",
        "--fault",
        "crash 3 before-intent",
    ]);
    let first = run_id(&user);
    std::fs::write(
        user.home().join("q.rhai"),
        "sns::create_topic(#{ name: \"q\" });\n",
    )
    .unwrap();
    user.opsh(["run", "q.rhai", "--local", "--stack", "p"])
        .done();
    let refused = user.opsh(["resume", "--local"]);
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(
        refused
            .err
            .contains(&format!("opsh resume {first} --local")),
        "{}",
        refused.err
    );
    user.opsh(["resume", &first, "--local"]).done();
}
