//! The embedded cloud behind a port, as other tools meet it.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use super::component::{Absent, file};
use super::opsh::User;
use super::python;

/// `opsh local serve` in a home of its own, until it is dropped.
pub struct Served {
    child: Child,
    /// Whose cloud it is.
    pub user: User,
    /// What it said of itself.
    pub hello: Value,
}

impl Served {
    /// Starts it on a free port.
    pub fn start(options: &[&str]) -> Self {
        Self::of(User::new(), options)
    }

    /// Starts it for `user`, on a free port.
    pub fn of(user: User, options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_opsh"))
            .args(["local", "serve", "--port=0", "--output=json"])
            .args(options)
            .current_dir(user.home())
            .env_clear()
            .env("HOME", user.home())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let hello = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("opsh said '{line}' instead of where it serves"));
        Self { child, user, hello }
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        self.hello["url"].as_str().unwrap()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.url().rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// A program that is led here by the environment that was printed, and by nothing else.
    pub fn tool(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.user.home())
            .env_clear()
            .env("HOME", self.user.home())
            .env("PATH", "/usr/bin:/bin")
            .env("AWS_PAGER", "")
            .stdin(Stdio::null());
        for (name, value) in self.hello["environment"].as_object().unwrap() {
            command.env(name, value.as_str().unwrap());
        }
        command
    }

    /// Runs the AWS CLI.
    pub fn aws(&self, arguments: &[&str]) -> Output {
        let program = aws_cli().unwrap_or_else(|_| panic!("a test asks for the AWS CLI first"));
        self.tool(program).args(arguments).output().unwrap()
    }

    /// What the AWS CLI answers, which must succeed.
    pub fn said(&self, arguments: &[&str]) -> String {
        let output = self.aws(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "aws {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What the AWS CLI complains, which must fail.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.aws(arguments);
        assert!(!output.status.success(), "aws {arguments:?} succeeded");
        String::from_utf8(output.stderr).unwrap().trim().to_owned()
    }

    /// What curl gets, which must be an answer of whatever status.
    pub fn curl(&self, arguments: &[&str]) -> String {
        let output = self
            .tool("/usr/bin/curl".into())
            .arg("-sS")
            .args(arguments)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "curl {arguments:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Asks it to stop, as Ctrl-C does, and gives its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The AWS CLI beside the Python that has boto3.
pub fn aws_cli() -> Result<PathBuf, Absent> {
    let path = python::find()?.with_file_name("aws");
    if path.is_file() {
        Ok(path)
    } else {
        Err(Absent::new(format!(
            "there is no AWS CLI at {} (see .ci/run)",
            path.display()
        )))
    }
}

/// A program of this repository for the Python that has boto3.
pub fn script(served: &Served, path: &str) -> Output {
    let python = python::find().unwrap_or_else(|_| panic!("a test asks for Python first"));
    served.tool(python).arg(file(path)).output().unwrap()
}
