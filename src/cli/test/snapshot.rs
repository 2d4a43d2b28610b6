//! Snapshots: what a run did when somebody last looked, as files beside the cases.
//!
//! `demo.snapshots/two-machines.snap` is what `opsh run demo.rhai --dry-run` shows;
//! `….snap.new` is a proposal that nobody has accepted yet.

use std::io;
use std::path::{Path, PathBuf};

use crate::cases::outcome::Outcome;
use crate::cases::{Case, Suite, Tried};
use crate::cli::plan;
use crate::script::error::{Class, ScriptError};
use crate::script::run::plain_io;

/// What becomes of what differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is told, and no file is touched.
    Compare,
    /// It is put beside the snapshot.
    Propose,
    /// It is the snapshot from now on.
    Accept,
}

/// The text of what a case did.
pub(super) fn text(tried: &Tried) -> String {
    let Outcome {
        base,
        steps,
        printed,
        result,
        ..
    } = &tried.outcome;
    // How it ended is below the plan.
    let mut text = plan::whole(base, steps, printed, result.as_ref().ok(), true, false);
    if let Err(error) = result {
        // Without places: a line more above it, or in the standard library, changes nothing.
        for finding in &error.findings {
            text.push_str("\n\nerror: ");
            text.push_str(&finding.message);
        }
    }
    text.push('\n');
    tried.clean(&text)
}

/// The snapshot of one case.
pub(super) struct Snapshot {
    /// Its file.
    pub path: PathBuf,
    /// The file of what is proposed in its place.
    pub proposal: PathBuf,
}

impl Snapshot {
    /// The one of `case`.
    pub fn of(suite: &Suite, case: &Case) -> Self {
        let path = suite.snapshots().join(format!("{}.snap", case.slug));
        let proposal = proposal(&path);
        Self { path, proposal }
    }

    /// What is accepted; nothing if nothing is.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self) -> Result<Option<String>, String> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: {}", self.path.display(), plain_io(&error))),
        }
    }

    /// Puts `text` beside it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn propose(&self, text: &str) -> Result<(), String> {
        put(&self.proposal, text)
    }

    /// Makes it `text`.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn accept(&self, text: &str) -> Result<(), String> {
        put(&self.path, text)?;
        self.reject()
    }

    /// Forgets what was proposed.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn reject(&self) -> Result<(), String> {
        removed(&self.proposal)
    }
}

fn proposal(path: &Path) -> PathBuf {
    path.with_extension("snap.new")
}

fn put(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|error| format!("{}: {}", path.display(), plain_io(&error)))
}

fn removed(path: &Path) -> Result<(), String> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("{}: {}", path.display(), plain_io(&error)))
        }
        _ => Ok(()),
    }
}

/// Snapshots that no case has any more; where all is accepted they are removed.
///
/// # Errors
/// They cannot be listed or removed.
pub(super) fn strangers(suites: &[Suite], mode: Mode) -> Result<Vec<PathBuf>, ScriptError> {
    let refused = |why: String| ScriptError::plain(Class::Start, why);
    let mut strangers = Vec::new();
    for suite in suites {
        let folder = suite.snapshots();
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        let known: Vec<Snapshot> = suite
            .cases
            .iter()
            .map(|case| Snapshot::of(suite, case))
            .collect();
        for entry in entries {
            let path = entry
                .map_err(|error| refused(format!("{}: {}", folder.display(), plain_io(&error))))?
                .path();
            let name = path.to_string_lossy();
            let is_one = name.ends_with(".snap") || name.ends_with(".snap.new");
            let is_known = known
                .iter()
                .any(|known| known.path == path || known.proposal == path);
            if is_one && !is_known {
                strangers.push(path);
            }
        }
    }
    strangers.sort();
    if mode == Mode::Accept {
        for path in &strangers {
            removed(path).map_err(refused)?;
        }
    }
    Ok(strangers)
}
