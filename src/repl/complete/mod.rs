//! Completion with Tab, from what is declared, what the session has, and what is there.

pub mod ids;
pub mod listing;
pub mod place;

mod fields;
mod names;
mod values;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustyline::completion::Pair;

use super::commands;
use super::lex::{Kind, Token, lex};
use super::memory::{self, Memory, Shared};
use ids::Ids;
use place::{Expected, frames, slot};

/// How long Tab waits for ids that nobody has listed yet.
const PATIENCE: Duration = Duration::from_millis(300);

/// What is there, listed in the world that the session is in now.
pub type Listed = Arc<RwLock<Option<Ids>>>;

/// Completes inputs.
pub struct Completion {
    memory: Shared,
    listed: Listed,
}

/// What stands at the end of what was typed.
struct Typed<'a> {
    input: &'a str,
    /// What stands before the word or text that is to be completed.
    before: &'a [Token],
    /// Where that begins.
    start: usize,
    /// What there is of it.
    prefix: &'a str,
}

impl Completion {
    /// Completes with what `memory` has and `listed` knows.
    #[must_use]
    pub fn new(memory: Shared, listed: Listed) -> Self {
        Self { memory, listed }
    }

    /// What the end of `input` could become: where that begins, and what it could be;
    /// `after` stands behind the cursor.
    #[must_use]
    pub fn complete(&self, input: &str, after: &str) -> (usize, Vec<Pair>) {
        let memory = memory::lock(&self.memory);
        if let Some(command) = commands::typed(input) {
            return self.command(&memory, input, command);
        }
        if let Some(name) = input.strip_prefix('?') {
            let name = name.trim_start();
            let found = names::subjects(&memory, name);
            return (input.len() - name.len(), found);
        }
        let tokens = lex(input);
        match tokens.split_last() {
            Some((last, before)) if last.span.end == input.len() && last.kind == Kind::Word => {
                let typed = Typed {
                    input,
                    before,
                    start: last.span.start,
                    prefix: last.of(input),
                };
                Self::word(&memory, &typed)
            }
            Some((last, before)) if matches!(last.kind, Kind::Text { closed: false, .. }) => {
                let inside = last.inside(input);
                let typed = Typed {
                    input,
                    before,
                    start: input.len() - inside.len(),
                    prefix: inside,
                };
                self.text(&memory, &typed, after)
            }
            _ => {
                let typed = Typed {
                    input,
                    before: &tokens,
                    start: input.len(),
                    prefix: "",
                };
                Self::word(&memory, &typed)
            }
        }
    }

    /// Orders what may soon be asked for at the end of `input`.
    pub fn prepare(&self, input: &str) {
        let tokens = lex(input);
        let before = match tokens.split_last() {
            Some((last, before)) if last.span.end == input.len() && last.is_text() => before,
            _ => &tokens[..],
        };
        if let Some(slot) = slot(&frames(input, before))
            && let Some(Expected::Value {
                field: Some(field), ..
            }) = slot.expected
        {
            self.listed(|ids| ids.of(slot.operation.module, field, Duration::ZERO));
        }
    }

    fn listed(&self, ask: impl FnOnce(&Ids) -> Vec<ids::Id>) -> Vec<ids::Id> {
        let listed = self.listed.read().unwrap_or_else(PoisonError::into_inner);
        listed.as_ref().map(ask).unwrap_or_default()
    }

    fn command(&self, memory: &Memory, input: &str, typed: &str) -> (usize, Vec<Pair>) {
        let Some((name, argument)) = typed.split_once(char::is_whitespace) else {
            return (input.len() - typed.len(), names::commands(typed));
        };
        let argument = argument.trim_start();
        let found = match commands::find(name).map(|command| command.takes) {
            Some(commands::Takes::Choice(choices)) => choices
                .iter()
                .filter(|choice| choice.starts_with(argument))
                .map(|choice| pair(choice, *choice))
                .collect(),
            Some(commands::Takes::Stack) => self
                .listed(|ids| ids.stacks(PATIENCE))
                .into_iter()
                .filter(|stack| stack.id.starts_with(argument))
                .map(|stack| pair(&stack.id, &stack.id))
                .collect(),
            Some(commands::Takes::Name) => names::subjects(memory, argument),
            Some(commands::Takes::Nothing | commands::Takes::Words(_)) | None => Vec::new(),
        };
        (input.len() - argument.len(), found)
    }

