//! Waiters: a read that is asked again until what it says is so.
//!
//! The SDK's own waiters count attempts, jitter, and say nothing of the last
//! state. Ours are a [`table`], wait in time, on the world's clock, and say the
//! last state and its reason when the time is over.

mod table;

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};
use aws_smithy_async::time::SharedTimeSource;
use opsh_operation::select::{self, Roots};
use opsh_operation::{Fault, FaultKind, Map, Operation, Value};

use crate::glue::Reply;
use crate::glue::session::{seconds, span};
use crate::{Controls, Session};

pub(crate) use table::BINDINGS;

/// How long a waiter waits unless the control `timeout` says otherwise.
const PATIENCE: Duration = Duration::from_mins(10);
const FIRST_GAP: Duration = Duration::from_secs(1);
const LONGEST_GAP: Duration = Duration::from_secs(15);

/// One waiter.
struct Waiter {
    operation: Operation,
    poll: fn(&Session, Map, Controls) -> Reply,
    /// What it waits for, e.g. `running`.
    until: &'static str,
    /// In order; the first that holds decides.
    rules: &'static [Rule],
    /// Where the result says the state.
    state: &'static str,
    /// Where it says why.
    reason: &'static str,
}

/// When a wait ends, and how.
struct Rule {
    when: When,
    end: End,
}

enum End {
    Success,
    Failure,
}

/// What a result, or its failure, must look like.
enum When {
    /// There are values at the path, and all are one of these.
    All(&'static str, &'static [&'static str]),
    /// Some value at the path is one of these.
    Any(&'static str, &'static [&'static str]),
    /// There are values at the path.
    Some(&'static str),
    /// There are none.
    None(&'static str),
    /// The call succeeds.
    Answers,
    /// The call fails as `not_found`.
    Missing,
    /// Whatever else.
    Holds(fn(&Value) -> bool),
}

impl When {
    fn holds(&self, answer: &Result<Value, Fault>) -> bool {
        let result = match (self, answer) {
            (Self::Missing, Err(fault)) => return fault.kind == FaultKind::NotFound,
            (Self::Missing, _) | (_, Err(_)) => return false,
            (_, Ok(result)) => result,
        };
        let is_one = |value: &Value, words: &[&str]| {
            value.as_text().is_some_and(|text| words.contains(&text))
        };
        match self {
            Self::All(path, words) => {
                let values = texts(result, path);
                !values.is_empty() && values.iter().all(|value| is_one(value, words))
            }
            Self::Any(path, words) => texts(result, path).iter().any(|value| is_one(value, words)),
            Self::Some(path) => !texts(result, path).is_empty(),
            Self::None(path) => texts(result, path).is_empty(),
            Self::Holds(check) => check(result),
            Self::Answers => true,
            Self::Missing => false,
        }
    }
}

/// The values at `path` below the result.
fn texts(result: &Value, path: &str) -> Vec<Value> {
    let input = Map::new();
    let roots = Roots {
        input: &input,
        result,
    };
    select::all(roots, &format!("result.{path}"))
}

/// Waits; gives the result of the last poll.
fn wait(waiter: &'static Waiter, session: &Session, input: Map, controls: Controls) -> Reply {
    let session = session.clone();
    Box::pin(async move {
        let subject = |value: &Value| match value {
            Value::Null => false,
            Value::List(items) => !items.is_empty(),
            Value::Map(map) => !map.is_empty(),
            _ => true,
        };
        if !input.values().any(subject) {
            return Err(Fault::new(
                FaultKind::Invalid,
                "nothing to wait for: no parameter says which",
            )
            .hint("name what to wait for, e.g. by its ids"));
        }
        let (sleep, time) = clock(&session)?;
        let patience = controls.timeout.unwrap_or(PATIENCE);
        let start = time.now();
        let mut gap = FIRST_GAP;
        loop {
            let answer = (waiter.poll)(&session, input.clone(), Controls::default()).await;
            let end = waiter
                .rules
                .iter()
                .find(|rule| rule.when.holds(&answer))
                .map(|rule| &rule.end);
            match (end, answer) {
                (Some(End::Success), Ok(result)) => return Ok(result),
                (Some(End::Success), Err(_)) => return Ok(Value::Null),
                (Some(End::Failure), answer) => return Err(hopeless(waiter, &answer)),
                (None, Err(fault)) if fault.kind != FaultKind::NotFound && !fault.retryable => {
                    return Err(fault);
                }
                (None, answer) => {
                    let left = patience.saturating_sub(since(start, &time));
                    if left.is_zero() {
                        return Err(late(waiter, patience, &answer));
                    }
                    sleep.sleep(gap.min(left)).await;
                    gap = (gap * 3 / 2).min(LONGEST_GAP);
                }
            }
        }
    })
}

fn clock(session: &Session) -> Result<(SharedAsyncSleep, SharedTimeSource), Fault> {
    let config = session.config();
    config
        .sleep_impl()
        .zip(config.time_source())
        .ok_or_else(|| {
            Fault::new(
                FaultKind::Failed,
                "the world has no clock to wait on: its configuration lacks sleep or time",
            )
        })
}

fn since(start: SystemTime, time: &SharedTimeSource) -> Duration {
    time.now().duration_since(start).unwrap_or_default()
}

/// The last state and its reason, as words and as details.
fn last(waiter: &Waiter, answer: &Result<Value, Fault>, fault: &mut Fault) {
    let words = |path: &str| {
        let mut words: Vec<String> = match answer {
            Ok(result) if !path.is_empty() => texts(result, path)
                .iter()
                .filter_map(|value| value.as_text().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        };
        words.dedup();
        words.join(", ")
    };
    let (state, reason) = match answer {
        Ok(_) => (words(waiter.state), words(waiter.reason)),
        Err(missing) => (missing.kind.word().to_owned(), missing.message.clone()),
    };
    if !state.is_empty() {
        let _ = write!(fault.message, "; the last state is {state}");
        fault.details.insert("state".into(), state.into());
    }
    if !reason.is_empty() {
        let _ = write!(fault.message, ": {reason}");
        fault.details.insert("reason".into(), reason.into());
    }
}

fn late(waiter: &Waiter, patience: Duration, answer: &Result<Value, Fault>) -> Fault {
    let mut fault = Fault::new(
        FaultKind::Timeout,
        format!("waited {} until {}", span(patience), waiter.until),
    )
    .hint("give it more time with the control `timeout`, e.g. #{ timeout: \"20m\" }");
    fault.retryable = true;
    last(waiter, answer, &mut fault);
    fault.details.insert("seconds".into(), seconds(patience));
    fault
}

fn hopeless(waiter: &Waiter, answer: &Result<Value, Fault>) -> Fault {
    let mut fault = Fault::new(
        FaultKind::Failed,
        format!("waited until {}, which cannot be any more", waiter.until),
    );
    last(waiter, answer, &mut fault);
    fault
}
