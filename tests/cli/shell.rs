//! `opsh repl` through a pipe.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::opsh::User;

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
