//! The gate's hand on the ledger: the run is begun with its first step.
//!
//! An empty playbook touches no file. A write's intent is durable before this
//! module lets it pass; reads are recorded with the next commit.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opsh_operation::select::{self, Roots};
use opsh_operation::{Effect, Fault, FaultKind, Inverse, Map, Operation, Settle, Value};

use super::branch::{self, StepPath};
use super::event::{Made, Step};
use super::fresh::Fresh;
use super::prepare::CONTROLS_OF_PLACE;
use super::replay::{Recall, Replay};
use crate::ledger::{
    Call, Error, Ledger, NewEvent, NewRun, Outcome, Resource, ResourceChange, RunId, RunOutcome,
    RunSettings, Secrets, StackLock, StepEffect, StepId, StepIntent,
};
use crate::world::{Kind, World};

/// Where a run's records go.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file, with the stack locked for the run.
    Files {
        /// The ledger.
        ledger: PathBuf,
        /// The folder of the locks.
        locks: PathBuf,
    },
    /// A file of this run alone, begun anew: nothing grows from run to run. What is
    /// secret in it is sealed with a key that ends with the process.
    Fresh(PathBuf),
    /// Memory that ends with the process, filled from the ledger at this path if there is one.
    Memory(Option<PathBuf>),
    /// The ledger of the run that this one is a part of, under its lock.
    Within(Shared),
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
    /// What was found again and belongs to which step.
    claims: Mutex<BTreeMap<(String, String), StepPath>>,
    /// What was made a moment ago.
    fresh: Fresh,
    open: Mutex<Option<Open>>,
    /// Taken before the run begins, while somebody is asked.
    held: Mutex<Option<StackLock>>,
}

/// A run that is gone on with.
#[derive(Debug)]
pub struct Resumes {
    /// Which.
    pub run: RunId,
    /// What a person says of steps of which nobody knows whether they were done.
    pub assumptions: Vec<Assumption>,
}

