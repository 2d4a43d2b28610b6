//! An engine with its own gate, at which one event at a time is handled.
//!
//! Making an engine costs milliseconds, so desks are kept: each event finds one that is
//! free, and turns it to itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

use opsh_operation::{FaultKind, Value};
use rhai::{Engine, EvalAltResult};

use super::branch::Moved;
use super::source::Event;
use crate::gate::journal::{Beginning, Journal, Place, Shared};
use crate::gate::{Gate, branch};
use crate::ledger::NewEvent;
use crate::script::engine::{Runtime, engine};
use crate::script::error::{Class, ScriptError};
use crate::script::limits;
use crate::script::values::to_value;
use crate::world::Cancel;

pub(super) struct Desk {
    engine: Engine,
    runtime: Arc<Runtime>,
    world: Arc<Moved>,
    /// What was on the heap when its script's budget was set.
    heap: usize,
}

/// An event on its way to a desk.
pub(super) struct Errand<'a> {
    pub event: &'a Event,
    /// Where its steps are.
    pub steps: &'a [u32],
    /// Where its branch of the clock is.
    pub branch: &'a [u32],
}

impl Desk {
    /// A desk of the service that `main` runs, whose ledger is `ledger`.
    pub(super) fn new(main: &Runtime, ledger: Shared) -> Self {
        let gate = &main.gate;
        let world = Arc::new(Moved::new(Arc::clone(&gate.world)));
        let parameters = main
            .parameters
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let reach = Arc::clone(&main.reach.read().unwrap_or_else(PoisonError::into_inner));
        let journal = Journal::new(
            Place::Within(ledger),
            &gate.journal.stack(),
            gate.journal.playbook(),
        );
        let gate = Gate {
            world: Arc::clone(&world) as _,
            crashes: gate.crashes.clone(),
            ..gate.beside(Cancel::new(None), journal)
        };
        let runtime = Arc::new(Runtime {
            parameters: RwLock::new(parameters),
            reach: RwLock::new(reach),
            reached: main.reached.clone(),
            ..Runtime::new(gate, Arc::clone(&main.sources), main.service.of_event())
        });
        Self {
            engine: engine(&runtime, main.service.folder()),
            runtime,
            world,
            heap: limits::allocated(),
        }
    }

    /// Whether the service has grown so much meanwhile that scripts here would have little
    /// memory left: another desk is better.
    pub(super) fn is_worn(&self) -> bool {
        limits::allocated() > self.heap + limits::heap_budget() / 2
    }

    /// Its gate.
    pub(super) fn gate(&self) -> &Gate {
        &self.runtime.gate
    }

    /// Turns to an event; what is due before its handler is called, by [`Desk::work`].
    pub(super) fn turn_to(&self, errand: &Errand<'_>, record: NewEvent, beginning: Beginning) {
        self.world.place(errand.steps, errand.branch);
        self.gate().cancel.renew();
        self.gate().journal.turn_to(record, beginning);
    }

    /// Calls the handler. A handler that panics gives nothing: its desk is not to be used
    /// again.
    pub(super) fn work(&self, errand: &Errand<'_>) -> Option<Result<Value, ScriptError>> {
        let gate = self.gate();
        let call = || -> Result<Value, ScriptError> {
            // Whatever becomes of it now, the ledger is to know its end.
            if gate.journal.is_awaited() {
                let begun = gate.journal.begin(gate.world.as_ref());
                begun.map_err(|fault| ScriptError::plain(Class::Failed, fault.message))?;
            }
            let _held = match errand.event.exclusive() {
                None => None,
                Some(exclusive) => Some(
                    self.runtime
                        .service
                        .locks()
                        .take(exclusive, gate.world.as_ref(), &gate.cancel)
                        .map_err(|fault| {
                            let class = match fault.kind {
                                FaultKind::Deadline => Class::Deadline,
                                FaultKind::Interrupted => Class::Interrupted,
                                _ => Class::Failed,
                            };
                            ScriptError::plain(class, fault.message)
                        })?,
                ),
            };
            let handler = &errand.event.handler;
            match handler.call(&self.engine, &errand.event.input) {
                Ok(value) => to_value(&value).map_err(|why| {
                    ScriptError::plain(Class::Failed, format!("what the handler gives: {why}"))
                }),
                Err(error) => match *error {
                    EvalAltResult::Exit(value, _) => Ok(to_value(&value).unwrap_or_default()),
                    other => Err(ScriptError::runtime(gate.journal.playbook(), other)),
                },
            }
        };
        catch_unwind(AssertUnwindSafe(|| {
            branch::within(errand.steps.to_vec(), call)
        }))
        .ok()
    }
}
