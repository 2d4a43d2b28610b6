//! `:run`: the playbook that the shell was started with.

use super::refused;
use crate::repl::session::{Session, Told};
use crate::script::error::ScriptError;

/// Runs it in the session: its variables are there afterwards.
pub fn run(session: &mut Session, _: &str) -> Result<Told, ScriptError> {
    if session.loaded().is_none() {
        return Err(
            refused("no playbook is loaded").hint("`opsh repl PLAYBOOK` starts the shell with one")
        );
    }
    session.run_loaded().map(Told::Value)
}
