//! Times that requests took, as percentiles.

/// Up to here each millisecond has its own count.
const EXACT: u64 = 1024;
/// Beyond, each doubling has this many counts: at most 1.6 percent off.
const STEPS: u64 = 64;
/// Doublings up to some twelve days.
const DOUBLINGS: u64 = 20;

/// Counts of milliseconds.
#[derive(Default)]
pub struct Latency {
    counts: Vec<u64>,
    total: u64,
    longest: u64,
}

/// `milliseconds` to the number of its count.
fn place(milliseconds: u64) -> usize {
    let place = if milliseconds < EXACT {
        milliseconds
    } else {
        let doubling = u64::from(milliseconds.ilog2()) - 10;
        let step = (milliseconds >> (doubling + 4)) - STEPS;
        (EXACT + doubling * STEPS + step).min(EXACT + DOUBLINGS * STEPS - 1)
    };
    usize::try_from(place).unwrap_or_default()
}

/// The longest time of a count.
fn value(place: usize) -> u64 {
    let place = place as u64;
    if place < EXACT {
        return place;
    }
    let (doubling, step) = ((place - EXACT) / STEPS, (place - EXACT) % STEPS);
    ((STEPS + step + 1) << (doubling + 4)) - 1
}

impl Latency {
    /// Counts a request.
    pub fn note(&mut self, milliseconds: u64) {
        if self.counts.is_empty() {
            self.counts = vec![0; place(u64::MAX) + 1];
        }
        self.counts[place(milliseconds)] += 1;
        self.total += 1;
        self.longest = self.longest.max(milliseconds);
    }

    /// Adds another one's counts.
    pub fn add(&mut self, other: Self) {
        if self.counts.is_empty() {
            *self = other;
            return;
        }
        for (count, theirs) in self.counts.iter_mut().zip(other.counts) {
            *count += theirs;
        }
        self.total += other.total;
        self.longest = self.longest.max(other.longest);
    }

    /// How many requests have a time.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The longest time in milliseconds.
    pub fn longest(&self) -> u64 {
        self.longest
    }

    /// The time within which `percent` of the requests were answered, in milliseconds.
    pub fn percentile(&self, percent: u64) -> u64 {
        let rank = (self.total * percent).div_ceil(100).max(1);
        let mut sum = 0;
        for (place, count) in self.counts.iter().enumerate() {
            sum += count;
            if sum >= rank {
                return value(place).min(self.longest);
            }
        }
        self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact_or_near() {
        let mut latency = Latency::default();
        for milliseconds in 1..=100 {
            latency.note(milliseconds);
        }
        assert_eq!(
            [50, 95, 99, 100].map(|percent| latency.percentile(percent)),
            [50, 95, 99, 100]
        );
        for milliseconds in [1024, 1500, 4096, 60_000, 3_600_000, u64::from(u32::MAX)] {
            let near = value(place(milliseconds));
            assert!(
                near >= milliseconds.min(value(place(u64::MAX)))
                    && near <= milliseconds + milliseconds / 60,
                "{near} for {milliseconds}"
            );
        }
    }
}
