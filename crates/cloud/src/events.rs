//! What happens later, in order of time and then of planning.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::services::{autoscaling, cloudwatch, ec2, elbv2, scheduler, sns};
use crate::state::State;

/// Something that will happen to the cloud.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// In EC2, e.g. a pending instance becomes running.
    Ec2(ec2::Event),
    /// In `CloudWatch`, e.g. alarms are evaluated.
    CloudWatch(cloudwatch::Event),
    /// In Auto Scaling, e.g. a group compares its capacity with what is desired.
    AutoScaling(autoscaling::Event),
    /// In load balancing, e.g. a target is checked.
    Elbv2(elbv2::Event),
    /// In SNS, e.g. a message is delivered.
    Sns(sns::Event),
    /// In Scheduler, e.g. a schedule fires.
    Scheduler(scheduler::Event),
}

/// The queue of all that is going to happen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Events {
    planned: u64,
    /// How many have happened since the state was read.
    #[serde(skip)]
    happened: u64,
    #[serde(with = "queue")]
    queue: BTreeMap<(Timestamp, u64), Event>,
}

impl Events {
    /// Plans `event` for `at`.
    pub fn plan(&mut self, at: Timestamp, event: Event) {
        self.planned += 1;
        self.queue.insert((at, self.planned), event);
    }

    /// Lets everything that is planned happen later by `pause`.
    pub fn postpone(&mut self, pause: SignedDuration) {
        self.queue = std::mem::take(&mut self.queue)
            .into_iter()
            .map(|((at, number), event)| {
                let at = at.checked_add(pause).unwrap_or(Timestamp::MAX);
                ((at, number), event)
            })
            .collect();
    }

    /// How many events have happened: whether it is as it was.
    #[must_use]
    pub fn happened(&self) -> u64 {
        self.happened
    }

    /// When the next event is due.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next event that is due at `now`.
    pub fn due(&mut self, now: Timestamp) -> Option<(Timestamp, Event)> {
        let entry = self.queue.first_entry()?;
        if entry.key().0 > now {
            return None;
        }
        let ((at, _), event) = entry.remove_entry();
        self.happened += 1;
        Some((at, event))
    }
}

impl State {
    /// Moves the time to `now` and lets everything happen that was planned until then.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some((at, event)) = self.events.due(now) {
            self.now = self.now.max(at);
            self.happen(event);
        }
        self.now = self.now.max(now);
    }

    /// The same, but no further than to the moment that `pause` names, which may be one
    /// that has passed; gives where that is.
    pub(crate) fn advance_until(
        &mut self,
        to: Timestamp,
        pause: impl Fn(&Self) -> Option<Timestamp>,
    ) -> Timestamp {
        loop {
            let stop = pause(self).filter(|stop| *stop <= to);
            if stop.is_some_and(|stop| stop <= self.now) {
                return self.now;
            }
            let Some((at, event)) = self.events.due(stop.unwrap_or(to)) else {
                self.now = self.now.max(stop.unwrap_or(to));
                return self.now;
            };
            self.now = self.now.max(at);
            self.happen(event);
        }
    }

    fn happen(&mut self, event: Event) {
        self.lambda.cause = 0;
        match event {
            Event::Ec2(event) => ec2::happen(self, event),
            Event::CloudWatch(event) => cloudwatch::happen(self, event),
            Event::AutoScaling(event) => autoscaling::happen(self, event),
            Event::Elbv2(event) => elbv2::happen(self, event),
            Event::Sns(event) => sns::happen(self, event),
            Event::Scheduler(event) => scheduler::happen(self, event),
        }
    }
}

/// JSON has no maps with composite keys: the queue is saved as a list.
mod queue {
    use super::{BTreeMap, Event, Timestamp};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub fn serialize<S: Serializer>(
        queue: &BTreeMap<(Timestamp, u64), Event>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        queue.iter().collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<(Timestamp, u64), Event>, D::Error> {
        Ok(Vec::<((Timestamp, u64), Event)>::deserialize(deserializer)?
            .into_iter()
            .collect())
    }
}
