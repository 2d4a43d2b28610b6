//! The gate's hand on the ledger: the run is begun with its first step.
//!
//! An empty playbook touches no file. A write's intent is durable before this
//! module lets it pass; reads are recorded with the next commit.
//!
//! - `begin`: the run and its lock, new, gone on with, or an event's;
//! - `recall`: what an earlier process of the run has done;
//! - `record`: intents and outcomes.

mod begin;
mod recall;
mod record;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use opsh_operation::{Fault, FaultKind, Map};

use super::branch::StepPath;
use super::fresh::Fresh;
use super::replay::Replay;
use crate::ledger::{
    Error, Ledger, NewEvent, Outcome, Resource, RunId, RunSettings, StackLock, StepIntent,
};
use crate::lock::lock;
use crate::world::Kind;
pub use begin::Beginning;
pub use recall::{Assumption, Resumes};

/// Where a run's records go.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file, with the stack locked for the run.
    Files {
        /// The ledger.
        ledger: PathBuf,
        /// The folder of the locks.
        locks: PathBuf,
        /// Whether somebody has named the ledger: it is found by its name only.
        named: bool,
    },
    /// A file of this run alone, begun anew: nothing grows from run to run. What is
    /// secret in it is sealed with a key that ends with the process.
    Fresh(PathBuf),
    /// Memory that ends with the process, filled from the ledger at this path if there is one.
    Memory(Option<PathBuf>),
    /// The ledger of the run that this one is a part of, under its lock.
    Within(Shared),
}

impl Place {
    /// The flag that names the ledger, after a space, if it must be named to be found.
    #[must_use]
    pub fn flag(&self) -> String {
        let Self::Files {
            ledger,
            named: true,
            ..
        } = self
        else {
            return String::new();
        };
        let path = ledger.to_string_lossy();
        format!(" --ledger {}", shlex::try_quote(&path).unwrap_or_default())
    }
}

/// A ledger that several runs of the process write: a service's and its events'.
pub type Shared = Arc<Mutex<Ledger>>;

/// Records the steps of one run.
pub struct Journal {
    place: Place,
    stack: Mutex<String>,
    playbook: String,
    parameters: Mutex<Map>,
    /// How the run was started, if it can be gone on with.
    settings: Option<RunSettings>,
    /// The run that is gone on with, if one is.
    resumes: Mutex<Option<Resumes>>,
    /// What that run had done.
    replay: Mutex<Option<Arc<Replay>>>,
    /// The event that the run is, if it is one.
    event: Mutex<Option<NewEvent>>,
    /// Whether that event's beginning is in the ledger already.
    accepted: AtomicBool,
    /// What was found again and belongs to which step.
    claims: Mutex<BTreeMap<(String, String), StepPath>>,
    /// What was made a moment ago.
    fresh: Fresh,
    open: Mutex<Option<Open>>,
    /// Taken before the run begins, while somebody is asked.
    held: Mutex<Option<StackLock>>,
}

struct Open {
    ledger: Shared,
    run: RunId,
    world: Kind,
    /// Of an event that has written nothing yet, its reads; it is recorded with its first write.
    unrecorded: Option<Vec<(StepIntent, Outcome)>>,
    /// Held as long as the run.
    _lock: Option<StackLock>,
}

impl Journal {
    /// Records a run of `playbook` on `stack` at `place`.
    #[must_use]
    pub fn new(place: Place, stack: &str, playbook: &str) -> Self {
        Self {
            place,
            stack: Mutex::new(stack.to_owned()),
            playbook: playbook.to_owned(),
            parameters: Mutex::default(),
            settings: None,
            resumes: Mutex::default(),
            replay: Mutex::default(),
            event: Mutex::default(),
            accepted: AtomicBool::new(false),
            claims: Mutex::default(),
            fresh: Fresh::default(),
            open: Mutex::new(None),
            held: Mutex::default(),
        }
    }

