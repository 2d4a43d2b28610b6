//! Burning processor time on the machine that opsh runs on.

use std::time::{Duration, Instant};

use opsh_operation::Fault;
use sha2::{Digest as _, Sha256};

use crate::world::Cancel;

/// Hashes between two looks at the clock: a fraction of a millisecond.
const ROUND: u32 = 256;

/// Computes until this thread has had `wanted` of a processor.
///
/// # Errors
/// The cancellation's.
pub fn burn(wanted: Duration, cancel: &Cancel) -> Result<(), Fault> {
    let (begun, before) = (Instant::now(), had());
    let mut block = [0_u8; 64];
    loop {
        let so_far = match (before, had()) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => begun.elapsed(),
        };
        if so_far >= wanted {
            return Ok(());
        }
        cancel.check()?;
        for _ in 0..ROUND {
            let hash: [u8; 32] = Sha256::digest(block).into();
            block[..32].copy_from_slice(&hash);
        }
    }
}

/// How much processor time this thread has had, where the kernel says so.
///
/// Source: Linux, `Documentation/scheduler/sched-stats.rst`, "/proc/<pid>/schedstat": the
/// first number is the time spent on the processor in nanoseconds.
fn had() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_burnt_is_the_thread_s_own_time() -> Result<(), Fault> {
        let before = had();
        let begun = Instant::now();
        burn(Duration::from_millis(30), &Cancel::new(None))?;
        assert!(begun.elapsed() >= Duration::from_millis(29));
        if let (Some(before), Some(after)) = (before, had()) {
            let burnt = after.saturating_sub(before);
            assert!(burnt >= Duration::from_millis(29), "{burnt:?}");
        }
        Ok(())
    }

    #[test]
    fn it_stops_when_it_is_told_to() {
        let cancel = Cancel::new(None);
        cancel.interrupt();
        let begun = Instant::now();
        assert!(burn(Duration::from_mins(1), &cancel).is_err());
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
