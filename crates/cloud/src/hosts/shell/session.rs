//! What a running command knows of where it runs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bashkit::BuiltinRegistry;
use jiff::Timestamp;

use crate::hosts::boot::Boot;
use crate::hosts::host::Answered;
use crate::hosts::users::User;
use crate::hosts::vfs::Shared;
use crate::hosts::web::Forward;

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
    /// What is said between the command line and programs of the machine.
    pub talk: Arc<Mutex<Talk>>,
}

/// What programs of the machine have answered, and what they are to answer next.
#[derive(Debug, Default)]
pub struct Talk {
    /// The answers that have not been asked for yet.
    pub known: VecDeque<Answered>,
    /// The first question that nobody has answered.
    pub asks: Option<Box<Forward>>,
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
