//! Schedules on the virtual clock.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::schedule::Schedule;
use super::target::with_context;
use crate::events;
use crate::services::{iam, lambda};
use crate::state::State as Cloud;

/// What a schedule's role must let it do.
const ACTION: &str = "lambda:InvokeFunction";

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
    let Event::Fire {
        schedule: key,
        plan: planned,
    } = event;
    let found = cloud.scheduler.schedules.get(&key);
    let Some(schedule) = found.filter(|schedule| schedule.plan == planned).cloned() else {
        return;
    };
    invoke(cloud, &schedule);
    plan(cloud, &key, false);
}

/// Invokes the target; nobody is told where its role does not let it, as with AWS.
fn invoke(cloud: &mut Cloud, schedule: &Schedule) {
    let target = &schedule.target;
    if !iam::allows(cloud, &target.role, ACTION, &target.arn) {
        return;
    }
    let (arn, execution) = (schedule.arn(cloud), cloud.ids.uuid());
    let at = cloud.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let payload = match &target.input {
        Some(input) => with_context(input, &arn, &at, &execution),
        None => json!({
            "version": "0",
            "id": execution,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": cloud.account,
            "time": at,
            "region": cloud.region,
            "resources": [arn],
            "detail": "{}",
        })
        .to_string(),
    };
    lambda::enqueue(cloud, &target.arn, payload, lambda::Source::Schedule);
}
