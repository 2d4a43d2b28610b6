//! moto's server: an AWS emulator that shares nothing with the embedded cloud.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;

use super::component::{Absent, file};
use super::python::{self, Service};

/// The region that the tests use: moto knows its public parameters and images.
pub const REGION: &str = "us-east-1";

/// The server, empty and for one test at a time.
pub struct Moto {
    /// Where it answers.
    pub endpoint: String,
    _turn: MutexGuard<'static, ()>,
}

impl Moto {
    /// Waits for its turn, starts the server if it is the first, and empties it.
    pub fn take() -> Result<Self, Absent> {
        static TURN: Mutex<()> = Mutex::new(());
        static SERVER: OnceLock<Service> = OnceLock::new();
        let python = python::find()?;
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let server = SERVER.get_or_init(|| Service::start(&python, "tests/e2e/emulator.py", &[]));
        let moto = Self {
            endpoint: format!("http://127.0.0.1:{}", server.port("port")),
            _turn: turn,
        };
        moto.witness("reset");
        Ok(moto)
    }

    /// What boto3 finds there: `resources`, everything that somebody made; or `reset`.
    pub fn witness(&self, what: &str) -> Value {
        let output = Command::new(python::find().ok().unwrap())
            .arg(file("tests/e2e/witness.py"))
            .args([what, &self.endpoint, REGION])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }
}
