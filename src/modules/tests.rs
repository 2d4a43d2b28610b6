//! Every declaration of the registry, looked at as a table.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use opsh_operation::{Effect, Field, Inverse, Settle, Shape, Structure};

use super::registry::registry;
use super::*;
use crate::script::engine;

/// Every declaration, also those that hide behind another of their name.
fn declared() -> impl Iterator<Item = &'static Operation> {
    let native = NATIVE
        .iter()
        .copied()
        .flatten()
        .map(|entry| entry.operation);
    native.chain(opsh_aws::bindings().iter().map(|binding| binding.operation))
}

/// Collects what is wrong, so that one run names all of it.
#[derive(Default)]
struct Wrong(BTreeSet<String>);

impl Wrong {
    fn unless(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.0.insert(what());
        }
    }
}

impl Drop for Wrong {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let all: Vec<&str> = self.0.iter().map(String::as_str).collect();
            assert!(
                all.is_empty(),
                "{} are wrong:\n{}",
                all.len(),
                all.join("\n")
            );
        }
    }
}

/// Words of the language that fields of results have as names: `result["return"]`.
const QUOTED: [&str; 1] = ["return"];

fn snake_case(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

#[test]
fn names_are_unique_and_can_be_written() {
    let mut wrong = Wrong::default();
    let mut names = BTreeSet::new();
    let engine = engine::bare();
    for operation in declared() {
        let name = operation.full_name();
        wrong.unless(names.insert(name.clone()), || {
            format!("{name} is declared twice")
        });
        wrong.unless(
            snake_case(operation.module) && snake_case(operation.name),
            || format!("{name} is not in snake_case"),
        );
        let call = engine.compile(format!("{name}(#{{}})"));
        wrong.unless(call.is_ok(), || format!("{name}: {call:?}"));
    }
    assert_eq!(names.len(), registry().operations().count());
}

#[test]
fn parameters_and_results_can_be_written() {
    let mut wrong = Wrong::default();
    let engine = engine::bare();
    let mut written = BTreeSet::new();
    for operation in declared() {
        let name = operation.full_name();
        for positional in operation.positional {
            wrong.unless(operation.input.field(positional).is_some(), || {
                format!("{name}: no parameter '{positional}' for its position")
            });
        }
        let mut look = |structure: &Structure, field: &Field| {
            let place = || format!("{name}: {}.{}", structure.name, field.name);
            wrong.unless(snake_case(field.name), || {
                format!("{}: not in snake_case", place())
            });
            if written.insert(field.name) && !QUOTED.contains(&field.name) {
                let text = format!("let x = #{{ {0}: 1 }}; x.{0}", field.name);
                let parsed = engine.compile(text);
                wrong.unless(parsed.is_ok(), || format!("{}: {parsed:?}", place()));
            }
            let same = structure
                .fields
                .iter()
                .filter(|other| other.name == field.name);
            let once = same.count() == 1;
            wrong.unless(once, || format!("{}: declared twice", place()));
        };
        every_field(operation.input, &mut BTreeSet::new(), &mut look);
        if let Some(output) = structure_of(&operation.output) {
            every_field(output, &mut BTreeSet::new(), &mut look);
        }
    }
}

#[test]
fn everything_is_documented_in_sentences() {
    fn sentence(text: &str) -> bool {
        text.ends_with(['.', '…', '!', '?'])
            && text.trim() == text
            && !text.contains('\n')
            && text.starts_with(|letter: char| !letter.is_lowercase())
    }
    /// A sentence that ends before the last.
    fn several(text: &str) -> bool {
        text.match_indices(". ").any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + 2..]);
            after.starts_with(char::is_uppercase) && !before.ends_with(['g', 'e', 'c'])
        })
    }
    let mut wrong = Wrong::default();
    for operation in declared() {
        let name = operation.full_name();
        let summary = operation.summary;
        wrong.unless(sentence(summary) && !several(summary), || {
            format!("{name}: {summary:?} is not one sentence")
        });
        let mut look = |structure: &Structure, field: &Field| {
            wrong.unless(sentence(field.doc), || {
                format!(
                    "{name}: {}.{}: {:?} is no sentence",
                    structure.name, field.name, field.doc
                )
            });
        };
        every_field(operation.input, &mut BTreeSet::new(), &mut look);
        let called = service::called(operation);
        wrong.unless(operation.example.contains(&format!("{called}(")), || {
            format!("{name}: its example shows something else")
        });
    }
}

#[test]
fn policies_can_name_native_operations() {
    for operation in NATIVE
        .iter()
        .copied()
        .flatten()
        .map(|entry| entry.operation)
    {
        if operation.action == "s3:GetObject" {
            // It reads objects, and is allowed and denied as that.
            continue;
        }
        let (module, action) = operation.action.split_once(':').unwrap();
        assert_eq!(module, operation.module);
        let name = operation.name.replace('_', "");
        assert_eq!(action.to_lowercase(), name, "{}", operation.full_name());
    }
}

#[test]
fn who_takes_a_token_is_given_one() {
    let mut wrong = Wrong::default();
    let mut given = 0;
    for operation in declared() {
        let tokens = operation.input.fields.iter().filter(|field| {
            field.name.ends_with("client_token") || field.name.contains("request_token")
        });
        for token in tokens {
            given += 1;
            let name = operation.full_name();
            let settle = operation.write().map(|write| write.settle);
            wrong.unless(settle == Some(Settle::Token(token.name)), || {
                format!("{name}: {} is not its token", token.name)
            });
        }
    }
    assert!(given > 5, "{given}");
}

