//! What was typed, kept across sessions in the user's state directory; secrets never.

use std::path::PathBuf;

use opsh_operation::{Field, Shape};
use rustyline::Editor;
use rustyline::history::FileHistory;

use super::assistant::Assistant;
use super::complete::place::{Expected, frames, slot};
use super::lex::lex;
use crate::gate::redact::Redactor;
use crate::ledger::seal::state_dir;

/// Where the history is.
pub struct History(Option<PathBuf>);

impl History {
    /// Takes up what earlier sessions have kept.
    pub fn load(editor: &mut Editor<Assistant, FileHistory>) -> Self {
        let path = state_dir().ok().map(|folder| folder.join("history"));
        if let Some(path) = &path {
            // The first shell of a user has none.
            let _ = editor.load_history(path);
        }
        Self(path)
    }

    /// Keeps `input`, unless it holds a secret; what cannot be kept is said.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(
        &self,
        editor: &mut Editor<Assistant, FileHistory>,
        input: &str,
        redactor: &Redactor,
    ) -> Result<(), String> {
        if redactor.scrub(input) != input || holds_secret(input) {
            return Ok(());
        }
        let kept = editor.add_history_entry(input).unwrap_or_default();
        let Some(path) = self.0.as_ref().filter(|_| kept) else {
            return Ok(());
        };
        path.parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .map_err(|error| error.to_string())
            .and_then(|()| {
                editor
                    .append_history(path)
                    .map_err(|error| error.to_string())
            })
            .map_err(|why| format!("the history could not be kept in {}: {why}", path.display()))
    }
}

/// Words in a name that say that its value is secret.
const TELLING: [&str; 5] = ["password", "passphrase", "secret", "token", "credential"];

/// Whether `input` holds a literal text in a place where a secret belongs.
fn holds_secret(input: &str) -> bool {
    let tokens = lex(input);
    (0..tokens.len()).any(|at| {
        let token = &tokens[at];
        if !token.is_text() || token.inside(input).is_empty() {
            return false;
        }
        let before = &tokens[..at];
        named_secret(before.iter().rev().map(|token| token.inside(input)))
            || matches!(
                slot(&frames(input, before)).and_then(|slot| slot.expected),
                Some(Expected::Value { field: Some(field), .. }) if is_sensitive(field)
            )
    })
}

/// Whether what a text is given to, `name =` or `name:`, sounds like a secret.
fn named_secret<'a>(mut before: impl Iterator<Item = &'a str>) -> bool {
    if !matches!(before.next(), Some("=" | ":")) {
        return false;
    }
    let name = before.next().unwrap_or_default().to_lowercase();
    TELLING.iter().any(|word| name.contains(word))
        // An idempotency token is none, and neither is whether one is asked for.
        && !matches!(name.as_str(), "client_token" | "http_tokens" | "next_token")
}

fn is_sensitive(field: &Field) -> bool {
    field.sensitive && !matches!(field.shape, Shape::Bool | Shape::Enum(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_other_texts() {
        for secret in [
            "ssm::put_parameter(#{ name: \"n\", value: \"hunter2\", type: \"SecureString\" })",
            "let password = \"hunter2\";",
            "http::get(\"u\", #{ headers: #{ \"X-Auth-Token\": \"hunter2\" } })",
        ] {
            assert!(holds_secret(secret), "{secret}");
        }
        for plain in [
            "let name = \"web\";",
            "ec2::run_instances(#{ metadata_options: #{ http_tokens: \"required\" } })",
            "secret(\"TOKEN\")",
            "let token = secret(\"TOKEN\");",
        ] {
            assert!(!holds_secret(plain), "{plain}");
        }
    }
}
