//! Bytes of a log as text for people.

/// The longest excerpt of a line.
const EXCERPT: usize = 1024;
/// How many lines are kept of anything.
pub const SAMPLES: usize = 3;

/// The first lines that show something, cut if they are very long.
#[derive(Default)]
pub struct Samples(Vec<Box<[u8]>>);

impl Samples {
    /// Keeps a line if there is room.
    #[inline]
    pub fn note(&mut self, line: &[u8]) {
        if self.0.len() < SAMPLES {
            self.0.push(line[..line.len().min(EXCERPT)].into());
        }
    }

    /// Adds those of a later log.
    pub fn add(&mut self, other: Self) {
        let room = SAMPLES - self.0.len();
        self.0.extend(other.0.into_iter().take(room));
    }

    /// As text.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(|line| lossy(line)).collect()
    }
}

/// As text; what is no UTF-8 is replaced.
pub fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
