//! Who answers, and how.

use crate::bounded::Weighed;
use crate::text::Samples;

/// One target; `-` stands for the balancer itself.
#[derive(Default)]
pub struct Target {
    pub requests: u64,
    pub errors_4xx: u64,
    pub errors_5xx: u64,
    /// Those of the 5xx that the balancer gave because the target did not answer well.
    pub unanswered: u64,
    /// The slowest answer in milliseconds.
    pub slowest: u64,
    /// Some lines of 5xx.
    pub samples: Samples,
}

impl Weighed for Target {
    fn weight(&self) -> u64 {
        self.requests
    }

    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.errors_4xx += other.errors_4xx;
        self.errors_5xx += other.errors_5xx;
        self.unanswered += other.unanswered;
        self.slowest = self.slowest.max(other.slowest);
        self.samples.add(other.samples);
    }
}
