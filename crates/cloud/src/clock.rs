//! Virtual time, which moves only when everybody waits.
//!
//! The threads that take part are *branches*, each at a path such as `[2, 0]`.
//! Exactly one of them runs at a time: it holds the baton. A branch gives it up
//! when it sleeps, ends, or announces branches below its own path, which go
//! first. The baton goes to the ready branch with the smallest path; if none is
//! ready the time jumps to the earliest wake-up. So the same program gives the
//! same order of everything, whatever the threads of the machine do.
//!
//! Before the time moves, a [`Tide`] is asked: what happens on the way may begin
//! branches of its own (a schedule invokes a function), and the time moves no
//! further than to there. Such a branch is *detached*: it is below nobody's path.
//! A branch in the *background* (a service on a simulated host) sleeps like any other,
//! but nobody's time passes on its account: when only such ones are left, time stands,
//! until they are [to come to their end](Clock::let_background_end).
//!
//! A cloud that other programs use, too, may have a clock that [follows](Clock::follow)
//! the real one: then nobody's wait moves the time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

mod branch;
mod tide;
mod timer;

pub use branch::Branch;
pub use tide::{Flow, Tide};
pub use timer::Timer;

/// The first number of a detached branch's path: after all others, before guests.
const DETACHED: u32 = u32::MAX - 1;

/// The first number of the path of a branch in the background, and of those below it.
const BACKGROUND: u32 = u32::MAX - 3;

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
    tide: OnceLock<Weak<dyn Tide>>,
}

