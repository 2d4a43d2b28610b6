//! The way of one event: recorded, handled at a desk, concluded.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use opsh_operation::{Fault, FaultKind, Value};
use tracing::Level;

use super::Hub;
use crate::gate::Gate;
use crate::gate::branch::StepPath;
use crate::gate::journal::{Beginning, LEDGER, Resumes};
use crate::ledger::{Delivery, EventRun, NewEvent, Secrets};
use crate::lock::lock;
use crate::script::error::{Class, ScriptError};
use crate::script::run::conclude;
use crate::service::Timing;
use crate::service::desk::{Desk, Errand};
use crate::service::source::Event;

/// The branches of events that come on threads which are none begin here: after the sources'.
const LOOSE: u32 = 1 << 30;

/// An event whose beginning is in the ledger; whatever happens, it comes to its end.
pub struct Accepted {
    event: Event,
    record: NewEvent,
}

impl Hub {
    /// Handles `event` on the calling thread, which needs a stack for scripts, and gives
    /// what its handler gives. A failure has been logged already; one of class
    /// [`Class::Deadline`] is that of a handler that overran its time.
    ///
    /// # Errors
    /// The handler's.
    pub fn handle(&self, event: &Event) -> Result<Value, ScriptError> {
        let record = self.record(event);
        let steps = self.steps_of(&record);
        self.pass(event, record, &steps, Beginning::Anew)
    }

    /// Records an event that a message is the cause of: when this returns, both are on
    /// disk, and the message need not come again.
    ///
    /// # Errors
    /// It could not be recorded; the service ends of it.
    pub fn accept(&self, event: Event, delivery: &Delivery) -> Result<Accepted, Fault> {
        let record = self.record(&event);
        let gate = self.gate();
        match gate.journal.accept(&record, delivery, gate.world.now()) {
            Ok(()) => Ok(Accepted { event, record }),
            Err(fault) => {
                self.fail(fault.clone());
                Err(fault)
            }
        }
    }

    /// Handles an event that was accepted, as [`Hub::handle`].
    ///
    /// # Errors
    /// The handler's.
    pub fn handle_accepted(&self, accepted: Accepted) -> Result<Value, ScriptError> {
        let Accepted { event, record } = accepted;
        let steps = self.steps_of(&record);
        self.pass(&event, record, &steps, Beginning::Accepted)
    }

    fn record(&self, event: &Event) -> NewEvent {
        NewEvent {
            parent: self.run.clone(),
            number: self.events.fetch_add(1, Ordering::SeqCst) + 1,
            handler: event.handler.name().to_owned(),
            label: event.label.clone(),
            input: event.input.clone(),
        }
    }

    fn steps_of(&self, event: &NewEvent) -> Vec<u32> {
        [self.steps.as_slice(), &[event.number]].concat()
    }

    /// Handles an event whose beginning is in the ledger.
    pub(in crate::service) fn go_on(
        &self,
        event: &Event,
        recorded: &EventRun,
    ) -> Result<Value, ScriptError> {
        let number = recorded.event.number;
        let steps = lock(&self.ledger)
            .steps(&recorded.run.id, Secrets::Hidden)
            .ok()
            .and_then(|steps| below(&steps.first()?.path, number))
            .unwrap_or_else(|| self.steps_of(&recorded.event));
        let resumes = Resumes {
            run: recorded.run.id.clone(),
            assumptions: self.gate().journal.assumptions(),
        };
        let record = recorded.event.clone();
        self.pass(event, record, &steps, Beginning::GoneOn(resumes))
    }

