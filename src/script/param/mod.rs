//! Declared parameters of a playbook.
//!
//! `let name = param("name", #{ default: "web", doc: "Name tag." });` at the top
//! level, with literals, so that they can be listed without running anything.

mod declaration;
mod given;
mod reading;

use opsh_operation::Value;
use rhai::Position;

pub use declaration::declared;
pub use given::{of_words, resolve};

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Any text.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// `true` or `false`.
    Bool,
    /// A duration such as `5m`.
    Duration,
    /// A path; checked when it is used.
    Path,
    /// A text that is never shown.
    Secret,
    /// Texts, separated by commas on the command line.
    List,
}

impl Type {
    const NAMES: [(&'static str, Self); 8] = [
        ("text", Self::Text),
        ("int", Self::Int),
        ("float", Self::Float),
        ("bool", Self::Bool),
        ("duration", Self::Duration),
        ("path", Self::Path),
        ("secret", Self::Secret),
        ("list", Self::List),
    ];

    /// The word for it in a declaration.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, known)| *known == self)
            .map_or("text", |(name, _)| name)
    }

    fn named(word: &str) -> Option<Self> {
        let mut known = Self::NAMES.iter();
        known.find(|(name, _)| *name == word).map(|(_, kind)| *kind)
    }

    fn of(default: &Value) -> Self {
        match default {
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::Bool(_) => Self::Bool,
            Value::List(_) => Self::List,
            _ => Self::Text,
        }
    }
}

/// One declared parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name on the command line.
    pub name: String,
    /// What it takes.
    pub kind: Type,
    /// Its value if none is given, of its type or `Null`; `None` means it must be given.
    pub default: Option<Value>,
    /// One sentence for people.
    pub doc: String,
    /// Smallest allowed number.
    pub min: Option<f64>,
    /// Largest allowed number.
    pub max: Option<f64>,
    /// The only allowed values, of its type, if there are such.
    pub choices: Vec<Value>,
    position: Position,
}

#[cfg(test)]
mod tests;
