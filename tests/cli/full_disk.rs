//! Results that cannot be written are missed, and what was done is done all the same.

use std::fs::File;

use super::user;

#[test]
fn results_on_a_full_disk_are_an_error() {
    let text = r#"let number = sns::list_topics(#{}).topics.len();
        sns::create_topic(#{ name: `news-${number}` });
        print("made");
        7"#;
    let user = user(text);
    user.opsh(["run", "p.rhai", "--local", "-q"]).done();
    let commands: [&[&str]; 11] = [
        &["run", "p.rhai", "--local", "-q"],
        &["run", "p.rhai", "--dry-run"],
        &["run", "p.rhai", "--local", "-q", "--output", "json"],
        &["eval", "1 + 1"],
        &["ls", "--local"],
        &["history", "--local", "--output", "json"],
        &["doc", "sns"],
        &["check", "p.rhai"],
        &["completions", "bash"],
        &["local", "status"],
        &["local", "advance", "1s"],
    ];
    let said = "error: the results cannot be written to standard output: \
                No space left on device (os error 28)\n";
    for words in commands {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ended = user.command(words).stdout(full).output().unwrap();
        let err = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{words:?}: {err}");
        assert!(err.ends_with(said), "{words:?}: {err}");
    }
    let runs = user.runs();
    let all_done = runs.iter().all(|run| run["outcome"] == "done");
    assert!(!runs.is_empty() && all_done, "{runs:?}");
    // What failed before is what the exit code tells.
    let full = File::options().write(true).open("/dev/full").unwrap();
    let failed = user.command(["run", "nowhere.rhai", "--output", "json"]);
    let failed = { failed }.stdout(full).status().unwrap();
    assert_eq!(failed.code(), Some(2));
}
