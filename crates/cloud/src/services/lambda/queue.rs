//! Events that wait for a function: asynchronous invocations, and their retries.
//!
//! Source: developer guide, "How Lambda handles errors and retries with asynchronous
//! invocation": a failed run is tried again after one and after two more minutes, one
//! that finds no room after ever longer pauses for up to six hours; then the event is
//! dropped.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::concurrency::ACCOUNT;
use super::function::Function;
use super::run::{Run, Running};
use super::{metrics, name};
use crate::state::State as Cloud;

/// How often an event is tried.
const ATTEMPTS: u32 = 3;
/// For how long an event waits for room.
const PATIENCE: SignedDuration = SignedDuration::from_hours(6);
/// The longest pause between two looks for room, in seconds.
const LONGEST_PAUSE: i64 = 300;
/// How many runs may set each other off: more is taken for a loop without end.
///
/// Source: developer guide, "Use Lambda recursive loop detection".
const LONGEST_CHAIN: u32 = 16;

/// What set a function off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A request, or something that a request did.
    Trigger,
    /// The clock alone.
    Schedule,
}

/// An event that waits for its function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The id of the request.
    pub id: String,
    /// The function's name.
    pub function: String,
    /// The event: JSON.
    pub payload: String,
    /// What the caller's client sent along, base64.
    pub client_context: Option<String>,
    /// What set it off.
    pub source: Source,
    /// When it came.
    pub since: Timestamp,
    /// When it is tried.
    pub due: Timestamp,
    /// How often it has failed.
    pub failures: u32,
    /// How often there was no room for it.
    pub refusals: u32,
    /// How many runs in a row have led to it.
    pub depth: u32,
}

/// Leaves an event with a function on behalf of `source`, as the service `principal`.
///
/// Gives whether the function's policy lets it.
pub fn invoked_by(
    cloud: &mut Cloud,
    principal: &str,
    source: &str,
    function: &str,
    payload: String,
) -> bool {
    admits(cloud, principal, source, function) && enqueue(cloud, function, payload, Source::Trigger)
}

/// Whether a function is there and lets itself be invoked by `principal` on behalf of `source`.
#[must_use]
pub fn admits(cloud: &Cloud, principal: &str, source: &str, function: &str) -> bool {
    name::find(cloud, function, None)
        .is_ok_and(|function| function.admits(principal, source, &cloud.account))
}

/// Leaves an event with the function of this ARN; gives whether it is there.
pub fn enqueue(cloud: &mut Cloud, function: &str, payload: String, source: Source) -> bool {
    if name::find(cloud, function, None).is_err() {
        return false;
    }
    let id = cloud.ids.uuid();
    leave(cloud, id, function, payload, None, source);
    true
}

/// The same for a request that has an id already; without the function it is dropped.
pub fn leave(
    cloud: &mut Cloud,
    id: String,
    function: &str,
    payload: String,
    client_context: Option<String>,
    source: Source,
) {
    let Ok(name) = name::parse(cloud, function) else {
        return;
    };
    let depth = cloud.lambda.cause + 1;
    let now = cloud.now;
    let Some(function) = cloud.lambda.functions.get_mut(&name) else {
        return;
    };
    if depth > LONGEST_CHAIN {
        let line = format!(
            "{id} dropped: {LONGEST_CHAIN} runs have set each other off, which is taken for a \
             loop without end"
        );
        function.log.extend(vec![(now, line)]);
        return;
    }
    cloud.lambda.queue.push(Waiting {
        id,
        function: name,
        payload,
        client_context,
        source,
        since: now,
        due: now,
        failures: 0,
        refusals: 0,
        depth,
    });
}

/// When the next event in the queue is tried; one that should have been is tried now.
///
/// With `triggers_only`, what the clock set off and what is tried again waits.
#[must_use]
pub fn next(cloud: &Cloud, triggers_only: bool) -> Option<Timestamp> {
    cloud
        .lambda
        .queue
        .iter()
        .filter(|waiting| counts(waiting, triggers_only))
        .map(|waiting| waiting.due)
        .min()
}

