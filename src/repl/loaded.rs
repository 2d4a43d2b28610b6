//! The playbook that a shell is started with: its functions, imports and parameters are
//! at hand; nothing else of it is run unless it is asked for.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::PoisonError;

use opsh_operation::Value;

use super::lex::{Kind, lex, statements};
use crate::script::engine::Runtime;
use crate::script::run::Playbook;

/// A playbook with the values of its parameters.
pub struct Loaded {
    /// The playbook.
    pub playbook: Playbook,
    /// The values of its parameters.
    pub parameters: BTreeMap<String, Value>,
    /// Its text.
    pub text: String,
}

impl Loaded {
    /// The folder that its imports come from.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.playbook.folder
    }

    /// Lets `param` give its parameters their values.
    pub fn give_parameters(&self, runtime: &Runtime) {
        for value in self.parameters.values() {
            value.for_each_secret(&mut |secret| runtime.gate.redactor.add(secret));
        }
        runtime.gate.journal.set_parameters(self.parameters.clone());
        let mut parameters = runtime
            .parameters
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        parameters.clone_from(&self.parameters);
    }

    /// What it does, without what it declares.
    #[must_use]
    pub fn body(&self) -> String {
        parts(&self.text, false)
    }

    /// Its text with everything blotted out that does something.
    #[must_use]
    pub fn declarations(&self) -> String {
        declarations(&self.text)
    }
}

/// Functions, imports, constants and parameters of a playbook, with what is written above.
#[must_use]
pub fn declaring(text: &str) -> String {
    parts(text, true)
}

/// The parts of `text` that declare, or those that do something.
fn parts(text: &str, declaring: bool) -> String {
    let mut done = 0;
    let mut out = String::new();
    for span in statements(text) {
        if declares(&text[span.clone()]) == declaring {
            out.push_str(text[done..span.end].trim());
            out.push('\n');
        }
        done = span.end;
    }
    out
}

/// Functions, imports, constants and parameters of a playbook, each where it stands.
#[must_use]
pub fn declarations(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for span in statements(text) {
        if declares(&text[span.clone()]) {
            out.push_str(&text[done..span.end]);
        } else {
            out.push_str(&text[done..span.start]);
            out.extend(text[span.clone()].chars().map(blank));
        }
        done = span.end;
    }
    out
}

/// Places stay what they are: line ends stay, and every letter is one space.
fn blank(letter: char) -> char {
    if letter == '\n' { '\n' } else { ' ' }
}

fn declares(statement: &str) -> bool {
    let tokens: Vec<_> = lex(statement)
        .into_iter()
        .filter(|token| token.kind != Kind::Comment)
        .collect();
    let words: Vec<&str> = tokens
        .iter()
        .take(5)
        .map(|token| token.of(statement))
        .collect();
    match words[..] {
        ["import" | "fn" | "private", ..] | ["let" | "const", _, "=", "param", "("] => true,
        ["const", _, "=", ..] => !statement.contains('('),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_something_is_blotted_out() {
        let text = "// About.\nimport \"web\" as web;\nlet n = param(\"n\", #{ default: 1 });\nlet made = ec2::run_instances(#{\n    min_count: n,\n});\nconst PORT = 80;\n/// Twice.\nfn twice(x) { x * 2 }\nmade";
        assert_eq!(
            declarations(text),
            "// About.\nimport \"web\" as web;\nlet n = param(\"n\", #{ default: 1 });\n                                \n                 \n   \nconst PORT = 80;\n/// Twice.\nfn twice(x) { x * 2 }\n    "
        );
    }
}
