//! `--ledger PATH`: the records are where somebody wants them.

use std::time::{Duration, Instant};

use super::user;
use crate::support::opsh::User;

const NAMED: [&str; 2] = ["--ledger", "all records/ops.db"];

#[test]
fn what_is_named_is_written_looked_at_gone_on_with_and_undone() {
    let user = user(r#"for name in ["one", "two"] { sns::create_topic(#{ name: name }); }"#);
    let opsh = |words: &[&str]| user.opsh(words.iter().chain(&NAMED));
    let listed = |words: &[&str]| {
        opsh(&[words, &["--output", "json"]].concat())
            .done()
            .events()
    };

    let refused = "refuse TooBusy sns:CreateTopic 2";
    let failed = opsh(&["run", "p.rhai", "--local", "--fault", refused]);
    assert_eq!(failed.code, 1, "{}", failed.err);
    let run = listed(&["history"])[0]["run"].as_str().unwrap().to_owned();
    let flags = "--local --ledger 'all records/ops.db'";
    let next = format!(
        "  next: `opsh resume {run} {flags}` goes on with it, `opsh undo {run} {flags}` removes what it made\n"
    );
    assert!(failed.err.ends_with(&next), "{}", failed.err);
    let there = |path: &str| user.home().join(path).exists();
    assert!(there("all records/ops.db") && !there(".opsh/local/ledger.db"));

    opsh(&["resume", "--local"]).done();
    assert_eq!(listed(&["ls", "p"]).len(), 2);
    let plan = opsh(&["undo", "--local", "--dry-run"]).done();
    assert!(plan.out.contains("undone: 2 writes\n"), "{}", plan.out);
    opsh(&["undo", "--local", "--yes"]).done();
    assert_eq!(listed(&["ls", "p"]).len(), 0);
    assert!(!there(".opsh/local/ledger.db"));
}

#[test]
fn one_run_at_a_time_is_at_a_stack_of_it() {
    let user = user(
        r#"let mine = param("mine", #{ type: "text" });
file::write(mine, "");
while !file::exists("go") { sleep(0.01); }"#,
    );
    let run = |mine| ["run", "p.rhai", mine].into_iter().chain(NAMED);
    let first = user.begin(run("mine=a"));
    let begun = Instant::now();
    while !user.home().join("a").exists() {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "it does not begin"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let second = user.opsh(run("mine=b"));
    assert_eq!(second.code, 1);
    let said = "the stack 'p' is in use: process ";
    assert!(second.err.contains(said), "{}", second.err);
    assert_eq!(outcomes(&user, &NAMED), ["running"]);
    std::fs::write(user.home().join("go"), "").unwrap();
    assert_eq!(first.stopped().ended.code, 0);
    assert_eq!(outcomes(&user, &NAMED), ["done"]);
}

/// How the runs of a ledger ended, the newest first.
fn outcomes(user: &User, which: &[&str]) -> Vec<String> {
    let history = ["history", "--output", "json"];
    let runs = user.opsh(history.iter().chain(which)).done();
    let outcome = |run: &serde_json::Value| run["outcome"].as_str().unwrap().to_owned();
    runs.events().iter().map(outcome).collect()
}

#[test]
fn a_run_whose_process_has_died_does_not_run() {
    let text = r#"let number = sns::list_topics(#{}).topics.len();
        sns::create_topic(#{ name: `news-${number}` });"#;
    let user = user(text);
    user.opsh(["run", "p.rhai", "--local"]).done();
    let crash = ["run", "p.rhai", "--local", "--fault", "crash 1 accepted"];
    assert_ne!(user.opsh(crash).code, 0);
    assert_eq!(outcomes(&user, &["--local"]), ["stopped", "done"]);
    for words in [&["history"][..], &["ls"]] {
        let ended = user.opsh(words.iter().chain(&["--local"])).done();
        assert_eq!(ended.out.matches("  stopped\n").count(), 1, "{}", ended.out);
    }
    let stacks = user.opsh(["ls", "--local", "--output", "json"]).done();
    assert_eq!(stacks.events()[0]["last_run"]["outcome"], "stopped");
    let undo = user.opsh(["undo", "--local", "--dry-run"]).done();
    let header = undo.out.lines().next().unwrap();
    assert!(header.ends_with("(p.rhai, stack p, stopped)"), "{header}");
    user.opsh(["resume", "--local"]).done();
    assert_eq!(outcomes(&user, &["--local"]), ["done", "done"]);
}

/// Elsewhere nothing of it would be found, and count as gone.
#[test]
fn a_run_is_gone_on_with_and_undone_only_in_its_own_world() {
    let user = user(r#"for name in ["one", "two"] { sns::create_topic(#{ name: name }); }"#);
    let refused = "refuse TooBusy sns:CreateTopic 2";
    user.opsh(["run", "p.rhai", "--local", "--fault", refused]);
    let listed = user.opsh(["history", "--local", "--output", "json"]).done();
    let run = listed.events()[0]["run"].as_str().unwrap().to_owned();
    for act in ["resume", "undo"] {
        let elsewhere = user.opsh([act, &run, "--ledger", ".opsh/local/ledger.db"]);
        assert_eq!(elsewhere.code, 2);
        let next = format!("  next: opsh {act} {run} --local\n");
        assert_eq!(
            elsewhere.err,
            format!("error: the run {run} was on the embedded cloud\n{next}")
        );
    }
    user.opsh(["resume", "--local"]).done();
}

#[test]
fn a_playbook_does_not_write_into_what_records_it() {
    let user = user(
        r#"let paths = [".opsh/ledger.db", ".opsh/locks/p.lock", ".opsh/local/ledger.db", "own.db", "own.db-head"];
for path in paths {
    try { file::write(path, "x"); throw "written"; } catch (error) { print(error.message); }
    try { file::remove(path); throw "removed"; } catch (error) { print(error.message); }
}
file::write(".opsh/keys/note", "a file like others");
"#,
    );
    let ended = user
        .opsh(["run", "p.rhai", "--ledger", "own.db", "-q"])
        .done();
    let said = |path: &str| format!("the file '{path}' is opsh's own\n").repeat(2);
    let paths = [
        ".opsh/ledger.db",
        ".opsh/locks/p.lock",
        ".opsh/local/ledger.db",
        "own.db",
        "own.db-head",
    ];
    assert_eq!(ended.out, paths.map(said).concat());
    let history = user.opsh(["history", "--ledger", "own.db", "--output", "json"]);
    assert_eq!(history.done().events()[0]["outcome"], "done");
}
