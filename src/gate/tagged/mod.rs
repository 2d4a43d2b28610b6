//! What carries a stack's tag, whatever the ledger knows of it.

pub mod derive;
pub mod table;

use opsh_operation::select::{self, Roots};
use opsh_operation::{Fault, FaultKind, Map, Value};

use super::branch::{self, Threads};
use super::event::Site;
use super::{Call, Failure, Gate};
use crate::ledger;
use crate::modules::registry::registry;
use table::{Arguments, SEARCHES, Search, Tags};

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
    level: usize,
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

/// The place of `kind` in the order in which kinds are made, if it is known.
#[must_use]
pub fn level(kind: &str) -> Option<usize> {
    SEARCHES
        .iter()
        .find(|search| search.kind == kind)
        .map(|search| search.level)
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
    let roots: Vec<(u32, &Search)> = (0..)
        .zip(SEARCHES)
        .filter(|(_, search)| !matches!(search.tags, Tags::Of(_)))
        .collect();
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
    tagged.found.sort_by_key(|found| found.level);
    Ok(tagged)
}

struct Looking<'a> {
    gate: &'a Gate,
    stack: &'a str,
    site: &'a Site,
}

impl Looking<'_> {
    /// Everything of `search`'s kind, and what belongs to it.
    fn look(&self, search: &'static Search) -> Tagged {
        let mut tagged = Tagged::default();
        let input = Map::from([("stack".to_owned(), self.stack.into())]);
        self.items(search, &input, &mut tagged);
        tagged
    }

    fn items(&self, search: &'static Search, input: &Map, tagged: &mut Tagged) {
        let listed = match self.read(search.listing.0, search.listing.1, input, &Value::Null) {
            Ok(listed) => listed,
            Err(fault) => return tagged.refused(search, &fault),
        };
        let items = select::all(
            Roots {
                input,
                result: &listed,
            },
            search.items,
        );
        for item in items {
            match self.is_ours(search, input, &item) {
                Ok(true) => self.take(search, input, &item, tagged),
                Ok(false) => {}
                Err(fault) => tagged.refused(search, &fault),
            }
        }
    }

    fn take(&self, search: &'static Search, input: &Map, item: &Value, tagged: &mut Tagged) {
        let roots = Roots {
            input,
            result: item,
        };
        let rules_out = |(path, values): &(&str, &[&str])| {
            select::all(roots, path)
                .iter()
                .any(|value| values.contains(&word(value).as_str()))
        };
        let differ =
            |(one, other): (&str, &str)| select::all(roots, one) != select::all(roots, other);
        if search.unless.iter().any(rules_out) || search.same.is_some_and(differ) {
            return;
        }
        let Some(Value::Text(id)) = select::all(roots, search.id).into_iter().next() else {
            return;
        };
        let name = select::all(roots, "result.tags.Name")
            .first()
            .and_then(Value::as_text)
            .map(str::to_owned);
        tagged.found.push(Found {
            kind: search.kind,
            name,
            owned: search
                .owner
                .is_some_and(|path| !select::all(roots, path).is_empty()),
            inverse: derive::inverse(search, &id, input, item),
            level: search.level,
            id,
        });
        let mut parent = input.clone();
        if let Value::Map(fields) = item {
            parent.extend(fields.clone());
        }
        for child in SEARCHES {
            if matches!(child.tags, Tags::Of(kind) if kind == search.kind) {
                self.items(child, &parent, tagged);
            }
        }
    }

    /// Whether a listed item carries the stack's tag.
    fn is_ours(&self, search: &Search, input: &Map, item: &Value) -> Result<bool, Fault> {
        let tags = match search.tags {
            Tags::Filtered | Tags::Of(_) => return Ok(true),
            Tags::Listed(path) => select::all(
                Roots {
                    input,
                    result: item,
                },
                path,
            ),
            Tags::Asked(operation, arguments, path) => {
                match self.read(operation, arguments, input, item) {
                    Ok(answer) => select::all(
                        Roots {
                            input,
                            result: &answer,
                        },
                        path,
                    ),
                    // It has none, or has gone in the meantime.
                    Err(fault) if fault.kind == FaultKind::NotFound => return Ok(false),
                    Err(fault) => return Err(fault),
                }
            }
        };
        Ok(tags
            .iter()
            .any(|tags| tags.get(TAG).and_then(Value::as_text) == Some(self.stack)))
    }

    fn read(
        &self,
        operation: &str,
        arguments: Arguments,
        input: &Map,
        result: &Value,
    ) -> Result<Value, Fault> {
        let entry = registry()
            .get(operation)
            .ok_or_else(|| Fault::new(FaultKind::Failed, format!("there is no {operation}")))?;
        let inputs = select::calls(Roots { input, result }, arguments);
        let call = Call {
            entry,
            input: inputs.into_iter().next().unwrap_or_default(),
            controls: Map::new(),
            site: self.site.clone(),
            undoes: None,
        };
        self.gate.call(call).map_err(Failure::into_fault)
    }
}

impl Tagged {
    fn refused(&mut self, search: &Search, fault: &Fault) {
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
