//! From an event to its handler and back.

mod pace;
mod threads;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use opsh_operation::{Fault, Map, Value};
use tracing::Level;

use super::desk::{Desk, Errand};
use super::forever::Options;
use super::http::answer::Route;
use super::source::Event;
use super::watch::Watch;
use super::{Source, Timing};
use crate::gate::Gate;
use crate::gate::journal::{Beginning, LEDGER, Resumes, Shared};
use crate::ledger::{Delivery, EventRun, Keep, NewEvent, RunId};
use crate::script::engine::Runtime;
use crate::script::error::{Class, ScriptError};
use crate::script::run::conclude;
use crate::world::{Cancel, Reason, World};
pub(super) use threads::Work;

/// So long that it is for ever.
const LONG: Duration = Duration::from_hours(24 * 365 * 100);

/// After how many recorded events old ones are let go; sooner where they are large.
const PRUNING: u64 = 64;

/// The branches of events that come on threads which are none begin here: after the sources'.
const LOOSE: u32 = 1 << 30;

/// What sources give their events to.
pub struct Hub {
    runtime: Arc<Runtime>,
    ledger: Shared,
    run: RunId,
    /// The path of the service's step; events are below it.
    steps: Vec<u32>,
    stop: Cancel,
    begun: (Instant, Timestamp),
    /// When virtual time is up.
    end: Mutex<Option<Duration>>,
    events: AtomicU32,
    branches: AtomicU32,
    desks: Mutex<Vec<Desk>>,
    watch: Arc<Watch>,
    /// How long events that are being handled hold up a service that is to stop.
    grace: Duration,
    /// Events that are being handled have been told to stop, too.
    cut_off: AtomicBool,
    alive: Mutex<usize>,
    ended: Condvar,
    tally: Mutex<Tally>,
    recorded: Mutex<Recorded>,
    keep: Keep,
    broken: Mutex<Option<Fault>>,
}

/// What has been recorded since old events left.
#[derive(Default)]
struct Recorded {
    events: u64,
    /// How large the ledger was then.
    bytes: i64,
}

/// An event whose beginning is in the ledger; whatever happens, it comes to its end.
pub struct Accepted {
    event: Event,
    record: NewEvent,
}

/// What became of the events so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Those that were handled, well or not.
    pub events: u64,
    /// Those whose handler failed.
    pub failed: u64,
    /// Those that are being handled.
    pub under_way: u64,
}

impl Hub {
    /// The hub of the service that `runtime`'s playbook is, at the step `steps`.
    pub(super) fn new(
        runtime: &Arc<Runtime>,
        steps: Vec<u32>,
        options: Options,
    ) -> Result<Self, Fault> {
        let gate = &runtime.gate;
        gate.journal.begin(gate.world.as_ref())?;
        let (ledger, run) = gate.journal.shared()?;
        let last = lock(&ledger).last_event(&run)?;
        let length = match runtime.service.timing() {
            Timing::Real(length) => length.unwrap_or(LONG),
            _ => LONG,
        };
        Ok(Self {
            ledger,
            run,
            steps,
            stop: gate.cancel.apart(length),
            begun: (Instant::now(), gate.world.now()),
            end: Mutex::default(),
            events: AtomicU32::new(last),
            branches: AtomicU32::new(0),
            desks: Mutex::default(),
            watch: Arc::default(),
            grace: options.grace,
            cut_off: AtomicBool::new(false),
            alive: Mutex::default(),
            ended: Condvar::new(),
            tally: Mutex::default(),
            recorded: Mutex::default(),
            keep: options.keep,
            broken: Mutex::default(),
            runtime: Arc::clone(runtime),
        })
    }

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

    /// The messages that have come from `source`, also to earlier processes of the service.
    pub(super) fn deliveries(&self, source: &str) -> Result<Vec<(String, Timestamp)>, Fault> {
        let journal = &self.gate().journal;
        let stack = journal.stack();
        journal.with_ledger(|ledger, _| ledger.deliveries(&stack, source))
    }

