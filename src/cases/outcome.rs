//! What came of a run, for those who look at it.

use std::sync::Arc;

use opsh_operation::{Map, Value};
use tracing::Level;

use crate::gate::plan::Planned;
use crate::gate::redact::Redactor;
use crate::script::error::ScriptError;

/// What a run did, said and gave.
pub struct Outcome {
    /// What it stood on, in words.
    pub base: String,
    /// Its steps in order of their end.
    pub steps: Vec<Planned>,
    /// What it printed.
    pub printed: Vec<String>,
    /// What it logged.
    pub logged: Vec<(Level, String)>,
    /// The value of its last expression, or what ended it.
    pub result: Result<Value, ScriptError>,
    /// How often it was gone on with.
    pub resumed: usize,
    /// What must never be seen of it.
    pub redactor: Arc<Redactor>,
}

impl Outcome {
    /// A run that did not begin.
    #[must_use]
    pub(super) fn refused(error: ScriptError) -> Self {
        Self {
            base: "nothing: it did not begin".to_owned(),
            steps: Vec::new(),
            printed: Vec::new(),
            logged: Vec::new(),
            result: Err(error),
            resumed: 0,
            redactor: Arc::default(),
        }
    }

    /// The same for a case's `check`:
    /// `#{ result, error, steps, writes, made, printed, logged, resumed }`.
    #[must_use]
    pub fn value(&self) -> Value {
        let steps = |wanted: &dyn Fn(&Planned) -> bool| -> Value {
            let steps = self.steps.iter().filter(|step| wanted(step));
            Value::List(steps.map(step).collect())
        };
        let texts =
            |texts: &[String]| Value::List(texts.iter().map(|text| text.as_str().into()).collect());
        let logged = self.logged.iter().map(|(level, message)| {
            Value::Map(Map::from([
                ("level".to_owned(), level.as_str().to_lowercase().into()),
                ("message".to_owned(), message.as_str().into()),
            ]))
        });
        let (result, error) = match &self.result {
            Ok(value) => (value.clone(), Value::Null),
            Err(error) => (Value::Null, thrown(error)),
        };
        Value::Map(Map::from([
            ("result".to_owned(), result),
            ("error".to_owned(), error),
            ("steps".to_owned(), steps(&|_| true)),
            ("writes".to_owned(), steps(&Planned::is_write)),
            ("made".to_owned(), self.made()),
            ("printed".to_owned(), texts(&self.printed)),
            ("logged".to_owned(), Value::List(logged.collect())),
            (
                "resumed".to_owned(),
                i64::try_from(self.resumed).unwrap_or(i64::MAX).into(),
            ),
        ]))
    }

    /// The ids of what was made, by kind.
    fn made(&self) -> Value {
        let mut kinds = Map::new();
        for made in self.steps.iter().flat_map(|step| &step.made) {
            let ids = kinds
                .entry(made.kind.to_owned())
                .or_insert_with(|| Value::List(Vec::new()));
            if let Value::List(ids) = ids {
                ids.push(made.id.as_str().into());
            }
        }
        Value::Map(kinds)
    }
}

/// An error as a playbook would catch it.
fn thrown(error: &ScriptError) -> Value {
    let mut map = error.fault.clone().unwrap_or_default();
    map.entry("message".to_owned())
        .or_insert_with(|| error.summary().into());
    Value::Map(map)
}

fn step(step: &Planned) -> Value {
    let made = step.made.iter().map(|made| made.id.as_str().into());
    Value::Map(Map::from([
        ("step".to_owned(), step.path.as_str().into()),
        ("operation".to_owned(), step.operation.full_name().into()),
        ("write".to_owned(), step.is_write().into()),
        ("input".to_owned(), step.input.clone()),
        ("made".to_owned(), Value::List(made.collect())),
        ("error".to_owned(), step.failure.clone().into()),
        (
            "line".to_owned(),
            i64::try_from(step.site.line).unwrap_or_default().into(),
        ),
    ]))
}
