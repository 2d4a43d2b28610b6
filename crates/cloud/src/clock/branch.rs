//! A thread that takes part in virtual time.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Clock, Phase};

thread_local! {
    /// The branches that the thread is, innermost last, and of which clock.
    static BRANCHES: RefCell<Vec<(Clock, Vec<u32>)>> = const { RefCell::new(Vec::new()) };
}

/// Held while the thread is a branch; stays on that thread.
#[derive(Debug)]
pub struct Branch {
    clock: Clock,
    path: Vec<u32>,
    /// The thread was this very branch before.
    nested: bool,
    stays: PhantomData<*const ()>,
}

impl Branch {
    pub(super) fn enter(clock: &Clock, path: Vec<u32>) -> Self {
        let nested = current(clock).as_ref() == Some(&path);
        if !nested {
            let mut table = clock.table();
            table.branches.entry(path.clone()).or_insert(Phase::Ready);
            drop(table);
            let taken = clock.acquire(&path, &|| false);
            debug_assert!(taken.is_ok(), "nothing stops an entrance");
        }
        BRANCHES.with_borrow_mut(|all| all.push((clock.clone(), path.clone())));
        Self {
            clock: clock.clone(),
            path,
            nested,
            stays: PhantomData,
        }
    }
}

impl Drop for Branch {
    fn drop(&mut self) {
        BRANCHES.with_borrow_mut(|all| {
            if let Some(index) = all
                .iter()
                .rposition(|(clock, path)| same(clock, &self.clock) && *path == self.path)
            {
                all.remove(index);
            }
        });
        if self.nested {
            return;
        }
        let mut table = self.clock.table();
        table.branches.remove(&self.path);
        table.limits.remove(&self.path);
        table.roused.remove(&self.path);
        drop(table);
        drop(self.clock.settle());
    }
}

fn same(one: &Clock, other: &Clock) -> bool {
    Arc::ptr_eq(&one.shared, &other.shared)
}

/// The path of the branch that the thread is.
pub(super) fn current(clock: &Clock) -> Option<Vec<u32>> {
    BRANCHES.with_borrow(|all| {
        all.iter()
            .rfind(|(of, _)| same(of, clock))
            .map(|(_, path)| path.clone())
    })
}

/// Does something as the thread's branch; a thread that is none takes part as a
/// guest, after all branches.
pub(super) fn on_branch<T>(clock: &Clock, work: impl FnOnce(&[u32]) -> T) -> T {
    if let Some(path) = current(clock) {
        return work(&path);
    }
    let path = {
        let mut table = clock.table();
        table.guests += 1;
        vec![u32::MAX, table.guests]
    };
    let guest = Branch::enter(clock, path);
    work(&guest.path)
}
