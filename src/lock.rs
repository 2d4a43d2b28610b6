//! Locks that stay usable when a thread has panicked while it held one.
//!
//! The panic ends what that thread was about, and is told there; everybody else goes on.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`, whatever has become of those that held it before.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
