//! The files of a saved session: the playbook, and the plan of its dry run beside it.

use std::path::Path;

use super::playbook::Written;
use super::refused;
use crate::cli::test;
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
        let question = format!("{name} is there already. Write over it?");
        let agreed = console
            .agrees(&question, &session.gate().cancel)
            .map_err(|fault| refused(fault.message))?;
        if !agreed {
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
        "{name}: the session as a playbook{parameters}\n{}",
        beside(path)
    )))
}

/// The name of the case that is written.
const CASE: &str = "as it is";

/// Writes a case and the plan of its dry run beside a playbook; what came of it, and what
/// can be done next.
fn beside(playbook: &Path) -> String {
    let name = playbook.display();
    let cases = playbook.with_extension("test.rhai");
    let shown = cases.display();
    if cases.exists() {
        return format!(
            "{shown} is there already\nnext: opsh check {name}, opsh test {shown} to see what has changed"
        );
    }
    match test::begin(playbook, CASE) {
        Ok((_, plan)) => format!(
            "{shown}: a case that compares it with {}\nnext: opsh check {name}, opsh test {shown}, opsh run {name} --dry-run",
            plan.display()
        ),
        Err(error) => {
            // A case that cannot pass helps nobody; it has just been made.
            let _ = std::fs::remove_file(&cases);
            format!(
                "no case beside it: {}\nnext: opsh check {name}, opsh run {name} --dry-run",
                error.summary()
            )
        }
    }
}
