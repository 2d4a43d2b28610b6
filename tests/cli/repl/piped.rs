//! `opsh repl` through a pipe.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::opsh::User;

#[test]
fn what_programs_read_is_json_to_the_last_line() {
    let user = User::new();
    let script = user.home().join("script");
    let lines = "1 + 1\n?sns::delete_topic\n:plan\nhelp(\"sns::delete_topic\")\nbad(\n";
    std::fs::write(&script, lines).unwrap();
    let output = user
        .command(["repl", "--dry-run", "--output", "json"])
        .stdin(Stdio::from(std::fs::File::open(&script).unwrap()))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let events: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<_> = events.iter().map(|event| &event["event"]).collect();
    assert_eq!(
        kinds,
        ["result", "print", "print", "print", "result", "error"],
        "{text}"
    );
    assert_eq!(events[1]["text"], events[3]["text"]);
}

#[test]
fn the_shell_works_piped() {
    let user = User::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_opsh"))
        .args(["repl", "--dry-run"])
        .current_dir(user.home())
        .env_clear()
        .env("HOME", user.home())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let script = "let n = 20;\nfn twice(n) {\n    n * 2\n}\ntwice(n) + 2\nimport \"web\" as web;\nweb::bucket_name(\"shop\")\nec2::run_instancs(#{})\nn\n";
    child
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "42\nshop-123456789012-us-east-1\n20\n"
    );
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.contains("did you mean ec2::run_instances?"),
        "{errors}"
    );
    assert_eq!(output.status.code(), Some(1));
}
