//! `:save FILE`: the session as a playbook, with its literals as parameters.
//!
//! - [`chosen`]: which inputs are worth keeping, and which results need a name;
//! - [`parameters`]: the literals that become parameters;
//! - [`found`]: ids that were typed and that an earlier result holds;
//! - [`playbook`]: the text of it all;
//! - [`files`]: the files, with the plan of a dry run beside them.

mod chosen;
mod files;
mod found;
mod parameters;
mod playbook;

use std::path::PathBuf;

use super::lex::{Token, lex};
use super::session::{Session, Told};
use crate::script::error::{Class, ScriptError};

/// Writes the files and says what is in them.
///
/// # Errors
/// No file is named, there is nothing to save, a secret would be in it, a file cannot be
/// written.
pub fn save(session: &mut Session, file: &str) -> Result<Told, ScriptError> {
    if file.is_empty() {
        return Err(refused("it must be said where: :save FILE"));
    }
    let mut path = PathBuf::from(file);
    if path.extension().is_none() {
        path.set_extension("rhai");
    }
    if path.extension().is_none_or(|ending| ending != "rhai") {
        return Err(
            refused(format!("a playbook's name ends in .rhai, not as {file}")).hint(format!(
                "save it as {}",
                path.with_extension("rhai").display()
            )),
        );
    }
    let written = playbook::of(session);
    if written.text.trim().is_empty() {
        return Err(refused(
            "there is nothing to save: nothing was kept or written so far",
        ));
    }
    if session.gate().redactor.scrub(&written.text) != written.text {
        return Err(refused("a secret would be in the playbook")
            .hint("give it to the call as secret(\"NAME\"), which reads it from the environment"));
    }
    files::write(session, &path, &written)
}

fn refused(message: impl Into<String>) -> ScriptError {
    ScriptError::plain(Class::Start, message)
}

/// A change of a text: what stands where, and what is to stand there.
type Edit = (std::ops::Range<usize>, String);

/// `text` with all `edits`, which do not overlap.
fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(span, _)| span.start);
    let mut out = String::new();
    let mut done = 0;
    for (span, new) in edits {
        out.push_str(&text[done..span.start]);
        out.push_str(&new);
        done = span.end;
    }
    out.push_str(&text[done..]);
    out
}

/// `let NAME = …`: the name, for each such statement at the top of `text`.
fn declared(text: &str) -> Vec<String> {
    super::lex::statements(text)
        .into_iter()
        .filter_map(|span| {
            let statement = &text[span];
            let tokens: Vec<Token> = lex(statement);
            let words: Vec<&str> = tokens
                .iter()
                .take(2)
                .map(|token| token.of(statement))
                .collect();
            match words[..] {
                ["let" | "const", name] => Some(name.to_owned()),
                _ => None,
            }
        })
        .collect()
}
