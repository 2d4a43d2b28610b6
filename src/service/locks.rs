//! What must never happen twice at once, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opsh_operation::{Fault, FaultKind};

use crate::world::{Cancel, Kind, World};

/// How long somebody who waits in the embedded cloud sleeps between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// The names that are held, each with who holds it.
#[derive(Debug, Default)]
pub struct Locks {
    held: Mutex<BTreeMap<String, String>>,
    freed: Condvar,
}

/// Held while nobody else has the name.
#[derive(Debug)]
pub struct Held {
    locks: Arc<Locks>,
    name: String,
}

impl Locks {
    /// Takes `name` for `owner` as soon as nobody has it.
    ///
    /// # Errors
    /// `invalid` if the owner has it already; the cancellation's.
    pub fn take(
        self: &Arc<Self>,
        name: &str,
        owner: &str,
        world: &dyn World,
        cancel: &Cancel,
    ) -> Result<Held, Fault> {
        loop {
            let mut held = self.lock();
            match held.get(name) {
                None => {
                    held.insert(name.to_owned(), owner.to_owned());
                    return Ok(Held {
                        locks: Arc::clone(self),
                        name: name.to_owned(),
                    });
                }
                Some(holder) if holder == owner => {
                    return Err(Fault::new(
                        FaultKind::Invalid,
                        format!("'{name}' is being done exclusively already, by the same event"),
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

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.locks.lock().remove(&self.name);
        self.locks.freed.notify_all();
    }
}
