//! Rehearsed crashes: the process really dies, by SIGKILL, at a chosen point of a
//! chosen step. What `--fault 'crash STEP POINT'` asks for.

use std::str::FromStr;

use super::branch::StepPath;

/// Where in a step's passage through the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Nothing is recorded, nothing sent.
    BeforeIntent,
    /// The intent is on disk, nothing is sent.
    AfterIntent,
    /// The cloud has done it and stored it; no answer has been seen.
    Accepted,
    /// The answer has been seen, nothing of it is on disk.
    Answered,
    /// The outcome is on disk.
    Recorded,
}

impl Point {
    /// Every point, in order.
    pub const ALL: [Self; 5] = [
        Self::BeforeIntent,
        Self::AfterIntent,
        Self::Accepted,
        Self::Answered,
        Self::Recorded,
    ];

    /// The word on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::BeforeIntent => "before-intent",
            Self::AfterIntent => "after-intent",
            Self::Accepted => "accepted",
            Self::Answered => "answered",
            Self::Recorded => "recorded",
        }
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|point| point.word() == word)
            .ok_or_else(|| {
                let words = Self::ALL.map(Self::word).join(", ");
                format!("'{word}' is no point of a step; there are {words}")
            })
    }
}

/// The process dies here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// At this step.
    pub step: StepPath,
    /// At this point of it.
    pub point: Point,
}

/// Dies if one of `crashes` is for this point of `step`.
pub fn at(crashes: &[Crash], step: &StepPath, point: Point) {
    if is_due(crashes, step, point) {
        die();
    }
}

/// Whether one of `crashes` is for this point of `step`.
#[must_use]
pub fn is_due(crashes: &[Crash], step: &StepPath, point: Point) -> bool {
    crashes
        .iter()
        .any(|crash| crash.point == point && crash.step == *step)
}

/// Ends the process as `kill -9` does: nothing is flushed, closed or told.
pub fn die() {
    // It does not come back; if the system refused, the run would just go on.
    let _ = signal_hook::low_level::raise(signal_hook::consts::SIGKILL);
}
