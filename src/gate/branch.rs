//! Step identities: the path of branches, never a global counter.
//!
//! A playbook's own code is branch `[]`; its calls are steps `0`, `1`, `2`, …
//! When its step 3 is a `parallel::map`, the function called for item 7 is
//! branch `[3, 7]`, and its first call is step `3.7.0`. A replay meets the same
//! paths however its threads are scheduled.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::num::ParseIntError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use crate::world::World;

/// Where a step stands: branch path and its own number there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StepPath(pub Vec<u32>);

impl FromStr for StepPath {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split('.')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for StepPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, number) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            write!(f, "{number}")?;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Branch {
    path: Vec<u32>,
    next: u32,
}

thread_local! {
    static CURRENT: RefCell<Branch> = RefCell::default();
}

/// Numbers the next step of the calling thread's branch.
#[must_use]
pub fn next_step() -> StepPath {
    CURRENT.with_borrow_mut(|branch| {
        let mut path = branch.path.clone();
        path.push(branch.next);
        branch.next += 1;
        StepPath(path)
    })
}

/// The number that the calling thread's branch gives next.
#[must_use]
pub fn coming_step() -> StepPath {
    CURRENT.with_borrow(|branch| StepPath([branch.path.as_slice(), &[branch.next]].concat()))
}

/// Runs `work` with the calling thread as the branch at `path`, counting from 0.
pub fn within<T>(path: Vec<u32>, work: impl FnOnce() -> T) -> T {
    let outer = CURRENT.replace(Branch { path, next: 0 });
    let result = work();
    CURRENT.set(outer);
    result
}

/// How many threads do the work of branches, and how large their stacks are.
#[derive(Debug, Clone, Copy)]
pub struct Threads {
    /// At most this many at once.
    pub most: usize,
    /// Bytes of each one's stack.
    pub stack_size: usize,
}

/// Does `work` for each item on a branch of its own below `fork`, named by the
/// item's number; gives what came of them in their order. One that panicked gives
/// nothing, and the others are done all the same.
///
/// # Errors
/// No thread can be started.
pub fn each<T: Send, R: Send>(
    world: &dyn World,
    fork: &[u32],
    items: Vec<(u32, T)>,
    threads: Threads,
    work: impl Fn(T) -> R + Sync,
) -> std::io::Result<Vec<Option<R>>> {
    let results: Mutex<Vec<Option<R>>> = Mutex::new((0..items.len()).map(|_| None).collect());
    let queue: Mutex<VecDeque<_>> = Mutex::new(items.into_iter().enumerate().collect());
    let take = || {
        let next = queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        next.map(|(place, (number, item))| {
            let path = [fork, &[number]].concat();
            world.announce(std::slice::from_ref(&path));
            (place, item, path)
        })
    };
    // Announced before any thread starts, so that the world waits for all of them.
    let first: Vec<_> = (0..threads.most).map_while(|_| take()).collect();
    let branches = |first: (usize, T, Vec<u32>)| {
        let mut next = Some(first);
        while let Some((place, item, path)) = next {
            let guard = world.enter(&path);
            let done = catch_unwind(AssertUnwindSafe(|| within(path, || work(item))));
            results.lock().unwrap_or_else(PoisonError::into_inner)[place] = done.ok();
            next = take();
            drop(guard);
        }
    };
    let mut failed = None;
    std::thread::scope(|scope| {
        for item in first {
            let path = item.2.clone();
            let thread = std::thread::Builder::new().stack_size(threads.stack_size);
            if let Err(error) = thread.spawn_scoped(scope, || branches(item)) {
                world.retract(&[path]);
                failed.get_or_insert(error);
            }
        }
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(results.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::{Duration, Instant};

    use opsh_cloud::furnish::Options;

    use super::*;
    use crate::world::Cancel;
    use crate::world::local::{Fixtures, Local};

    #[test]
    fn branches_count_for_themselves() {
        within(vec![], || {
            assert_eq!(next_step().to_string(), "0");
            let fork = next_step();
            let inner = std::thread::spawn(move || {
                let path = [fork.0, vec![7]].concat();
                within(path, || (next_step().to_string(), next_step().to_string()))
            });
            assert_eq!(
                inner.join().unwrap(),
                ("1.7.0".to_owned(), "1.7.1".to_owned())
            );
            assert_eq!(next_step().to_string(), "2");
        });
    }

    fn world() -> Local {
        Local::furnished(&Options::default(), Fixtures::default()).unwrap()
    }

    const SMALL: Threads = Threads {
        most: 2,
        stack_size: 1 << 20,
    };

    #[test]
    fn one_that_panics_gives_nothing_and_the_others_are_done() {
        let items = (0..6).map(|number| (number, number)).collect();
        let done = each(&world(), &[0], items, SMALL, |item| {
            assert!(item % 2 == 0, "meant to fail: {item}");
            item
        });
        let even = [Some(0), None, Some(2), None, Some(4), None];
        assert_eq!(done.unwrap(), even);
    }

    #[test]
    fn threads_that_cannot_be_started_are_not_waited_for() {
        let world = world();
        let threads = Threads {
            // More than there are addresses.
            stack_size: 1 << 50,
            ..SMALL
        };
        let _root = world.enter(&[]);
        let items = (0..6).map(|number| (number, number)).collect();
        assert!(each(&world, &[0], items, threads, |item: u32| item).is_err());
        let patience = Instant::now() + Duration::from_secs(20);
        let slept = world.sleep(Duration::from_hours(1), &Cancel::new(Some(patience)));
        assert_eq!(slept, Ok(()), "virtual time stands still");
    }
}
