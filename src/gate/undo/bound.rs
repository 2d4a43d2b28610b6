//! Which writes are bound to what the same run made: they go with it.

use std::collections::BTreeMap;

use opsh_operation::{Map, Operation, Settle, Value};

use super::plan::{Fate, Item};
use crate::ledger::Step;
use crate::modules::registry::registry;

/// What only changed things that the same run made need not be undone, even if it could
/// not be: it goes with them.
pub fn with_their_things(items: &mut [Item]) {
    let mut makers = Makers::default();
    for item in items.iter().filter(|item| item.fate.is_pending()) {
        makers.note(item);
    }
    for item in items.iter_mut().filter(|item| item.made.is_empty()) {
        let step = &item.step;
        let mut about = vec![makers.of([(step.operation.as_str(), &step.input)])];
        match &item.fate {
            Fate::Undo { calls, .. } => {
                let calls = calls.iter();
                about.push(makers.of(calls.map(|call| (call.operation.as_str(), &call.input))));
            }
            Fate::Impossible(_) if stays_in_its_thing(step) => {}
            _ => continue,
        }
        if let Some(path) = about.into_iter().flatten().next() {
            item.fate = Fate::Over(format!("goes with step {path}"));
        }
    }
}

/// Which step made what, and how calls name it.
#[derive(Default)]
struct Makers(BTreeMap<String, Vec<Maker>>);

struct Maker {
    /// The step's path.
    path: String,
    /// The module and the parameter that name it, where its id is a name that was given:
    /// things of other kinds may have the same. What a service gives is nothing else's.
    named: Option<(String, &'static str)>,
}

impl Makers {
    fn note(&mut self, item: &Item) {
        let operation = item.step.operation.as_str();
        let makes = registry()
            .get(operation)
            .and_then(|entry| entry.operation.write())
            .map_or(&[][..], |write| write.makes);
        for (kind, id) in &item.made {
            let makes = makes.iter().find(|makes| makes.kind == kind);
            let named = makes
                .and_then(|makes| makes.id.strip_prefix("input."))
                .map(|parameter| (module(operation).to_owned(), parameter));
            self.0.entry(id.clone()).or_default().push(Maker {
                path: item.step.path.clone(),
                named,
            });
        }
    }

    /// The step that made what `calls` are about, if all of it was made by some.
    fn of<'a>(&self, calls: impl IntoIterator<Item = (&'a str, &'a Map)>) -> Option<String> {
        let paths: Option<Vec<&str>> = calls
            .into_iter()
            .flat_map(|(operation, input)| {
                texts(input).map(move |(name, text)| self.maker(operation, name, text))
            })
            .collect();
        paths?.first().map(|path| (*path).to_owned())
    }

    fn maker(&self, operation: &str, parameter: &str, text: &str) -> Option<&str> {
        let makers = self.0.get(text)?.iter();
        let mut meant = makers.filter(|maker| {
            maker
                .named
                .as_ref()
                .is_none_or(|(by, name)| names(operation, parameter, by, name))
        });
        meant.next().map(|maker| maker.path.as_str())
    }
}

/// Whether what `operation` has in `parameter` is a name that is given in `by` as `name`.
fn names(operation: &str, parameter: &str, by: &str, name: &str) -> bool {
    // A call about several names them in the plural.
    let one = |name: &str| name.strip_suffix('s').unwrap_or(name).to_owned();
    by == module(operation) && one(parameter) == one(name)
}

/// Whether a text that `operation` has in `parameter` can be the id of a resource of `kind`
/// that is the same text: things of other kinds may have the same name.
#[must_use]
pub fn may_be(kind: &str, operation: &str, parameter: &str) -> bool {
    let mut makers = registry().operations().filter_map(|entry| {
        let makes = entry.operation.write()?.makes;
        let makes = makes.iter().find(|makes| makes.kind == kind)?;
        Some((entry.operation.module, makes.id.strip_prefix("input.")))
    });
    // What a service gives is nothing else's.
    makers
        .next()
        .is_none_or(|(by, given)| given.is_none_or(|name| names(operation, parameter, by, name)))
}

/// The first half of an operation's name.
fn module(operation: &str) -> &str {
    operation
        .split_once("::")
        .map_or(operation, |(module, _)| module)
}

/// Whether a write changed only what it is about: what it would be harmful to do twice
/// has left it, as a message does.
fn stays_in_its_thing(step: &Step) -> bool {
    let operation = registry().get(&step.operation).map(|entry| entry.operation);
    operation
        .and_then(Operation::write)
        .is_some_and(|write| matches!(write.settle, Settle::Repeat | Settle::Token(_)))
}

/// What a call is about: its own texts, not those inside of its settings.
#[must_use]
pub fn subjects(input: &Map) -> Vec<String> {
    texts(input).map(|(_, text)| text.to_owned()).collect()
}

/// The texts of a call, each with its parameter.
fn texts(input: &Map) -> impl Iterator<Item = (&str, &str)> {
    input.iter().flat_map(|(name, value)| {
        let values = match value {
            Value::List(items) => items.as_slice(),
            value => std::slice::from_ref(value),
        };
        let texts = values.iter().filter_map(Value::as_text);
        texts.map(move |text| (name.as_str(), text))
    })
}
