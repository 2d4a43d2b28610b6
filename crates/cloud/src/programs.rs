//! Programs of services on simulated hosts: the host lends the cloud a [`Landlord`].
//!
//! A systemd unit whose program is opsh runs a playbook. The cloud knows no playbooks: it
//! compares which units run on its hosts with which programs run in this process, whenever
//! time may move, and begins and ends them. A program has a thread and a branch in the
//! background of the clock: nobody's time passes on its account alone. What it listens at
//! is its [lodging](crate::tenants).
//!
//! No time passes between commands: in the next process the units that run begin anew, as
//! after a restart. Events that are being handled when a command ends come to their end:
//! time passes for them.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;

use crate::Cloud;
use crate::cloud::Inner;
use crate::hosts::Program;
use crate::state::State;

/// What an interpreter may need. Address space only: pages are taken as they are used.
const STACK: usize = 256 * 1024 * 1024;

/// How long programs that were told to end are waited for, in real time.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long what they are about may take then, in virtual time.
const GRACE: Duration = Duration::from_mins(10);

/// How long programs may take to come up, after their cloud was entered.
const ARRIVAL: Duration = Duration::from_secs(2);

/// Who runs the programs of services.
pub trait Landlord: Send + Sync {
    /// Runs a program on the calling thread until it ends or is [told to](Lease::when_stopped);
    /// gives its exit status. The thread is the branch [`Lease::branch`] already.
    fn run(&self, lease: &Arc<Lease>) -> i32;
}

impl std::fmt::Debug for dyn Landlord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Landlord")
    }
}

/// A program that runs.
#[derive(Debug)]
pub struct Lease {
    /// Where its requests go.
    pub cloud: Cloud,
    /// The path of its branch on the cloud's clock.
    pub branch: Vec<u32>,
    /// On the host of which instance.
    pub instance: String,
    /// The unit, without `.service`.
    pub unit: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it was started.
    pub folder: String,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    since: Timestamp,
    stopped: AtomicBool,
    stopper: Stopper,
}

#[derive(Default)]
struct Stopper(Mutex<Option<Box<dyn Fn() + Send>>>);

impl std::fmt::Debug for Stopper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stopper")
    }
}

impl Lease {
    /// Whether the program is to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Calls `stop` when the program is to end; at once if that was before.
    pub fn when_stopped(&self, stop: impl Fn() + Send + 'static) {
        if self.is_stopped() {
            stop();
        }
        *self.stopper() = Some(Box::new(stop));
    }

    /// Notes a line in the host's journal.
    pub fn log(&self, line: &str) {
        let mut state = self.cloud.state();
        let now = state.now;
        if let Some(host) = state.hosts.get_mut(&self.instance) {
            host.say(&self.unit, line, now);
        }
    }

    /// The files of a folder of the host, by their path from there on.
    #[must_use]
    pub fn files(&self, folder: &str) -> BTreeMap<String, Bytes> {
        let mut state = self.cloud.state();
        let now = state.now;
        let host = state.hosts.get_mut(&self.instance);
        host.map(|host| host.files(folder, now)).unwrap_or_default()
    }

    fn stopper(&self) -> MutexGuard<'_, Option<Box<dyn Fn() + Send>>> {
        self.stopper
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        if let Some(stop) = &*self.stopper() {
            stop();
        }
    }
}

/// Which unit on which host, started when.
type Key = (String, String, Timestamp);

/// The programs that run in this process.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    running: Mutex<BTreeMap<Key, Arc<Lease>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    closed: AtomicBool,
}

