//! The program under test, in a home and a working directory of its own.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A user of opsh: nothing of the machine's own configuration reaches the program.
pub struct User {
    home: TempDir,
    environment: BTreeMap<String, String>,
}

/// How a command ended.
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// Its results.
    pub out: String,
    /// Everything else that it said.
    pub err: String,
}

impl User {
    /// Somebody without any credentials.
    pub fn new() -> Self {
        Self {
            home: tempfile::Builder::new()
                .prefix("opsh-home-")
                .tempdir()
                .unwrap(),
            environment: BTreeMap::new(),
        }
    }

    /// The same with a home that no disk slows down, where there is such a place: for
    /// what only ends processes, not the machine.
    pub fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        let mut home = tempfile::Builder::new();
        home.prefix("opsh-home-");
        match home.tempdir_in(memory) {
            Ok(home) => Self {
                home,
                environment: BTreeMap::new(),
            },
            Err(_) => Self::new(),
        }
    }

    /// Somebody with credentials for an AWS endpoint.
    pub fn of(endpoint: &str, region: &str) -> Self {
        Self::new()
            .with("AWS_ENDPOINT_URL", endpoint)
            .with("AWS_REGION", region)
            .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .with(
                "AWS_SECRET_ACCESS_KEY",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            )
    }

    /// Sets a variable of the environment.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Home and working directory.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// All that the program finds in its environment.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::from(
            [("PATH", "/usr/bin:/bin"), ("TZ", "UTC")]
                .map(|(name, value)| (name.into(), value.into())),
        );
        all.insert("HOME".into(), self.home().display().to_string());
        all.extend(self.environment.clone());
        all
    }

    /// `opsh` with `arguments`, from its home, with nothing to read; not started yet.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opsh"));
        command
            .args(arguments)
            .current_dir(self.home())
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null());
        command
    }

    /// Runs `opsh` with `arguments`, from its home, with nothing to read.
    pub fn opsh<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        let output = self.command(arguments).output().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The runs on its embedded cloud, the newest first.
    pub fn runs(&self) -> Vec<Value> {
        let history = ["history", "--local", "--output", "json"];
        self.opsh(history).done().events()
    }
}

impl Ended {
    /// Asserts that it succeeded.
    pub fn done(self) -> Self {
        let Self { code, out, err } = &self;
        assert_eq!(
            *code, 0,
            "opsh failed\n--- output\n{out}\n--- errors\n{err}"
        );
        self
    }

    /// The lines of `--output json`.
    pub fn events(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
            .collect()
    }
}

/// The operations of the writes among the lines of `--output json`.
pub fn writes(ended: &Ended) -> Vec<String> {
    ended
        .events()
        .iter()
        .filter(|event| event["effect"] == "write")
        .map(|event| event["operation"].as_str().unwrap().to_owned())
        .collect()
}

/// The playbook's result, which the last of those lines has.
pub fn result(ended: &Ended) -> Value {
    let last = ended.events().pop().unwrap();
    assert_eq!(last["event"], "result", "{}", ended.out);
    last["value"].clone()
}
