//! Help while typing: completion from the registry, and whether an input is complete.

use std::sync::{Arc, PoisonError, RwLock};

use rustyline::completion::{Completer, Pair};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper, Highlighter, Hinter};

use crate::modules::registry::registry;
use crate::script::engine::bare;

/// Names that a session has given: variables and imported modules.
pub type Names = Arc<RwLock<Vec<String>>>;

/// What rustyline asks while a person types.
#[derive(Helper, Hinter, Highlighter)]
pub struct Assistant {
    names: Names,
}

impl Assistant {
    /// Completes the registry's names and these.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self { names }
    }
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let start = line[..position]
            .rfind(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':')
            .map_or(0, |at| {
                at + line[at..].chars().next().map_or(1, char::len_utf8)
            });
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        Ok((start, candidates(&line[start..position], &names)))
    }
}

fn candidates(word: &str, names: &[String]) -> Vec<Pair> {
    let pair = |display: &str, replacement: String| Pair {
        display: display.to_owned(),
        replacement,
    };
    if let Some((module, prefix)) = word.split_once("::") {
        return registry()
            .module(module)
            .into_iter()
            .flatten()
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(name, _)| pair(name, format!("{module}::{name}(")))
            .collect();
    }
    let modules = registry()
        .modules()
        .filter(|(name, _)| name.starts_with(word))
        .map(|(name, _)| pair(name, format!("{name}::")));
    let own = names
        .iter()
        .filter(|name| name.starts_with(word))
        .map(|name| pair(name, name.clone()));
    let services = registry()
        .module(crate::modules::service::MODULE)
        .into_iter()
        .flatten()
        .filter(|(name, _)| !word.is_empty() && name.starts_with(word))
        .map(|(name, _)| pair(name, format!("{name}(")));
    modules.chain(services).chain(own).collect()
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_complete(context.input()) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

/// Whether an input can be run; false if more lines are to come.
#[must_use]
pub fn is_complete(input: &str) -> bool {
    if input.trim_start().starts_with(':') {
        return true;
    }
    bare().compile(input).is_ok() || !unbalanced(input)
}

/// Whether more is opened than closed outside of texts and comments, or a text is open.
fn unbalanced(input: &str) -> bool {
    let mut depth = 0_i32;
    let mut letters = input.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '"' | '`' => {
                let mut closed = false;
                while let Some(inner) = letters.next() {
                    if inner == '\\' && letter == '"' {
                        letters.next();
                    } else if inner == letter {
                        closed = true;
                        break;
                    }
                }
                if !closed {
                    return true;
                }
            }
            '/' if letters.peek() == Some(&'/') => {
                letters
                    .by_ref()
                    .take_while(|inner| *inner != '\n')
                    .for_each(drop);
            }
            _ => {}
        }
    }
    depth > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn displayed(word: &str) -> Vec<String> {
        candidates(word, &["ecology".to_owned()])
            .into_iter()
            .map(|pair| pair.replacement)
            .collect()
    }

    #[test]
    fn modules_operations_and_variables_are_completed() {
        assert_eq!(displayed("ec"), ["ec2::", "ecology"]);
        assert_eq!(displayed("ec2::run_i"), ["ec2::run_instances("]);
        assert_eq!(displayed("stack::c"), ["stack::current("]);
        assert!(displayed("nowhere::").is_empty());
    }

    #[test]
    fn an_input_is_read_until_it_is_complete() {
        for whole in [
            "1 + 2",
            "let x = 5;",
            ":help",
            "fn f() { 1 }",
            "1 +* 2",
            "f(1))",
            "",
        ] {
            assert!(is_complete(whole), "{whole}");
        }
        for part in [
            "fn f() {",
            "ec2::describe_vpcs(#{",
            "[1,\n2,",
            "let s = `two\nlines",
        ] {
            assert!(!is_complete(part), "{part}");
        }
    }
}
