//! In which folder a run goes on: its files are there.

use std::path::Path;

use opsh_operation::{Fault, FaultKind};

use super::Act;
use crate::ledger::RunId;

/// Which run in which ledger is meant.
pub struct Meant<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The folder that it was started in.
    pub folder: &'a str,
    /// The ledger, if it is named.
    pub ledger: Option<&'a Path>,
    /// Where it is in the run's folder if it is not.
    pub usual: &'a Path,
    /// Whether the run is one on the embedded cloud.
    pub embedded: bool,
}

/// Refuses to `act` on a run from another folder than the one it was started in. A folder
/// that was moved has its ledger with it.
///
/// # Errors
/// It was started in another folder; the fault says how to go there.
pub fn must_be_here(meant: &Meant<'_>, act: Act) -> Result<(), Fault> {
    let Meant {
        run,
        folder,
        ledger,
        usual,
        embedded,
    } = *meant;
    let was = Path::new(folder);
    let real = |path: &Path| path.canonicalize().ok();
    let here = std::env::current_dir().ok().and_then(|here| real(&here));
    if here.is_none() || here == real(was) {
        return Ok(());
    }
    let local = if embedded { " --local" } else { "" };
    let own = was.join(usual);
    let Some(named) = ledger else {
        if !own.exists() {
            return Ok(());
        }
        return Err(elsewhere(run, folder)
            .hint(format!("cd {} && opsh {act} {run}{local}", quoted(folder))));
    };
    if !was.exists() {
        if act == Act::Undo {
            // What the run made somewhere else must not stay because its files are gone.
            return Ok(());
        }
        return Err(Fault::new(
            FaultKind::Invalid,
            format!("the run {run} was started in {folder}, which is not there any more"),
        )
        .hint(format!(
            "if the folder was moved, go there, and say `opsh {act} {run}{local}`"
        )));
    }
    let ledger = real(named).filter(|named| Some(named) != real(&own).as_ref());
    let ledger = ledger.map_or_else(String::new, |path| {
        format!(" --ledger {}", quoted(&path.to_string_lossy()))
    });
    Err(elsewhere(run, folder).hint(format!(
        "cd {} && opsh {act} {run}{local}{ledger}",
        quoted(folder)
    )))
}

fn elsewhere(run: &RunId, folder: &str) -> Fault {
    Fault::new(
        FaultKind::Invalid,
        format!("the run {run} was started in {folder}, and works on files there"),
    )
}

fn quoted(path: &str) -> String {
    shlex::try_quote(path).unwrap_or_default().into_owned()
}
