//! The one door: everything a playbook does to the world passes [`Gate::call`].
//!
//! decode and validate → policy → ledger intent → world → ledger outcome → observers.
//! Where a run is gone on with, the ledger answers what it knows (`replay`), and
//! what was in flight is settled (`settle`).

pub mod adopt;
mod before;
pub mod branch;
pub mod consent;
pub mod crash;
pub mod event;
mod failure;
mod fresh;
mod hushed;
pub mod inverse;
pub mod journal;
pub mod origin;
mod perform;
pub mod plan;
pub mod policy;
pub mod prepare;
pub mod redact;
pub mod rehearsal;
pub mod removal;
pub mod replay;
mod send;
pub mod settle;
pub mod stack;
pub mod tagged;
pub mod undo;
pub mod waves;
mod whole;

use std::sync::Arc;

use jiff::Timestamp;
use opsh_cloud::Then;
use opsh_operation::{Effect, Fault, Map, Operation, Value};

use crate::ledger::{Former, Undoes};
use crate::modules::{Entry, Files, Handler, Terminal};
use crate::world::{Cancel, Reason, World};
use consent::Consent;
use crash::{Crash, Point};
use event::{Event, Made, Observer, Passage, Site, Step};
use failure::fatal;
pub use failure::{FATAL, Failure, is_fatal};
use journal::Journal;
use origin::region;
use perform::Retries;
use policy::Policy;
use prepare::{Prepared, Signature};
use redact::Redactor;
use replay::{Begun, Recall};
use settle::{Open, Settled};

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
    /// Where the process dies, in a rehearsal.
    pub crashes: Vec<Crash>,
    /// Whether writes may be sent without a question.
    pub consent: Consent,
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

impl Gate {
    /// A gate to `world` that lets everything pass, watched by nobody.
    pub fn new(
        world: Arc<dyn World>,
        files: Files,
        terminal: Arc<dyn Terminal>,
        cancel: Cancel,
        journal: Journal,
    ) -> Self {
        Self {
            world,
            policy: Policy::default(),
            observers: Vec::new(),
            redactor: Arc::default(),
            files,
            terminal,
            cancel,
            journal,
            crashes: Vec::new(),
            consent: Consent::default(),
        }
    }

    /// A gate beside this one, for what is recorded in `journal`: everything else is the
    /// same, but for crashes that are rehearsed and questions that are still to be asked.
    #[must_use]
    pub fn beside(&self, cancel: Cancel, journal: Journal) -> Self {
        Self {
            world: Arc::clone(&self.world),
            policy: self.policy.clone(),
            observers: self.observers.clone(),
            redactor: Arc::clone(&self.redactor),
            files: self.files.clone(),
            terminal: Arc::clone(&self.terminal),
            cancel,
            journal,
            crashes: Vec::new(),
            consent: Consent::default(),
        }
    }

    /// Does what `call` asks for, if everything on the way agrees.
    ///
    /// # Errors
    /// [`Failure::Invalid`] before anything else happened; otherwise the fault,
    /// with its `service` and `operation` filled in.
    #[allow(clippy::needless_pass_by_value)] // a call is over when it has been made
    pub fn call(&self, call: Call) -> Result<Value, Failure> {
        let operation = call.entry.operation;
        let refused = |fault| Failure::from(named(operation, fault));
        let mut prepared = prepare::prepare(self, &call).map_err(|failure| match failure {
            Failure::Fault(fault) => refused(*fault),
            invalid @ Failure::Invalid(_) => invalid,
        })?;
        if matches!(operation.effect, Effect::Pure) {
            self.warn(&call, &prepared);
            return self
                .perform(call.entry, &prepared, Retries::Usual)
                .map_err(refused);
        }
        self.cancel.check().map_err(refused)?;
        let run = self.journal.begin(self.world.as_ref()).map_err(refused)?;
        if matches!(call.entry.handler, Handler::Gate) {
            // It does nothing itself; what it calls passes the gate again.
            return whole::perform(self, &call, &prepared);
        }
        self.policy.check(operation.action).map_err(refused)?;
        let step = Step::begun(&call, self.world.now());
        let signature = Signature {
            stack: &self.journal.stack(),
            run: &run,
            fills: call.entry.handler.fills(),
        };
        prepare::sign(&signature, &step, &mut prepared);
        let recall = self
            .journal
            .recall(&step, &prepared.input, &call.controls)
            .map_err(refused)?;
        if operation.write().is_some() && !matches!(recall, Recall::Answered(_)) {
            self.consent
                .check(operation, self.terminal.as_ref(), &self.cancel)
                .map_err(refused)?;
        }
        match recall {
            Recall::Answered(outcome) => self.answer(step, &prepared, *outcome),
            Recall::New => self.pass(&call, step, &prepared, None).map_err(refused),
            Recall::Begun(begun) => self
                .pass(&call, step, &prepared, Some(&begun))
                .map_err(refused),
        }
    }

    /// Answers `step` with what the ledger has of it.
    fn answer(
        &self,
        mut step: Step,
        prepared: &Prepared,
        outcome: Result<Value, Fault>,
    ) -> Result<Value, Failure> {
        step.passage = Passage::Replayed;
        step.outcome = outcome;
        self.note_result(&mut step, prepared);
        self.tell(&Event::Finished(&step));
        step.outcome.map_err(Failure::from)
    }

