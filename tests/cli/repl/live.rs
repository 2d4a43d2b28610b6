//! Writing on the real AWS is asked about, once a session.

use std::process::Stdio;

use super::{end, shell};
use crate::support::closed::ClosedPort;
use crate::support::opsh::User;

#[test]
fn a_write_is_asked_about_until_it_is_agreed_to() {
    let closed = ClosedPort::take();
    let endpoint = format!("http://127.0.0.1:{}", closed.port);
    let user = User::of(&endpoint, "us-east-1");
    let mut terminal = shell(&user, &[]);
    terminal.sees("opsh live>");
    terminal.enter("sns::create_topic(#{ name: \"one\" })");
    terminal.sees("sns::create_topic writes on the real AWS. Let this session write there? [y/N]");
    terminal.enter("n");
    terminal.sees("the write on the real AWS was not agreed to");
    terminal.enter(
        "sns::delete_topic(#{ topic_arn: \"arn:aws:sns:us-east-1:1:x\" }, #{ timeout: \"1s\" })",
    );
    terminal.sees("sns::delete_topic writes on the real AWS.");
    terminal.enter("y");
    terminal.sees("sns::delete_topic failed");
    // Once is enough.
    terminal.enter("sns::create_topic(#{ name: \"two\" }, #{ timeout: \"1s\" })");
    terminal.sees("sns::create_topic failed");
    end(terminal);
}

#[test]
fn where_nobody_can_be_asked_it_must_be_said_before() {
    let closed = ClosedPort::take();
    let endpoint = format!("http://127.0.0.1:{}", closed.port);
    let user = User::of(&endpoint, "us-east-1");
    let script = user.home().join("script");
    std::fs::write(&script, "sns::create_topic(#{ name: \"one\" })\n").unwrap();
    let output = user
        .command(["repl"])
        .stdin(Stdio::from(std::fs::File::open(&script).unwrap()))
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors
            .contains("nobody can be asked whether to write on the real AWS: this is no terminal")
            && errors.contains("next: add --yes to write without a question"),
        "{errors}"
    );
    assert_eq!(output.status.code(), Some(1));
}
