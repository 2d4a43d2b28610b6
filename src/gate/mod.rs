//! The one door: everything a playbook does to the world passes [`Gate::call`].
//!
//! decode and validate → policy → ledger intent → world → ledger outcome → observers.

pub mod adopt;
pub mod branch;
pub mod event;
pub mod inverse;
pub mod journal;
pub mod plan;
pub mod policy;
pub mod prepare;
pub mod redact;
pub mod removal;
pub mod stack;
pub mod tagged;
pub mod undo;
pub mod waves;

use std::sync::Arc;

use jiff::Timestamp;
use opsh_operation::{Effect, Fault, FaultKind, Map, Operation, Report, Value};

use crate::ledger::Undoes;
use crate::modules::{Context, Entry, Files, Handler, Terminal};
use crate::world::{Cancel, World};
use event::{Event, Made, Observer, Site, Step};
use journal::Journal;
use policy::Policy;
use prepare::Prepared;
use redact::Redactor;

/// Everything that a run's calls pass through.
pub struct Gate {
    /// Where effects land.
    pub world: Arc<dyn World>,
    /// What may be done at all.
    pub policy: Policy,
    /// Who watches.
    pub observers: Vec<Arc<dyn Observer>>,
    /// What must never be seen.
    pub redactor: Arc<Redactor>,
    /// Where local files may be.
    pub files: Files,
    /// Who may be asked.
    pub terminal: Arc<dyn Terminal>,
    /// When to stop.
    pub cancel: Cancel,
    /// Where intents and outcomes are written.
    pub journal: Journal,
}

/// A call as the playbook wrote it.
pub struct Call {
    /// The operation and what does it.
    pub entry: &'static Entry,
    /// The parameters.
    pub input: Map,
    /// `timeout`, `limit`, `region`, `profile`.
    pub controls: Map,
    /// Where it stands in the playbook.
    pub site: Site,
    /// The recorded step that it undoes, if it undoes one.
    pub undoes: Option<Undoes>,
}

/// Why a call gave no result.
#[derive(Debug)]
pub enum Failure {
    /// Its parameters are wrong; nothing was sent.
    Invalid(Report),
    /// It failed or was refused.
    Fault(Box<Fault>),
}