    /// The same for a run that was started with `settings`, so that it can be gone on with.
    #[must_use]
    pub fn started_with(mut self, settings: RunSettings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// The same for going on with a run.
    #[must_use]
    pub fn resuming(self, resumes: Resumes) -> Self {
        *lock(&self.resumes) = Some(resumes);
        self
    }

    /// The playbook, as it was named.
    #[must_use]
    pub fn playbook(&self) -> &str {
        &self.playbook
    }

    /// The event's id, also if it has not begun; the run's if it is none, nothing before it
    /// begins.
    #[must_use]
    pub fn name(&self) -> String {
        let event = lock(&self.event);
        match event.as_ref() {
            Some(event) => event.parent.event(event.number).to_string(),
            None => self.run().unwrap_or_default(),
        }
    }

    /// Whether the run is in the ledger before its first step: begun by an earlier process, or
    /// an event that was accepted.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        lock(&self.resumes).is_some() || self.accepted.load(Ordering::SeqCst)
    }

    /// The ledger of the run, for runs that are part of it.
    ///
    /// # Errors
    /// The run has not begun.
    pub fn shared(&self) -> Result<(Shared, RunId), Fault> {
        let mut slot = self.slot();
        let open = opened(&mut slot)?;
        Ok((Arc::clone(&open.ledger), open.run.clone()))
    }

    /// The values of the playbook's parameters, recorded when the run begins.
    pub fn set_parameters(&self, parameters: Map) {
        *lock(&self.parameters) = parameters;
    }

    /// The stack that everything made belongs to.
    #[must_use]
    pub fn stack(&self) -> String {
        lock(&self.stack).clone()
    }

    /// Works on another stack; before the run begins.
    pub fn set_stack(&self, stack: &str) {
        stack.clone_into(&mut lock(&self.stack));
    }

    /// Whether the run is in the ledger: it has begun, and is no event that has written nothing.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.slot()
            .as_ref()
            .is_some_and(|open| open.unrecorded.is_none())
    }

    /// Where this run's records go.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether nothing of the run is kept for another process: nobody can undo it.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        matches!(self.place, Place::Fresh(_))
    }

    /// What this run has made that is still there; nothing if it never began.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn made(&self) -> Result<Vec<Resource>, Fault> {
        match self.slot().as_mut() {
            None => Ok(Vec::new()),
            Some(open) => lock(&open.ledger).made_by(&open.run).map_err(fault),
        }
    }

    /// How many writes this run has begun.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn writes(&self) -> Result<i64, Fault> {
        match self.slot().as_mut() {
            None => Ok(0),
            Some(open) => lock(&open.ledger).writes_of(&open.run).map_err(fault),
        }
    }

    /// The run's id, if it has begun.
    #[must_use]
    pub fn run(&self) -> Option<String> {
        self.slot().as_ref().map(|open| open.run.to_string())
    }

    /// What the stack has, in the order in which it was made.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn resources(&self) -> Result<Vec<Resource>, Fault> {
        let mut slot = self.slot();
        let open = opened(&mut slot)?;
        lock(&open.ledger).resources(&self.stack()).map_err(fault)
    }

    /// Does `work` with the ledger and the run that has begun.
    ///
    /// # Errors
    /// The run has not begun; what `work` says.
    pub fn with_ledger<T>(
        &self,
        work: impl FnOnce(&mut Ledger, &RunId) -> Result<T, Error>,
    ) -> Result<T, Fault> {
        let mut slot = self.slot();
        let open = opened(&mut slot)?;
        work(&mut lock(&open.ledger), &open.run).map_err(fault)
    }

    fn slot(&self) -> MutexGuard<'_, Option<Open>> {
        lock(&self.open)
    }
}

fn opened(slot: &mut Option<Open>) -> Result<&mut Open, Fault> {
    slot.as_mut()
        .ok_or_else(|| Fault::new(FaultKind::Failed, "the run has ended"))
}

/// Marks the fault of a ledger that could not be used.
pub const LEDGER: &str = "ledger";

fn fault(error: Error) -> Fault {
    told(error, "")
}

fn told(error: Error, flags: &str) -> Fault {
    super::fatal(error.told(flags), LEDGER)
}
