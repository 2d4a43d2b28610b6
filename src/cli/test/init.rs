//! A first file of cases for a playbook that has none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::snapshot::Mode;
use super::verdict;
use crate::cases::{Suite, Trials, find};
use crate::script::error::{Class, ScriptError};
use crate::script::run::plain_io;
use crate::script::source::Sources;

/// Writes `demo.test.rhai` for `demo.rhai`, with one case that is called `case`, and gives
/// its path.
///
/// # Errors
/// There is one already; there is no such playbook; it cannot be written.
pub(super) fn file(playbook: &Path, case: &str) -> Result<PathBuf, ScriptError> {
    let refused = |path: &Path, why: &str| {
        ScriptError::plain(Class::Start, format!("{}: {why}", path.display()))
    };
    if !playbook.is_file() {
        return Err(refused(playbook, "there is no such playbook"));
    }
    let path = playbook.with_extension("test.rhai");
    if path.exists() {
        let error = refused(&path, "there are cases already");
        return Err(error.hint("add one: test(\"another\", #{ params: #{ … } });"));
    }
    if find::has_table(playbook) {
        let error = refused(playbook, "there are cases in its header already");
        return Err(error.hint("add a row to the table"));
    }
    let name = playbook.file_name().unwrap_or_default().to_string_lossy();
    let text = format!("// Cases of {name}; see `opsh test --help`.\n\ntest({case:?});\n");
    std::fs::write(&path, text).map_err(|error| refused(&path, &plain_io(&error)))?;
    Ok(path)
}

/// The same with the snapshot of the case, as the playbook is now; gives the paths of both.
///
/// # Errors
/// As [`file`]; the playbook fails.
pub fn begin(playbook: &Path, case: &str) -> Result<(PathBuf, PathBuf), ScriptError> {
    let path = file(playbook, case)?;
    let suites = [Suite::load(&path, &Arc::new(Sources::default()))?];
    let refused = |why: String| ScriptError::plain(Class::Failed, why);
    let tried = Trials::default().run(&suites[0], &suites[0].cases[0]);
    let verdict = verdict::of(&suites, (0, 0), tried, Mode::Accept);
    match verdict.problems.first() {
        Some(problem) => Err(refused(problem.clone())),
        None => Ok((path, verdict.snapshot)),
    }
}
