//! Virtual time, which moves only when everybody waits.
//!
//! The threads that take part are *branches*, each at a path such as `[2, 0]`.
//! Exactly one of them runs at a time: it holds the baton. A branch gives it up
//! when it sleeps, ends, or announces branches below its own path, which go
//! first. The baton goes to the ready branch with the smallest path; if none is
//! ready the time jumps to the earliest wake-up. So the same program gives the
//! same order of everything, whatever the threads of the machine do.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

mod branch;
mod timer;

pub use branch::Branch;
pub use timer::Timer;

/// How long a thread waits at most before it looks whether it is to stop.
const PATIENCE: Duration = Duration::from_millis(50);

/// A wait that ended early because its `stop` said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the wait was stopped")]
pub struct Stopped;

/// The clock; clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    table: Mutex<Table>,
    changed: Condvar,
}

/// Who takes part, and who runs.
#[derive(Debug)]
struct Table {
    now: Timestamp,
    branches: BTreeMap<Vec<u32>, Phase>,
    running: Option<Vec<u32>>,
    guests: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Its thread has not come yet; all wait for it.
    Announced,
    /// It runs or could run.
    Ready,
    /// It sleeps.
    Until(Timestamp),
}

impl Table {
    /// Whether branches below `path` take part: then `path` itself does not run.
    fn has_children(&self, path: &[u32]) -> bool {
        self.branches
            .range(path.to_vec()..)
            .nth(1)
            .is_some_and(|(next, _)| next.starts_with(path))
    }

    /// Gives the baton to the next branch, unless the holder keeps it.
    fn schedule(&mut self) {
        if let Some(path) = &self.running
            && self.branches.contains_key(path)
            && !self.has_children(path)
        {
            return;
        }
        let mut sleeper: Option<(Timestamp, &Vec<u32>)> = None;
        let mut ready = None;
        for (path, phase) in &self.branches {
            if self.has_children(path) {
                continue;
            }
            match phase {
                Phase::Until(at) if *at > self.now => {
                    if sleeper.is_none_or(|(earliest, _)| *at < earliest) {
                        sleeper = Some((*at, path));
                    }
                }
                _ => {
                    ready = Some(path.clone());
                    break;
                }
            }
        }
        self.running = match (ready, sleeper) {
            (Some(path), _) => Some(path),
            (None, Some((at, path))) => {
                let path = path.clone();
                self.now = at;
                Some(path)
            }
            (None, None) => None,
        };
    }
}

impl Clock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            shared: Arc::new(Shared {
                table: Mutex::new(Table {
                    now,
                    branches: BTreeMap::new(),
                    running: None,
                    guests: 0,
                }),
                changed: Condvar::new(),
            }),
        }
    }

    /// The virtual time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.table().now
    }

    /// Says that branches are about to be entered; the clock waits for them.
    pub fn announce(&self, paths: &[Vec<u32>]) {
        let mut table = self.table();
        for path in paths {
            table
                .branches
                .entry(path.clone())
                .or_insert(Phase::Announced);
        }
        table.schedule();
        self.shared.changed.notify_all();
    }

    /// Takes announcements back whose threads will not come.
    pub fn retract(&self, paths: &[Vec<u32>]) {
        let mut table = self.table();
        for path in paths {
            if table.branches.get(path) == Some(&Phase::Announced) {
                table.branches.remove(path);
            }
        }
        table.schedule();
        self.shared.changed.notify_all();
    }

    /// Makes the calling thread the branch at `path` until the guard is dropped;
    /// returns when it is its turn.
    #[must_use]
    pub fn enter(&self, path: &[u32]) -> Branch {
        Branch::enter(self, path.to_vec())
    }

    /// Sleeps in virtual time on the calling thread's branch.
    ///
    /// # Errors
    /// [`Stopped`] if `stop` said so while other branches ran.
    pub fn sleep(&self, duration: Duration, stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
        let at = later(self.now(), duration);
        branch::on_branch(self, |path| self.sleep_until(path, at, stop))
    }

    /// A future that is ready after `duration`; it begins when it is first polled.
    #[must_use]
    pub fn timer(&self, duration: Duration) -> Timer {
        Timer::new(self.clone(), duration)
    }

    /// Runs a future to its end on the calling thread's branch.
    ///
    /// Where the future waits for [`Timer`]s, the branch sleeps until the
    /// earliest of them; where it waits for something real, the branch keeps the
    /// baton and time stands still.
    ///
    /// # Errors
    /// [`Stopped`] if `stop` said so during a wait.
    pub fn block_on<F: Future>(
        &self,
        future: F,
        stop: &dyn Fn() -> bool,
    ) -> Result<F::Output, Stopped> {
        branch::on_branch(self, |path| timer::drive(self, path, future, stop))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.shared
            .table
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the branch at `path` holds the baton.
    fn acquire(&self, path: &[u32], stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
        let mut table = self.table();
        loop {
            table.schedule();
            if table.running.as_deref() == Some(path) {
                table.branches.insert(path.to_vec(), Phase::Ready);
                return Ok(());
            }
            self.shared.changed.notify_all();
            if stop() {
                return Err(Stopped);
            }
            table = self
                .shared
                .changed
                .wait_timeout(table, PATIENCE)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn sleep_until(
        &self,
        path: &[u32],
        at: Timestamp,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Stopped> {
        self.acquire(path, stop)?;
        {
            let mut table = self.table();
            table.branches.insert(path.to_vec(), Phase::Until(at));
            table.running = None;
            table.schedule();
        }
        self.shared.changed.notify_all();
        let result = self.acquire(path, stop);
        if result.is_err() {
            self.table().branches.insert(path.to_vec(), Phase::Ready);
        }
        result
    }
}

fn later(now: Timestamp, duration: Duration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}