    /// Handles an event whose beginning is in the ledger.
    pub(super) fn go_on(&self, event: &Event, recorded: &EventRun) -> Result<Value, ScriptError> {
        let number = recorded.event.number;
        let steps = lock(&self.ledger)
            .steps(&recorded.run.id, crate::ledger::Secrets::Hidden)
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

    /// Lets old events leave the ledger, now and then.
    fn prune(&self) {
        let mut recorded = lock(&self.recorded);
        recorded.events += 1;
        let mut prune = || {
            let mut ledger = lock(&self.ledger);
            let grown = ledger.used_bytes()? - recorded.bytes;
            if recorded.events >= PRUNING || grown >= self.keep.bytes / 4 {
                let gate = self.gate();
                ledger.prune_events(&gate.journal.stack(), self.keep, gate.world.now())?;
                *recorded = Recorded {
                    events: 0,
                    bytes: ledger.used_bytes()?,
                };
            }
            Ok::<_, crate::ledger::Error>(())
        };
        if let Err(error) = prune() {
            // They leave another time; a ledger that is broken stops the next write.
            self.say(
                Level::WARN,
                &format!("old events stay in the ledger: {error}"),
            );
        }
    }

    /// Puts on disk what may wait for it.
    pub(super) fn flush(&self) {
        if let Err(error) = lock(&self.ledger).flush() {
            self.say(Level::WARN, &error.to_string());
        }
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
        let fatal = error
            .fault
            .as_ref()
            .and_then(|map| map.get(crate::gate::FATAL));
        if fatal.and_then(Value::as_text) == Some(LEDGER) {
            let words = error
                .findings
                .first()
                .map(|finding| finding.message.clone());
            self.fail(Fault::new(
                opsh_operation::FaultKind::Failed,
                words.unwrap_or_default(),
            ));
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

    /// Ends the service with an error.
    pub fn fail(&self, fault: Fault) {
        lock(&self.broken).get_or_insert(fault);
        self.stop.interrupt();
    }

    pub(super) fn broken(&self) -> Option<Fault> {
        lock(&self.broken).take()
    }

    /// When sources are to stop taking in events; handlers are not stopped by it.
    #[must_use]
    pub fn stop(&self) -> &Cancel {
        &self.stop
    }

    /// The service's own gate: world, terminal, files.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.runtime.gate
    }

    /// The routes that every server has besides its own.
    pub(super) fn joined_routes(&self) -> Vec<Route> {
        self.runtime.service.routes()
    }

    /// Who vouches for SNS besides those that the platform trusts, as PEM.
    pub(super) fn authority(&self) -> Option<&[u8]> {
        self.runtime.service.authority()
    }

    /// Where the service lives.
    #[must_use]
    pub fn world(&self) -> &dyn World {
        self.gate().world.as_ref()
    }

    /// What was registered.
    pub(super) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    /// Whether time is virtual: then nothing listens on a socket.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        matches!(
            self.runtime.service.timing(),
            Timing::Rehearsed(..) | Timing::Lodged
        )
    }

    /// A message about what happens.
    pub fn say(&self, level: Level, message: &str) {
        let gate = self.gate();
        gate.terminal.log(level, &gate.redactor.scrub(message));
    }

    /// Stops the handlers that are at work.
    pub(super) fn cut_off(&self) {
        self.cut_off.store(true, Ordering::SeqCst);
        self.watch.stop_all(Reason::Interrupted);
    }

    /// Whether handlers that are at work have been told to stop.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::SeqCst)
    }

    /// How long events that are being handled hold up a service that is to stop.
    #[must_use]
    pub fn grace(&self) -> Duration {
        self.grace
    }

    /// What became of the events so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        *lock(&self.tally)
    }

    /// What the service did, for its playbook.
    pub(super) fn summary(&self, sources: &[Arc<dyn Source>]) -> Value {
        let tally = self.tally();
        let count = |count: u64| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
        Value::Map(Map::from([
            ("events".to_owned(), count(tally.events)),
            ("failed".to_owned(), count(tally.failed)),
            (
                "seconds".to_owned(),
                Value::Float((self.age().as_secs_f64() * 1000.0).round() / 1000.0),
            ),
            (
                "sources".to_owned(),
                Value::List(sources.iter().map(|source| source.label().into()).collect()),
            ),
        ]))
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.watch.close();
    }
}

/// The path of the event `number` above one of its recorded steps.
fn below(path: &str, number: u32) -> Option<Vec<u32>> {
    let crate::gate::branch::StepPath(path) = path.parse().ok()?;
    let at = (1..path.len()).step_by(2).find(|at| path[*at] == number)?;
    Some(path[..=at].to_vec())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
