//! What the sources of a service give their events to, and what is known of it.

mod pace;
mod passing;
mod threads;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use opsh_operation::{Fault, Map, Value};
use tracing::Level;

use super::desk::Desk;
use super::forever::Options;
use super::http::answer::Route;
use super::watch::Watch;
use super::{Source, Timing};
use crate::gate::Gate;
use crate::gate::journal::Shared;
use crate::ledger::{Keep, RunId};
use crate::lock::lock;
use crate::script::engine::Runtime;
use crate::world::{Cancel, Reason, World};
pub use passing::Accepted;
pub(super) use threads::Work;

/// So long that it is for ever.
const LONG: Duration = Duration::from_hours(24 * 365 * 100);

/// After how many recorded events old ones are let go; sooner where they are large.
const PRUNING: u64 = 64;

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

    /// The messages that have come from `source`, also to earlier processes of the service.
    pub(super) fn deliveries(&self, source: &str) -> Result<Vec<(String, Timestamp)>, Fault> {
        let journal = &self.gate().journal;
        let stack = journal.stack();
        journal.with_ledger(|ledger, _| ledger.deliveries(&stack, source))
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
