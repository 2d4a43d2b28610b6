//! A service's age, and how its sources wait: in real time or in the world's.

use std::time::Duration;

use super::Hub;
use crate::lock::lock;
use crate::service::Timing;
use crate::world::{Cancel, Kind};

/// How long a wait for something real sleeps between two looks.
const LOOK: Duration = Duration::from_millis(20);

impl Hub {
    /// How long the service has lived; never goes backwards.
    #[must_use]
    pub fn age(&self) -> Duration {
        let (real, begun) = self.begun;
        if self.world().kind() == Kind::Live {
            return real.elapsed();
        }
        Duration::try_from(self.world().now().duration_since(begun)).unwrap_or_default()
    }

    /// When virtual time is up, if that is known.
    #[must_use]
    pub fn end(&self) -> Option<Duration> {
        *lock(&self.end)
    }

    pub(in crate::service) fn ends_at(&self, end: Option<Duration>) {
        *lock(&self.end) = end;
    }

    /// Waits until the service is `age` old; false if it is to stop before.
    #[must_use]
    pub fn sleep_until(&self, age: Duration) -> bool {
        if self.end().is_some_and(|end| age > end) {
            return false;
        }
        let left = age.saturating_sub(self.age());
        if left.is_zero() {
            return self.stop.reason().is_none();
        }
        self.world().sleep(left, &self.stop).is_ok()
    }

    /// Waits until the service is to stop.
    pub fn rest(&self) {
        const TURN: Duration = Duration::from_millis(200);
        const VIRTUAL_TURN: Duration = Duration::from_hours(24);
        match (self.runtime.service.timing(), self.end()) {
            (Timing::Rehearsed(..), None) => {}
            (Timing::Rehearsed(..), Some(end)) => {
                let _ = self.sleep_until(end);
            }
            (Timing::Lodged, _) => while self.world().sleep(VIRTUAL_TURN, &self.stop).is_ok() {},
            (Timing::Never | Timing::Real(_), _) => {
                while self.world().sleep(TURN, &self.stop).is_ok() {}
            }
        }
    }

    /// Waits for something real, such as threads that are no branches.
    pub fn wait_for(&self, is_so: impl Fn() -> bool) {
        let never = Cancel::new(None);
        while !is_so() {
            // It is not to be stopped: what it waits for is what takes long.
            let _ = self.world().sleep(LOOK, &never);
        }
    }
}
