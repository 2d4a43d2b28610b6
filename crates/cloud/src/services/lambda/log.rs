//! What a function's runs have said.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The most lines that are kept of a function.
const LINES: usize = 2000;
/// The most bytes that are kept of a function.
const BYTES: usize = 512 * 1024;

/// A function's log; of a long one, the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    lines: VecDeque<(Timestamp, String)>,
    bytes: usize,
    /// How many lines there have been, those that are gone included.
    #[serde(default)]
    written: u64,
}

impl Log {
    /// Adds lines.
    pub fn extend(&mut self, lines: Vec<(Timestamp, String)>) {
        for (at, mut line) in lines {
            let longest = (0..=BYTES / 2)
                .rev()
                .find(|end| line.is_char_boundary(*end))
                .unwrap_or(0);
            line.truncate(longest);
            self.bytes += line.len();
            self.written += 1;
            self.lines.push_back((at, line));
        }
        while self.lines.len() > LINES || self.bytes > BYTES {
            let Some((_, line)) = self.lines.pop_front() else {
                return;
            };
            self.bytes -= line.len();
        }
    }

    /// How many lines have been written, those that are gone included.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The lines after the first `seen`, as far as they are kept.
    pub fn since(&self, seen: u64) -> impl Iterator<Item = (Timestamp, &str)> {
        let new = usize::try_from(self.written.saturating_sub(seen)).unwrap_or(usize::MAX);
        self.lines().skip(self.lines.len().saturating_sub(new))
    }

    /// The lines, oldest first, each with its time.
    pub fn lines(&self) -> impl Iterator<Item = (Timestamp, &str)> {
        self.lines.iter().map(|(at, line)| (*at, line.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{BYTES, LINES, Log};

    #[test]
    fn of_a_long_log_the_end_is_kept() {
        let mut log = Log::default();
        let lines =
            |count: usize, text: &str| vec![(Timestamp::UNIX_EPOCH, text.to_owned()); count];
        log.extend(lines(LINES, "early"));
        log.extend(lines(3, "late"));
        assert_eq!(log.lines().count(), LINES);
        assert_eq!(log.lines().last(), Some((Timestamp::UNIX_EPOCH, "late")));
        log.extend(lines(9, &"é".repeat(BYTES)));
        assert!(log.bytes <= BYTES);
        assert!(log.lines().count() >= 1);
    }

    #[test]
    fn lines_are_counted_also_when_they_are_gone() {
        let mut log = Log::default();
        let line = |text: &str| vec![(Timestamp::UNIX_EPOCH, text.to_owned())];
        for _ in 0..LINES {
            log.extend(line("early"));
        }
        let seen = log.written();
        assert_eq!(log.since(seen).count(), 0);
        log.extend(line("late"));
        let new: Vec<&str> = log.since(seen).map(|(_, line)| line).collect();
        assert_eq!(new, ["late"]);
        assert_eq!(log.since(0).count(), LINES);
    }
}
