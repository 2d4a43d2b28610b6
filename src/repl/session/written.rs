//! What a session has written, counted; after each write, what is there is listed anew.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};

use opsh_operation::Effect;

use crate::gate::event::{Event, Observer};
use crate::repl::complete::Listed;

/// Counts writes; after each, what is there is listed anew.
pub(super) struct Written {
    count: AtomicUsize,
    listed: Listed,
}

impl Written {
    pub(super) fn new(listed: &Listed) -> Self {
        Self {
            count: AtomicUsize::new(0),
            listed: Arc::clone(listed),
        }
    }

    /// How many writes there were so far.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Lets what is there be listed anew.
    pub(super) fn forget(&self) {
        let listed = self.listed.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(ids) = &*listed {
            ids.forget();
        }
    }
}

impl Observer for Written {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Finished(step) = event
            && matches!(step.operation.effect, Effect::Write(_))
        {
            self.count.fetch_add(1, Ordering::SeqCst);
            self.forget();
        }
    }
}
