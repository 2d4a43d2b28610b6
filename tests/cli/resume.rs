//! `opsh resume`: a run that died, failed or was stopped goes on where it was.

mod adopted;
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

/// `text` of a run that dies at `point` of step 1, and is gone on with.
fn died_at(text: &str, point: &str) -> String {
    let user = user(text);
    let crash = format!("crash 1 {point}");
    let killed = user.opsh(["run", "p.rhai", "--local", "--fault", &crash]);
    assert_eq!(killed.code, -1, "{}", killed.err);
    user.opsh(["resume", "--local"]).done().out
}

/// Sent again, a removal sees what it has done itself.
#[test]
fn a_removal_answers_the_same_after_a_crash() {
    for point in [
        "before-intent",
        "after-intent",
        "accepted",
        "answered",
        "recorded",
    ] {
        let there = "file::write(\"a.txt\", \"x\");\nfile::remove(\"a.txt\")\n";
        assert_eq!(died_at(there, point), "true\n", "{point}");
        let absent = "file::write(\"b.txt\", \"x\");\nfile::remove(\"a.txt\")\n";
        assert_eq!(died_at(absent, point), "false\n", "{point}");
        let key = "ssh::generate_key(\"key\");\nssh::remove_key(\"key\").removed\n";
        assert_eq!(died_at(key, point), "true\n", "{point}");
        let none = "ssh::generate_key(\"key\");\nssh::remove_key(\"other\").removed\n";
        assert_eq!(died_at(none, point), "false\n", "{point}");
    }
}

const NEW_PARAMETER: &str = r#"let name = param("name", #{ default: "a", doc: "A name." });
"#;

#[test]
fn a_new_parameter_has_its_default_or_is_named() {
    let topics =
        "sns::create_topic(#{ name: name });\nsns::create_topic(#{ name: `${name}-2` });\n";
    let user = user(&format!("{NEW_PARAMETER}{topics}"));
    let killed = user.opsh([
        "run",
        "p.rhai",
        "--local",
        "--fault",
        "crash 1 accepted",
        "name=mine",
    ]);
    assert_eq!(killed.code, -1, "{}", killed.err);
    let write = |new: &str| {
        let text = format!("{NEW_PARAMETER}{new}{topics}other\n");
        std::fs::write(user.home().join("p.rhai"), text).unwrap();
    };
    write("let other = param(\"other\", #{ type: \"text\" });\n");
    let run = run_id(&user);
    let refused = user.opsh(["resume", "--local"]);
    assert_eq!(
        (refused.code, refused.err),
        (
            2,
            format!(
                "error: the playbook has a new parameter 'other'; the run {run} was started without it\n  \
                 next: give it a default and resume again; or run the playbook anew after `opsh undo {run} --local`\n"
            )
        )
    );
    write("let other = param(\"other\", #{ default: \"new\" });\n");
    assert_eq!(user.opsh(["resume", "--local"]).done().out, "new\n");
    assert_eq!(resources(&user).len(), 2);
}

/// Files and a key, made in the folder that the run is started in.
const FILES: &str = r#"file::write("one.txt", "1");
sns::create_topic(#{ name: "t" });
file::write("two.txt", "2");
ssh::generate_key("key");
"#;

#[test]
fn a_run_goes_on_and_is_undone_in_its_folder() {
    let user = user("");
    let [own, other] = ["own", "other folder"].map(|name| user.home().join(name));
    for folder in [&own, &other] {
        std::fs::create_dir(folder).unwrap();
    }
    std::fs::write(own.join("p.rhai"), FILES).unwrap();
    let opsh = |folder: &std::path::Path, arguments: &[&str]| {
        let output = user
            .command(arguments)
            .current_dir(folder)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let crash = ["run", "p.rhai", "--local", "--fault", "crash 1 accepted"];
    opsh(&own, &crash);
    let listed = opsh(&own, &["history", "--local", "--output", "json"]).1;
    let listed: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    let run = listed["run"].as_str().unwrap();
    let there = own.canonicalize().unwrap();
    let there = there.display();
    let named = ["--local", "--ledger", "../own/.opsh/local/ledger.db"];
    let refused = |act: &str| {
        let message = format!(
            "error: the run {run} was started in {there}, and works on files there\n  \
             next: cd {there} && opsh {act} {run} --local\n"
        );
        (Some(2), String::new(), message)
    };
    let resume = [&["resume"], &named[..]].concat();
    let undo = [&["undo", "--yes"], &named[..]].concat();
    assert_eq!(opsh(&other, &resume), refused("resume"));
    assert_eq!(opsh(&other, &undo), refused("undo"));
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 0);

    // A folder that is moved has its ledger with it.
    let moved = user.home().join("moved");
    std::fs::rename(&own, &moved).unwrap();
    let gone = opsh(
        &other,
        &[
            "resume",
            "--local",
            "--ledger",
            "../moved/.opsh/local/ledger.db",
        ],
    );
    assert_eq!(
        gone,
        (
            Some(2),
            String::new(),
            format!(
                "error: the run {run} was started in {there}, which is not there any more\n  \
                 next: if the folder was moved, go there, and say `opsh resume {run} --local`\n"
            )
        )
    );
    let resumed = opsh(&moved, &["resume", "--local"]);
    assert_eq!(resumed.0, Some(0), "{}", resumed.2);
    assert!(moved.join("two.txt").exists() && moved.join("key").exists());
    let undone = opsh(&moved, &["undo", "--local", "--yes"]);
    assert_eq!(undone.0, Some(0), "{}", undone.2);
    assert!(!moved.join("key").exists());
}

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

#[test]
fn what_has_been_undone_since_is_not_taken_for_done() {
    let user = user(
        "s3::put_bucket_tagging(#{ bucket: \"opsh-shared\", tagging: #{ tag_set: #{ team: \"mine\" } } });\nthrow \"later\";\n",
    );
    user.opsh([
        "eval",
        "s3::create_bucket(#{ bucket: \"opsh-shared\" })",
        "--local",
    ])
    .done();
    let failed = user.opsh(["run", "p.rhai", "--local"]);
    assert_eq!(failed.code, 1, "{}", failed.err);
    let run = run_id(&user);
    // An undo that changes nothing is none.
    let denied = user.opsh([
        "undo",
        &run,
        "--local",
        "--yes",
        "--deny",
        "s3:PutBucketTagging",
    ]);
    assert_ne!(denied.code, 0, "{}", denied.out);
    let again = user.opsh(["resume", &run, "--local"]);
    assert!(
        again.err.starts_with("error: p.rhai:2:1: later\n"),
        "{}",
        again.err
    );
    user.opsh(["undo", &run, "--local", "--yes"]).done();
    let undo = run_id(&user);
    let refused = user.opsh(["resume", &run, "--local"]);
    assert_eq!(
        (refused.code, refused.err),
        (
            2,
            format!(
                "error: the run {run} cannot be resumed: it has been undone since, or a part of it, by \
                 the run {undo}\n  next: run the playbook anew\n"
            )
        )
    );
}