/// Who takes part, and who runs.
#[derive(Debug)]
struct Table {
    now: Timestamp,
    branches: BTreeMap<Vec<u32>, Phase>,
    running: Option<Vec<u32>>,
    guests: u32,
    detached: u32,
    backgrounds: u32,
    /// Branches that were to be roused while they were awake.
    roused: BTreeSet<Vec<u32>>,
    /// When a branch, with all below it, is to end at the latest.
    limits: BTreeMap<Vec<u32>, Timestamp>,
    /// Somebody is asking the tide: nobody gets the baton meanwhile.
    asking: bool,
    /// By how much it is ahead of the real clock, if it goes at that one's pace.
    ahead: Option<SignedDuration>,
    /// Branches in the background are to come to their end: time passes for them, too.
    ending: bool,
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
            .map(|(next, _)| next)
            .skip_while(|next| *next == path)
            .take_while(|next| next.starts_with(path))
            .any(|next| !path.is_empty() || !matches!(next[0], DETACHED | BACKGROUND))
    }

    /// Catches up with the real clock, if it goes at that one's pace.
    fn follow(&mut self) {
        if let Some(ahead) = self.ahead {
            let due = Timestamp::now().checked_add(ahead);
            self.now = self.now.max(due.unwrap_or(Timestamp::MAX));
        }
    }

    /// Gives the baton to the next branch, unless the holder keeps it. Where nobody is
    /// ready, gives the time to which it could move: now, if nobody sleeps either.
    fn schedule(&mut self) -> Option<Timestamp> {
        if self.asking {
            return None;
        }
        if let Some(path) = &self.running
            && self.branches.contains_key(path)
            && !self.has_children(path)
        {
            return None;
        }
        let mut wake: Option<Timestamp> = None;
        let mut somebody_waits = false;
        let mut ready: Option<&Vec<u32>> = None;
        for (path, phase) in &self.branches {
            match phase {
                // What has just begun comes before those whom the same moment wakes.
                Phase::Announced if path[..].first() == Some(&DETACHED) && path.len() == 2 => {
                    ready = Some(path);
                    break;
                }
                _ if ready.is_some() || self.has_children(path) => {}
                // Who sleeps without an end waits for somebody to rouse it.
                Phase::Until(at) if *at == Timestamp::MAX => {}
                Phase::Until(at) if *at > self.now => {
                    wake = Some(wake.map_or(*at, |earliest| earliest.min(*at)));
                    somebody_waits |= self.ending || path.first() != Some(&BACKGROUND);
                }
                _ => ready = Some(path),
            }
        }
        self.running = ready.cloned();
        match ready {
            Some(_) => None,
            None if self.ahead.is_some() => Some(self.now),
            None => Some(wake.filter(|_| somebody_waits).unwrap_or(self.now)),
        }
    }

    /// When the branch at `path` is to end at the latest, if at all.
    fn limit_of(&self, path: &[u32]) -> Option<Timestamp> {
        self.limits
            .iter()
            .filter(|(limited, _)| path.starts_with(limited))
            .map(|(_, at)| *at)
            .min()
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
                    detached: 0,
                    backgrounds: 0,
                    roused: BTreeSet::new(),
                    limits: BTreeMap::new(),
                    asking: false,
                    ahead: None,
                    ending: false,
                }),
                changed: Condvar::new(),
                tide: OnceLock::new(),
            }),
        }
    }

    /// The virtual time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.table().now
    }

    /// From now on the time goes at the pace of the real clock, whoever waits; it is
    /// the real time, unless it was later already.
    pub fn follow(&self) {
        let mut table = self.table();
        let ahead = table.now.duration_since(Timestamp::now());
        table.ahead = Some(ahead.max(SignedDuration::ZERO));
        drop(table);
        drop(self.settle());
    }

    /// Whether the time goes at the pace of the real clock.
    #[must_use]
    pub fn follows(&self) -> bool {
        self.table().ahead.is_some()
    }

    /// Lets the time come to be `at`, unless it is later already: somebody who shares
    /// this time has waited until then. What happens on the way happens.
    pub fn reach(&self, at: Timestamp) {
        let mut table = self.table();
        if at <= table.now {
            return;
        }
        if let Some(ahead) = &mut table.ahead {
            *ahead = at.duration_since(Timestamp::now());
            drop(table);
            drop(self.settle());
            return;
        }
        drop(table);
        // Nothing stops it: it takes no real time.
        let _ = self.as_branch(|path| self.sleep_until(path, at, &|| false));
    }

    /// Returns when what is due by now has happened, and what it begins has begun: where
    /// the clock follows the real one, somebody else may run when the time comes, or be
    /// about to let it happen.
    pub fn catch_up(&self) {
        // Whoever runs passes the baton on, and who gives it back lets happen what is due.
        self.as_branch(|_| {});
        loop {
            let table = self.settle();
            if !table.asking {
                return;
            }
            drop(
                self.shared
                    .changed
                    .wait_timeout(table, PATIENCE)
                    .unwrap_or_else(PoisonError::into_inner),
            );
        }
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
        drop(table);
        drop(self.settle());
    }

    /// Takes announcements back whose threads will not come.
    pub fn retract(&self, paths: &[Vec<u32>]) {
        let mut table = self.table();
        for path in paths {
            if table.branches.get(path) == Some(&Phase::Announced) {
                table.branches.remove(path);
            }
        }
        drop(table);
        drop(self.settle());
    }

    /// Makes the calling thread the branch at `path` until the guard is dropped;
    /// returns when it is its turn.
    #[must_use]
    pub fn enter(&self, path: &[u32]) -> Branch {
        Branch::enter(self, path.to_vec())
    }

    /// Makes the branch at `path` end at `limit`, until its guard is dropped: nothing on it
    /// or below it sleeps longer, and from then on every wait there ends as [`Stopped`].
    pub fn limit(&self, path: &[u32], limit: Timestamp) {
        self.table().limits.insert(path.to_vec(), limit);
    }

    /// Does something as the calling thread's branch, or as a guest's, given its path.
    pub fn as_branch<T>(&self, work: impl FnOnce(&[u32]) -> T) -> T {
        branch::on_branch(self, work)
    }

    /// The path of the branch that the calling thread is, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<Vec<u32>> {
        branch::current(self)
    }

    /// Waits, as the branch at `path`, until it is its turn again.
    ///
    /// # Errors
    /// [`Stopped`] if `stop` said so.
    pub fn regain(&self, path: &[u32], stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
        self.acquire(path, stop)
    }

    /// Sleeps in virtual time on the calling thread's branch.
    ///
    /// # Errors
    /// [`Stopped`] if `stop` says so at the beginning or said so while other branches ran,
    /// or at the branch's limit.
    pub fn sleep(&self, duration: Duration, stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
        let at = later(self.now(), duration);
        branch::on_branch(self, |path| {
            loop {
                // Who is to stop lets no time pass, and nothing happen, on its account.
                if stop() {
                    return Err(Stopped);
                }
                self.sleep_until(path, at, stop)?;
                if self.now() >= at {
                    return Ok(());
                }
            }
        })
    }

    /// Sleeps on the calling thread's branch until `at`, or until it is [roused](Clock::rouse):
    /// who calls this looks again for what it waits for. Time never moves to
    /// [`Timestamp::MAX`] for it.
    ///
    /// # Errors
    /// As [`Clock::sleep`].
    pub fn doze(&self, at: Timestamp, stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
        branch::on_branch(self, |path| self.sleep_until(path, at, stop))
    }

    /// Lets the branch at `path` go on whose thread sleeps there, or is about to.
    pub fn rouse(&self, path: &[u32]) {
        let mut table = self.table();
        match table.branches.get_mut(path) {
            Some(phase @ Phase::Until(_)) => *phase = Phase::Ready,
            Some(_) => {
                table.roused.insert(path.to_vec());
            }
            None => {}
        }
        drop(table);
        drop(self.settle());
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

    /// Lets all who wait look again whether they are to stop.
    pub fn nudge(&self) {
        self.shared.changed.notify_all();
    }

    /// Whether the branch at `path` should have ended.
    fn expired(&self, path: &[u32]) -> bool {
        let table = self.table();
        table.limit_of(path).is_some_and(|limit| limit <= table.now)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        let mut table = self
            .shared
            .table
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        table.follow();
        table
    }

    /// Gives the baton to whose turn it is, after the time has moved to there.
    fn settle(&self) -> MutexGuard<'_, Table> {
        let mut table = self.table();
        let before = table.running.clone();
        let mut asked = false;
        let mut idle = false;
        while let Some(to) = table.schedule() {
            let (now, moves) = (table.now, to > table.now);
            asked = true;
            if idle && !moves {
                break;
            }
            table.asking = true;
            drop(table);
            let flow = self.flow(to);
            table = self.table();
            table.asking = false;
            table.now = flow.at.clamp(now, to);
            idle = flow.begins.is_empty();
            for path in flow.begins {
                table.branches.insert(path, Phase::Announced);
            }
        }
        // Only whose turn it is has a reason to wake; each that wakes comes through here.
        // Somebody may have come while the tide was asked.
        if table.running != before || (asked && table.running.is_some()) {
            self.shared.changed.notify_all();
        }
        table
    }

    /// Waits until the branch at `path` holds the baton.
    fn acquire(&self, path: &[u32], stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
        loop {
            let mut table = self.settle();
            if table.running.as_deref() == Some(path) {
                table.branches.insert(path.to_vec(), Phase::Ready);
                return Ok(());
            }
            if stop() {
                return Err(Stopped);
            }
            drop(
                self.shared
                    .changed
                    .wait_timeout(table, PATIENCE)
                    .unwrap_or_else(PoisonError::into_inner),
            );
        }
    }

    fn sleep_until(
        &self,
        path: &[u32],
        at: Timestamp,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Stopped> {
        self.acquire(path, stop)?;
        let limit = {
            let mut table = self.table();
            if table.roused.remove(path) {
                return Ok(());
            }
            let limit = table.limit_of(path).filter(|limit| *limit <= at);
            let until = limit.unwrap_or(at);
            table.branches.insert(path.to_vec(), Phase::Until(until));
            table.running = None;
            limit
        };
        let result = self.acquire(path, stop);
        if result.is_err() {
            self.table().branches.insert(path.to_vec(), Phase::Ready);
        }
        match limit {
            Some(limit) if limit <= self.now() => result.and(Err(Stopped)),
            _ => result,
        }
    }
}

fn later(now: Timestamp, duration: Duration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}
