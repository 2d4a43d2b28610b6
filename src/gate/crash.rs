//! Rehearsed crashes: at a chosen point of a chosen step the process really dies, by
//! SIGKILL, as `--fault 'crash STEP POINT'` asks for; or only the run ends there, in a
//! case of `opsh test`, which goes on with it in the same process.

use std::str::FromStr;

use super::branch::StepPath;
use crate::world::{Cancel, Reason};

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

/// What ends in a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The process, by SIGKILL.
    Process,
    /// The run: it is cancelled, and nothing is recorded any more.
    Run,
}

/// A run ends here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// At this step.
    pub step: StepPath,
    /// At this point of it.
    pub point: Point,
    /// With everything around it, or alone.
    pub ends: Ends,
}

impl Crash {
    /// Lets it happen to the run that `cancel` ends.
    pub fn happen(&self, cancel: &Cancel) {
        match self.ends {
            Ends::Process => die(),
            Ends::Run => cancel.raise(Reason::Crashed),
        }
    }
}

/// The one of `crashes` that is for this point of `step`.
#[must_use]
pub fn due<'a>(crashes: &'a [Crash], step: &StepPath, point: Point) -> Option<&'a Crash> {
    crashes
        .iter()
        .find(|crash| crash.point == point && crash.step == *step)
}

/// Ends the process as `kill -9` does: nothing is flushed, closed or told.
fn die() {
    // It does not come back; if the system refused, the run would just go on.
    let _ = signal_hook::low_level::raise(signal_hook::consts::SIGKILL);
}