/// What a person says of a step of which nobody knows whether it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// Which step; any if it is not said.
    pub step: Option<StepPath>,
    /// Whether it was done.
    pub done: bool,
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
            claims: Mutex::default(),
            fresh: Fresh::default(),
            open: Mutex::new(None),
            held: Mutex::default(),
        }
    }

    /// Takes the stack's lock before the run begins.
    ///
    /// # Errors
    /// Another run holds the stack.
    pub fn hold(&self) -> Result<(), Fault> {
        if let Place::Files { locks, .. } = &self.place {
            let lock = StackLock::take(locks, &self.stack(), &self.playbook).map_err(fault)?;
            *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(lock);
        }
        Ok(())
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

    /// Turns to an event of a service: what was of the last one is forgotten. One that
    /// an earlier process began is gone on with.
    pub fn turn_to(&self, event: NewEvent, resumes: Option<Resumes>) {
        *lock(&self.open) = None;
        *lock(&self.replay) = None;
        lock(&self.claims).clear();
        *lock(&self.resumes) = resumes;
        *lock(&self.event) = Some(event);
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

    /// Whether the run was begun by an earlier process.
    #[must_use]
    pub fn resumed(&self) -> bool {
        lock(&self.resumes).is_some()
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
        *self
            .parameters
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = parameters;
    }

    /// The stack that everything made belongs to.
    #[must_use]
    pub fn stack(&self) -> String {
        self.stack
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Works on another stack; before the run begins.
    pub fn set_stack(&self, stack: &str) {
        stack.clone_into(&mut self.stack.lock().unwrap_or_else(PoisonError::into_inner));
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
        let (ledger, mut held) = self.open_place().map_err(fault)?;
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
                unrecorded = Some(Vec::new());
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
    fn record(&self, open: &mut Open, now: jiff::Timestamp) -> Result<(), Error> {
        let (Some(event), Some(reads)) = (lock(&self.event).clone(), open.unrecorded.take()) else {
            return Ok(());
        };
        let started = reads.first().map_or(now, |(intent, _)| intent.started);
        let new = NewRun {
            stack: self.stack(),
            playbook: self.playbook.clone(),
            params: Map::new(),
            world: open.world,
            started,
            random: [0; 3],
            version: VERSION.to_owned(),
        };
        let mut ledger = lock(&open.ledger);
        ledger.begin_event(&new, &event)?;
        for (intent, outcome) in &reads {
            ledger.read(intent, outcome)?;
        }
        Ok(())
    }

    fn begin_new(&self, ledger: &mut Ledger, world: &dyn World) -> Result<RunId, Error> {
        let mut random = [0; 3];
        world.random(&mut random);
        let run = ledger.begin_run(&NewRun {
            stack: self.stack(),
            playbook: self.playbook.clone(),
            params: self
                .parameters
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            world: world.kind(),
            started: world.now(),
            random,
            version: VERSION.to_owned(),
        })?;
        if let Some(settings) = &self.settings {
            ledger.started_with(&run, settings)?;
        }
        Ok(run)
    }

    /// Takes up what `run` has done; holding its stack, nobody else adds to it.
    fn go_on(&self, ledger: &mut Ledger, world: &dyn World, run: &RunId) -> Result<RunId, Error> {
        let recorded = ledger.run(run.as_str(), Secrets::Hidden)?;
        let failed = recorded.outcome() == "failed";
        let replay = Replay::of(ledger.steps(run, Secrets::Opened)?, failed);
        if lock(&self.event).is_none() {
            let last = replay.last().unwrap_or(recorded.started);
            world.go_on(last, recorded.resumes as u64 + 1);
        }
        ledger.resumed(run, world.now(), VERSION)?;
        *lock(&self.replay) = Some(Arc::new(replay));
        Ok(run.clone())
    }

    fn replay(&self) -> Option<Arc<Replay>> {
        lock(&self.replay).clone()
    }

    /// What an earlier part of this run says of `step`.
    ///
    /// # Errors
    /// The playbook is not the one that ran.
    pub fn recall(&self, step: &Step, sent: &Map, controls: &Map) -> Result<Recall, Fault> {
        match self.replay() {
            None => Ok(Recall::New),
            Some(replay) => replay.recall(step, sent, controls),
        }
    }

    /// What an earlier part of this run says of `step`, whose work is calls below it.
    ///
    /// # Errors
    /// The playbook is not the one that ran.
    pub fn recall_whole(&self, step: &Step) -> Result<Option<Result<Value, Fault>>, Fault> {
        match self.replay() {
            None => Ok(None),
            Some(replay) => replay.recall_whole(step),
        }
    }

    /// Whether the calling thread's branch repeats what has been done already.
    #[must_use]
    pub fn replays(&self) -> bool {
        self.replay()
            .is_some_and(|replay| replay.ahead(&branch::coming_step()))
    }

    /// A recorded write that the playbook, now at its end, did not ask for again.
    #[must_use]
    pub fn missed(&self) -> Option<String> {
        self.replay().and_then(|replay| replay.missed())
    }

    /// What a person says of `step`.
    #[must_use]
    pub fn assumption(&self, step: &StepPath) -> Option<bool> {
        let resumes = lock(&self.resumes);
        let assumptions = &resumes.as_ref()?.assumptions;
        assumptions
            .iter()
            .find(|assumption| assumption.step.as_ref().is_none_or(|named| named == step))
            .map(|assumption| assumption.done)
    }

    /// What a person says of steps of which nobody knows whether they were done.
    #[must_use]
    pub fn assumptions(&self) -> Vec<Assumption> {
        let resumes = lock(&self.resumes);
        resumes
            .as_ref()
            .map_or_else(Vec::new, |resumes| resumes.assumptions.clone())
    }

    /// Takes what was found for `step`, unless another step has it.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn claim(&self, step: &StepPath, found: &[Made]) -> Result<bool, Fault> {
        let known = self.resources()?;
        let path = step.to_string();
        let others = |made: &Made| {
            known
                .iter()
                .any(|other| other.kind == made.kind && other.id == made.id && other.path != path)
        };
        if found.iter().any(others) {
            return Ok(false);
        }
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let name = |made: &Made| (made.kind.to_owned(), made.id.clone());
        let taken = |made: &Made| claims.get(&name(made)).is_some_and(|owner| owner != step);
        if found.iter().any(taken) {
            return Ok(false);
        }
        claims.extend(found.iter().map(|made| (name(made), step.clone())));
        Ok(true)
    }

    /// What this run has made a moment ago.
    #[must_use]
    pub(super) fn fresh(&self) -> &Fresh {
        &self.fresh
    }

    fn open_place(&self) -> Result<(Shared, Option<StackLock>), Error> {
        let own = |ledger| Arc::new(Mutex::new(ledger));
        Ok(match &self.place {
            Place::Files { ledger, locks } => {
                let held = self
                    .held
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
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

    /// Makes the intent of `step` durable; for a read there is nothing to wait for.
    ///
    /// # Errors
    /// It could not be recorded: the step must not be sent.
    pub fn intent(&self, step: &Step, sent: &Map, controls: &Map) -> Result<Option<StepId>, Fault> {
        if !matches!(step.operation.effect, Effect::Write(_)) {
            return Ok(None);
        }
        let mut slot = self.slot();
        let open = opened(&mut slot)?;
        self.record(open, step.started).map_err(fault)?;
        let intent = intent(open, step, sent, controls);
        lock(&open.ledger).intent(&intent).map(Some).map_err(fault)
    }

    /// Records what came of `step`.
    ///
    /// # Errors
    /// It could not be recorded.
    pub fn outcome(
        &self,
        id: Option<StepId>,
        step: &Step,
        sent: &Map,
        controls: &Map,
        ended: jiff::Timestamp,
    ) -> Result<(), Fault> {
        let mut slot = self.slot();
        let open = opened(&mut slot)?;
        let null = Value::Null;
        let roots = Roots {
            input: sent,
            result: step.outcome.as_ref().unwrap_or(&null),
        };
        let succeeded = step.outcome.is_ok();
        let inverse = if succeeded {
            inverse(step.operation, roots, controls)
        } else {
            Vec::new()
        };
        let outcome = Outcome {
            result: step.outcome.clone(),
            inverse: inverse.clone(),
            ended,
        };
        let Some(id) = id else {
            let intent = intent(open, step, sent, controls);
            if let Some(reads) = &mut open.unrecorded {
                reads.push((intent, outcome));
                if reads.len() > MOST_UNRECORDED {
                    self.record(open, step.started).map_err(fault)?;
                }
                return Ok(());
            }
            return lock(&open.ledger).read(&intent, &outcome).map_err(fault);
        };
        let mut changes = Vec::new();
        if succeeded {
            changes.extend(made(step, roots.input, &inverse, controls));
        }
        // What is not there any more has been removed, by whomever.
        let gone = step
            .outcome
            .as_ref()
            .is_err_and(|fault| fault.kind == FaultKind::NotFound);
        if succeeded || gone {
            changes.extend(removed(step.operation, roots, controls));
        }
        self.fresh.note(&changes, ended);
        lock(&open.ledger)
            .outcome(id, &outcome, &changes)
            .map_err(fault)
    }

    /// Records how the run ended, if it ever began.
    ///
    /// # Errors
    /// It could not be recorded.
    pub fn end(&self, outcome: &RunOutcome, ended: jiff::Timestamp) -> Result<(), Fault> {
        match self.slot().as_mut() {
            None => Ok(()),
            Some(open) if open.unrecorded.is_some() => Ok(()),
            Some(open) if lock(&self.event).is_some() => lock(&open.ledger)
                .end_event(&open.run, outcome, ended)
                .map_err(fault),
            Some(open) => lock(&open.ledger)
                .end_run(&open.run, outcome, ended)
                .map_err(fault),
        }
    }

    /// Whether the run is in the ledger: it has begun, and is no event that has written nothing.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.slot()
            .as_ref()
            .is_some_and(|open| open.unrecorded.is_none())
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn opened(slot: &mut Option<Open>) -> Result<&mut Open, Fault> {
    slot.as_mut()
        .ok_or_else(|| Fault::new(FaultKind::Failed, "the run has ended"))
}

/// Marks the fault of a ledger that could not be used.
pub const LEDGER: &str = "ledger";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// An event that has read this often is recorded although it has written nothing.
const MOST_UNRECORDED: usize = 256;

fn fault(error: Error) -> Fault {
    super::fatal(error.into(), LEDGER)
}

fn intent(open: &Open, step: &Step, sent: &Map, controls: &Map) -> StepIntent {
    let token = match step.operation.write().map(|write| write.settle) {
        Some(Settle::Token(name)) => sent.get(name).and_then(Value::as_text).map(str::to_owned),
        _ => None,
    };
    StepIntent {
        run: open.run.clone(),
        path: step.path.to_string(),
        operation: step.operation.full_name(),
        action: step.operation.action.to_owned(),
        effect: match step.operation.effect {
            Effect::Write(_) => StepEffect::Write,
            Effect::Read | Effect::Pure => StepEffect::Read,
        },
        input: sent.clone(),
        controls: controls.clone(),
        token,
        place: step.site.to_string(),
        started: step.started,
        undoes: step.undoes.clone(),
    }
}

/// The calls that undo a write, with the controls that say where.
fn inverse(operation: &Operation, roots: Roots<'_>, controls: &Map) -> Vec<Call> {
    let Some(write) = operation.write() else {
        return Vec::new();
    };
    let Inverse::Calls(calls) = &write.inverse else {
        return Vec::new();
    };
    let region: Map = controls
        .iter()
        .filter(|(name, _)| CONTROLS_OF_PLACE.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    calls
        .iter()
        .flat_map(|call| {
            let inputs = select::calls(roots, call.arguments);
            inputs.into_iter().map(|input| Call {
                operation: call.operation.to_owned(),
                input,
                controls: region.clone(),
            })
        })
        .collect()
}

fn made(step: &Step, sent: &Map, inverse: &[Call], controls: &Map) -> Vec<ResourceChange> {
    step.made
        .iter()
        .map(|Made { kind, id }| ResourceChange::Made {
            kind: (*kind).to_owned(),
            id: id.clone(),
            name: name(sent),
            region: region(controls),
            inverse: inverse.to_vec(),
        })
        .collect()
}

fn removed(operation: &Operation, roots: Roots<'_>, controls: &Map) -> Vec<ResourceChange> {
    let removes = operation.write().map_or(&[][..], |write| write.removes);
    removes
        .iter()
        .flat_map(|removes| {
            select::all(roots, removes.id).into_iter().filter_map(|id| {
                Some(ResourceChange::Removed {
                    kind: removes.kind.to_owned(),
                    id: id.as_text()?.to_owned(),
                    region: region(controls),
                })
            })
        })
        .collect()
}

fn region(controls: &Map) -> String {
    controls
        .get("region")
        .and_then(Value::as_text)
        .unwrap_or_default()
        .to_owned()
}

/// The Name tag that a write gives to what it makes.
fn name(input: &Map) -> Option<String> {
    input.get("tags")?.get("Name")?.as_text().map(str::to_owned)
}