impl Programs {
    fn running(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Lease>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> BTreeSet<Key> {
        self.running().keys().cloned().collect()
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The units that run at `now`.
fn wanted(state: &State) -> BTreeSet<Key> {
    let now = state.now;
    let hosts = state.hosts.iter();
    hosts
        .flat_map(|host| {
            let id = &host.facts().instance_id;
            let units = host.hosted_units(now).into_iter();
            units.map(move |(unit, since)| (id.clone(), unit, since))
        })
        .collect()
}

impl Cloud {
    /// Lets `landlord` run the programs of services from now on; only the first that is
    /// given counts. It must not hold what holds the cloud.
    pub fn lease_to(&self, landlord: Arc<dyn Landlord>) {
        let _ = self.inner.landlord.set(landlord);
    }

    /// Lets the programs of units that run come up which have not begun in this process, for
    /// who is going to ask them something at once.
    pub(crate) fn let_programs_begin(&self) {
        let running = self.inner.programs.keys();
        if self.inner.landlord.get().is_some() && self.look(wanted) != running {
            // Nothing stops it: it takes no real time.
            let _ = self.clock().sleep(ARRIVAL, &|| false);
        }
    }

    /// Ends all programs of services in this process, and begins no others: their units go
    /// on in the next one. What they are about comes to its end, and time passes meanwhile;
    /// schedules do not fire. For the end of a command.
    pub fn close_programs(&self) {
        let programs = &self.inner.programs;
        programs.closed.store(true, Ordering::SeqCst);
        let threads = std::mem::take(&mut *programs.threads());
        let end = Instant::now() + PATIENCE;
        let wait_while = |busy: &dyn Fn() -> bool| {
            while busy() && Instant::now() < end {
                self.clock().nudge();
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        let busy = || threads.iter().any(|thread| !thread.is_finished());
        if busy() {
            // What is due at this moment is begun, whoever sees first that it is the last.
            wait_while(&|| self.clock().background_is_awake());
            self.inner.resting.store(true, Ordering::SeqCst);
            for lease in programs.running().values() {
                lease.stop();
            }
            self.clock().let_background_end(GRACE);
            wait_while(&busy);
            self.inner.resting.store(false, Ordering::SeqCst);
        }
        programs.running().clear();
    }
}

impl Inner {
    /// When the programs that run here may be others than those that are to run.
    pub(crate) fn programs_change(&self) -> impl Fn(&State) -> Option<Timestamp> + use<> {
        let idle = self.landlord.get().is_none() || self.programs.closed.load(Ordering::SeqCst);
        let running = self.programs.keys();
        move |state| {
            if idle {
                return None;
            }
            if wanted(state) != running {
                return Some(state.now);
            }
            let hosts = state.hosts.iter();
            hosts.filter_map(|host| host.next_unit(state.now)).min()
        }
    }

    /// Ends programs that are not to run any more and begins those that are; gives the
    /// branches of these.
    pub(crate) fn turn_programs(self: &Arc<Self>) -> Vec<Vec<u32>> {
        if self.landlord.get().is_none() || self.programs.closed.load(Ordering::SeqCst) {
            return Vec::new();
        }
        let wanted = wanted(&self.lock());
        let running = self.programs.keys();
        if wanted == running {
            return Vec::new();
        }
        for key in running.difference(&wanted) {
            let lease = self.programs.running().remove(key);
            if let Some(lease) = lease {
                lease.stop();
            }
            self.evict(&key.0, &key.1);
        }
        self.clock.nudge();
        wanted
            .difference(&running)
            .filter_map(|key| self.begin_program(key))
            .collect()
    }

    fn begin_program(self: &Arc<Self>, key: &Key) -> Option<Vec<u32>> {
        let (instance, unit, since) = key.clone();
        let program: Program = {
            let mut state = self.lock();
            let now = state.now;
            state.hosts.get_mut(&instance)?.program(&unit, now)?
        };
        let landlord = Arc::clone(self.landlord.get()?);
        let branch = self.clock.background();
        let lease = Arc::new(Lease {
            cloud: Cloud {
                inner: Arc::clone(self),
            },
            branch: branch.clone(),
            instance,
            unit,
            command: program.command,
            folder: program.folder,
            environment: program.environment,
            since,
            stopped: AtomicBool::new(false),
            stopper: Stopper::default(),
        });
        let own = Arc::clone(&lease);
        let thread = std::thread::Builder::new()
            .name(format!("{} {}", lease.instance, lease.unit))
            .stack_size(STACK)
            .spawn(move || run(landlord.as_ref(), &own))
            .ok()?;
        self.programs.running().insert(key.clone(), lease);
        self.programs.threads().push(thread);
        Some(branch)
    }
}

/// Runs a program to its end, and says so to its machine unless it was told to end.
fn run(landlord: &dyn Landlord, lease: &Arc<Lease>) {
    let clock = lease.cloud.clock().clone();
    let here = clock.enter(&lease.branch);
    let status = catch_unwind(AssertUnwindSafe(|| landlord.run(lease))).unwrap_or(101);
    if !lease.is_stopped() {
        let inner = &lease.cloud.inner;
        inner.evict(&lease.instance, &lease.unit);
        let key = (lease.instance.clone(), lease.unit.clone(), lease.since);
        inner.programs.running().remove(&key);
        let mut state = lease.cloud.state();
        let now = state.now;
        if let Some(host) = state.hosts.get_mut(&lease.instance) {
            host.unit_ended(&lease.unit, lease.since, status, now);
        }
    }
    drop(here);
}
