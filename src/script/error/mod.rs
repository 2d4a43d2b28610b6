//! Errors as people read them: what, where in the playbook, why, next step.

mod caught;
mod text;

use opsh_operation::{Map, Value};
use rhai::Position;

use crate::gate::{self, event::Site};
pub use text::excerpt;

/// What class of end an error is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It could not start: usage, parse, check (exit 2).
    Start,
    /// The playbook failed (exit 1).
    Failed,
    /// Refused by policy (exit 3).
    Policy,
    /// The deadline passed (exit 124).
    Deadline,
    /// Ctrl-C (exit 130).
    Interrupted,
}

/// One thing that is wrong, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where; `None` if it has no place in a text.
    pub site: Option<Site>,
    /// What is wrong.
    pub message: String,
}

/// Why a playbook did not come to its end.
#[derive(Debug, Clone)]
pub struct ScriptError {
    /// The class of end.
    pub class: Class,
    /// All that is wrong; at least one.
    pub findings: Vec<Finding>,
    /// Functions that were being called, innermost first.
    pub calls: Vec<Finding>,
    /// What to do next.
    pub hint: Option<String>,
    /// The error map, if there is one.
    pub fault: Option<Map>,
}

impl ScriptError {
    /// An error that has no place in a text.
    pub fn plain(class: Class, message: impl Into<String>) -> Self {
        Self::at(None, class, message)
    }

    /// An error of which this is all.
    pub fn at(site: Option<Site>, class: Class, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::of(class, vec![Finding { site, message }])
    }

    /// An error of which these are all, at least one.
    #[must_use]
    pub fn of(class: Class, findings: Vec<Finding>) -> Self {
        Self {
            class,
            findings,
            calls: Vec::new(),
            hint: None,
            fault: None,
        }
    }

    /// The same with the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Why the playbook could do nothing about it, if the gate has marked it so.
    #[must_use]
    pub fn fatal(&self) -> Option<&str> {
        let mark = self.fault.as_ref().and_then(|fault| fault.get(gate::FATAL));
        mark.and_then(Value::as_text)
    }

    /// Whether a resumed playbook turned out not to be the one that ran.
    #[must_use]
    pub fn is_of_a_changed_playbook(&self) -> bool {
        self.fatal() == Some(gate::replay::CHANGED)
    }

    /// All findings on one line, for records.
    #[must_use]
    pub fn summary(&self) -> String {
        let one = |finding: &Finding| match &finding.site {
            Some(site) => format!("{site}: {}", finding.message),
            None => finding.message.clone(),
        };
        self.findings.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

/// A place from a Rhai position; `None` if that has none.
#[must_use]
pub fn site(source: &str, position: Position) -> Option<Site> {
    Some(Site {
        source: source.to_owned(),
        line: position.line()?,
        column: position.position().unwrap_or(1),
    })
}

/// A place as it stands in an error map.
#[must_use]
pub fn site_value(site: &Site) -> Value {
    let number = |number: usize| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    Value::Map(Map::from([
        ("file".into(), site.source.clone().into()),
        ("line".into(), number(site.line)),
        ("column".into(), number(site.column)),
    ]))
}

/// The place that [`site_value`] made a value of.
fn read_site(value: &Value) -> Option<Site> {
    let number = |name: &str| {
        value
            .get(name)?
            .as_int()
            .and_then(|number| usize::try_from(number).ok())
    };
    Some(Site {
        source: value.get("file")?.as_text()?.to_owned(),
        line: number("line").filter(|line| *line > 0)?,
        column: number("column")?,
    })
}
