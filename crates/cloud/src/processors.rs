//! Processor sharing on simulated hosts: what computes there takes its share.
//!
//! A host has the virtual processors of its type, at full speed (T3 instances are in
//! unlimited mode by default, so credits do not slow them). Each burner wants one of them;
//! when there are more burners than processors, all get the same share. What was burnt is
//! noted by the minute, and `CPUUtilization` follows from it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::Cloud;
use crate::clock::Stopped;

/// Work that is left below this many seconds is done.
const DONE: f64 = 1e-6;

/// Who burns on which instance.
#[derive(Debug, Default)]
pub(crate) struct Processors(Mutex<BTreeMap<String, Burners>>);

/// All burners of an instance.
#[derive(Debug)]
struct Burners {
    processors: f64,
    /// Until when what is left has been counted down.
    counted: Timestamp,
    next: u64,
    left: BTreeMap<u64, Burner>,
}

#[derive(Debug)]
struct Burner {
    seconds: f64,
    /// Whose work it is.
    branch: Vec<u32>,
}

impl Burners {
    /// The share of a processor that each gets.
    #[allow(clippy::cast_precision_loss)] // as many as there are threads
    fn share(&self) -> f64 {
        (self.processors / self.left.len().max(1) as f64).min(1.0)
    }

    /// Counts down what is left until `now`; gives since when, and how many processors were
    /// busy meanwhile.
    #[allow(clippy::cast_precision_loss)]
    fn count(&mut self, now: Timestamp) -> (Timestamp, f64) {
        let since = std::mem::replace(&mut self.counted, now);
        let seconds = now.duration_since(since).as_secs_f64();
        let share = self.share();
        for burner in self.left.values_mut() {
            burner.seconds -= share * seconds;
        }
        (since, share * self.left.len() as f64)
    }

    fn branches(&self, but: u64) -> Vec<Vec<u32>> {
        let others = self.left.iter().filter(|(id, _)| **id != but);
        others.map(|(_, burner)| burner.branch.clone()).collect()
    }
}

impl Processors {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Burners>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cloud {
    /// Uses `seconds` of a processor of an instance, on the calling thread's branch; returns
    /// when they are used up, which takes longer while others compute there, too.
    ///
    /// # Errors
    /// [`Stopped`] if `stop` said so, or the instance is gone.
    pub fn burn(
        &self,
        instance: &str,
        seconds: f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Stopped> {
        let processors = self.look(|state| {
            let host = state.hosts.get(instance)?;
            Some(f64::from(host.facts().cpus.max(1)))
        });
        let processors = processors.ok_or(Stopped)?;
        self.clock().as_branch(|branch| {
            let id = self.take_processor(instance, processors, seconds, branch);
            let burnt = self.burn_down(instance, id, stop);
            self.leave_processor(instance, id);
            burnt
        })
    }

    /// How many processors of an instance are busy with programs just now.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // as many as there are threads
    pub fn burning(&self, instance: &str) -> f64 {
        let all = self.inner.processors.lock();
        all.get(instance)
            .map_or(0.0, |burners| burners.share() * burners.left.len() as f64)
    }

    fn take_processor(&self, instance: &str, processors: f64, seconds: f64, branch: &[u32]) -> u64 {
        let now = self.clock().now();
        let mut all = self.inner.processors.lock();
        let burners = all.entry(instance.to_owned()).or_insert_with(|| Burners {
            processors,
            counted: now,
            next: 0,
            left: BTreeMap::new(),
        });
        let (since, busy) = burners.count(now);
        burners.next += 1;
        let id = burners.next;
        let branch = branch.to_vec();
        burners.left.insert(id, Burner { seconds, branch });
        let others = burners.branches(id);
        drop(all);
        self.note_burnt(instance, since, now, busy);
        self.rouse_all(&others);
        id
    }

    /// Waits until the work is done; whoever comes or goes changes when that is.
    fn burn_down(&self, instance: &str, id: u64, stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
        loop {
            let now = self.clock().now();
            let mut all = self.inner.processors.lock();
            let burners = all.get_mut(instance).ok_or(Stopped)?;
            let (since, busy) = burners.count(now);
            let left = burners.left.get(&id).map_or(0.0, |burner| burner.seconds);
            let share = burners.share();
            drop(all);
            self.note_burnt(instance, since, now, busy);
            if left <= DONE {
                return Ok(());
            }
            let wait = SignedDuration::try_from_secs_f64(left / share);
            let wait = wait.map_err(|_| Stopped)? + SignedDuration::from_nanos(1);
            let until = now.checked_add(wait).map_err(|_| Stopped)?;
            self.clock().doze(until, stop)?;
            if stop() {
                return Err(Stopped);
            }
        }
    }

    fn leave_processor(&self, instance: &str, id: u64) {
        let now = self.clock().now();
        let mut all = self.inner.processors.lock();
        let Some(burners) = all.get_mut(instance) else {
            return;
        };
        let (since, busy) = burners.count(now);
        burners.left.remove(&id);
        let others = burners.branches(id);
        if others.is_empty() {
            all.remove(instance);
        }
        drop(all);
        self.note_burnt(instance, since, now, busy);
        self.rouse_all(&others);
    }

    fn rouse_all(&self, branches: &[Vec<u32>]) {
        for branch in branches {
            self.clock().rouse(branch);
        }
    }

    fn note_burnt(&self, instance: &str, from: Timestamp, to: Timestamp, processors: f64) {
        if to <= from || processors <= 0.0 {
            return;
        }
        let mut state = self.state();
        if let Some(host) = state.hosts.get_mut(instance) {
            host.burn(from, to, processors);
        }
    }
}