    fn word(memory: &Memory, typed: &Typed<'_>) -> (usize, Vec<Pair>) {
        let path = names::path(typed.input, typed.before);
        if let Some((module, start)) = path {
            let found = names::in_module(memory, module, typed.prefix);
            return (start, found);
        }
        if let Some(found) = fields::after_dot(memory, typed.input, typed.before, typed.prefix) {
            return (typed.start, found);
        }
        let mut found = Vec::new();
        match slot(&frames(typed.input, typed.before)).and_then(|slot| slot.expected) {
            Some(Expected::Key {
                structure,
                given,
                bare,
            }) => {
                let keys = values::keys(structure, &given, typed.prefix, bare);
                if !bare || typed.prefix.is_empty() {
                    return (typed.start, keys);
                }
                found.extend(keys);
            }
            Some(Expected::Value { shape, .. }) => {
                found.extend(values::literals(shape, typed.prefix));
                // A long enumeration would bury the names; in a text it is asked for.
                if typed.prefix.is_empty() && !found.is_empty() {
                    return (typed.start, found);
                }
            }
            None => {}
        }
        let begins = typed.before.last().is_none_or(|last| {
            matches!(last.of(typed.input), ";" | "}") || last.kind == Kind::Comment
        });
        found.extend(names::words(memory, typed.prefix, begins));
        (typed.start, found)
    }

    fn text(&self, memory: &Memory, typed: &Typed<'_>, after: &str) -> (usize, Vec<Pair>) {
        let close = if after.starts_with('"') { "" } else { "\"" };
        let whole = |display: &str, text: &str| Pair {
            display: display.to_owned(),
            replacement: format!("{text}{close}"),
        };
        if typed
            .before
            .last()
            .is_some_and(|last| last.of(typed.input) == "import")
        {
            let found = names::importable(typed.prefix);
            return (typed.start, found.map(|name| whole(name, name)).collect());
        }
        let frames = frames(typed.input, typed.before);
        if let Some(place::Frame::Call { name, .. }) = frames.last()
            && name == "help"
        {
            let found = names::subjects(memory, typed.prefix);
            let found = found
                .into_iter()
                .map(|pair| whole(&pair.display, &pair.replacement));
            return (typed.start, found.collect());
        }
        let Some(slot) = slot(&frames) else {
            return (typed.start, Vec::new());
        };
        let found = match slot.expected {
            Some(Expected::Key {
                structure, given, ..
            }) => values::keys(structure, &given, typed.prefix, false)
                .into_iter()
                .map(|key| Pair {
                    replacement: key.replacement.replacen(':', "\":", 1),
                    display: key.display,
                })
                .collect(),
            Some(Expected::Value { field, shape }) => {
                let mut found: Vec<Pair> = values::choices(shape)
                    .filter(|choice| choice.starts_with(typed.prefix))
                    .map(|choice| whole(choice, choice))
                    .collect();
                if let (true, Some(field)) = (found.is_empty(), field) {
                    let ids = self.listed(|ids| ids.of(slot.operation.module, field, PATIENCE));
                    found = values::matching(&ids, typed.prefix)
                        .map(|id| whole(&values::label(id), &id.id))
                        .collect();
                }
                found
            }
            None => Vec::new(),
        };
        (typed.start, found)
    }
}

fn pair(display: &str, replacement: impl Into<String>) -> Pair {
    Pair {
        display: display.to_owned(),
        replacement: replacement.into(),
    }
}

#[cfg(test)]
mod tests;
