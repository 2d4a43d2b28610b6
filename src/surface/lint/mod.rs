//! What is wrong with a playbook, found without running it.
//!
//! - [`rule`], [`rules`]: the rules, one table;
//! - [`program`]: a playbook with everything that it imports;
//! - [`text`], [`scope`]: what a text says, with its scopes;
//! - [`known`], [`results`]: what is known of a value without running anything;
//! - [`subject`], [`natives`]: what a text can call;
//! - [`allow`]: findings that a comment in the text puts up with;
//! - [`finding`]: what was found, for people and for `opsh run`.
//!
//! A value that is not written down is unknown, and what is unknown is never a fault.

pub mod allow;
pub mod finding;
pub mod known;
pub mod natives;
pub mod program;
pub mod results;
pub mod rule;
pub mod rules;
pub mod scope;
pub mod subject;
pub mod text;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

pub use finding::Finding;
pub use program::{Naming, Program};
pub use rule::{Rule, Severity};

use crate::script::error::ScriptError;
use crate::script::run::{self, Playbook};
use crate::script::source::Sources;
use subject::{Exports, Subject};

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scrutiny {
    /// All that the rules know.
    Everything,
    /// What would fail.
    Errors,
}

/// All findings of a program, in the order of its texts and their lines.
#[must_use]
pub fn check(program: &Program, scrutiny: Scrutiny) -> Vec<Finding> {
    let exports = Exports::of(program);
    let mut all = Vec::new();
    for (index, unit) in program.units.iter().enumerate() {
        let mut findings: Vec<_> = program
            .findings
            .iter()
            .filter(|finding| finding.site.source == unit.name)
            .cloned()
            .collect();
        if unit.own {
            let text = text::Text::of(&unit.ast);
            let facts = scope::Facts::of(&text);
            let subject = Subject {
                program,
                index,
                unit,
                text: &text,
                facts: &facts,
                exports: &exports,
            };
            for look in rules::ERRORS {
                look(&subject, &mut findings);
            }
            if scrutiny == Scrutiny::Everything {
                for look in rules::WARNINGS {
                    look(&subject, &mut findings);
                }
            }
            findings = allow::apply(unit, findings, scrutiny);
        }
        let place = |finding: &Finding| (finding.site.line, finding.site.column);
        findings.sort_by(|one, other| {
            (place(one), one.rule.name, &one.message).cmp(&(
                place(other),
                other.rule.name,
                &other.message,
            ))
        });
        // Two closures of the same text are one to Rhai, and read twice.
        findings.dedup_by(|one, other| one.site == other.site && one.message == other.message);
        all.extend(findings);
    }
    let parsed = |finding: &&Finding| {
        !program
            .units
            .iter()
            .any(|unit| unit.name == finding.site.source)
    };
    all.extend(program.findings.iter().filter(parsed).cloned());
    all
}

/// Reads the playbook at `path` for a run; what it imports is kept in `sources`.
///
/// # Errors
/// It cannot be read or parsed; all errors that its check finds.
pub fn load(path: &Path, sources: &Sources) -> Result<Playbook, ScriptError> {
    let name = path.display().to_string();
    let text = run::read(&name, path)?;
    let folder = run::folder(path);
    let program = match Program::read(&name, &text, folder, Naming::FromFolder, sources) {
        Ok(program) => program,
        Err(finding) => return Err(finding::refusal(vec![*finding])),
    };
    let mut errors = check(&program, Scrutiny::Errors);
    errors.retain(Finding::is_error);
    if !errors.is_empty() {
        return Err(finding::refusal(errors));
    }
    Playbook::parsed(&name, folder, Arc::clone(&program.units[0].ast))
}
