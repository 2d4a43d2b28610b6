//! Asks the person at the terminal about each difference.

use std::io::{IsTerminal as _, Write as _};

use super::tell;
use super::verdict::{Status, Verdict};
use crate::cases::Suite;
use crate::cli::{keyboard, say};
use crate::script::error::{Class, ScriptError};
use crate::world::Cancel;

/// What a person says.
enum Answer {
    Accept,
    Reject,
    Skip,
}

/// Whether somebody can be asked.
///
/// # Errors
/// Nobody sits there.
pub(super) fn possible() -> Result<(), ScriptError> {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        return Ok(());
    }
    let error = ScriptError::plain(Class::Start, "--review asks, and nobody sits at a terminal");
    Err(error.hint("run it on a terminal, or take all with --accept"))
}

/// Asks about what differs; what is accepted has passed.
///
/// # Errors
/// A snapshot cannot be written; the answer is Ctrl-D.
pub(super) fn all(suites: &[Suite], verdicts: &mut [Verdict]) -> Result<(), ScriptError> {
    let refused = |why: String| ScriptError::plain(Class::Start, why);
    let open = verdicts
        .iter()
        .filter(|verdict| verdict.change.is_some())
        .count();
    let mut number = 0;
    for verdict in verdicts {
        let Some(change) = &verdict.change else {
            continue;
        };
        number += 1;
        let suite = &suites[verdict.place.0];
        say::err(format_args!(
            "\n{number} of {open}: {}: {}\n{}",
            suite.path.display(),
            suite.cases[verdict.place.1].said.name,
            tell::changed(change, true)
        ));
        match ask()? {
            Answer::Accept => {
                change.snapshot.accept(&change.new).map_err(refused)?;
                verdict.status = Status::Passed;
                verdict.accepted = true;
                verdict.change = None;
            }
            Answer::Reject => {
                change.snapshot.reject().map_err(refused)?;
                verdict.status = Status::Failed;
                verdict
                    .problems
                    .push("it is not what it is to do".to_owned());
                verdict.change = None;
            }
            Answer::Skip => {}
        }
    }
    Ok(())
}

fn ask() -> Result<Answer, ScriptError> {
    loop {
        let mut error = std::io::stderr();
        let _ = write!(error, "(a)ccept, (r)eject or (s)kip? ");
        let _ = error.flush();
        let answer = keyboard::line(false, &Cancel::new(None))
            .map_err(|fault| ScriptError::plain(Class::Start, fault.message))?;
        match answer.trim() {
            "a" | "accept" => return Ok(Answer::Accept),
            "r" | "reject" => return Ok(Answer::Reject),
            "s" | "skip" => return Ok(Answer::Skip),
            _ => {}
        }
    }
}
