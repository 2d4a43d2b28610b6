//! The files of a saved session: the playbook, and the plan of its dry run beside it.

use std::path::Path;

use super::playbook::Written;
use super::refused;
use crate::modules::Terminal as _;
use crate::repl::session::{Session, Told};
use crate::script::error::ScriptError;
use crate::script::run::plain_io;

/// Writes them, and says what to do with them.
pub fn write(session: &Session, path: &Path, written: &Written) -> Result<Told, ScriptError> {
    let console = session.console();
    let name = path.display();
    if path.exists() && !console.consents() {
        if !console.interactive() {
            return Err(refused(format!("{name} is there already")));
        }
        let question = format!("{name} is there already. Write over it? [y/N] ");
        let answer = console
            .ask(&question, false, &session.gate().cancel)
            .map_err(|fault| refused(fault.message))?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Ok(Told::Text("nothing was saved".to_owned()));
        }
    }
    std::fs::write(path, &written.text)
        .map_err(|error| refused(format!("cannot write {name}: {}", plain_io(&error))))?;
    let parameters = match &written.parameters[..] {
        [] => String::new(),
        names => format!(", with parameters {}", names.join(", ")),
    };
    Ok(Told::Text(format!(
        "{name}: the session as a playbook{parameters}\nnext: opsh check {name}, opsh run {name} --dry-run"
    )))
}
