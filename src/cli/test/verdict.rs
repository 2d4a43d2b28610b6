//! A case that has been tried, compared with its snapshot.

use std::path::PathBuf;

use super::Place;
use super::snapshot::{self, Mode, Snapshot};
use super::tell;
use crate::cases::{Suite, Tried};
use crate::gate::plan::Planned;

/// How a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// It did what its snapshot says.
    Passed,
    /// It did something else, or something is wrong.
    Failed,
    /// It has no snapshot yet.
    New,
}

impl Status {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::New => "new",
        }
    }
}

/// What there is to say of a case.
pub(super) struct Verdict {
    /// Which.
    pub place: Place,
    /// How it stands.
    pub status: Status,
    /// What is wrong, for people, each with all that belongs to it.
    pub problems: Vec<String>,
    /// What it did that its snapshot does not say.
    pub change: Option<Change>,
    /// Whether it has another snapshot since.
    pub accepted: bool,
    /// The file of its snapshot.
    pub snapshot: PathBuf,
    /// Its steps.
    pub steps: Vec<Planned>,
    /// How long it took.
    pub seconds: f64,
}

/// What a snapshot says and what a run did.
pub(super) struct Change {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// What it says, if there is one.
    pub old: Option<String>,
    /// What the run did.
    pub new: String,
}

/// Judges a case; its files are touched as `mode` says.
pub(super) fn of(suites: &[Suite], place: Place, tried: Tried, mode: Mode) -> Verdict {
    let suite = &suites[place.0];
    let snapshot = Snapshot::of(suite, &suite.cases[place.1]);
    let mut verdict = Verdict {
        place,
        status: Status::Failed,
        problems: tell::problems(suite, &tried),
        change: None,
        accepted: false,
        snapshot: snapshot.path.clone(),
        steps: Vec::new(),
        seconds: tried.seconds,
    };
    if verdict.problems.is_empty() {
        let new = snapshot::text(&tried);
        if let Err(why) = compare(&mut verdict, snapshot, new, mode) {
            verdict.status = Status::Failed;
            verdict.problems.push(why);
        }
    }
    verdict.steps = tried.outcome.steps;
    verdict
}

fn compare(
    verdict: &mut Verdict,
    snapshot: Snapshot,
    new: String,
    mode: Mode,
) -> Result<(), String> {
    let old = snapshot.read()?;
    if old.as_deref() == Some(new.as_str()) {
        verdict.status = Status::Passed;
        return match mode {
            Mode::Compare => Ok(()),
            Mode::Propose | Mode::Accept => snapshot.reject(),
        };
    }
    match mode {
        Mode::Accept => {
            snapshot.accept(&new)?;
            verdict.status = Status::Passed;
            verdict.accepted = true;
            return Ok(());
        }
        Mode::Propose => {
            snapshot.propose(&new)?;
            verdict.status = if old.is_some() {
                Status::Failed
            } else {
                Status::New
            };
        }
        Mode::Compare => verdict.status = Status::Failed,
    }
    verdict.change = Some(Change { snapshot, old, new });
    Ok(())
}
