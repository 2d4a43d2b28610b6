//! The threads of a service, which it does not end before.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::Hub;
use crate::lock::lock;
use crate::script::limits::stack_size;
use crate::service::Source;

/// What a thread of the service does.
pub(in crate::service) type Work = Box<dyn FnOnce(&Arc<Hub>) + Send>;

impl Hub {
    /// A thread with a stack for scripts, which is a branch of the world's clock; the
    /// service does not end before it.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn thread(
        self: &Arc<Self>,
        name: &str,
        work: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) -> std::io::Result<()> {
        self.threads(vec![(name.to_owned(), Box::new(work))])
    }

    /// Several of them: virtual time does not move before all have come.
    pub(in crate::service) fn threads(
        self: &Arc<Self>,
        works: Vec<(String, Work)>,
    ) -> std::io::Result<()> {
        let count = u32::try_from(works.len()).unwrap_or(u32::MAX);
        let first = self.branches.fetch_add(count, Ordering::SeqCst);
        let path = |number: u32| [self.steps.as_slice(), &[number]].concat();
        let paths: Vec<_> = (first..first + count).map(path).collect();
        *lock(&self.alive) += works.len();
        self.world().announce(&paths);
        let mut failed = None;
        for ((name, work), path) in works.into_iter().zip(paths) {
            let hub = Arc::clone(self);
            let own = path.clone();
            let started = self.worker(&name, move || {
                let _alive = Alive(&hub);
                let _branch = hub.world().enter(&own);
                work(&hub);
            });
            if let Err(error) = started {
                self.world().retract(&[path]);
                drop(Alive(self));
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// A thread with a stack for scripts that is no branch: for those who wait for
    /// something real, and then handle an event.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn worker(
        &self,
        name: &str,
        work: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<std::thread::JoinHandle<()>> {
        std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(stack_size())
            .spawn(work)
    }

    /// Waits at most so long for the threads that are branches; says whether all have ended.
    pub(in crate::service) fn joined(&self, patience: Duration) -> bool {
        let alive = lock(&self.alive);
        let (alive, _) = self
            .ended
            .wait_timeout_while(alive, patience, |alive| *alive > 0)
            .unwrap_or_else(PoisonError::into_inner);
        *alive == 0
    }

    /// Runs `source` to its end.
    pub(in crate::service) fn runs(self: &Arc<Self>, source: &Arc<dyn Source>) {
        if let Err(mut fault) = source.run(self) {
            fault.message = format!("{}: {}", source.label(), fault.message);
            self.fail(fault);
        }
    }
}

/// Counts a thread as long as it lives, however it ends.
struct Alive<'a>(&'a Hub);

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        *lock(&self.0.alive) -= 1;
        self.0.ended.notify_all();
    }
}
