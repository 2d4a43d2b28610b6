//! What a playbook may use: time, memory, depth, sizes.
//!
//! Rhai is unlimited by default. Sizes of single values are bounded by the
//! engine; that many values just below a bound do not add up is seen to by
//! looking at the process's heap at every operation of the script.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use cap::Cap;
use mimalloc::MiMalloc;
use opsh_operation::{Fault, FaultKind};
use rhai::{Dynamic, Engine, EvalAltResult, Position};

use super::values::to_dynamic;
use crate::world::{Cancel, Reason};

/// Counts the heap, so that a script's appetite can be bounded.
///
/// Playbooks run on threads of their own with many small values, for which the
/// C library's allocator asks the kernel again and again.
#[global_allocator]
static HEAP: Cap<MiMalloc> = Cap::new(MiMalloc, usize::MAX);

/// A script may add this much to the heap.
const HEAP_BUDGET: usize = 256 * 1024 * 1024;
/// Function calls may nest this deep.
const CALL_DEPTH: usize = 64;
/// Longest text, in bytes.
const TEXT_SIZE: usize = 16 * 1024 * 1024;
/// Longest array.
const ARRAY_SIZE: usize = 1_000_000;
/// Largest map.
const MAP_SIZE: usize = 100_000;
/// Most variables in scope at once.
pub const VARIABLES: usize = 4096;

/// What nested calls of a playbook, and shells of simulated hosts, may need.
/// Address space only: pages are taken as they are used.
pub const STACK_SIZE: usize = 256 * 1024 * 1024;
/// The same in Lambda, where no simulated host runs and the kernel refuses a
/// stack that is larger than all of the function's memory.
const LAMBDA_STACK_SIZE: usize = 64 * 1024 * 1024;

/// The stack of every thread that runs a playbook.
#[must_use]
pub fn stack_size() -> usize {
    match lambda_memory() {
        Some(_) => LAMBDA_STACK_SIZE,
        None => STACK_SIZE,
    }
}

/// What a script may add to the heap: in Lambda half of the function's memory,
/// the other half is the program's.
#[must_use]
pub fn heap_budget() -> usize {
    if cfg!(test) {
        // Many playbooks of one process share its heap there.
        return 4 * HEAP_BUDGET;
    }
    let alone = lambda_memory().map_or(HEAP_BUDGET, |memory| HEAP_BUDGET.min(memory / 2));
    alone.saturating_mul(SIDE_BY_SIDE.load(Ordering::Relaxed))
}

/// How many playbooks run in this process at a time.
static SIDE_BY_SIDE: AtomicUsize = AtomicUsize::new(1);

/// From now on so many playbooks run in this process at a time, and what any of them
/// holds counts for all.
pub fn side_by_side(playbooks: usize) {
    SIDE_BY_SIDE.store(playbooks.max(1), Ordering::Relaxed);
}

/// What is on the heap.
#[must_use]
pub fn allocated() -> usize {
    HEAP.allocated()
}

/// The memory of the Lambda function that this process is, in bytes.
fn lambda_memory() -> Option<usize> {
    static MEMORY: LazyLock<Option<usize>> = LazyLock::new(|| {
        let mebibytes = std::env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok()?;
        Some(mebibytes.parse::<usize>().ok()?.saturating_mul(1024 * 1024))
    });
    *MEMORY
}

/// How many operations pass between two looks at the clock.
const CLOCK_INTERVAL: u64 = 256;

/// How many operations a script that must stop has left to come by a variable.
///
/// Rhai places what `on_progress` ends at the outermost call; an error at a
/// variable keeps its place and the calls that led there.
const GRACE: u32 = 8;

/// How much deeper Rhai itself lets calls nest, for functions without variables.
const SPARE_DEPTH: usize = 8;

/// Why a script was stopped; travels in Rhai's errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Deadline or Ctrl-C.
    Cancelled(Reason),
    /// The heap budget is used up.
    Heap,
}

/// Sets every limit.
pub fn apply(engine: &mut Engine, cancel: Cancel) {
    engine
        .set_max_call_levels(CALL_DEPTH + SPARE_DEPTH)
        .set_max_string_size(TEXT_SIZE)
        .set_max_array_size(ARRAY_SIZE)
        .set_max_map_size(MAP_SIZE)
        .set_max_variables(VARIABLES)
        .set_max_functions(2048)
        .set_max_modules(256);
    let guard = Arc::new(Guard {
        cancel,
        budget: HEAP.allocated().saturating_add(heap_budget()),
    });
    let watch = Arc::clone(&guard);
    engine.on_progress(move |operations| watch.progress(operations).map(Dynamic::from));
    #[allow(deprecated)] // volatile API of Rhai, pinned: the only one that knows place and depth
    engine.on_var(move |_, _, context| {
        if context.call_level() > CALL_DEPTH {
            let fault = Fault::new(FaultKind::Limit, too_deep());
            return Err(
                EvalAltResult::ErrorRuntime(to_dynamic(&fault.to_value()), Position::NONE).into(),
            );
        }
        match guard.due() {
            None => Ok(None),
            Some(stop) => {
                Err(EvalAltResult::ErrorRuntime(Dynamic::from(stop), Position::NONE).into())
            }
        }
    });
}

/// That calls nest too deeply, in words.
#[must_use]
pub fn too_deep() -> String {
    format!("function calls nest deeper than {CALL_DEPTH} (limit: call depth)")
}

/// Stops a script of one engine.
struct Guard {
    cancel: Cancel,
    /// The heap may become this large.
    budget: usize,
}

thread_local! {
    /// Operations of this branch since it was first seen that the script must stop.
    static SEEN: Cell<u32> = const { Cell::new(0) };
}

impl Guard {
    /// Why the script must stop, without asking the clock.
    fn due(&self) -> Option<Stop> {
        if HEAP.allocated() > self.budget {
            return Some(Stop::Heap);
        }
        self.cancel.raised().map(Stop::Cancelled)
    }

    /// Why the script is stopped here and now.
    fn progress(&self, operations: u64) -> Option<Stop> {
        let stop = match self.due() {
            None if operations.is_multiple_of(CLOCK_INTERVAL) => {
                let Some(reason) = self.cancel.reason() else {
                    SEEN.set(0);
                    return None;
                };
                self.cancel.raise(reason);
                Stop::Cancelled(reason)
            }
            None => return None,
            Some(stop) => stop,
        };
        SEEN.set(SEEN.get() + 1);
        (SEEN.get() > GRACE).then_some(stop)
    }
}
