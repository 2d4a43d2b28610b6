//! What a run did, step by step, with values: the plan of a dry run.

use std::sync::{Mutex, PoisonError};

use opsh_operation::{Effect, Operation, Value};

use super::event::{Event, Made, Observer, Site, Step};

/// One finished step of a plan.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Its identity in the run.
    pub path: String,
    /// What is done.
    pub operation: &'static Operation,
    /// With which parameters.
    pub input: Value,
    /// What it makes.
    pub made: Vec<Made>,
    /// Where in the playbook.
    pub site: Site,
    /// The message, if it fails.
    pub failure: Option<String>,
}

impl Planned {
    /// A finished step as a plan shows it.
    #[must_use]
    pub fn of(step: &Step) -> Self {
        Self {
            path: step.path.to_string(),
            operation: step.operation,
            input: Value::Map(step.input.clone()),
            made: step.made.clone(),
            site: step.site.clone(),
            failure: step
                .outcome
                .as_ref()
                .err()
                .map(|fault| fault.message.clone()),
        }
    }

    /// Whether it changes the world.
    #[must_use]
    pub fn is_write(&self) -> bool {
        matches!(self.operation.effect, Effect::Write(_))
    }
}

/// Collects the steps of a run in order of their end.
#[derive(Default)]
pub struct Plan(Mutex<Vec<Planned>>);

impl Plan {
    /// All steps so far.
    #[must_use]
    pub fn steps(&self) -> Vec<Planned> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Observer for Plan {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Finished(step) = event {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(Planned::of(step));
        }
    }
}