impl Failure {
    /// The failure as a fault, where nobody can be shown the place of each problem.
    #[must_use]
    pub fn into_fault(self) -> Fault {
        match self {
            Self::Fault(fault) => *fault,
            Self::Invalid(report) => {
                let problems: Vec<&str> = report
                    .errors
                    .iter()
                    .map(|problem| problem.message.as_str())
                    .collect();
                Fault::new(FaultKind::Invalid, problems.join("; "))
            }
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

impl Gate {
    /// Does what `call` asks for, if everything on the way agrees.
    ///
    /// # Errors
    /// [`Failure::Invalid`] before anything else happened; otherwise the fault,
    /// with its `service` and `operation` filled in.
    pub fn call(&self, call: Call) -> Result<Value, Failure> {
        let operation = call.entry.operation;
        let refused = |fault| Failure::from(named(operation, fault));
        let mut prepared = prepare::prepare(self, &call).map_err(|failure| match failure {
            Failure::Fault(fault) => refused(*fault),
            invalid @ Failure::Invalid(_) => invalid,
        })?;
        for warning in &prepared.report.warnings {
            self.tell(&Event::Warning {
                site: &call.site,
                message: &warning.message,
            });
        }
        if matches!(operation.effect, Effect::Pure) {
            return self.perform(call.entry, &prepared).map_err(refused);
        }
        self.cancel.check().map_err(refused)?;
        let run = self.journal.begin(self.world.as_ref()).map_err(refused)?;
        if matches!(call.entry.handler, Handler::Gate) {
            // It does nothing itself; what it calls passes the gate again.
            return stack::perform(self, operation, &prepared.input, &call.site);
        }
        self.policy.check(operation.action).map_err(refused)?;
        let mut step = Step {
            path: branch::next_step(),
            operation,
            input: prepare::sealed(operation.input, call.input),
            site: call.site,
            undoes: call.undoes,
            started: self.world.now(),
            seconds: 0.0,
            outcome: Ok(Value::Null),
            made: Vec::new(),
        };
        prepare::sign(&self.journal.stack(), &run, &step, &mut prepared);
        let intent = self
            .journal
            .intent(&step, &prepared.input, &call.controls)
            .map_err(refused)?;
        self.tell(&Event::Started(&step));
        let outcome = self.perform(call.entry, &prepared);
        step.outcome = match outcome {
            Ok(value) => Ok(self.redactor.mark(value)),
            Err(fault) => Err(self.redactor.clean(named(operation, fault))),
        };
        let ended = self.world.now();
        step.seconds = seconds_between(step.started, ended);
        if let Ok(value) = &step.outcome {
            value.for_each_secret(&mut |secret| self.redactor.add(secret));
            step.made = Made::of(operation, &prepared.input, value);
        }
        let recorded = self
            .journal
            .outcome(intent, &step, &prepared.input, &call.controls, ended);
        self.tell(&Event::Finished(&step));
        recorded.map_err(refused)?;
        step.outcome.map_err(Failure::from)
    }

    /// Tells every observer.
    pub fn tell(&self, event: &Event<'_>) {
        for observer in &self.observers {
            observer.observe(event);
        }
    }

    fn perform(&self, entry: &Entry, prepared: &Prepared) -> Result<Value, Fault> {
        match entry.handler {
            Handler::Aws(binding) => {
                let config = self.world.aws(&prepared.scope, &self.cancel)?;
                let endpoint = config.endpoint_url().map(str::to_owned);
                let future = (binding.call)(config, prepared.input.clone(), prepared.controls);
                let answer = self.world.complete(future, &self.cancel);
                answer.map_err(|mut fault| {
                    if let (FaultKind::Unreachable, Some(endpoint)) = (fault.kind, endpoint) {
                        fault.message = format!("{endpoint}: {}", fault.message);
                    }
                    fault
                })
            }
            Handler::Native(function) => {
                let cancel = prepared
                    .controls
                    .timeout
                    .map_or_else(|| self.cancel.clone(), |limit| self.cancel.within(limit));
                let context = Context {
                    world: self.world.as_ref(),
                    cancel: &cancel,
                    terminal: self.terminal.as_ref(),
                    files: &self.files,
                    scope: &prepared.scope,
                };
                match function(&context, &prepared.input)
                    .map_err(|fault| self.timed_out(prepared, fault))
                {
                    Ok(mut value) => {
                        prepare::show_paths(self, &entry.operation.output, &mut value);
                        Ok(value)
                    }
                    Err(mut fault) => {
                        fault.message = self.files.shown(&fault.message, self.world.files());
                        Err(fault)
                    }
                }
            }
            Handler::Gate | Handler::Script | Handler::Library { .. } => Err(Fault::new(
                FaultKind::Failed,
                format!("{} cannot be called from here", entry.operation.full_name()),
            )),
        }
    }

    /// That a call's own time is up is no end of the run.
    fn timed_out(&self, prepared: &Prepared, fault: Fault) -> Fault {
        match prepared.controls.timeout {
            Some(limit) if fault.kind == FaultKind::Deadline && self.cancel.reason().is_none() => {
                Fault::new(
                    FaultKind::Timeout,
                    format!("it did not end within {limit:?}"),
                )
            }
            _ => fault,
        }
    }
}

fn named(operation: &Operation, mut fault: Fault) -> Fault {
    if fault.operation.is_empty() {
        fault.operation = operation.full_name();
        operation.module.clone_into(&mut fault.service);
    }
    fault
}

#[allow(clippy::cast_precision_loss)] // a run of 2^52 milliseconds does not happen
fn seconds_between(start: Timestamp, end: Timestamp) -> f64 {
    end.duration_since(start).as_millis() as f64 / 1000.0
}
