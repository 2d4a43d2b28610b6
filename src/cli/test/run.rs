//! All cases, several at a time, told in their order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::Place;
use crate::cases::{Suite, Trials, Tried};
use crate::script::error::{Class, ScriptError};
use crate::script::limits;
use crate::script::run::plain_io;

/// Tries the `wanted` cases and calls `then` with each, in their order.
///
/// # Errors
/// There can be no thread.
pub(super) fn all(
    suites: &[Suite],
    wanted: &[Place],
    trials: &Trials,
    jobs: Option<u16>,
    mut then: impl FnMut(Place, Tried),
) -> Result<(), ScriptError> {
    let refused = |error: std::io::Error| ScriptError::plain(Class::Start, plain_io(&error));
    let jobs = jobs.map_or_else(
        || std::thread::available_parallelism().map_or(1, usize::from),
        usize::from,
    );
    let jobs = jobs.min(wanted.len());
    limits::side_by_side(jobs);
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let send = send.clone();
            let work = || {
                let send = send;
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some((suite, case)) = wanted.get(at) else {
                        return;
                    };
                    let suite = &suites[*suite];
                    let tried = trials.run(suite, &suite.cases[*case]);
                    if send.send((at, tried)).is_err() {
                        return;
                    }
                }
            };
            std::thread::Builder::new()
                .stack_size(limits::stack_size())
                .spawn_scoped(scope, work)
                .map_err(refused)?;
        }
        drop(send);
        let mut early = BTreeMap::new();
        let mut turn = 0;
        for (at, tried) in receive {
            early.insert(at, tried);
            while let Some(tried) = early.remove(&turn) {
                then(wanted[turn], tried);
                turn += 1;
            }
        }
        Ok(())
    })
}
