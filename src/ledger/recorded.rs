//! What has been recorded, as it is read, and as JSON.

use jiff::Timestamp;
use opsh_operation::{Fault, Map, Value};
use serde_json::{Value as Json, json};

use super::record::{Call, RunId, RunOutcome, StepEffect, StepId, Undoes};
use crate::world::Kind;

/// A call of an inverse that was begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Undo {
    /// The run that called it.
    pub by: RunId,
    /// The step of that run that it is.
    pub step: StepId,
    /// What it undoes.
    pub undoes: Undoes,
    /// What became of it; nothing if it was in flight when its process ended.
    pub result: Option<Result<(), Fault>>,
}

/// A resource of a stack from its beginning to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    /// The resource.
    pub resource: Resource,
    /// The row of its removal, if it was removed: compares with the rows of steps.
    pub removed: Option<StepId>,
}

/// A recorded run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// Its stack.
    pub stack: String,
    /// Its playbook.
    pub playbook: String,
    /// The values of its parameters.
    pub params: Map,
    /// Where its effects landed.
    pub world: Kind,
    /// When it began.
    pub started: Timestamp,
    /// The version of opsh.
    pub version: String,
    /// How often it was gone on with.
    pub resumes: usize,
    /// How it ended; nothing if it still runs or its process died.
    pub end: Option<RunEnd>,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// How it ended.
    pub outcome: RunOutcome,
    /// When.
    pub ended: Timestamp,
}

/// A recorded step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its intent's row.
    pub id: StepId,
    /// Its run.
    pub run: RunId,
    /// Its path of branches.
    pub path: String,
    /// `module::name`.
    pub operation: String,
    /// The action that policies name.
    pub action: String,
    /// Whether it looks or changes.
    pub effect: StepEffect,
    /// Its parameters.
    pub input: Map,
    /// Region, profile, …
    pub controls: Map,
    /// The idempotency token.
    pub token: Option<String>,
    /// Where in the playbook.
    pub place: String,
    /// When it was begun.
    pub started: Timestamp,
    /// What became of it; nothing if it was in flight when its process ended.
    pub end: Option<StepEnd>,
}

/// The end of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepEnd {
    /// Its result.
    pub result: Result<Value, Fault>,
    /// What undoes it.
    pub inverse: Vec<Call>,
    /// When.
    pub ended: Timestamp,
}

/// A recorded resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its row: resources in order of this were made in this order.
    pub seq: i64,
    /// The stack that has it.
    pub stack: String,
    /// Service and resource, e.g. `ec2:instance`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name, if it has one beside the id.
    pub name: Option<String>,
    /// Its region; empty where that means nothing.
    pub region: String,
    /// The run that made it.
    pub run: RunId,
    /// The step that made it.
    pub path: String,
    /// When.
    pub made: Timestamp,
    /// What removes it.
    pub inverse: Vec<Call>,
}

/// A stack that the ledger knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// How many resources it has.
    pub resources: usize,
    /// How many runs it had.
    pub runs: usize,
    /// The last of them.
    pub last: Run,
}

impl Run {
    /// `running` until it ends; a run whose process died stays that, see [`Run::end`].
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        self.end
            .as_ref()
            .map_or("running", |end| end.outcome.word())
    }

    /// Whether it has come to its end well.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let end = self.end.as_ref();
        end.is_some_and(|end| end.outcome == RunOutcome::Done)
    }

    /// The error that it ended with.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.end.as_ref().and_then(|end| end.outcome.error())
    }

    /// For `--output json`; secrets are redacted.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({
            "run": self.id.as_str(),
            "stack": self.stack,
            "playbook": self.playbook,
            "params": Value::Map(self.params.clone()).to_json(),
            "world": self.world.word(),
            "started": self.started.to_string(),
            "version": self.version,
            "outcome": self.outcome(),
            "resumes": self.resumes,
            "error": self.error(),
            "ended": self.end.as_ref().map(|end| end.ended.to_string()),
        })
    }
}

impl Step {
    /// `intent`, `done` or `failed`.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match &self.end {
            None => "intent",
            Some(end) if end.result.is_ok() => "done",
            Some(_) => "failed",
        }
    }

    /// For `--output json`; secrets are redacted.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let end = self.end.as_ref();
        json!({
            "run": self.run.as_str(),
            "step": self.path,
            "operation": self.operation,
            "action": self.action,
            "effect": self.effect.word(),
            "input": Value::Map(self.input.clone()).to_json(),
            "controls": Value::Map(self.controls.clone()).to_json(),
            "place": self.place,
            "state": self.state(),
            "started": self.started.to_string(),
            "ended": end.map(|end| end.ended.to_string()),
            "result": end.and_then(|end| end.result.as_ref().ok()).map(Value::to_json),
            "error": end
                .and_then(|end| end.result.as_ref().err())
                .map(|fault| fault.to_value().to_json()),
        })
    }
}

impl Resource {
    /// For `--output json`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({
            "stack": self.stack,
            "kind": self.kind,
            "id": self.id,
            "name": self.name,
            "region": self.region,
            "run": self.run.as_str(),
            "step": self.path,
            "made": self.made.to_string(),
        })
    }
}

impl Stack {
    /// For `--output json`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({
            "stack": self.name,
            "resources": self.resources,
            "runs": self.runs,
            "last_run": self.last.to_json(),
        })
    }
}
