//! What carries a stack's tag, whatever the ledger knows of it: how each kind is found
//! is part of the declaration of the operation that makes it.

pub mod derive;

use opsh_operation::select::{self, Roots};
use opsh_operation::{self as operation, Fault, FaultKind, Look, Map, Value, Write};

use super::branch::{self, Threads};
use super::event::Site;
use super::{Call, Failure, Gate};
use crate::ledger;
use crate::modules::registry::registry;
use operation::Tagged as Tags;

/// A resource that carries the stack's tag, or belongs to one that does.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// How it was found.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its name, if it has one beside the id.
    pub name: Option<String>,
    /// Whether something else removes it when that goes.
    pub owned: bool,
    /// What removes it.
    pub inverse: Vec<ledger::Call>,
    rank: usize,
}

/// A kind that could not be looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// The kind.
    pub kind: &'static str,
    /// Why.
    pub why: String,
}

/// What a search came to.
#[derive(Debug, Default)]
pub struct Tagged {
    /// What is there, what must be made first first.
    pub found: Vec<Found>,
    /// What could not be looked for.
    pub unseen: Vec<Unseen>,
}

/// A kind that is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Search {
    kind: &'static str,
    /// What makes it, and undoes that.
    write: &'static Write,
    found: &'static operation::Found,
}

/// Every kind that is looked for, by the names of the operations that make them.
pub fn searches() -> impl Iterator<Item = Search> {
    registry().operations().filter_map(|entry| {
        let write = entry.operation.write()?;
        Some(Search {
            kind: write.makes.first()?.kind,
            write,
            found: write.found?,
        })
    })
}

/// The place of `kind` in the order in which kinds are made, if it is known.
#[must_use]
pub fn rank(kind: &str) -> Option<usize> {
    searches()
        .find(|search| search.kind == kind)
        .map(|search| search.found.rank)
}

/// The tag that says which stack has a resource.
const TAG: &str = "opsh:stack";

/// One search asks many services: it need not ask them one after the other.
const THREADS: Threads = Threads {
    most: 8,
    stack_size: 8 * 1024 * 1024,
};

/// Looks for everything that carries the tag of `stack`.
///
/// # Errors
/// The run was interrupted, or no thread can be started. What a service refuses is
/// told as [`Tagged::unseen`].
pub fn search(gate: &Gate, stack: &str, site: &Site) -> Result<Tagged, Failure> {
    let fork = branch::next_step().0;
    let looking = Looking { gate, stack, site };
    let tops = searches().filter(|search| !matches!(search.found.tagged, Tags::Of(..)));
    let roots: Vec<(u32, Search)> = (0..).zip(tops).collect();
    let results = branch::each(gate.world.as_ref(), &fork, roots, THREADS, |search| {
        looking.look(search)
    })
    .map_err(|error| Fault::new(FaultKind::Failed, format!("no thread: {error}")))?;
    gate.cancel.check()?;
    let mut tagged = Tagged::default();
    for mut part in results.into_iter().flatten() {
        tagged.found.append(&mut part.found);
        tagged.unseen.append(&mut part.unseen);
    }
    tagged.unseen.dedup();
    tagged.found.sort_by_key(|found| found.rank);
    Ok(tagged)
}

struct Looking<'a> {
    gate: &'a Gate,
    stack: &'a str,
    site: &'a Site,
}

