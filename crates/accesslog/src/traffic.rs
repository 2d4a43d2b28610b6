//! All requests, by minute.

/// Minutes that are told apart: two days. What lies in others is in the sums only.
const MOST: usize = 2 * 24 * 60;

/// What happened in some time.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// How many requests.
    pub requests: u64,
    /// Bytes of requests.
    pub received: u64,
    /// Bytes of answers.
    pub sent: u64,
    /// Answers of 400 to 499.
    pub errors_4xx: u64,
    /// Answers of 500 to 599.
    pub errors_5xx: u64,
}

impl Figures {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.received += other.received;
        self.sent += other.sent;
        self.errors_4xx += other.errors_4xx;
        self.errors_5xx += other.errors_5xx;
    }
}

/// Figures by minute since 1970, in the order of time.
#[derive(Default)]
pub(crate) struct Traffic {
    pub(crate) total: Figures,
    pub(crate) minutes: Vec<(u32, Figures)>,
    current: usize,
}

impl Traffic {
    /// Counts a request.
    #[inline]
    pub(crate) fn note(&mut self, minute: u32, figures: &Figures) {
        self.total.add(figures);
        match self.minutes.get_mut(self.current) {
            Some((held, sum)) if *held == minute => sum.add(figures),
            _ => self.turn_to(minute, figures),
        }
    }

    fn turn_to(&mut self, minute: u32, figures: &Figures) {
        match self
            .minutes
            .binary_search_by_key(&minute, |(held, _)| *held)
        {
            Ok(at) => {
                self.current = at;
                self.minutes[at].1.add(figures);
            }
            Err(at) if self.minutes.len() < MOST => {
                self.current = at;
                self.minutes.insert(at, (minute, *figures));
            }
            Err(_) => {}
        }
    }

    /// Adds another one's figures.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.total.add(&other.total);
        for (minute, figures) in &other.minutes {
            self.turn_to(*minute, figures);
        }
    }
}
