//! Several logs, on several threads, with one result.
//!
//! Logs are taken in their order, each counted for itself, and the counts are added in the
//! same order: the result is the same however many threads there are and whichever is first.

use std::collections::BTreeMap;
use std::io::Read;
use std::num::NonZero;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::analysis::{Analysis, Tables};
use crate::inflate::{Block, Blocks, Broken};
use crate::report::Report;
use crate::rules::{Compiled, Rules};

/// A log to read.
pub struct Source {
    /// What people call it.
    pub name: String,
    /// Opens it, when its turn comes.
    pub open: Box<dyn FnOnce() -> std::io::Result<Box<dyn Read + Send>> + Send>,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The rules cannot be applied.
    #[error("the probes are too many or too long: {0}")]
    Rules(#[from] aho_corasick::BuildError),
    /// A log could not be opened or read.
    #[error("{name}: {error}")]
    Read {
        /// The log.
        name: String,
        /// Why.
        error: std::io::Error,
    },
    /// Whoever asked does not want to know any more.
    #[error("stopped")]
    Stopped,
}

/// Reads `sources` and tells what they say; ends early when `stop` says so.
///
/// A log that is damaged or cut off is read as far as that goes and named in the result.
///
/// # Errors
/// A log cannot be opened or read, the rules cannot be applied, or it was stopped.
pub fn analyse(
    sources: Vec<Source>,
    rules: Rules,
    threads: NonZero<usize>,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Report, Failure> {
    let rules = Arc::new(Compiled::new(rules)?);
    let count = sources.len();
    let desk = Desk {
        state: Mutex::new(State {
            waiting: sources.into_iter().enumerate(),
            finished: BTreeMap::new(),
            merged: 0,
            total: Analysis::new(Arc::clone(&rules), "".into(), Tables::default()),
            spare: Vec::new(),
            broken: Vec::new(),
            failure: None,
        }),
        turned: Condvar::new(),
        ahead: threads.get(),
    };
    // With threads to spare one inflates while another one counts.
    let pipelined = threads.get() > count;
    let work = || {
        while let Some((number, source, tables)) = desk.take() {
            let name: Arc<str> = source.name.as_str().into();
            let mut analysis = Analysis::new(Arc::clone(&rules), Arc::clone(&name), tables);
            let stopped = || stop() || desk.failed();
            let read = (source.open)()
                .map_err(Broken::Read)
                .and_then(|log| count_lines(log, &mut analysis, pipelined, &stopped));
            desk.finish(number, &name, analysis, read);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.get().min(count) {
            scope.spawn(work);
        }
        work();
    });
    if stop() {
        return Err(Failure::Stopped);
    }
    let state = desk
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    match state.failure {
        Some(failure) => Err(failure),
        None => Ok(Report::of(&state.total, state.broken)),
    }
}

/// Where threads fetch logs and bring counts.
struct Desk {
    state: Mutex<State>,
    turned: Condvar,
    /// How many counts may wait for an earlier one.
    ahead: usize,
}

struct State {
    waiting: std::iter::Enumerate<std::vec::IntoIter<Source>>,
    finished: BTreeMap<usize, Analysis>,
    merged: usize,
    total: Analysis,
    spare: Vec<Tables>,
    broken: Vec<(String, String)>,
    failure: Option<Failure>,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self) -> bool {
        self.lock().failure.is_some()
    }

    /// The next log, and where to count it; waits while too many counts wait, so that memory
    /// stays bounded.
    fn take(&self) -> Option<(usize, Source, Tables)> {
        let mut state = self.lock();
        while state.finished.len() >= self.ahead && state.failure.is_none() {
            state = self
                .turned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.failure.is_some() {
            return None;
        }
        let (number, source) = state.waiting.next()?;
        Some((number, source, state.spare.pop().unwrap_or_default()))
    }

    fn finish(&self, number: usize, name: &str, analysis: Analysis, read: Result<(), Broken>) {
        let mut state = self.lock();
        match read {
            Ok(()) => {}
            Err(Broken::Read(error)) => {
                let name = name.to_owned();
                state.failure.get_or_insert(Failure::Read { name, error });
            }
            Err(broken) => state.broken.push((name.to_owned(), broken.to_string())),
        }
        state.finished.insert(number, analysis);
        loop {
            let next = state.merged;
            let Some(analysis) = state.finished.remove(&next) else {
                break;
            };
            let tables = state.total.merge(analysis);
            state.spare.push(tables);
            state.merged += 1;
        }
        // The order of the logs, not that of the threads.
        state.broken.sort();
        self.turned.notify_all();
    }
}

/// Counts the lines of one log.
fn count_lines(
    log: Box<dyn Read + Send>,
    analysis: &mut Analysis,
    pipelined: bool,
    stopped: &(dyn Fn() -> bool + Sync),
) -> Result<(), Broken> {
    let mut blocks = Blocks::new(log);
    if !pipelined {
        let mut block = Block::new();
        while !stopped() && blocks.next(&mut block)? {
            block.lines(|line| analysis.line(line));
        }
        return Ok(());
    }
    std::thread::scope(|scope| {
        let (full, filled) = sync_channel(1);
        let (empty, emptied) = sync_channel(2);
        let reader = scope.spawn(move || {
            let mut spare = vec![Block::new(), Block::new()];
            loop {
                let Some(mut block) = spare.pop().or_else(|| emptied.recv().ok()) else {
                    return Ok(());
                };
                // Whoever counts is gone when it was stopped.
                if !blocks.next(&mut block)? || full.send(block).is_err() {
                    return Ok(());
                }
            }
        });
        for block in filled {
            if stopped() {
                break;
            }
            block.lines(|line| analysis.line(line));
            // The reader may have come to the end.
            let _ = empty.send(block);
        }
        drop(empty);
        reader.join().unwrap_or(Ok(()))
    })
}
