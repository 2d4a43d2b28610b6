//! Clients who try doors: paths that are not there, and paths that only attackers know.

use crate::bounded::Weighed;
use crate::distinct::Distinct;
use crate::text::Samples;

/// How many paths are kept of each as evidence.
const PATHS: usize = 8;
/// Of these, how many may be paths that are merely missing: probes tell more.
const MISSING_PATHS: usize = 5;
/// The longest path that is kept.
const LONGEST: usize = 128;
/// A visitor with a dead link or two is no suspect worth sample lines.
const HARMLESS: u64 = 3;

/// What is known of one.
#[derive(Default)]
pub struct Suspect {
    /// Requests of paths that are not there.
    pub missing: u64,
    /// The different ones among them.
    pub distinct: Distinct,
    /// Requests of known probe paths.
    pub probes: u64,
    /// Those of them that were answered with 2xx: something is open that should not be.
    pub answered: u64,
    /// Requests that are either.
    pub requests: u64,
    /// When the first and the last of them came.
    pub first: Box<[u8]>,
    pub last: Box<[u8]>,
    /// Some of the paths.
    pub paths: Vec<Box<[u8]>>,
    /// Some of the lines.
    pub samples: Samples,
}

/// One request that makes a client suspect.
pub struct Attempt<'a> {
    pub time: &'a [u8],
    pub path: &'a [u8],
    pub status: u16,
    pub missing: bool,
    pub probe: bool,
    pub line: &'a [u8],
}

impl Suspect {
    /// Notes a request.
    pub fn note(&mut self, attempt: &Attempt<'_>) {
        self.requests += 1;
        if self.first.is_empty() {
            self.first = attempt.time.into();
            self.last = attempt.time.into();
        } else {
            self.seen(attempt.time);
        }
        let mut tells = false;
        if attempt.missing {
            self.missing += 1;
            let path = memchr::memchr(b'?', attempt.path)
                .map_or(attempt.path, |query| &attempt.path[..query]);
            tells = self.distinct.note(path) && self.paths.len() < MISSING_PATHS;
        }
        if attempt.probe {
            self.probes += 1;
            self.answered += u64::from((200..300).contains(&attempt.status));
            tells = true;
        }
        if tells {
            self.keep_path(&attempt.path[..attempt.path.len().min(LONGEST)]);
        }
        if attempt.probe || self.missing >= HARMLESS {
            self.samples.note(attempt.line);
        }
    }

    fn keep_path(&mut self, path: &[u8]) {
        if self.paths.len() < PATHS && !self.paths.iter().any(|kept| **kept == *path) {
            self.paths.push(path.into());
        }
    }

    /// Times of the same form compare as their bytes do.
    fn seen(&mut self, time: &[u8]) {
        if *time > *self.last {
            self.last.copy_from_slice(time);
        }
        if *time < *self.first {
            self.first.copy_from_slice(time);
        }
    }
}

impl Weighed for Suspect {
    fn weight(&self) -> u64 {
        self.requests
    }

    fn add(&mut self, other: Self) {
        if self.first.is_empty() {
            *self = other;
            return;
        }
        self.missing += other.missing;
        self.probes += other.probes;
        self.answered += other.answered;
        self.requests += other.requests;
        self.seen(&other.first);
        self.seen(&other.last);
        self.distinct.add(other.distinct);
        for path in &other.paths {
            self.keep_path(path);
        }
        self.samples.add(other.samples);
    }
}
