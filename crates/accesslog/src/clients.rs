//! Who asks, and how much in a minute.

use crate::bounded::Weighed;

/// How many minutes are remembered of each client.
const MINUTES: usize = 8;

/// One client.
#[derive(Default)]
pub struct Client {
    pub requests: u64,
    pub received: u64,
    pub sent: u64,
    pub errors_4xx: u64,
    pub errors_5xx: u64,
    minutes: Minutes,
}

impl Client {
    /// Counts a request in `minute`; gives how many that minute has by now.
    #[inline]
    pub fn ask(&mut self, minute: u32) -> u32 {
        self.requests += 1;
        self.minutes.add(minute, 1)
    }

    /// The minute with most requests, the first of equals, and their number.
    pub fn busiest(&self) -> (u32, u32) {
        self.minutes.busiest()
    }
}

impl Weighed for Client {
    fn weight(&self) -> u64 {
        self.requests
    }

    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.received += other.received;
        self.sent += other.sent;
        self.errors_4xx += other.errors_4xx;
        self.errors_5xx += other.errors_5xx;
        for (minute, count) in other.minutes.held() {
            self.minutes.add(*minute, *count);
        }
    }
}

/// The latest and the busiest minutes, with their counts.
///
/// Lines come nearly in the order of time, so a minute that makes room for a new one is
/// over; it is the one with least, so the busiest stays. Only a minute that was dropped as
/// a small one and comes again, from another node's log of the same time, can come out too
/// small; logs of one time are read one after the other.
#[derive(Default)]
struct Minutes {
    counts: [(u32, u32); MINUTES],
    /// How many are held; the last is the one that was counted last.
    length: u8,
}

impl Minutes {
    fn held(&self) -> &[(u32, u32)] {
        &self.counts[..usize::from(self.length)]
    }

    #[inline]
    fn add(&mut self, minute: u32, count: u32) -> u32 {
        let length = usize::from(self.length);
        let last = length.saturating_sub(1);
        if self.counts[last].0 == minute && length > 0 {
            self.counts[last].1 += count;
            return self.counts[last].1;
        }
        self.turn_to(minute, count)
    }

    fn turn_to(&mut self, minute: u32, count: u32) -> u32 {
        let length = usize::from(self.length);
        let known = self.held().iter().position(|(held, _)| *held == minute);
        let (from, sum) = match known {
            Some(at) => (at, self.counts[at].1 + count),
            None if length < MINUTES => {
                self.counts[length] = (minute, count);
                self.length += 1;
                return count;
            }
            None => {
                let least = (0..MINUTES)
                    .min_by_key(|at| (self.counts[*at].1, self.counts[*at].0))
                    .unwrap_or_default();
                (least, count)
            }
        };
        self.counts.copy_within(from + 1..length, from);
        self.counts[length - 1] = (minute, sum);
        sum
    }

    fn busiest(&self) -> (u32, u32) {
        let most = self
            .held()
            .iter()
            .max_by_key(|(minute, count)| (*count, u32::MAX - *minute));
        most.copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_minute_stays() {
        let mut client = Client::default();
        for minute in 0..100 {
            for _ in 0..=(minute % 50) {
                client.ask(minute);
            }
        }
        assert_eq!(client.busiest(), (49, 50));
        assert_eq!(client.requests, 2 * (1..=50).sum::<u64>());
    }

    #[test]
    fn minutes_of_two_logs_add_up() {
        let (mut one, mut two) = (Client::default(), Client::default());
        for minute in [10, 11, 11, 12, 11] {
            one.ask(minute);
            two.ask(minute + 1);
        }
        one.add(two);
        // 11: three and one; 12: one and three.
        assert_eq!(one.busiest(), (11, 4));
        assert_eq!(one.requests, 10);
        assert_eq!(one.ask(12), 5);
    }
}
