//! What a rule has found, and where.

use std::fmt::Write as _;

use rhai::Position;

use super::rule::{Rule, Severity};
use crate::gate::event::Site;
use crate::script::error::{self, Class, ScriptError, excerpt};
use crate::script::source::Sources;

/// One thing that is wrong, or odd.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule that says so.
    pub rule: &'static Rule,
    /// Where.
    pub site: Site,
    /// What, and what was likely meant.
    pub message: String,
}

impl Finding {
    /// What `rule` says of the place `position` in the text `source`.
    #[must_use]
    pub fn new(
        rule: &'static Rule,
        source: &str,
        position: Position,
        message: impl Into<String>,
    ) -> Self {
        let start = || Site {
            source: source.to_owned(),
            line: 1,
            column: 1,
        };
        Self {
            rule,
            site: error::site(source, position).unwrap_or_else(start),
            message: message.into(),
        }
    }

    /// Whether a playbook with it does not run.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.rule.severity == Severity::Error
    }

    /// The whole message as text, with its line from `sources`.
    #[must_use]
    pub fn render(&self, sources: &Sources) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{}[{}]: {}: {}",
            self.rule.severity, self.rule.name, self.site, self.message
        );
        excerpt(&mut out, &self.site, sources);
        out
    }
}

/// What keeps a playbook from starting.
#[must_use]
pub fn refusal(errors: Vec<Finding>) -> ScriptError {
    let errors = errors.into_iter().map(|finding| error::Finding {
        site: Some(finding.site),
        message: finding.message,
    });
    ScriptError::of(Class::Start, errors.collect())
}
