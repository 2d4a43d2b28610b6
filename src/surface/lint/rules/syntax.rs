//! A text that cannot be parsed.

use rhai::ParseError;

use crate::surface::lint::finding::Finding;
use crate::surface::lint::rule::{Rule, Severity};

/// It cannot be parsed.
pub static SYNTAX: Rule = Rule {
    name: "syntax",
    severity: Severity::Error,
    doc: "The text cannot be parsed.",
    bad: "let size = ;",
    good: "print(3);",
};

/// What the parser says of the text `source`.
#[must_use]
pub fn finding(source: &str, error: &ParseError) -> Finding {
    let ParseError(kind, position) = error;
    Finding::new(&SYNTAX, source, *position, format!("syntax error: {kind}"))
}
