//! What must never happen twice at once, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use opsh_operation::{Fault, FaultKind};

use crate::world::{Cancel, Kind, World};

/// How long somebody who waits in the embedded cloud sleeps between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// The names that are held, each with the thread that holds it.
#[derive(Debug, Default)]
pub struct Locks {
    held: Mutex<BTreeMap<String, ThreadId>>,
    freed: Condvar,
}

/// Held while nobody else has the name.
#[derive(Debug)]
pub struct Held {
    locks: Arc<Locks>,
    name: String,
}

impl Locks {
    /// Takes `name` for the calling thread as soon as nobody has it.
    ///
    /// # Errors
    /// `invalid` if the thread has it already; the cancellation's.
    pub fn take(
        self: &Arc<Self>,
        name: &str,
        world: &dyn World,
        cancel: &Cancel,
    ) -> Result<Held, Fault> {
        let owner = std::thread::current().id();
        loop {
            let mut held = self.lock();
            match held.get(name) {
                None => {
                    held.insert(name.to_owned(), owner);
                    return Ok(Held {
                        locks: Arc::clone(self),
                        name: name.to_owned(),
                    });
                }
                Some(holder) if *holder == owner => {
                    return Err(Fault::new(
                        FaultKind::Invalid,
                        format!("'{name}' is being done exclusively already, around this"),
                    ));
                }
                Some(_) if world.kind() == Kind::Live => {
                    cancel.check()?;
                    drop(self.freed.wait_timeout(held, Cancel::PATIENCE));
                }
                Some(_) => {
                    drop(held);
                    world.sleep(PAUSE, cancel)?;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ThreadId>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.locks.lock().remove(&self.name);
        self.locks.freed.notify_all();
    }
}
