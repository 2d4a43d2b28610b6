//! What the gate tells its observers.

use jiff::Timestamp;
use opsh_operation::select::{self, Roots};
use opsh_operation::{Fault, Map, Operation, Value};

use super::branch::{self, StepPath};
use super::{Call, prepare};
use crate::ledger::Undoes;

/// A place in a playbook.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Site {
    /// The file as the user named it, or `repl`.
    pub source: String,
    /// From 1; 0 if unknown.
    pub line: usize,
    /// From 1; 0 if unknown.
    pub column: usize,
}

impl std::fmt::Display for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line == 0 && !self.source.is_empty() {
            return f.write_str(&self.source);
        }
        write!(f, "{}:{}:{}", self.source, self.line, self.column)
    }
}

/// One passage through the gate.
#[derive(Debug)]
pub struct Step {
    /// Its identity in the run.
    pub path: StepPath,
    /// What was asked for.
    pub operation: &'static Operation,
    /// The parameters as the playbook gave them.
    pub input: Map,
    /// Where in the playbook.
    pub site: Site,
    /// The recorded step that it undoes, if it undoes one.
    pub undoes: Option<Undoes>,
    /// When it began, in the world's time.
    pub started: Timestamp,
    /// How long it took, in the world's time.
    pub seconds: f64,
    /// How it came to its outcome.
    pub passage: Passage,
    /// What came of it.
    pub outcome: Result<Value, Fault>,
    /// What it made.
    pub made: Vec<Made>,
}

impl Step {
    /// The next step of the calling thread's branch, for `call`.
    #[must_use]
    pub fn begun(call: &Call, now: Timestamp) -> Self {
        Self {
            path: branch::next_step(),
            operation: call.entry.operation,
            input: prepare::sealed(call.entry.operation.input, call.input.clone()),
            site: call.site.clone(),
            undoes: call.undoes.clone(),
            started: now,
            seconds: 0.0,
            passage: Passage::Sent,
            outcome: Ok(Value::Null),
            made: Vec::new(),
        }
    }

    /// `ec2::run_instances i-0abc (12.3 s)`, or why not; `subject` says what it was about,
    /// where it has made nothing.
    #[must_use]
    pub fn ended(&self, subject: &str) -> String {
        let name = self.operation.full_name();
        let mut words = vec![name.as_str()];
        words.extend(self.made.iter().map(|made| made.id.as_str()));
        if self.made.is_empty() && !subject.is_empty() {
            words.push(subject);
        }
        let what = words.join(" ");
        let time = if self.seconds >= 0.1 {
            format!(" ({:.1} s)", self.seconds)
        } else {
            String::new()
        };
        let how = match self.passage {
            Passage::Sent => "",
            Passage::Adopted => " (had been done, was found)",
            Passage::Assumed => " (taken as done)",
            Passage::Replayed => " (from the ledger)",
        };
        match &self.outcome {
            Ok(_) => format!("{what}{time}{how}"),
            Err(fault) => format!("{name} failed{time}{how}: {fault}"),
        }
    }
}

/// How a step came to its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// It was sent.
    Sent,
    /// It was in flight when an earlier process of the run ended, and had been done.
    Adopted,
    /// The same, as a person says.
    Assumed,
    /// The ledger had it from an earlier process of the run.
    Replayed,
}

/// A resource that a step made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Service and resource, e.g. `ec2:instance`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
}

impl Made {
    /// What `operation` declares to make, read off an input and a result.
    #[must_use]
    pub fn of(operation: &Operation, input: &Map, result: &Value) -> Vec<Self> {
        let Some(write) = operation.write() else {
            return Vec::new();
        };
        let roots = Roots { input, result };
        write
            .makes
            .iter()
            .flat_map(|makes| {
                select::all(roots, makes.id).into_iter().filter_map(|id| {
                    id.as_text().map(|id| Self {
                        kind: makes.kind,
                        id: id.to_owned(),
                    })
                })
            })
            .collect()
    }
}

/// Something that happened at the gate.
#[derive(Debug)]
pub enum Event<'a> {
    /// A step was let through and is under way.
    Started(&'a Step),
    /// A step ended, well or not.
    Finished(&'a Step),
    /// Something is odd, and goes on.
    Warning {
        /// Where in the playbook.
        site: &'a Site,
        /// What is odd.
        message: &'a str,
    },
    /// A service has answered a request.
    Served(&'a Served),
}

/// A request that a service has answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Served {
    /// The server's name.
    pub server: String,
    /// The request's method.
    pub method: String,
    /// The request's path, without its query.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// The bytes of the answer's body, if that is known before they are sent.
    pub bytes: Option<u64>,
    /// How long it took, until the answer was there.
    pub seconds: f64,
    /// Who asked.
    pub remote: String,
}

impl std::fmt::Display for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            method,
            path,
            status,
            remote,
            ..
        } = self;
        write!(f, "{remote} {method} {path} {status}")?;
        if let Some(bytes) = self.bytes {
            write!(f, " {bytes} B")?;
        }
        if self.seconds > 0.0 {
            write!(f, " {:.1} ms", self.seconds * 1000.0)?;
        }
        Ok(())
    }
}

/// Watches what happens at the gate: plan, progress, log.
pub trait Observer: Send + Sync {
    /// Takes note; called on the thread of the branch that acts.
    fn observe(&self, event: &Event<'_>);
}
