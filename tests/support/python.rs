//! The Python that has moto and boto3: `target/e2e/venv`, which `.ci/run` makes.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;

use super::component::{Absent, file};

/// The interpreter, named by `OPSH_E2E_PYTHON` or in the virtual environment.
pub fn find() -> Result<PathBuf, Absent> {
    let python = std::env::var_os("OPSH_E2E_PYTHON")
        .map_or_else(|| file("target/e2e/venv/bin/python"), PathBuf::from);
    if python.is_file() {
        Ok(python)
    } else {
        Err(Absent::new(format!(
            "there is no Python with moto and boto3 at {} (see .ci/run)",
            python.display()
        )))
    }
}

/// A script that serves as long as its standard input is open, so that it cannot outlive the tests.
pub struct Service {
    child: Child,
    hold: Option<ChildStdin>,
    /// What it said of itself in its first line.
    pub hello: Value,
}

impl Service {
    /// Starts `script` and waits for the JSON line that says where it serves.
    pub fn start(python: &Path, script: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(python)
            .arg(file(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let hold = child.stdin.take();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let hello = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("{script} said '{line}' instead of where it serves"));
        Self { child, hold, hello }
    }

    /// A port that it serves on.
    pub fn port(&self, name: &str) -> u16 {
        u16::try_from(self.hello[name].as_u64().unwrap()).unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.hold.take());
        let _ = self.child.wait();
    }
}
