//! `every`: a handler called again and again, on a schedule that does not drift.
//!
//! Each turn is due at a multiple of the period after the service began, however long
//! handlers take. Turns that pass while the handler is still at the last one are skipped.

use std::sync::Arc;
use std::time::Duration;

use opsh_operation::Fault;
use tracing::Level;

use super::{Event, Handler, Hub, Source, Timing};

/// The shortest period.
pub const SHORTEST: Duration = Duration::from_millis(10);

/// A timer.
pub struct Timer {
    /// How often.
    pub period: Duration,
    /// What it is called in logs.
    pub name: String,
    /// Whether the first turn is at once, instead of after one period.
    pub at_once: bool,
    /// What is called.
    pub handler: Handler,
}

impl Source for Timer {
    fn label(&self) -> String {
        self.name.clone()
    }

    fn run(&self, hub: &Arc<Hub>) -> Result<(), Fault> {
        let once = matches!(
            hub.runtime().service.timing(),
            Timing::Rehearsed(None, events) if events.is_empty()
        );
        let mut turn = u32::from(!self.at_once);
        while let Some(due) = self.period.checked_mul(turn) {
            if !hub.sleep_until(due) {
                break;
            }
            let event = Event::new(&self.handler, self.label(), Vec::new());
            // It has been logged; the timer goes on.
            let _ = hub.handle(&event);
            if once {
                break;
            }
            let next = next(turn, hub.age(), self.period);
            if next > turn + 1 {
                self.skipped(hub, next - turn - 1);
            }
            turn = next;
        }
        Ok(())
    }
}

impl Timer {
    fn skipped(&self, hub: &Hub, turns: u32) {
        let words = match turns {
            1 => "a turn was skipped".to_owned(),
            turns => format!("{turns} turns were skipped"),
        };
        hub.say(
            Level::WARN,
            &format!(
                "{}: {words}: the handler took longer than the period",
                self.name
            ),
        );
    }
}

/// The first turn after `turn` that is not over yet at `age`.
fn next(turn: u32, age: Duration, period: Duration) -> u32 {
    let passed = age.as_nanos() / period.as_nanos().max(1);
    let passed = u32::try_from(passed).unwrap_or(u32::MAX - 1);
    passed.saturating_add(1).max(turn + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_handler_skips_turns_and_keeps_the_schedule() {
        let second = Duration::from_secs(1);
        // In time, exactly at the end of its turn, late by a half, late by three and a half.
        assert_eq!(next(1, Duration::from_millis(1200), second), 2);
        assert_eq!(next(1, Duration::from_secs(2), second), 3);
        assert_eq!(next(1, Duration::from_millis(2500), second), 3);
        assert_eq!(next(1, Duration::from_millis(4500), second), 5);
        // The clock of a sleeper that woke a little early does not give the same turn twice.
        assert_eq!(next(3, Duration::from_millis(2999), second), 4);
    }
}
