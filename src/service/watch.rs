//! Stops handlers that overrun their time.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::world::{Cancel, Reason};

/// Raises the flags of those whose time is up; one thread for all.
#[derive(Default)]
pub(super) struct Watch {
    table: Mutex<Table>,
    changed: Condvar,
}

#[derive(Default)]
struct Table {
    next: u64,
    due: BTreeMap<(Instant, u64), Cancel>,
    begun: bool,
    over: bool,
}

/// Held while somebody's time is watched.
pub(super) struct Watched {
    watch: Arc<Watch>,
    key: Option<(Instant, u64)>,
}

impl Watch {
    /// Raises `cancel` after `limit`, unless what is returned is dropped before.
    pub(super) fn over(self: &Arc<Self>, limit: Duration, cancel: &Cancel) -> Watched {
        let mut table = self.lock();
        let key = Instant::now().checked_add(limit).map(|end| {
            table.next += 1;
            (end, table.next)
        });
        if let Some(key) = key {
            table.due.insert(key, cancel.clone());
            if !std::mem::replace(&mut table.begun, true) {
                let watch = Arc::clone(self);
                std::thread::spawn(move || watch.run());
            }
            self.changed.notify_all();
        }
        Watched {
            watch: Arc::clone(self),
            key,
        }
    }

    /// Stops everybody who is watched, for `reason`.
    pub(super) fn stop_all(&self, reason: Reason) {
        for cancel in self.lock().due.values() {
            cancel.raise(reason);
        }
    }

    /// Nobody is watched any more.
    pub(super) fn close(&self) {
        self.lock().over = true;
        self.changed.notify_all();
    }

    fn run(&self) {
        let mut table = self.lock();
        while !table.over {
            let now = Instant::now();
            let wait = match table.due.first_key_value() {
                None => Duration::from_mins(1),
                Some(((end, _), cancel)) if *end <= now => {
                    cancel.raise(Reason::Deadline);
                    table.due.pop_first();
                    continue;
                }
                Some(((end, _), _)) => end.duration_since(now),
            };
            table = self
                .changed
                .wait_timeout(table, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.watch.lock().due.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_late_is_stopped_and_who_is_not_is_left_alone() {
        let watch = Arc::new(Watch::default());
        let (late, early) = (Cancel::new(None), Cancel::new(None));
        let _late = watch.over(Duration::from_millis(20), &late);
        drop(watch.over(Duration::from_millis(20), &early));
        let begun = Instant::now();
        while late.raised().is_none() && begun.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(late.raised(), Some(Reason::Deadline));
        assert_eq!(early.raised(), None);
        watch.close();
    }
}
