//! Schedules on the virtual clock.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::schedule::Schedule;
use super::target::with_context;
use crate::events;
use crate::services::{iam, lambda};
use crate::state::State as Cloud;

/// What a schedule's role must let it do.
const ACTION: &str = "lambda:InvokeFunction";

/// The longest pause between two tries, in seconds.
const LONGEST_PAUSE: i64 = 600;

/// What happens later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A schedule fires.
    Fire {
        /// Its group and name.
        schedule: String,
        /// Which plan this is: earlier ones of a schedule are void.
        plan: u64,
    },
    /// A target that did not take an invocation is asked again.
    Retry {
        /// The schedule as it was when it fired.
        schedule: Box<Schedule>,
        /// The invocation.
        attempt: Attempt,
    },
}

/// One try to invoke a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The id of the invocation, the same for all tries.
    execution: String,
    /// When the schedule fired.
    at: Timestamp,
    /// Which try this is, from 1 on.
    number: i64,
}

/// Plans the first time at which a schedule fires.
pub fn begin(cloud: &mut Cloud, key: &str) {
    plan(cloud, key, true);
}

fn plan(cloud: &mut Cloud, key: &str, inclusive: bool) {
    let Some(schedule) = cloud.scheduler.schedules.get(key) else {
        return;
    };
    if !schedule.enabled {
        return;
    }
    match schedule.next(cloud.now, inclusive) {
        Some(at) => {
            let event = Event::Fire {
                schedule: key.to_owned(),
                plan: schedule.plan,
            };
            cloud.events.plan(at, events::Event::Scheduler(event));
        }
        // One that has not fired yet stays, whatever its action after completion.
        None if schedule.vanishes && !inclusive => {
            cloud.scheduler.schedules.remove(key);
        }
        None => {}
    }
}

/// Lets a planned event happen.
pub fn happen(cloud: &mut Cloud, event: Event) {
    let (key, planned) = match event {
        Event::Fire { schedule, plan } => (schedule, plan),
        Event::Retry { schedule, attempt } => return invoke(cloud, *schedule, attempt),
    };
    let found = cloud.scheduler.schedules.get(&key);
    let Some(schedule) = found.filter(|schedule| schedule.plan == planned).cloned() else {
        return;
    };
    let attempt = Attempt {
        execution: cloud.ids.uuid(),
        at: cloud.now,
        number: 1,
    };
    invoke(cloud, schedule, attempt);
    plan(cloud, &key, false);
}

/// Invokes the target; where its role does not let it, or there is no such function, it is
/// tried again as long as the schedule's retry policy says. Nobody is told, as with AWS.
fn invoke(cloud: &mut Cloud, schedule: Schedule, mut attempt: Attempt) {
    let target = &schedule.target;
    let payload = payload(cloud, &schedule, &attempt);
    if iam::allows(cloud, &target.role, ACTION, &target.arn)
        && lambda::enqueue(cloud, &target.arn, payload, lambda::Source::Schedule)
    {
        return;
    }
    let pause = 1_i64 << attempt.number.clamp(0, 20);
    let next = cloud
        .now
        .checked_add(SignedDuration::from_secs(pause.min(LONGEST_PAUSE)));
    let Ok(next) = next else { return };
    if attempt.number > target.attempts() || next.duration_since(attempt.at) > target.patience() {
        return;
    }
    attempt.number += 1;
    let event = Event::Retry {
        schedule: Box::new(schedule),
        attempt,
    };
    cloud.events.plan(next, events::Event::Scheduler(event));
}

/// What the target gets.
fn payload(cloud: &Cloud, schedule: &Schedule, attempt: &Attempt) -> String {
    let arn = schedule.arn(cloud);
    let at = attempt.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    match &schedule.target.input {
        Some(input) => with_context(input, &arn, &at, &attempt.execution, attempt.number),
        None => json!({
            "version": "0",
            "id": attempt.execution,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": cloud.account,
            "time": at,
            "region": cloud.region,
            "resources": [arn],
            "detail": "{}",
        })
        .to_string(),
    }
}
