//! In which order things go: what depends on nothing that is left goes at once.
//!
//! One thing depends on another that was there before it if what is recorded of
//! its making names the other: the group names its template, the template its
//! image, the policy's document the bucket. No table of kinds is needed for
//! that, and a name that only looks like one costs no more than a wait.

use std::collections::BTreeSet;

use opsh_operation::{Fault, FaultKind, Map, Value};

use super::branch::{self, Threads};
use super::{Failure, Gate};

/// Something that is to go.
#[derive(Debug, Clone, Default)]
pub struct Thing {
    /// What was there later has a larger one.
    pub order: i64,
    /// What others name it by.
    pub names: Vec<String>,
    /// The texts in which it may name others; nothing if its making is not known.
    pub mentions: Option<Vec<String>>,
    /// The place of its kind in the order in which kinds are made, where that is known:
    /// decides where the making is not.
    pub rank: Option<usize>,
}

/// Texts longer than this are contents that name nothing that the cloud looks at.
const LONGEST: usize = 32 * 1024;

/// Names shorter than this are found in any text.
const SHORTEST: usize = 4;

impl Thing {
    /// Whether this must go before `other` can.
    fn depends_on(&self, other: &Self) -> bool {
        let later = self.order > other.order;
        let Some((mentions, _)) = self.mentions.as_ref().zip(other.mentions.as_ref()) else {
            return match (self.rank, other.rank) {
                (Some(own), Some(others)) => own > others,
                _ => later,
            };
        };
        later
            && other
                .names
                .iter()
                .any(|name| mentions.iter().any(|text| names(text, name)))
    }
}

fn names(text: &str, name: &str) -> bool {
    text == name || name.len() >= SHORTEST && text.contains(name)
}