#[test]
fn inverses_and_searches_can_be_called() {
    let mut wrong = Wrong::default();
    for operation in declared() {
        let name = operation.full_name();
        let Some(write) = operation.write() else {
            continue;
        };
        let mut calls: Vec<(&str, &[(&str, &str)])> = Vec::new();
        match &write.inverse {
            Inverse::Calls(inverse) => {
                wrong.unless(!inverse.is_empty(), || {
                    format!("{name}: an inverse of no calls")
                });
                calls.extend(inverse.iter().map(|call| (call.operation, call.arguments)));
            }
            Inverse::Nothing(why) | Inverse::Impossible(why) => {
                wrong.unless(!why.is_empty(), || {
                    format!("{name}: does not say why it has no inverse")
                });
            }
        }
        match &write.settle {
            Settle::Token(parameter) | Settle::RepeatIf(parameter) => wrong
                .unless(operation.input.field(parameter).is_some(), || {
                    format!("{name}: no parameter '{parameter}' for its settling")
                }),
            Settle::Find(find) => {
                let read = find.operation;
                let reads = registry()
                    .get(read)
                    .is_some_and(|entry| matches!(entry.operation.effect, Effect::Read));
                wrong.unless(reads, || format!("{name}: {read} is no read"));
                wrong.unless(!find.proof.is_empty(), || {
                    format!("{name}: what is found is adopted without a proof")
                });
                calls.push((find.operation, find.arguments));
            }
            Settle::Repeat | Settle::Ask => {}
        }
        for (target, arguments) in calls {
            let Some(entry) = registry().get(target) else {
                wrong.unless(false, || format!("{name}: there is no {target}"));
                continue;
            };
            let given: BTreeSet<&str> = arguments
                .iter()
                .map(|(name, _)| name.split('.').next().unwrap())
                .collect();
            let input = entry.operation.input;
            for argument in &given {
                wrong.unless(input.field(argument).is_some(), || {
                    format!("{name}: {target} has no {argument}")
                });
            }
            for field in input.fields.iter().filter(|field| field.required) {
                wrong.unless(given.contains(field.name), || {
                    format!("{name}: {target} needs {}", field.name)
                });
            }
            for (_, source) in arguments {
                leads(operation, source, &mut wrong);
            }
        }
        let ids = write.makes.iter().map(|makes| (makes.kind, makes.id));
        let removed = write
            .removes
            .iter()
            .map(|removes| (removes.kind, removes.id));
        for (kind, id) in ids.chain(removed) {
            wrong.unless(kind.split_once(':').is_some(), || {
                format!("{name}: the kind {kind:?} names no service")
            });
            wrong.unless(!id.starts_with('='), || {
                format!("{name}: the id {id:?} is the same for all")
            });
            leads(operation, id, &mut wrong);
        }
        if let Some(tags) = write.tags {
            wrong.unless(operation.input.field(tags).is_some(), || {
                format!("{name}: no parameter '{tags}' for tags")
            });
        }
    }
}

#[test]
fn what_touches_files_is_recorded() {
    for operation in declared() {
        let writes = operation
            .input
            .fields
            .iter()
            .any(|field| matches!(field.shape, Shape::Output));
        if writes {
            assert!(
                !matches!(operation.effect, Effect::Pure),
                "{}",
                operation.full_name()
            );
        }
    }
}

/// Notes a source (see `opsh_operation::select`) that leads nowhere.
fn leads(operation: &Operation, source: &str, wrong: &mut Wrong) {
    if source.starts_with('=') {
        return;
    }
    let source = source.strip_prefix("each ").unwrap_or(source);
    let paths: Vec<&str> = if source.contains('{') {
        let parts = source.split('{').skip(1);
        parts.map(|part| part.split('}').next().unwrap()).collect()
    } else {
        vec![source]
    };
    for path in paths {
        let (root, rest) = path.split_once('.').unwrap_or((path, ""));
        let shape = match root {
            "input" => Some(Shape::Struct(operation.input)),
            "result" => Some(operation.output),
            _ => None,
        };
        let there = shape.is_some_and(|shape| follow(&shape, rest));
        wrong.unless(there, || {
            format!("{}: the path '{path}' leads nowhere", operation.full_name())
        });
    }
}

/// Whether `path` is there in a value of `shape`.
fn follow(shape: &Shape, path: &str) -> bool {
    if path.is_empty() {
        return true;
    }
    let (segment, rest) = path.split_once('.').unwrap_or((path, ""));
    let name = segment.split('[').next().unwrap();
    match structure_of(shape) {
        Some(structure) => structure
            .field(name)
            .is_some_and(|field| follow(&field.shape, rest)),
        None => matches!(shape, Shape::Any | Shape::MapOf(_)),
    }
}

/// The structure that values of `shape` consist of.
fn structure_of(shape: &Shape) -> Option<&'static Structure> {
    match shape {
        Shape::Struct(structure) | Shape::Union(structure) => Some(structure),
        Shape::List(item) | Shape::MapOf(item) => structure_of(item),
        _ => None,
    }
}

/// Shows every field of a structure, and of those in it, to `look`.
fn every_field(
    structure: &'static Structure,
    seen: &mut BTreeSet<&'static str>,
    look: &mut dyn FnMut(&'static Structure, &'static Field),
) {
    if !seen.insert(structure.name) {
        return;
    }
    for field in structure.fields {
        look(structure, field);
        if let Some(inner) = structure_of(&field.shape) {
            every_field(inner, seen, look);
        }
    }
}
