//! Where in an input something stands: in which call, at which argument, below which keys.

use std::collections::BTreeSet;

use opsh_operation::{Field, Operation, Shape, Structure};

use crate::gate::prepare::CONTROLS;
use crate::repl::lex::{Kind, Token};
use crate::script::bind::takes_maps;
use crate::surface::{self, Callable};

/// What is open before a place, the outermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The arguments of a call.
    Call {
        /// `module::name`, or `name`.
        name: String,
        /// For each argument before, and the one that has begun, whether it is a map.
        maps: Vec<bool>,
        /// How many commas came before.
        index: usize,
    },
    /// A map.
    Map {
        /// The key whose value comes; nothing where a key comes.
        key: Option<String>,
        /// The keys that are there.
        given: BTreeSet<String>,
    },
    /// An array.
    List,
    /// A block or a bracket.
    Other,
}

/// What is open after `tokens`.
#[must_use]
pub fn frames(input: &str, tokens: &[Token]) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut last_name: Option<String> = None;
    let mut before: Option<&Token> = None;
    // Between the bars of a closure, commas are its own.
    let mut parameters = false;
    for token in tokens {
        if token.kind == Kind::Comment {
            continue;
        }
        let text = token.of(input);
        let opens_argument = before.is_some_and(|before| matches!(before.of(input), "(" | ","));
        if parameters {
            parameters = text != "|";
            before = Some(token);
            continue;
        }
        note_argument(&mut frames, text);
        match (token.kind, text) {
            (Kind::Symbol, "|") if opens_argument => parameters = true,
            (Kind::Symbol, "(") => frames.push(match (&last_name, before) {
                (Some(name), Some(before)) if before.kind == Kind::Word => Frame::Call {
                    name: name.clone(),
                    maps: Vec::new(),
                    index: 0,
                },
                _ => Frame::Other,
            }),
            (Kind::Symbol, "#{") => frames.push(Frame::Map {
                key: None,
                given: BTreeSet::new(),
            }),
            (Kind::Symbol, "[" | "?[") => frames.push(match before {
                Some(before)
                    if before.kind == Kind::Word || matches!(before.of(input), ")" | "]") =>
                {
                    Frame::Other
                }
                _ => Frame::List,
            }),
            (Kind::Symbol, "{" | "${") => frames.push(Frame::Other),
            (Kind::Symbol, ")" | "]" | "}") => {
                frames.pop();
            }
            (Kind::Symbol, ",") => match frames.last_mut() {
                Some(Frame::Call { index, .. }) => *index += 1,
                Some(Frame::Map { key, .. }) => *key = None,
                _ => {}
            },
            (Kind::Symbol, ":") => {
                if let (Some(Frame::Map { key, given }), Some(before)) = (frames.last_mut(), before)
                    && key.is_none()
                {
                    let name = before.inside(input).to_owned();
                    given.insert(name.clone());
                    *key = Some(name);
                }
            }
            _ => {}
        }
        last_name = match (token.kind, last_name.take()) {
            (Kind::Word, Some(path)) if path.ends_with("::") => Some(path + text),
            (Kind::Word, _) => Some(text.to_owned()),
            (Kind::Symbol, Some(path)) if text == "::" => Some(path + text),
            _ => None,
        };
        before = Some(token);
    }
    frames
}

/// Notes with its first token whether an argument is a map.
fn note_argument(frames: &mut [Frame], text: &str) {
    if let Some(Frame::Call { maps, index, .. }) = frames.last_mut()
        && maps.len() == *index
        && text != ")"
        && text != ","
    {
        maps.push(text == "#{");
    }
}

/// What an operation expects at a place.
#[derive(Debug, Clone)]
pub enum Expected {
    /// The name of one of these fields.
    Key {
        /// Whose fields.
        structure: &'static Structure,
        /// Those that are there.
        given: BTreeSet<String>,
        /// Whether the map itself has not been opened yet.
        bare: bool,
    },
    /// A value.
    Value {
        /// Of which field, if it is one's.
        field: Option<&'static Field>,
        /// Of which shape.
        shape: Shape,
    },
}

/// The innermost call of an operation that is open, and what it expects.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The operation.
    pub operation: &'static Operation,
    /// What it expects; nothing if it cannot be known.
    pub expected: Option<Expected>,
}

/// The operation that is called `name` there.
#[must_use]
pub fn operation(name: &str) -> Option<&'static Operation> {
    surface::find(name).and_then(Callable::declared)
}

/// What is expected where `frames` are open.
#[must_use]
pub fn slot(frames: &[Frame]) -> Option<Slot> {
    let at = frames
        .iter()
        .rposition(|frame| matches!(frame, Frame::Call { .. }))?;
    let Frame::Call { name, maps, index } = &frames[at] else {
        return None;
    };
    let operation = operation(name)?;
    let inner = &frames[at + 1..];
    Some(Slot {
        operation,
        expected: expected(operation, maps, *index, inner),
    })
}