impl Looking<'_> {
    /// Everything of `search`'s kind, and what belongs to it.
    fn look(&self, search: Search) -> Tagged {
        let mut tagged = Tagged::default();
        let input = Map::from([("stack".to_owned(), self.stack.into())]);
        self.items(search, &input, &mut tagged);
        tagged
    }

    fn items(&self, search: Search, input: &Map, tagged: &mut Tagged) {
        let items = match self.read(&search.found.look, input, &Value::Null) {
            Ok(items) => items,
            Err(fault) => return tagged.refused(search, &fault),
        };
        for item in items {
            match self.is_ours(search, input, &item) {
                Ok(true) => self.take(search, input, &item, tagged),
                Ok(false) => {}
                Err(fault) => tagged.refused(search, &fault),
            }
        }
    }

    fn take(&self, search: Search, input: &Map, item: &Value, tagged: &mut Tagged) {
        let roots = Roots {
            input,
            result: item,
        };
        let found = search.found;
        let rules_out = |(path, values): &(&str, &[&str])| {
            select::all(roots, path)
                .iter()
                .any(|value| values.contains(&word(value).as_str()))
        };
        let apart = match found.tagged {
            Tags::Of(_, same) => !same
                .iter()
                .all(|(left, right)| select::meet(roots, left, right)),
            _ => false,
        };
        if apart || found.unless.iter().any(rules_out) {
            return;
        }
        let Some(Value::Text(id)) = select::all(roots, found.id).into_iter().next() else {
            return;
        };
        let name = select::all(roots, "result.tags.Name")
            .first()
            .and_then(Value::as_text)
            .map(str::to_owned);
        tagged.found.push(Found {
            kind: search.kind,
            name,
            owned: found
                .owner
                .is_some_and(|path| !select::all(roots, path).is_empty()),
            inverse: derive::inverse(search, &id, input, item),
            rank: found.rank,
            id,
        });
        let mut parent = input.clone();
        if let Value::Map(fields) = item {
            parent.extend(fields.clone());
        }
        for child in searches() {
            if matches!(child.found.tagged, Tags::Of(kind, _) if kind == search.kind) {
                self.items(child, &parent, tagged);
            }
        }
    }

    /// Whether a listed item carries the stack's tag.
    fn is_ours(&self, search: Search, input: &Map, item: &Value) -> Result<bool, Fault> {
        let tags = match &search.found.tagged {
            Tags::Filtered | Tags::Of(..) => return Ok(true),
            Tags::At(path) => select::all(
                Roots {
                    input,
                    result: item,
                },
                path,
            ),
            Tags::Asked(look) => match self.read(look, input, item) {
                Ok(tags) => tags,
                // It has none, or has gone in the meantime.
                Err(fault) if fault.kind == FaultKind::NotFound => return Ok(false),
                Err(fault) => return Err(fault),
            },
        };
        Ok(tags
            .iter()
            .any(|tags| tags.get(TAG).and_then(Value::as_text) == Some(self.stack)))
    }

    /// What `look` sees.
    fn read(&self, look: &Look, input: &Map, result: &Value) -> Result<Vec<Value>, Fault> {
        let operation = look.operation;
        let entry = registry()
            .get(operation)
            .ok_or_else(|| Fault::new(FaultKind::Failed, format!("there is no {operation}")))?;
        let inputs = select::calls(Roots { input, result }, look.arguments);
        let call = Call {
            entry,
            input: inputs.into_iter().next().unwrap_or_default(),
            controls: Map::new(),
            site: self.site.clone(),
            undoes: None,
        };
        let answer = self.gate.call(call).map_err(Failure::into_fault)?;
        let roots = Roots {
            input,
            result: &answer,
        };
        Ok(select::all(roots, look.within))
    }
}

impl Tagged {
    fn refused(&mut self, search: Search, fault: &Fault) {
        self.unseen.push(Unseen {
            kind: search.kind,
            why: fault.to_string(),
        });
    }
}

/// A value as the table writes it.
fn word(value: &Value) -> String {
    value
        .as_text()
        .map_or_else(|| value.to_json().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use opsh_operation::Inverse;

    use super::*;

    /// Files of the caller's machine: no account lists them.
    const OUTSIDE: [&str; 1] = ["ssh:key"];

    #[test]
    fn everything_that_opsh_makes_is_found_or_goes_with_what_is() {
        for entry in registry().operations() {
            let Some(write) = entry.operation.write() else {
                continue;
            };
            for makes in write
                .makes
                .iter()
                .filter(|makes| !OUTSIDE.contains(&makes.kind))
            {
                let found = searches().any(|search| search.kind == makes.kind);
                let goes = write
                    .goes_with
                    .is_some_and(|with| searches().any(|search| search.kind == with));
                assert!(
                    found != goes,
                    "{} makes {}: say `found …` or `goes with KIND`",
                    entry.operation.full_name(),
                    makes.kind
                );
            }
        }
    }

    #[test]
    fn what_a_write_removes_is_gone_or_made_again() {
        for entry in registry().operations() {
            let Some(write) = entry.operation.write() else {
                continue;
            };
            assert!(
                write.removes.is_empty() || !matches!(write.inverse, Inverse::Impossible(_)),
                "{} removes something: say `inverse nothing …`, as others do",
                entry.operation.full_name()
            );
        }
    }

    #[test]
    fn what_belongs_to_something_is_made_after_it() {
        for search in searches() {
            if let Tags::Of(parent, _) = search.found.tagged {
                assert!(rank(parent).unwrap() < search.found.rank, "{}", search.kind);
            }
        }
    }
}