fn counts(waiting: &Waiting, triggers_only: bool) -> bool {
    let first = waiting.source == Source::Trigger && waiting.failures == 0;
    first || !triggers_only
}

/// Takes what is due out of the queue: the runs that begin now, in the order in which
/// their events came.
pub fn begin(cloud: &mut Cloud, triggers_only: bool, somebody_runs: bool) -> Vec<Run> {
    let now = cloud.now;
    let all = std::mem::take(&mut cloud.lambda.queue);
    let mut begun = Vec::new();
    for mut waiting in all {
        if waiting.due > now || !counts(&waiting, triggers_only) {
            cloud.lambda.queue.push(waiting);
            continue;
        }
        let Some(function) = cloud.lambda.functions.get_mut(&waiting.function) else {
            continue;
        };
        if !function.is_active(now) {
            waiting.due = function.active;
            cloud.lambda.queue.push(waiting);
            continue;
        }
        if !somebody_runs {
            let line = format!("{} dropped: nobody runs functions here", waiting.id);
            function.log.extend(vec![(now, line)]);
            continue;
        }
        let function = function.clone();
        if !has_room(cloud, &function) {
            metrics::throttled(cloud, &function.name);
            let pause = 1_i64 << waiting.refusals.min(10);
            let due = now.checked_add(SignedDuration::from_secs(pause.min(LONGEST_PAUSE)));
            waiting.refusals += 1;
            waiting.due = due.unwrap_or(now);
            if waiting.due.duration_since(waiting.since) <= PATIENCE {
                cloud.lambda.queue.push(waiting);
            }
            continue;
        }
        begun.push(run(cloud, function, waiting));
    }
    begun
}

fn run(cloud: &mut Cloud, function: Function, waiting: Waiting) -> Run {
    let run = Run {
        id: waiting.id.clone(),
        arn: name::arn(cloud, &function.name),
        payload: waiting.payload.clone(),
        client_context: waiting.client_context.clone(),
        number: cloud.lambda.count(),
        region: cloud.region.clone(),
        function,
    };
    cloud.lambda.running.push(Running {
        id: waiting.id.clone(),
        function: waiting.function.clone(),
        depth: waiting.depth,
        waiting: Some(waiting),
        path: Vec::new(),
    });
    run
}

/// Whether one more run of this function may begin.
#[must_use]
pub fn has_room(cloud: &Cloud, function: &Function) -> bool {
    let of_function = |name: &str| {
        let running = cloud.lambda.running.iter();
        running.filter(|running| running.function == name).count()
    };
    let room = |used: usize, most: u32| u32::try_from(used).is_ok_and(|used| used < most);
    if let Some(most) = function.reserved {
        return room(of_function(&function.name), most);
    }
    let functions = &cloud.lambda.functions;
    let reserved: u32 = functions
        .values()
        .filter_map(|function| function.reserved)
        .sum();
    let shared = cloud.lambda.running.iter().filter(|running| {
        let function = functions.get(&running.function);
        function.is_none_or(|function| function.reserved.is_none())
    });
    room(shared.count(), ACCOUNT.saturating_sub(reserved))
}

/// A run is over; an event whose run failed comes back later.
pub fn ended(cloud: &mut Cloud, id: &str, well: bool) {
    let found = cloud
        .lambda
        .running
        .iter()
        .position(|running| running.id == id);
    let Some(index) = found else {
        return;
    };
    let running = cloud.lambda.running.remove(index);
    let Some(mut waiting) = running.waiting.filter(|_| !well) else {
        return;
    };
    waiting.failures += 1;
    if waiting.failures >= ATTEMPTS {
        return;
    }
    let pause = SignedDuration::from_mins(i64::from(waiting.failures));
    waiting.due = cloud.now.checked_add(pause).unwrap_or(cloud.now);
    cloud.lambda.queue.push(waiting);
}