    /// Intent → world → outcome; `begun` if an earlier process of the run had come
    /// to the world with it.
    fn pass(
        &self,
        call: &Call,
        mut step: Step,
        prepared: &Prepared,
        begun: Option<&Begun>,
    ) -> Result<Value, Fault> {
        self.warn(call, prepared);
        self.crash(&step, Point::BeforeIntent)?;
        let sent = &prepared.input;
        let (former, unseen) = self.former(&step, prepared, &call.controls, begun)?;
        let intent = if let Some(intent) = begun.and_then(|begun| begun.intent) {
            Some(intent)
        } else {
            let journal = &self.journal;
            journal.intent(&step, sent, &call.controls, former.as_ref())?
        };
        self.crash(&step, Point::AfterIntent)?;
        self.tell(&Event::Started(&step));
        let (passage, outcome) = match unseen {
            Some(fault) => (Passage::Sent, Err(fault)),
            // A failure to settle says nothing of the write: its intent stays open.
            None => self.settle_or_send(call, &step, prepared, begun)?,
        };
        let outcome = match begun {
            Some(_) => before::answered(step.operation, former.as_ref(), outcome),
            None => outcome,
        };
        self.crash(&step, Point::Answered)?;
        step.passage = passage;
        step.outcome = match outcome {
            Ok(value) => Ok(self.redactor.mark(value)),
            Err(fault) => Err(self.redactor.clean(named(step.operation, fault))),
        };
        let ended = self.world.now();
        step.seconds = seconds_between(step.started, ended);
        self.note_result(&mut step, prepared);
        if former.is_some() {
            step.made.clear();
        }
        let former = former.as_ref();
        let placed = region::placed(self, call.entry, &prepared.scope, &call.controls);
        let recorded = self
            .journal
            .outcome(intent, &step, sent, &placed, former, ended);
        self.crash(&step, Point::Recorded)?;
        self.tell(&Event::Finished(&step));
        recorded?;
        step.outcome
    }

    /// What `step` changes that was there before it, or why that cannot be seen: then it
    /// is not sent.
    fn former(
        &self,
        step: &Step,
        prepared: &Prepared,
        controls: &Map,
        begun: Option<&Begun>,
    ) -> Result<(Option<Former>, Option<Fault>), Fault> {
        let looked = match begun {
            Some(begun) => return Ok((self.journal.former(begun)?, None)),
            None => before::look(self, step, prepared, controls),
        };
        match looked {
            Ok(former) => Ok((former, None)),
            Err(fault) if replay::is_cut_off(&fault) || is_fatal(&fault) => Err(fault),
            Err(mut fault) => {
                // Nothing was changed, whatever became of the looking.
                fault.open = false;
                Ok((None, Some(fault)))
            }
        }
    }

    fn settle_or_send(
        &self,
        call: &Call,
        step: &Step,
        prepared: &Prepared,
        begun: Option<&Begun>,
    ) -> Result<(Passage, Result<Value, Fault>), Fault> {
        let open = |begun| Open {
            step,
            prepared,
            controls: &call.controls,
            begun,
        };
        let settled = match begun {
            None => Settled::Send,
            Some(begun) => settle::settle(self, &open(begun))?,
        };
        Ok(match settled {
            Settled::Adopted(value) => (Passage::Adopted, Ok(value)),
            Settled::Assumed(value) => (Passage::Assumed, Ok(value)),
            Settled::Send => {
                let now = Begun {
                    intent: None,
                    earlier: None,
                    since: step.started,
                };
                if let Some(crash) = crash::due(&self.crashes, &step.path, Point::Accepted) {
                    let (crash, cancel) = (crash.clone(), self.cancel.clone());
                    let then = move || crash.happen(&cancel);
                    self.world.once_accepted(Then(Box::new(then)));
                }
                self.world.attend(Some(&step.path.0));
                let mut outcome = send::send(self, call.entry, &open(begun.unwrap_or(&now)));
                self.world.attend(None);
                if begun.is_some() {
                    outcome = settle::or_gone(step.operation, outcome);
                    outcome = settle::or_open(outcome);
                }
                // What the world does not keep itself is done when it returns.
                self.crash(step, Point::Accepted)?;
                (Passage::Sent, outcome)
            }
        })
    }

    /// Takes note of the secrets in a result and of what it says was made.
    fn note_result(&self, step: &mut Step, prepared: &Prepared) {
        if let Ok(value) = &step.outcome {
            value.for_each_secret(&mut |secret| self.redactor.add(secret));
            step.made = Made::of(step.operation, &prepared.input, value);
        }
    }

    fn warn(&self, call: &Call, prepared: &Prepared) {
        for warning in &prepared.report.warnings {
            self.tell(&Event::Warning {
                site: &call.site,
                message: &warning.message,
            });
        }
    }

    /// Ends the run if a rehearsed crash is for this point of `step`.
    ///
    /// # Errors
    /// The run has crashed, here or on another branch: nothing is to be done or recorded.
    fn crash(&self, step: &Step, point: Point) -> Result<(), Fault> {
        if let Some(crash) = crash::due(&self.crashes, &step.path, point) {
            crash.happen(&self.cancel);
        }
        match self.cancel.raised() {
            Some(Reason::Crashed) => self.cancel.check(),
            _ => Ok(()),
        }
    }

    /// Tells every observer.
    pub fn tell(&self, event: &Event<'_>) {
        for observer in &self.observers {
            observer.observe(event);
        }
    }

    /// The flags with which `opsh` finds this run's ledger and world.
    #[must_use]
    pub fn flags(&self) -> String {
        format!("{}{}", self.world.flag(), self.journal.place().flag())
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
