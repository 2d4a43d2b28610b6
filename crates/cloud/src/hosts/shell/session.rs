//! What a running command knows of where it runs.

use std::sync::Arc;

use bashkit::BuiltinRegistry;
use jiff::Timestamp;

use crate::hosts::boot::Boot;
use crate::hosts::users::User;
use crate::hosts::vfs::Shared;

/// One login's view of a machine; programs get it from the shell that runs them.
#[derive(Clone)]
pub struct Session {
    /// The machine.
    pub machine: Shared,
    /// What the machine was told at boot.
    pub facts: Arc<Boot>,
    /// Who runs the command.
    pub user: Arc<User>,
    /// The programs there are; installing a package adds some.
    pub tools: BuiltinRegistry,
    /// When `timeout` ends the command, in the machine's time.
    pub deadline: Option<Timestamp>,
    /// How many shells are around this one.
    pub depth: u8,
}

/// What a command did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Its exit status.
    pub exit_code: i32,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it complained.
    pub stderr: Vec<u8>,
}

impl Outcome {
    /// The embedded cloud could not run the command at all.
    pub fn failed(why: &str) -> Self {
        Self {
            exit_code: 64,
            stdout: Vec::new(),
            stderr: format!("opsh local: {why}\n").into_bytes(),
        }
    }
}
