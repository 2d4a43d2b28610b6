//! Who reads may go away before the end: that is no error, and nothing is said of it.

use super::{shipped, user};

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let text = r#"print("one");
        if sns::list_topics(#{}).topics.is_empty() { sns::create_topic(#{ name: "news" }); }
        sns::list_topics(#{}).topics.len()"#;
    let user = user(text);
    user.opsh(["run", "p.rhai", "--local", "-q"]).done();
    let run = user.runs()[0]["run"].as_str().unwrap().to_owned();
    let function = shipped("lambda/log_watch");
    let commands: [&[&str]; 14] = [
        &["run", "p.rhai", "--local"],
        &["run", "p.rhai", "--dry-run"],
        &["run", "p.rhai", "--local", "--output", "json"],
        &["ls", "--local"],
        &["ls", "p", "--local"],
        &["history", "--local"],
        &["history", &run, "--local", "-v"],
        &["local", "status"],
        &["local", "outbox"],
        &["local", "advance", "1m"],
        &["undo", "--local", "--dry-run"],
        &["adopt", "--local", "--stack", "p"],
        &[
            "lambda",
            "invoke",
            &function,
            "topic=arn:aws:sns:us-east-1:1:t",
            "--local",
        ],
        &["run", "--help"],
    ];
    for words in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = user.command(words).stdout(writer).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{words:?}: {said}");
        assert!(!said.contains("panicked"), "{words:?}: {said}");
    }
    // The same for messages; the exit code is all that is left to tell.
    for (words, code) in [(&["run", "nowhere.rhai"][..], 2), (&["ls", "--local"], 0)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = user.command(words).stderr(writer).status().unwrap();
        assert_eq!(status.code(), Some(code), "{words:?}");
    }
}
