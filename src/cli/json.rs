//! `--output json`: one object a line; `step`s as they end, the `result` last.

use std::sync::Arc;

use opsh_operation::{Effect, Value};
use serde_json::{Value as Json, json};

use crate::gate::event::{Event, Observer, Passage, Served, Site, Step};
use crate::gate::undo::plan::{Fate, Item};
use crate::script::error::ScriptError;

use super::console::Console;

/// Writes each step as a line.
pub struct Lines(pub Arc<Console>);

impl Observer for Lines {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Started(_) => {}
            Event::Finished(step) => self.0.out(&self::step(step)),
            Event::Warning { site, message } => {
                self.0.out(
                    &json!({"event": "warning", "at": site.to_string(), "message": message})
                        .to_string(),
                );
            }
            Event::Served(served) => self.0.out(&self::served(served)),
        }
    }
}

/// A request that a service has answered.
#[must_use]
pub fn served(served: &Served) -> String {
    json!({
        "event": "request",
        "server": served.server,
        "remote": served.remote,
        "method": served.method,
        "path": served.path,
        "status": served.status,
        "bytes": served.bytes,
        "seconds": served.seconds,
    })
    .to_string()
}

/// A finished step.
#[must_use]
pub fn step(step: &Step) -> String {
    let made: Vec<Json> = step
        .made
        .iter()
        .map(|made| json!({"kind": made.kind, "id": made.id}))
        .collect();
    let mut object = json!({
        "event": "step",
        "step": step.path.to_string(),
        "operation": step.operation.full_name(),
        "action": step.operation.action,
        "effect": effect(&step.operation.effect),
        "at": step.site.to_string(),
        "input": Value::Map(step.input.clone()).to_json(),
        "made": made,
        "seconds": step.seconds,
    });
    match step.passage {
        Passage::Sent => {}
        Passage::Adopted => object["adopted"] = true.into(),
        Passage::Assumed => object["assumed"] = true.into(),
        Passage::Replayed => object["replayed"] = true.into(),
    }
    match &step.outcome {
        Ok(_) => object["ok"] = true.into(),
        Err(fault) => {
            object["ok"] = false.into();
            object["error"] = fault.to_value().to_json();
        }
    }
    object.to_string()
}

fn effect(effect: &Effect) -> &'static str {
    match effect {
        Effect::Pure => "pure",
        Effect::Read => "read",
        Effect::Write(_) => "write",
    }
}

/// What a plan stands on.
#[must_use]
pub fn plan(base: &str) -> String {
    json!({"event": "plan", "base": base}).to_string()
}

/// A write of a run that is to be undone, and what becomes of it.
#[must_use]
pub fn undo(item: &Item) -> String {
    let (fate, why) = match &item.fate {
        Fate::Undo { .. } => ("undo", None),
        Fate::InFlight => ("in_flight", None),
        Fate::Unknown(why) => ("unknown", Some(why)),
        Fate::Over(why) => ("over", Some(why)),
        Fate::Nothing(why) => ("nothing", Some(why)),
        Fate::Impossible(why) => ("impossible", Some(why)),
    };
    let calls: Vec<&str> = match &item.fate {
        Fate::Undo { calls, .. } => calls.iter().map(|call| call.operation.as_str()).collect(),
        _ => Vec::new(),
    };
    let made: Vec<Json> = item
        .made
        .iter()
        .map(|(kind, id)| json!({"kind": kind, "id": id}))
        .collect();
    json!({
        "event": "undo",
        "step": item.step.path,
        "operation": item.step.operation,
        "made": made,
        "fate": fate,
        "why": why,
        "calls": calls,
    })
    .to_string()
}

/// What the playbook printed.
#[must_use]
pub fn print(text: &str) -> String {
    json!({"event": "print", "text": text}).to_string()
}

/// What the playbook logged.
#[must_use]
pub fn log(level: tracing::Level, message: &str) -> String {
    json!({"event": "log", "level": level.as_str().to_lowercase(), "message": message}).to_string()
}

/// How far something is.
#[must_use]
pub fn progress(label: &str, percent: i64, note: &str) -> String {
    json!({"event": "progress", "label": label, "percent": percent, "note": note}).to_string()
}

/// The value of the playbook's last expression.
#[must_use]
pub fn result(value: &Value) -> String {
    json!({"event": "result", "value": value.to_json()}).to_string()
}

/// Why there is no result.
#[must_use]
pub fn error(error: &ScriptError) -> String {
    let place = |site: &Option<Site>| site.as_ref().map(ToString::to_string);
    let findings: Vec<Json> = error
        .findings
        .iter()
        .map(|finding| json!({"at": place(&finding.site), "message": finding.message}))
        .collect();
    json!({
        "event": "error",
        "findings": findings,
        "hint": error.hint,
        "fault": error.fault.as_ref().map(|fault| Value::Map(fault.clone()).to_json()),
    })
    .to_string()
}
