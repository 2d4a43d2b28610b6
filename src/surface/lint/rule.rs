//! What a rule is.

use std::fmt;

/// How bad it is what a rule finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It can hardly be meant; the playbook runs.
    Warning,
    /// It fails when the playbook comes there; `opsh run` does not begin.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One kind of fault that is looked for.
#[derive(Debug)]
pub struct Rule {
    /// What it is called in findings and in `// opsh: allow(…)`.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it finds, in one sentence.
    pub doc: &'static str,
    /// A playbook in which it finds something, and no other rule does.
    pub bad: &'static str,
    /// The same playbook as it should be.
    pub good: &'static str,
}
