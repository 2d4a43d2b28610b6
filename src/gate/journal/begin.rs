//! Beginning a run: its lock, its ledger, its id.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use opsh_operation::{Fault, Map};

use super::{Journal, Open, Place, Resumes, Shared, fault, opened, told};
use crate::gate::origin::paths;
use crate::gate::replay::Replay;
use crate::ledger::{
    Delivery, Error, Ledger, NewEvent, NewRun, RunId, RunOutcome, Secrets, StackLock,
};
use crate::lock::lock;
use crate::world::{Kind, World};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How an event begins.
#[derive(Debug)]
pub enum Beginning {
    /// It is recorded with its first write.
    Anew,
    /// It is in the ledger, since a message is the cause of it.
    Accepted,
    /// An earlier process began it.
    GoneOn(Resumes),
}

impl Journal {
    /// Takes the stack's lock before the run begins.
    ///
    /// # Errors
    /// Another run holds the stack.
    pub fn hold(&self) -> Result<(), Fault> {
        if let Place::Files { locks, .. } = &self.place {
            let taken = StackLock::take(locks, &self.stack(), &self.playbook).map_err(fault)?;
            *lock(&self.held) = Some(taken);
        }
        Ok(())
    }

    /// Turns to an event of a service: what was of the last one is forgotten.
    pub fn turn_to(&self, event: NewEvent, beginning: Beginning) {
        *lock(&self.open) = None;
        *lock(&self.replay) = None;
        lock(&self.claims).clear();
        let accepted = matches!(beginning, Beginning::Accepted);
        self.accepted.store(accepted, Ordering::SeqCst);
        *lock(&self.resumes) = match beginning {
            Beginning::GoneOn(resumes) => Some(resumes),
            Beginning::Anew | Beginning::Accepted => None,
        };
        *lock(&self.event) = Some(event);
    }

    /// Records an event of this service that a message is the cause of, before anything is
    /// done about it; both are durable when this returns.
    ///
    /// # Errors
    /// It could not be recorded: whoever sent the message must send it again.
    pub fn accept(
        &self,
        event: &NewEvent,
        delivery: &Delivery,
        now: jiff::Timestamp,
    ) -> Result<(), Fault> {
        let mut slot = self.slot();
        let open = opened(&mut slot)?;
        let new = self.event_run(open.world, now);
        lock(&open.ledger)
            .take_delivery(&new, event, delivery)
            .map(drop)
            .map_err(fault)
    }

    /// Turns to another stack: the next step begins a run of its own, on that one.
    pub fn turn_to_stack(&self, stack: &str) {
        *lock(&self.open) = None;
        lock(&self.claims).clear();
        self.set_stack(stack);
    }

    /// Begins the run if it has not begun, and gives its id.
    ///
    /// # Errors
    /// The ledger cannot be opened; another run holds the stack.
    pub fn begin(&self, world: &dyn World) -> Result<String, Fault> {
        let mut slot = self.slot();
        if let Some(open) = &*slot {
            return Ok(open.run.to_string());
        }
        let flags = || format!("{}{}", world.flag(), self.place.flag());
        let opened = self.open_place();
        let (ledger, mut held) = opened.map_err(|error| told(error, &flags()))?;
        let resumed = lock(&self.resumes)
            .as_ref()
            .map(|resumes| resumes.run.clone());
        let event = lock(&self.event)
            .as_ref()
            .map(|event| event.parent.event(event.number));
        let mut unrecorded = None;
        let run = match (resumed, event) {
            (Some(run), _) => self.go_on(&mut lock(&ledger), world, &run),
            (None, Some(id)) => {
                if !self.accepted.load(Ordering::SeqCst) {
                    unrecorded = Some(Vec::new());
                }
                Ok(id)
            }
            (None, None) => self.begin_new(&mut lock(&ledger), world),
        }
        .map_err(fault)?;
        if let Some(held) = &mut held {
            held.name_run(run.as_str()).map_err(fault)?;
        }
        let id = run.to_string();
        *slot = Some(Open {
            ledger,
            run,
            world: world.kind(),
            unrecorded,
            _lock: held,
        });
        Ok(id)
    }

    /// Records an event that is about to write, or has read more than is kept in memory.
    pub(super) fn record(&self, open: &mut Open, now: jiff::Timestamp) -> Result<(), Error> {
        let (Some(event), Some(reads)) = (lock(&self.event).clone(), open.unrecorded.take()) else {
            return Ok(());
        };
        let started = reads.first().map_or(now, |(intent, _)| intent.started);
        let new = self.event_run(open.world, started);
        let mut ledger = lock(&open.ledger);
        ledger.begin_event(&new, &event)?;
        for (intent, outcome) in &reads {
            ledger.read(intent, outcome)?;
        }
        Ok(())
    }

    /// The run that an event is; its service has the parameters.
    fn event_run(&self, world: Kind, started: jiff::Timestamp) -> NewRun {
        NewRun {
            stack: self.stack(),
            playbook: self.playbook.clone(),
            params: Map::new(),
            world,
            started,
            random: [0; 3],
            version: VERSION.to_owned(),
            settings: None,
        }
    }

    fn begin_new(&self, ledger: &mut Ledger, world: &dyn World) -> Result<RunId, Error> {
        let mut random = [0; 3];
        world.random(&mut random);
        ledger.begin_run(&NewRun {
            stack: self.stack(),
            playbook: self.playbook.clone(),
            params: lock(&self.parameters).clone(),
            world: world.kind(),
            started: world.now(),
            random,
            version: VERSION.to_owned(),
            settings: self.settings.clone(),
        })
    }

    /// Takes up what `run` has done; holding its stack, nobody else adds to it.
    fn go_on(&self, ledger: &mut Ledger, world: &dyn World, run: &RunId) -> Result<RunId, Error> {
        let recorded = ledger.run(run.as_str(), Secrets::Hidden)?;
        let end = recorded.end.as_ref();
        let failed = end.is_some_and(|end| matches!(end.outcome, RunOutcome::Failed(_)));
        let mut steps = ledger.steps(run, Secrets::Opened)?;
        if let Some(started) = ledger.settings(run)? {
            paths::relocate(&mut steps, &started.folder);
        }
        let replay = Replay::of(steps, failed);
        if lock(&self.event).is_none() {
            let last = replay.last().unwrap_or(recorded.started);
            world.go_on(last, recorded.resumes as u64 + 1);
        }
        ledger.resumed(run, world.now(), VERSION)?;
        *lock(&self.replay) = Some(Arc::new(replay));
        Ok(run.clone())
    }

    fn open_place(&self) -> Result<(Shared, Option<StackLock>), Error> {
        let own = |ledger| Arc::new(Mutex::new(ledger));
        Ok(match &self.place {
            Place::Files { ledger, locks, .. } => {
                let held = lock(&self.held).take();
                let lock = match held {
                    Some(lock) => lock,
                    None => StackLock::take(locks, &self.stack(), &self.playbook)?,
                };
                (own(Ledger::open(ledger)?), Some(lock))
            }
            Place::Fresh(path) => (own(Ledger::anew(path)?), None),
            Place::Memory(None) => (own(Ledger::in_memory()?), None),
            Place::Memory(Some(path)) => (own(Ledger::copy_of(path)?), None),
            Place::Within(ledger) => (Arc::clone(ledger), None),
        })
    }
}
