//! What is to be recorded: of runs, steps and resources.

use std::fmt;

use jiff::Timestamp;
use opsh_operation::{Fault, Map, Value};

use crate::world::Kind;

/// A run's name: sorts by the time it began, to the millisecond.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub(super) String);

impl RunId {
    /// E.g. `20260131-120000123-9f3a7c`.
    pub(super) fn new(started: Timestamp, random: [u8; 3]) -> Self {
        let time = started.strftime("%Y%m%d-%H%M%S%3f");
        Self(format!("{time}-{}", hex::encode(random)))
    }

    /// A run that is in no ledger.
    #[cfg(test)]
    pub(crate) fn of(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A run that begins.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its stack.
    pub stack: String,
    /// Its playbook's path as it was given.
    pub playbook: String,
    /// The values of its parameters; secrets are sealed.
    pub params: Map,
    /// Where its effects land.
    pub world: Kind,
    /// When it began, by the world's clock.
    pub started: Timestamp,
    /// Randomness of the world, for the run's id.
    pub random: [u8; 3],
    /// The version of opsh.
    pub version: String,
    /// How it is started, if it can be gone on with.
    pub settings: Option<RunSettings>,
}

/// How a run was started: what another process needs to go on with it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSettings {
    /// The working directory, absolute: relative paths start there.
    pub folder: String,
    /// Region, endpoint, policy, …; what they mean is the command line's business.
    pub settings: Map,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunOutcome {
    /// To its end.
    Done,
    /// With an error.
    Failed(String),
    /// Refused by policy.
    Refused(String),
    /// By its deadline.
    Deadline,
    /// By Ctrl-C.
    Interrupted,
}

impl RunOutcome {
    /// `done`, `failed`, `refused`, `deadline`, `interrupted`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Refused(_) => "refused",
            Self::Deadline => "deadline",
            Self::Interrupted => "interrupted",
        }
    }

    /// The outcome of which [`RunOutcome::word`] and [`RunOutcome::error`] are these.
    pub(super) fn of(word: &str, error: Option<String>) -> Option<Self> {
        let error = error.unwrap_or_default();
        Some(match word {
            "done" => Self::Done,
            "failed" => Self::Failed(error),
            "refused" => Self::Refused(error),
            "deadline" => Self::Deadline,
            "interrupted" => Self::Interrupted,
            _ => return None,
        })
    }

    /// The error's text.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Failed(error) | Self::Refused(error) => Some(error),
            Self::Done | Self::Deadline | Self::Interrupted => None,
        }
    }
}

/// Whether a step looks or changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepEffect {
    /// It looks.
    Read,
    /// It changes.
    Write,
}

impl StepEffect {
    /// `read` or `write`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// What a step is about to do.
#[derive(Debug, Clone)]
pub struct StepIntent {
    /// Its run.
    pub run: RunId,
    /// Its path of branches, e.g. `3.0.2`.
    pub path: String,
    /// `module::name`.
    pub operation: String,
    /// The action that policies name.
    pub action: String,
    /// Whether it looks or changes.
    pub effect: StepEffect,
    /// The parameters as they are sent; secrets are sealed.
    pub input: Map,
    /// Region, profile, timeout, …
    pub controls: Map,
    /// The idempotency token.
    pub token: Option<String>,
    /// Where in the playbook: `file:line:column`.
    pub place: String,
    /// When, by the world's clock.
    pub started: Timestamp,
    /// The step that it undoes, if it undoes one.
    pub undoes: Option<Undoes>,
    /// What it changes that is there already; nothing if it makes it.
    pub former: Option<Former>,
}

/// Which call of which step's inverse a step is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undoes {
    /// The run of the step that is undone.
    pub run: RunId,
    /// The step that is undone.
    pub step: StepId,
    /// The number of the call in its inverse, from 0.
    pub call: u32,
}

/// What a write changes that was there before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Former {
    /// It, as it was; nothing where it could not be looked at.
    pub found: Option<Value>,
}

/// A resource that was found by its tags.
#[derive(Debug, Clone, PartialEq)]
pub struct Adopted {
    /// Service and resource.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name, if it has one beside the id.
    pub name: Option<String>,
    /// What removes it.
    pub inverse: Vec<Call>,
}

/// An intent that is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub(super) i64);

impl StepId {
    /// The number of its row: later ones are larger.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
impl StepId {
    /// A row that is in no ledger.
    pub(crate) fn of(row: i64) -> Self {
        Self(row)
    }
}

/// What a step did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its result; secrets are sealed.
    pub result: Result<Value, Fault>,
    /// What undoes it; empty for reads and for what needs or has no undoing.
    pub inverse: Vec<Call>,
    /// When, by the world's clock.
    pub ended: Timestamp,
}

/// A call that undoes something.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// `module::name`.
    pub operation: String,
    /// Its parameters.
    pub input: Map,
    /// Region, profile, …
    pub controls: Map,
}

/// What a step made or removed.
#[derive(Debug, Clone, PartialEq)]
pub enum ResourceChange {
    /// A resource is there now. One that the stack has already is left as it was.
    Made {
        /// Service and resource, e.g. `ec2:instance`.
        kind: String,
        /// Its id.
        id: String,
        /// Its name, if it has one beside the id.
        name: Option<String>,
        /// Its region; empty where that means nothing.
        region: String,
        /// What removes it.
        inverse: Vec<Call>,
    },
    /// A resource is gone, whichever stack had it. Unknown ones are none of the ledger's business.
    Removed {
        /// Service and resource.
        kind: String,
        /// Its id.
        id: String,
        /// Its region; empty: any.
        region: String,
    },
}
