//! What ends a run, or a part of it, before its time.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use opsh_operation::{Fault, FaultKind};

/// Why a run must end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// Ctrl-C.
    Interrupted = 1,
    /// Its deadline has passed.
    Deadline = 2,
    /// It ends as a crash would end it, and is gone on with in this process: a rehearsal.
    Crashed = 3,
}

/// What is raised to end waits, and who waits for just that.
#[derive(Debug, Default)]
struct Flag {
    raised: AtomicU8,
    waiting: Mutex<()>,
    changed: Condvar,
}

/// A flag that ends every wait; cheap to clone and to look at.
#[derive(Debug, Clone)]
pub struct Cancel {
    flag: Arc<Flag>,
    /// The flag of the run that this is part of without being able to end it.
    outer: Option<Arc<Flag>>,
    deadline: Option<Instant>,
    patient: bool,
}

impl Cancel {
    /// The longest that anything may wait without looking at the flag.
    pub const PATIENCE: Duration = Duration::from_millis(50);

    /// Never cancelled until [`Cancel::interrupt`], or at `deadline`.
    #[must_use]
    pub fn new(deadline: Option<Instant>) -> Self {
        Self {
            flag: Arc::default(),
            outer: None,
            deadline,
            patient: false,
        }
    }

    /// The same for what is not to be broken off by an interruption, only by the deadline.
    #[must_use]
    pub fn patient(&self) -> Self {
        Self {
            patient: true,
            ..self.clone()
        }
    }

    /// The same flag with a deadline that is no later than `limit` from now.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        let end = Instant::now().checked_add(limit);
        let deadline = match (self.deadline, end) {
            (Some(old), Some(new)) => Some(old.min(new)),
            (old, new) => old.or(new),
        };
        Self {
            deadline,
            ..self.clone()
        }
    }

    /// A flag of its own that is raised with this one, but not the other way round:
    /// for what may run out of time by itself.
    #[must_use]
    pub fn apart(&self, limit: Duration) -> Self {
        Self {
            flag: Arc::default(),
            outer: Some(Arc::clone(&self.flag)),
            ..self.within(limit)
        }
    }

    /// Ends every wait as interrupted.
    pub fn interrupt(&self) {
        self.raise(Reason::Interrupted);
    }

    /// Ends every wait for `reason`, unless they are ending already.
    pub fn raise(&self, reason: Reason) {
        let _ =
            self.flag
                .raised
                .compare_exchange(0, reason as u8, Ordering::SeqCst, Ordering::SeqCst);
        // Whoever is between its look at the flag and its wait is waited for.
        drop(self.flag.waiting.lock());
        self.flag.changed.notify_all();
    }

    /// Waits for `duration`.
    ///
    /// # Errors
    /// As [`Cancel::check`], as soon as it is so.
    pub fn wait(&self, duration: Duration) -> Result<(), Fault> {
        let start = Instant::now();
        let mut waiting = self
            .flag
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        loop {
            self.check()?;
            let left = duration.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            let left = self.remaining().map_or(left, |end| left.min(end));
            // Nobody is woken by the outer flag.
            let left = self
                .outer
                .as_ref()
                .map_or(left, |_| left.min(Self::PATIENCE));
            waiting = self
                .flag
                .changed
                .wait_timeout(waiting, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Why to stop, if that has been raised: so cheap that every operation of a
    /// script can look, where [`Cancel::reason`] asks the clock.
    #[must_use]
    pub fn raised(&self) -> Option<Reason> {
        let outer = || {
            let outer = self.outer.as_ref();
            outer.map_or(0, |flag| flag.raised.load(Ordering::Relaxed))
        };
        let raised = match self.flag.raised.load(Ordering::Relaxed) {
            0 => outer(),
            own => own,
        };
        match raised {
            0 => None,
            1 => Some(Reason::Interrupted),
            2 => Some(Reason::Deadline),
            _ => Some(Reason::Crashed),
        }
    }

    /// Lets waits go on again after an interruption that stopped one call.
    pub fn renew(&self) {
        self.flag.raised.store(0, Ordering::SeqCst);
    }

    /// Why to stop, if so.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        let raised = self
            .raised()
            .filter(|reason| !(self.patient && *reason == Reason::Interrupted));
        raised.or_else(|| {
            self.deadline
                .filter(|end| Instant::now() >= *end)
                .map(|_| Reason::Deadline)
        })
    }

    /// The time that is left until the deadline.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline
            .map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// A fault when cancelled.
    ///
    /// # Errors
    /// [`FaultKind::Deadline`] or [`FaultKind::Interrupted`].
    pub fn check(&self) -> Result<(), Fault> {
        match self.reason() {
            None => Ok(()),
            Some(Reason::Deadline) => Err(Fault::new(
                FaultKind::Deadline,
                "the run's deadline has passed",
            )),
            Some(Reason::Interrupted) => Err(Fault::new(
                FaultKind::Interrupted,
                "the run was interrupted",
            )),
            Some(Reason::Crashed) => Err(Fault::new(
                FaultKind::Interrupted,
                "the run has crashed, as was asked for",
            )),
        }
    }
}