    fn pass(
        &self,
        event: &Event,
        record: NewEvent,
        steps: &[u32],
        beginning: Beginning,
    ) -> Result<Value, ScriptError> {
        let world = self.world();
        let branch = match world.here() {
            Some(here) => {
                let branch = [here.as_slice(), &[record.number]].concat();
                world.announce_at(std::slice::from_ref(&branch));
                branch
            }
            None => [self.steps.as_slice(), &[LOOSE + record.number]].concat(),
        };
        let _branch = world.enter_at(&branch);
        let limit = event.limit();
        let begun = world.now();
        world.limit_at(&branch, limit);
        lock(&self.tally).under_way += 1;
        let desk = lock(&self.desks).pop();
        let desk = desk.unwrap_or_else(|| Desk::new(&self.runtime, Arc::clone(&self.ledger)));
        let errand = Errand {
            event,
            steps,
            branch: &branch,
        };
        desk.turn_to(&errand, record, beginning);
        let watched = self.watch.over(limit, &desk.gate().cancel);
        let worked = desk.work(&errand);
        drop(watched);
        let whole = worked.is_some();
        let took = Duration::try_from(world.now().duration_since(begun)).unwrap_or_default();
        let outcome = self.concluded(desk.gate(), worked, limit, took < limit);
        if let Err(error) = &outcome {
            self.complain(desk.gate(), &event.label, error);
        }
        if desk.gate().journal.is_recorded() {
            self.prune();
        }
        if whole && !desk.is_worn() {
            lock(&self.desks).push(desk);
        }
        let mut tally = lock(&self.tally);
        tally.under_way -= 1;
        tally.events += 1;
        tally.failed += u64::from(outcome.is_err());
        outcome
    }

    /// Records how an event ended; `in_time` if not of its own limit.
    fn concluded(
        &self,
        gate: &Gate,
        worked: Option<Result<Value, ScriptError>>,
        limit: Duration,
        in_time: bool,
    ) -> Result<Value, ScriptError> {
        let broke = || {
            Err(ScriptError::plain(
                Class::Failed,
                "the handler broke off: opsh itself failed in it",
            ))
        };
        let mut outcome = worked.unwrap_or_else(broke);
        // On a simulated host the clock ends what goes on for too long after the command.
        let lodged = matches!(self.runtime.service.timing(), Timing::Lodged);
        let with_command = lodged && in_time && self.stop.reason().is_some();
        let cut_off = self.cut_off.load(Ordering::SeqCst);
        if let Err(error) = &mut outcome
            && matches!(error.class, Class::Interrupted | Class::Deadline)
        {
            if error.class == Class::Interrupted && cut_off {
                // It is not over: the next process of the service goes on with it.
                return outcome;
            }
            let words = if with_command {
                "the service ends with the command".to_owned()
            } else {
                format!(
                    "the handler ran longer than {} (limit: timeout)",
                    humantime::format_duration(limit)
                )
            };
            error.fault = None;
            for finding in &mut error.findings {
                finding.message.clone_from(&words);
            }
            if with_command {
                // Nor is this one.
                error.class = Class::Interrupted;
                return outcome;
            }
            error.class = Class::Deadline;
        }
        conclude(gate, outcome)
    }

    /// Says what went wrong with an event, with its place and an excerpt.
    fn complain(&self, gate: &Gate, label: &str, error: &ScriptError) {
        if error.fatal() == Some(LEDGER) {
            let words = error
                .findings
                .first()
                .map(|finding| finding.message.clone());
            self.fail(Fault::new(FaultKind::Failed, words.unwrap_or_default()));
        }
        let text = error.render(&self.runtime.sources);
        let text = text.trim_end();
        let text = text.strip_prefix("error: ").unwrap_or(text);
        let id = if gate.journal.is_recorded() {
            format!(" (event {})", gate.journal.name())
        } else {
            String::new()
        };
        let words = gate.redactor.scrub(&format!("{label}{id} failed: {text}"));
        gate.terminal.log(Level::ERROR, &words);
    }
}

/// The path of the event `number` above one of its recorded steps.
fn below(path: &str, number: u32) -> Option<Vec<u32>> {
    let StepPath(path) = path.parse().ok()?;
    let at = (1..path.len()).step_by(2).find(|at| path[*at] == number)?;
    Some(path[..=at].to_vec())
}
