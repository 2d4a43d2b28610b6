//! Bytes as blocks of whole lines: gzip of any number of members, or plain text.

use std::io::{ErrorKind, Read};

use flate2::{Decompress, FlushDecompress, Status};
use memchr::{memchr, memrchr};

/// How much is read at once.
const INPUT: usize = 64 * 1024;
/// How much is handed on at once; also the longest line.
pub const BLOCK: usize = 256 * 1024;
/// The largest window that gzip allows.
const WINDOW: u8 = 15;
/// How gzip begins.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why a log could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The bytes did not come.
    #[error("{0}")]
    Read(#[from] std::io::Error),
    /// It ends within a member.
    #[error("its compressed data ends too early")]
    Truncated,
    /// It is damaged.
    #[error("its compressed data is damaged")]
    Damaged,
}

/// A block of whole lines, each but perhaps the last with its newline.
pub struct Block {
    bytes: Vec<u8>,
    length: usize,
    continued: bool,
}

impl Block {
    /// One to fill.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bytes: vec![0; BLOCK],
            length: 0,
            continued: false,
        }
    }

    /// Calls `each` with every line, without its newline. A line that is longer than a
    /// block is seen once, cut at [`BLOCK`] bytes.
    pub fn lines(&self, mut each: impl FnMut(&[u8])) {
        let mut rest = &self.bytes[..self.length];
        let mut skip = self.continued;
        while !rest.is_empty() {
            let (line, after) = match memchr(b'\n', rest) {
                Some(end) => (&rest[..end], &rest[end + 1..]),
                None => (rest, &[][..]),
            };
            if !std::mem::take(&mut skip) {
                each(line);
            }
            rest = after;
        }
    }
}

impl Default for Block {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads blocks from compressed or plain bytes.
pub struct Blocks<R> {
    source: R,
    input: Box<[u8]>,
    start: usize,
    end: usize,
    format: Format,
    /// The beginning of the line that the last block did not end.
    carry: Vec<u8>,
    /// Whether the last block ended within a line that is longer than a block.
    within: bool,
    ended: bool,
    broken: Option<Broken>,
}

enum Format {
    Unknown,
    Plain,
    /// Within a member.
    Member(Decompress),
    /// After a member.
    Between,
}

impl<R: Read> Blocks<R> {
    /// Of what `source` gives.
    pub fn new(source: R) -> Self {
        Self {
            source,
            input: vec![0; INPUT].into(),
            start: 0,
            end: 0,
            format: Format::Unknown,
            carry: Vec::new(),
            within: false,
            ended: false,
            broken: None,
        }
    }

    /// Fills `block`; false at the end.
    ///
    /// # Errors
    /// The source cannot be read, or what it gives is damaged or cut off; the whole lines
    /// before that have been given by then.
    pub fn next(&mut self, block: &mut Block) -> Result<bool, Broken> {
        let mut length = self.carry.len();
        block.bytes[..length].copy_from_slice(&self.carry);
        self.carry.clear();
        while !self.ended && length < BLOCK {
            match self.fill(&mut block.bytes[length..]) {
                Ok(count) => length += count,
                Err(broken) => {
                    self.ended = true;
                    self.broken = Some(broken);
                }
            }
        }
        let newline = memrchr(b'\n', &block.bytes[..length]);
        block.length = match newline {
            // The last line may have no newline, but what was cut off is no line.
            _ if self.ended && self.broken.is_none() => length,
            Some(newline) => newline + 1,
            None if self.ended => 0,
            None => length,
        };
        if !self.ended {
            self.carry
                .extend_from_slice(&block.bytes[block.length..length]);
        }
        block.continued = self.within;
        self.within = newline.is_none() && block.length == BLOCK;
        match self.broken.take_if(|_| block.length == 0) {
            Some(broken) => Err(broken),
            None => Ok(block.length > 0),
        }
    }

    /// Puts more text into `output`, perhaps none yet.
    fn fill(&mut self, output: &mut [u8]) -> Result<usize, Broken> {
        // A header is told by two bytes.
        let wanted = if matches!(self.format, Format::Unknown) {
            2
        } else {
            1
        };
        if self.end - self.start < wanted {
            let starved = self.more(wanted)?;
            if starved && self.start == self.end {
                self.ended = true;
                return match self.format {
                    Format::Member(_) => Err(Broken::Truncated),
                    _ => Ok(0),
                };
            }
        }
        let input = &self.input[self.start..self.end];
        match &mut self.format {
            Format::Unknown => {
                self.format = if input.starts_with(&MAGIC) {
                    Format::Member(Decompress::new_gzip(WINDOW))
                } else {
                    Format::Plain
                };
                Ok(0)
            }
            Format::Plain => {
                let count = input.len().min(output.len());
                output[..count].copy_from_slice(&input[..count]);
                self.start += count;
                Ok(count)
            }
            Format::Between => {
                // Members follow each other at once; zeros are what tapes are padded with.
                match input[0] {
                    0 => self.start += 1,
                    first if first == MAGIC[0] => {
                        self.format = Format::Member(Decompress::new_gzip(WINDOW));
                    }
                    _ => return Err(Broken::Damaged),
                }
                Ok(0)
            }
            Format::Member(decoder) => {
                let (taken, given) = (decoder.total_in(), decoder.total_out());
                let status = decoder
                    .decompress(input, output, FlushDecompress::None)
                    .map_err(|_| Broken::Damaged)?;
                // No more than the lengths of the two slices.
                self.start += usize::try_from(decoder.total_in() - taken).unwrap_or_default();
                let count = usize::try_from(decoder.total_out() - given).unwrap_or_default();
                if status == Status::StreamEnd {
                    self.format = Format::Between;
                }
                Ok(count)
            }
        }
    }

