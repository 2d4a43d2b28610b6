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
            self.lines.push_back((at, line));
        }
        while self.lines.len() > LINES || self.bytes > BYTES {
            let Some((_, line)) = self.lines.pop_front() else {
                return;
            };
            self.bytes -= line.len();
        }
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
}