/// Every text in `input` in which a thing may be named.
#[must_use]
pub fn texts(input: &Map) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Text(text) if text.len() <= LONGEST => found.push(text.clone()),
            Value::List(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Map(map) => {
                for (name, value) in map {
                    // A map's name can be an id as well: that of a tag, of a filter.
                    found.push(name.clone());
                    collect(value, found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for value in input.values() {
        collect(value, &mut found);
    }
    found
}

/// For each thing those that must go before it.
fn before(things: &[Thing]) -> Vec<BTreeSet<usize>> {
    things
        .iter()
        .enumerate()
        .map(|(index, thing)| {
            things
                .iter()
                .enumerate()
                .filter(|(other, dependent)| *other != index && dependent.depends_on(thing))
                .map(|(other, _)| other)
                .collect()
        })
        .collect()
}

/// What is at the front: nothing that is left must go before it. Where things
/// wait for each other in a circle, the one that was made last breaks it.
fn front(things: &[Thing], before: &[BTreeSet<usize>], left: &BTreeSet<usize>) -> Vec<usize> {
    let mut ready: Vec<usize> = left
        .iter()
        .copied()
        .filter(|index| before[*index].is_disjoint(left))
        .collect();
    if ready.is_empty() {
        ready.extend(
            left.iter()
                .copied()
                .max_by_key(|index| things[*index].order),
        );
    }
    ready.sort_by_key(|index| std::cmp::Reverse(things[*index].order));
    ready
}

/// What came of a thing.
#[derive(Debug)]
pub enum Ended<T> {
    /// It is gone.
    Gone(T),
    /// It is left, because of this.
    Failed(Fault),
    /// It is left, because the thing at this index is.
    Waits(usize),
}

/// Whether something that still depends on a thing is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Others go first; it is tried again when they have gone.
    Later,
    /// It is waited for: the cloud takes its time to see that others have gone.
    Now,
}

/// A stack that is enough for a call without any script.
const THREADS: Threads = Threads {
    most: 64,
    stack_size: 8 * 1024 * 1024,
};

/// Does `work` for each thing, those that do not depend on each other at the same
/// time. What fails keeps only that which it depends on; what failed because
/// something depended on it is tried again at the end, with patience.
///
/// # Errors
/// No thread can be started; the run was interrupted or is over its deadline.
pub fn carry_out<T: Send>(
    gate: &Gate,
    things: &[Thing],
    work: impl Fn(usize, Patience) -> Result<T, Failure> + Sync,
) -> Result<Vec<Ended<T>>, Fault> {
    let before = before(things);
    let mut ended: Vec<Option<Ended<T>>> = things.iter().map(|_| None).collect();
    for patience in [Patience::Later, Patience::Now] {
        let mut left: BTreeSet<usize> = (0..things.len())
            .filter(|index| match &ended[*index] {
                None | Some(Ended::Waits(_)) => true,
                Some(Ended::Failed(fault)) => fault.kind == FaultKind::Dependency,
                Some(Ended::Gone(_)) => false,
            })
            .collect();
        while !left.is_empty() {
            gate.cancel.check()?;
            let front = front(things, &before, &left);
            left.retain(|index| !front.contains(index));
            let (blocked, free): (Vec<usize>, Vec<usize>) = front
                .into_iter()
                .partition(|index| blocker(&before[*index], &ended).is_some());
            for index in blocked {
                ended[index] = blocker(&before[index], &ended).map(Ended::Waits);
            }
            for (index, result) in at_once(gate, things, free, |index| work(index, patience))? {
                ended[index] = Some(match result {
                    Ok(done) => Ended::Gone(done),
                    Err(failure) => Ended::Failed(failure.into_fault()),
                });
            }
        }
    }
    gate.cancel.check()?;
    Ok(ended.into_iter().flatten().collect())
}

/// The first that must go before and has not gone.
fn blocker<T>(before: &BTreeSet<usize>, ended: &[Option<Ended<T>>]) -> Option<usize> {
    before
        .iter()
        .copied()
        .find(|index| matches!(ended[*index], Some(Ended::Failed(_) | Ended::Waits(_))))
}

/// What came of each thing, by its index.
type Results<T> = Vec<(usize, Result<T, Failure>)>;

fn at_once<T: Send>(
    gate: &Gate,
    things: &[Thing],
    indices: Vec<usize>,
    work: impl Fn(usize) -> Result<T, Failure> + Sync,
) -> Result<Results<T>, Fault> {
    if indices.is_empty() {
        return Ok(Vec::new());
    }
    let fork = branch::next_step().0;
    let items = indices
        .iter()
        // A branch is named by what it does, not by its turn: the same after a crash.
        .map(|index| (u32::try_from(things[*index].order).unwrap_or(0), *index))
        .collect();
    let results = branch::each(gate.world.as_ref(), &fork, items, THREADS, work)
        .map_err(|error| Fault::new(FaultKind::Failed, format!("no thread: {error}")))?;
    Ok(indices
        .into_iter()
        .zip(results)
        .map(|(index, result)| (index, result.unwrap_or_else(|| Err(panicked()))))
        .collect())
}

fn panicked() -> Failure {
    Fault::new(FaultKind::Failed, "its branch ended without a result").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(order: i64, name: &str, mentions: &[&str]) -> Thing {
        Thing {
            order,
            names: vec![name.to_owned()],
            mentions: Some(mentions.iter().map(|text| (*text).to_owned()).collect()),
            rank: None,
        }
    }

    /// The waves as names, the first to go first.
    fn waves(things: &[Thing]) -> Vec<Vec<&str>> {
        let before = before(things);
        let mut left: BTreeSet<usize> = (0..things.len()).collect();
        let mut waves = Vec::new();
        while !left.is_empty() {
            let front = front(things, &before, &left);
            left.retain(|index| !front.contains(index));
            waves.push(
                front
                    .iter()
                    .map(|index| things[*index].names[0].as_str())
                    .collect(),
            );
        }
        waves
    }

    #[test]
    fn what_names_another_goes_before_it() {
        let things = [
            thing(1, "sg-1234", &[]),
            thing(2, "lt-1234", &["sg-1234"]),
            thing(3, "bucket", &[]),
            thing(4, "web-group", &["lt-1234", "$Latest"]),
            thing(5, "policy", &[r#"{"Resource":"arn:aws:s3:::bucket/*"}"#]),
        ];
        assert_eq!(
            waves(&things),
            [
                vec!["policy", "web-group"],
                vec!["bucket", "lt-1234"],
                vec!["sg-1234"]
            ]
        );
    }

    #[test]
    fn only_what_was_there_later_can_name_it() {
        let things = [thing(1, "first", &["second"]), thing(2, "second", &[])];
        assert_eq!(waves(&things), [["second", "first"]]);
    }

    #[test]
    fn where_nothing_is_known_of_the_making_the_kinds_decide() {
        let unknown = |order, name: &str, rank| Thing {
            mentions: None,
            rank: Some(rank),
            ..thing(order, name, &[])
        };
        let things = [
            unknown(1, "instance-1", 5),
            unknown(2, "group", 1),
            unknown(3, "instance-2", 5),
            Thing {
                rank: None,
                ..unknown(0, "of a kind that nobody knows", 0)
            },
        ];
        assert_eq!(
            waves(&things),
            [
                vec!["instance-2", "instance-1"],
                vec!["group"],
                vec!["of a kind that nobody knows"]
            ]
        );
    }

    #[test]
    fn a_circle_is_broken_by_the_last_made() {
        let ranked = |thing: Thing, rank| Thing {
            rank: Some(rank),
            ..thing
        };
        let things = [
            ranked(thing(1, "first", &[]), 9),
            ranked(
                Thing {
                    mentions: None,
                    ..thing(2, "adopted", &[])
                },
                5,
            ),
            ranked(thing(3, "third", &["first"]), 1),
        ];
        // first goes before adopted, adopted before third, third before first.
        assert_eq!(waves(&things), [["third"], ["first"], ["adopted"]]);
    }
}