fn expected(
    operation: &'static Operation,
    maps: &[bool],
    index: usize,
    inner: &[Frame],
) -> Option<Expected> {
    let positional = operation
        .positional
        .iter()
        .enumerate()
        .take_while(|(at, name)| {
            !maps.get(*at).copied().unwrap_or_default() || takes_maps(operation, name)
        })
        .count();
    if index < positional {
        let field = operation.input.field(operation.positional[index])?;
        return below(Some(field), field.shape, inner);
    }
    let structure = match index - positional {
        0 => operation.input,
        1 => &CONTROLS,
        _ => return None,
    };
    if inner.is_empty() {
        let begun = maps.len() > index;
        return (!begun).then(|| Expected::Key {
            structure,
            given: BTreeSet::new(),
            bare: true,
        });
    }
    let mut found = below(None, Shape::Struct(structure), inner)?;
    if let (
        Expected::Key {
            given, structure, ..
        },
        true,
    ) = (&mut found, index == positional)
        && std::ptr::eq(*structure, operation.input)
    {
        given.extend(
            operation.positional[..positional]
                .iter()
                .map(ToString::to_string),
        );
    }
    Some(found)
}

/// What is expected below `shape` when `inner` is open.
fn below(field: Option<&'static Field>, shape: Shape, inner: &[Frame]) -> Option<Expected> {
    let Some((frame, rest)) = inner.split_first() else {
        return Some(Expected::Value { field, shape });
    };
    match (shape, frame) {
        (Shape::Struct(structure) | Shape::Union(structure), Frame::Map { key: None, given })
            if rest.is_empty() =>
        {
            Some(Expected::Key {
                structure,
                given: given.clone(),
                bare: false,
            })
        }
        (Shape::Struct(structure) | Shape::Union(structure), Frame::Map { key: Some(key), .. }) => {
            let field = structure.field(key)?;
            below(Some(field), field.shape, rest)
        }
        (Shape::Tags | Shape::Filters, Frame::Map { key: Some(_), .. }) => {
            below(None, Shape::Text, rest)
        }
        (Shape::MapOf(item), Frame::Map { key: Some(_), .. })
        | (Shape::List(item), Frame::List) => below(field, *item, rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::repl::lex::lex;

    fn at(input: &str) -> Option<Slot> {
        slot(&frames(input, &lex(input)))
    }

    fn keys(input: &str) -> (&'static str, Vec<String>) {
        match at(input).unwrap().expected.unwrap() {
            Expected::Key {
                structure, given, ..
            } => (structure.name, given.into_iter().collect()),
            Expected::Value { shape, .. } => panic!("a value of {shape:?} is expected"),
        }
    }

    fn value(input: &str) -> (Option<&'static str>, String) {
        match at(input).unwrap().expected.unwrap() {
            Expected::Value { field, shape } => (field.map(|field| field.name), shape.describe()),
            Expected::Key { structure, .. } => panic!("a key of {} is expected", structure.name),
        }
    }

    #[test]
    fn keys_are_known_however_deep_they_are() {
        assert_eq!(keys("ec2::run_instances("), ("RunInstancesInput", vec![]));
        assert_eq!(
            keys("let a = ec2::run_instances(#{ min_count: 1, \"max_count\": f(1, 2), "),
            (
                "RunInstancesInput",
                vec!["max_count".to_owned(), "min_count".to_owned()]
            )
        );
        assert_eq!(
            keys("ec2::run_instances(#{ block_device_mappings: [#{}, #{ ebs: #{"),
            ("EbsBlockDevice", vec![])
        );
        assert_eq!(keys("ec2::describe_vpcs(#{}, #{ "), ("controls", vec![]));
        assert_eq!(
            keys("[1].map(|a, b| ec2::describe_vpcs(#{}, ").0,
            "controls"
        );
    }

    #[test]
    fn values_are_known_by_their_field() {
        assert_eq!(
            value("ec2::run_instances(#{ min_count: "),
            (Some("min_count"), "integer".to_owned())
        );
        assert_eq!(
            value("ec2::terminate_instances(#{ instance_ids: ["),
            (Some("instance_ids"), "text".to_owned())
        );
        assert_eq!(value("term::table([], #{ title: ").0, Some("title"));
        assert_eq!(value("term::table(").0, Some("rows"));
        assert_eq!(value("every(").0, Some("period"));
    }

    #[test]
    fn elsewhere_nothing_is_expected() {
        assert!(at("let x = ").is_none());
        assert!(at("f(").is_none());
        assert!(at("ec2::describe_vpcs(#{}).vpcs[").is_none());
        assert!(
            at("ec2::describe_vpcs(#{}, #{}, ")
                .unwrap()
                .expected
                .is_none()
        );
    }
}