    /// Reads until there are `wanted` bytes of input; whether there are none to come.
    fn more(&mut self, wanted: usize) -> Result<bool, Broken> {
        self.input.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < wanted {
            match self.source.read(&mut self.input[self.end..]) {
                Ok(0) => return Ok(true),
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    pub(crate) fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    /// A source that gives a few bytes at a time.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = self.1.min(buffer.len()).min(self.0.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn lines(bytes: &[u8], at_once: usize) -> (Vec<String>, Option<String>) {
        let mut blocks = Blocks::new(Drops(bytes, at_once));
        let mut block = Block::new();
        let mut lines = Vec::new();
        loop {
            match blocks.next(&mut block) {
                Ok(false) => return (lines, None),
                Ok(true) => {
                    block.lines(|line| lines.push(String::from_utf8_lossy(line).into_owned()));
                }
                Err(broken) => return (lines, Some(broken.to_string())),
            }
        }
    }

    fn numbered(lines: u32) -> String {
        let numbers = (0..lines).map(|number| format!("line {number}"));
        numbers.collect::<Vec<_>>().join("\n") + "\n"
    }

    #[test]
    fn plain_and_compressed_lines_in_any_pieces() {
        let text = "one\n\nthree is longer\nfour without an end";
        let expected: Vec<_> = text.lines().map(str::to_owned).collect();
        for at_once in [1, 3, 1000] {
            for bytes in [text.as_bytes().to_vec(), gzip(text)] {
                assert_eq!(lines(&bytes, at_once), (expected.clone(), None));
            }
            assert_eq!(lines(b"", at_once), (vec![], None));
            assert_eq!(lines(b"x", at_once), (vec!["x".to_owned()], None));
            assert_eq!(lines(&gzip(""), at_once), (vec![], None));
        }
    }

    #[test]
    fn members_follow_each_other() {
        let mut bytes = gzip("one\ntw");
        bytes.extend(gzip(""));
        bytes.extend(gzip("o\nthree\n"));
        bytes.extend([0; 5]);
        for at_once in [1, 7, 1000] {
            let (lines, broken) = lines(&bytes, at_once);
            assert_eq!((lines.join(","), broken), ("one,two,three".into(), None));
        }
    }

    #[test]
    fn long_logs_come_in_blocks() {
        let text = numbered(100_000);
        for bytes in [text.as_bytes().to_vec(), gzip(&text)] {
            let (found, broken) = lines(&bytes, usize::MAX);
            assert_eq!(broken, None);
            assert!(found.iter().map(String::as_str).eq(text.lines()));
        }
        // A line longer than a block is seen once, cut.
        let long = format!("first\n{}\nlast\n", "x".repeat(3 * BLOCK));
        let (found, _) = lines(long.as_bytes(), 1000);
        assert_eq!(found.len(), 3);
        assert_eq!((found[0].as_str(), found[2].as_str()), ("first", "last"));
        assert_eq!(found[1].len(), BLOCK);
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_said_after_the_lines_before_it() {
        let text = numbered(10_000);
        let whole = gzip(&text);
        let (found, broken) = lines(&whole[..whole.len() / 2], 1000);
        assert_eq!(broken.unwrap(), "its compressed data ends too early");
        assert!(found.len() > 1000 && found.len() < 10_000);
        assert!(
            found
                .iter()
                .map(String::as_str)
                .eq(text.lines().take(found.len()))
        );
        // Without the checksum at its end.
        let (found, broken) = lines(&whole[..whole.len() - 1], 1000);
        assert_eq!((found.len(), broken.is_some()), (10_000, true));
        let mut damaged = whole.clone();
        let end = damaged.len() - 6;
        damaged[end] ^= 1;
        assert_eq!(
            lines(&damaged, 1000).1.unwrap(),
            "its compressed data is damaged"
        );
        let mut followed = whole;
        followed.extend(b"something else");
        assert_eq!(
            lines(&followed, 1000).1.unwrap(),
            "its compressed data is damaged"
        );
    }
}
