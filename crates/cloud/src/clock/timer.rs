//! Futures that wait in virtual time, and what drives them.

use std::cell::RefCell;
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use jiff::Timestamp;

use super::{Clock, PATIENCE, Stopped, later};

thread_local! {
    /// The timers that were polled in each running [`drive`] of the thread.
    static DRIVES: RefCell<Vec<Vec<Weak<Entry>>>> = const { RefCell::new(Vec::new()) };
}

/// When to fire, and whom to wake then.
#[derive(Debug)]
struct Entry {
    at: Timestamp,
    waker: Mutex<Waker>,
}

/// A future that is ready once the virtual time has come.
#[derive(Debug)]
pub struct Timer {
    clock: Clock,
    duration: Duration,
    entry: Option<Arc<Entry>>,
}

impl Timer {
    pub(super) fn new(clock: Clock, duration: Duration) -> Self {
        Self {
            clock,
            duration,
            entry: None,
        }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.clock.now();
        if let Some(entry) = &self.entry {
            if now >= entry.at {
                return Poll::Ready(());
            }
            let mut waker = entry.waker.lock().unwrap_or_else(PoisonError::into_inner);
            waker.clone_from(cx.waker());
            return Poll::Pending;
        }
        let driven = DRIVES.with_borrow(|drives| !drives.is_empty());
        if !driven {
            // Another executor polls: nobody but this thread could move the time.
            let duration = self.duration;
            let _ = self.clock.sleep(duration, &|| false);
            return Poll::Ready(());
        }
        let entry = Arc::new(Entry {
            at: later(now, self.duration),
            waker: Mutex::new(cx.waker().clone()),
        });
        DRIVES.with_borrow_mut(|drives| {
            if let Some(timers) = drives.last_mut() {
                timers.push(Arc::downgrade(&entry));
            }
        });
        self.entry = Some(entry);
        Poll::Pending
    }
}

/// Wakes the thread that drives a future.
#[derive(Debug, Default)]
struct Signal {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

impl Signal {
    fn take(&self) -> bool {
        std::mem::take(&mut *self.raised.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until it is raised, or a little.
    fn wait(&self) {
        let raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            self.changed
                .wait_timeout_while(raised, PATIENCE, |raised| !*raised),
        );
    }
}

/// Pops the frame of [`DRIVES`] however the drive ends.
struct Frame;

impl Drop for Frame {
    fn drop(&mut self) {
        DRIVES.with_borrow_mut(Vec::pop);
    }
}

/// Polls `future` on the branch at `path` until it is ready.
pub(super) fn drive<F: Future>(
    clock: &Clock,
    path: &[u32],
    future: F,
    stop: &dyn Fn() -> bool,
) -> Result<F::Output, Stopped> {
    DRIVES.with_borrow_mut(|drives| drives.push(Vec::new()));
    let _frame = Frame;
    let signal = Arc::new(Signal::default());
    let waker = Waker::from(Arc::clone(&signal));
    let mut future = pin!(future);
    clock.acquire(path, stop)?;
    if clock.expired(path) {
        return Err(Stopped);
    }
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Ok(output);
        }
        if stop() {
            return Err(Stopped);
        }
        if signal.take() {
            continue;
        }
        match earliest() {
            Some(at) => {
                clock.sleep_until(path, at, stop)?;
                fire(clock.now());
            }
            None => signal.wait(),
        }
    }
}

/// The earliest of the innermost drive's timers that somebody still holds.
fn earliest() -> Option<Timestamp> {
    DRIVES.with_borrow_mut(|drives| {
        let timers = drives.last_mut()?;
        timers.retain(|timer| timer.strong_count() > 0);
        timers
            .iter()
            .filter_map(|timer| timer.upgrade().map(|entry| entry.at))
            .min()
    })
}

fn fire(now: Timestamp) {
    let due: Vec<_> = DRIVES.with_borrow_mut(|drives| {
        let Some(timers) = drives.last_mut() else {
            return Vec::new();
        };
        let entries: Vec<_> = timers.iter().filter_map(Weak::upgrade).collect();
        let (due, later): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.at <= now);
        *timers = later.iter().map(Arc::downgrade).collect();
        due
    });
    for entry in due {
        let waker = entry.waker.lock().unwrap_or_else(PoisonError::into_inner);
        waker.wake_by_ref();
    }
}
