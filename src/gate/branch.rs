//! Step identities: the path of branches, never a global counter.
//!
//! A playbook's own code is branch `[]`; its calls are steps `0`, `1`, `2`, …
//! When its step 3 is a `parallel::map`, the function called for item 7 is
//! branch `[3, 7]`, and its first call is step `3.7.0`. A replay meets the same
//! paths however its threads are scheduled.

use std::cell::RefCell;
use std::fmt;

/// Where a step stands: branch path and its own number there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StepPath(pub Vec<u32>);

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

/// Runs `work` with the calling thread as the branch at `path`, counting from 0.
pub fn within<T>(path: Vec<u32>, work: impl FnOnce() -> T) -> T {
    let outer = CURRENT.replace(Branch { path, next: 0 });
    let result = work();
    CURRENT.set(outer);
    result
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

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
}
