//! Which messages have come: each is taken once, however often SNS or somebody else sends it.
//!
//! A message need not be remembered for longer than it would be fresh. If so many come that
//! the memory is full, the oldest are forgotten, and whatever was sent before the youngest
//! that has been forgotten is stale from then on: what is forgotten is refused, never taken
//! twice.
//!
//! A message that has been taken is under way until whoever took it says that it is dealt with:
//! until then nobody who brings it again is told that it need not come any more.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};

use crate::refusal::Refusal;

/// How old and how far ahead of the clock a message may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How old: SNS tries for up to an hour.
    pub age: SignedDuration,
    /// How far ahead, by the clocks' difference.
    pub ahead: SignedDuration,
}

/// A message's id, shortened.
type Mark = [u8; 16];

/// The messages that have come.
#[derive(Debug)]
pub(crate) struct Memory {
    window: Window,
    size: usize,
    /// What has come, and whether it has been dealt with.
    marks: HashMap<Mark, bool>,
    oldest: BinaryHeap<Reverse<(Timestamp, Mark)>>,
    forgotten: Timestamp,
}

impl Memory {
    pub(crate) fn new(window: Window, size: usize) -> Self {
        Self {
            window,
            size: size.max(1),
            marks: HashMap::new(),
            oldest: BinaryHeap::new(),
            forgotten: Timestamp::MIN,
        }
    }

    fn fresh(&self, sent: Timestamp, now: Timestamp) -> Result<(), Refusal> {
        let Window { age, ahead } = self.window;
        if sent.duration_since(now) > ahead {
            return Err(Refusal::Ahead { sent, limit: ahead });
        }
        if now.duration_since(sent) > age || sent <= self.forgotten {
            return Err(Refusal::Stale { sent, limit: age });
        }
        Ok(())
    }

    /// Remembers a message, if it is fresh and new.
    pub(crate) fn take(
        &mut self,
        id: &str,
        sent: Timestamp,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.fresh(sent, now)?;
        match self.marks.get(&mark(id)) {
            Some(true) => return Err(Refusal::Replay(id.to_owned())),
            Some(false) => return Err(Refusal::UnderWay(id.to_owned())),
            None => {}
        }
        self.insert(id, sent, now, false);
        Ok(())
    }

    /// A message has been dealt with.
    pub(crate) fn keep(&mut self, id: &str) {
        if let Some(kept) = self.marks.get_mut(&mark(id)) {
            *kept = true;
        }
    }

    /// Remembers a message that was dealt with before this memory was made.
    pub(crate) fn remember(&mut self, id: &str, sent: Timestamp, now: Timestamp) {
        if !self.marks.contains_key(&mark(id)) {
            self.insert(id, sent, now, true);
        }
    }

    fn insert(&mut self, id: &str, sent: Timestamp, now: Timestamp, kept: bool) {
        self.marks.insert(mark(id), kept);
        self.oldest.push(Reverse((sent, mark(id))));
        self.forget(now);
    }

    /// A message that was not taken after all may come again.
    pub(crate) fn release(&mut self, id: &str) {
        self.marks.remove(&mark(id));
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some(Reverse((sent, mark))) = self.oldest.peek().copied() {
            if now.duration_since(sent) <= self.window.age && self.oldest.len() <= self.size {
                return;
            }
            self.oldest.pop();
            self.marks.remove(&mark);
            self.forgotten = self.forgotten.max(sent);
        }
    }
}

fn mark(id: &str) -> Mark {
    let mut mark = Mark::default();
    mark.copy_from_slice(&digest(&SHA256, id.as_bytes()).as_ref()[..16]);
    mark
}
