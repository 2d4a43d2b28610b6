//! Who has most, among more than can be remembered.
//!
//! A table holds up to twice its capacity; when it is full, only the `capacity` heaviest
//! stay (the "frequent items" sketch of Misra and Gries, pruned in batches). What is dropped
//! is counted as [`Bounded::others`], so sums stay exact, and [`Bounded::missed`] says how
//! much any one entry can be short of: whoever weighs more than that is in the table.
//!
//! A table has its whole size from the beginning and keeps it when it is emptied: what it is
//! iterated in depends on what was entered only, not on what it was used for before.

use std::cmp::Reverse;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::key::Key;

/// What an entry of a bounded table is judged by.
pub trait Weighed: Default {
    /// The more, the longer it stays.
    fn weight(&self) -> u64;

    /// Adds another one's figures.
    fn add(&mut self, other: Self);
}

/// Figures by name, for the names with most.
pub struct Bounded<V> {
    entries: HashMap<Key, V, FixedState>,
    capacity: usize,
    dropped: u64,
    others: u64,
    missed: u64,
}

impl<V: Weighed> Bounded<V> {
    /// Remembers the `capacity` heaviest, at least; never more than twice as many.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            // The same iteration on every run: results depend on nothing else.
            entries: HashMap::with_capacity_and_hasher(2 * capacity, FixedState::with_seed(0)),
            capacity,
            dropped: 0,
            others: 0,
            missed: 0,
        }
    }

    /// The figures of `name`, which begin at nothing.
    pub fn entry(&mut self, name: &[u8]) -> &mut V {
        if !self.entries.contains_key(name) && self.entries.len() >= 2 * self.capacity {
            self.prune();
        }
        self.entries.entry(Key::new(name)).or_default()
    }

    /// Keeps the heaviest; of equals those whose names come first.
    fn prune(&mut self) {
        let place = |key: &Key, value: &V| (Reverse(value.weight()), *key);
        let mut order: Vec<_> = self
            .entries
            .iter()
            .map(|(key, value)| place(key, value))
            .collect();
        let first_out = *order.select_nth_unstable(self.capacity).1;
        drop(order);
        let mut kept = Vec::with_capacity(self.capacity);
        let mut heaviest = 0;
        for (key, value) in self.entries.drain() {
            if place(&key, &value) < first_out {
                kept.push((key, value));
            } else {
                self.dropped += 1;
                self.others += value.weight();
                heaviest = heaviest.max(value.weight());
            }
        }
        // Filled anew: entries that are removed one by one leave marks, and the table grows.
        self.entries.extend(kept);
        self.missed += heaviest;
    }

    /// Adds another table's figures, and leaves that one empty.
    pub fn take_from(&mut self, other: &mut Self) {
        self.dropped += std::mem::take(&mut other.dropped);
        self.others += std::mem::take(&mut other.others);
        self.missed += std::mem::take(&mut other.missed);
        for (key, value) in other.entries.drain() {
            self.entry(key.as_slice()).add(value);
        }
    }

    /// The figures of `name`, if they are remembered.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&V> {
        self.entries.get(name)
    }

    /// How many names are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no name is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How often a name was dropped; one that came again counts again.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The weight of what was dropped.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.others
    }

    /// How much the weight of any name can be short of; 0 if all are exact.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Names and figures, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_slice(), value))
    }

    /// The `count` names with most of what `of` says, the first name of equals first.
    pub fn top(&self, count: usize, of: impl Fn(&V) -> u64) -> Vec<(&[u8], &V)> {
        let mut all: Vec<(&[u8], &V)> = self.iter().filter(|(_, value)| of(value) > 0).collect();
        all.sort_by(|a, b| of(b.1).cmp(&of(a.1)).then(a.0.cmp(b.0)));
        all.truncate(count);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Count(u64);

    impl Weighed for Count {
        fn weight(&self) -> u64 {
            self.0
        }
        fn add(&mut self, other: Self) {
            self.0 += other.0;
        }
    }

    #[test]
    fn the_one_who_asks_most_is_found_among_many_who_ask_once() {
        let mut table = Bounded::<Count>::new(100);
        for number in 0..20_000 {
            table.entry(format!("once {number}").as_bytes()).0 += 1;
            if number % 40 == 0 {
                table.entry(b"often").0 += 1;
            }
        }
        assert!(table.len() <= 200);
        let (name, count) = table.top(1, |count| count.0)[0];
        assert_eq!(name, b"often");
        assert!(count.0 <= 500 && count.0 + table.missed() >= 500);
        // Nothing is lost from the sum.
        let kept: u64 = table.iter().map(|(_, count)| count.0).sum();
        assert_eq!(kept + table.others(), 20_500);
    }

    #[test]
    fn small_tables_are_exact_and_merge() {
        let (mut one, mut two) = (Bounded::<Count>::new(4), Bounded::<Count>::new(4));
        for name in ["a", "b", "a"] {
            one.entry(name.as_bytes()).0 += 1;
            two.entry(name.as_bytes()).0 += 10;
        }
        one.take_from(&mut two);
        assert!(two.is_empty());
        assert_eq!(one.missed(), 0);
        let top: Vec<_> = one
            .top(9, |count| count.0)
            .iter()
            .map(|(name, count)| (*name, count.0))
            .collect();
        assert_eq!(top, [(b"a".as_slice(), 22), (b"b".as_slice(), 11)]);
    }
}
