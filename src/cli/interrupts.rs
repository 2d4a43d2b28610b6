//! What Ctrl-C and SIGTERM do: the first ends every wait, and the run before its next
//! step; one while all is ending, the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use super::console::{Console, Output, Verbosity};
use crate::world::Cancel;

/// How soon a run has usually ended after Ctrl-C.
const SOON: Duration = Duration::from_millis(700);

/// Listens to signals until it is dropped.
pub struct Interrupts {
    /// Whether something is under way that a signal can stop.
    busy: Arc<AtomicBool>,
    /// `None` if the system lets nobody listen.
    listener: Option<(Handle, JoinHandle<()>)>,
}

impl Interrupts {
    /// Lets signals raise `cancel`; `serves` says whether a service is alive, which says
    /// itself what it waits for.
    #[must_use]
    pub fn heard(cancel: &Cancel, console: &Arc<Console>, serves: &Arc<AtomicBool>) -> Self {
        let busy = Arc::new(AtomicBool::new(true));
        let ear = Ear {
            cancel: cancel.clone(),
            console: Arc::clone(console),
            serves: Arc::clone(serves),
            busy: Arc::clone(&busy),
        };
        let listener = Signals::new([SIGINT, SIGTERM]).ok().map(|mut signals| {
            let handle = signals.handle();
            let thread = std::thread::spawn(move || {
                for signal in signals.forever() {
                    ear.hear(signal);
                }
            });
            (handle, thread)
        });
        Self { busy, listener }
    }

    /// Does `rest`, in which a signal has nothing to stop: somebody types, or reads.
    pub fn idle<T>(&self, rest: impl FnOnce() -> T) -> T {
        self.busy.store(false, Ordering::SeqCst);
        let result = rest();
        self.busy.store(true, Ordering::SeqCst);
        result
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        if let Some((handle, thread)) = self.listener.take() {
            handle.close();
            // What it holds of the world is to be gone when this is.
            let _ = thread.join();
        }
    }
}

struct Ear {
    cancel: Cancel,
    console: Arc<Console>,
    serves: Arc<AtomicBool>,
    busy: Arc<AtomicBool>,
}

impl Ear {
    fn hear(&self, signal: i32) {
        if !self.busy.load(Ordering::SeqCst) {
            // Somebody is at a prompt, or reads a result.
            if signal == SIGTERM {
                std::process::exit(130);
            }
            return;
        }
        if self.cancel.reason().is_some() {
            std::process::exit(130);
        }
        self.cancel.interrupt();
        let said = self.serves.load(Ordering::SeqCst);
        let console = &self.console;
        if !said && console.verbosity > Verbosity::Quiet && console.output == Output::Human {
            self.explain_later();
        }
    }

    /// Says what a run that was interrupted still waits for, if it does not end soon.
    fn explain_later(&self) {
        let console = Arc::clone(&self.console);
        let cancel = self.cancel.clone();
        std::thread::spawn(move || {
            std::thread::sleep(SOON);
            // A shell goes on after the call that was stopped.
            if cancel.raised().is_some() {
                console.err(
                    "stopping when the current write has been answered; Ctrl-C again stops at once",
                );
            }
        });
    }
}
