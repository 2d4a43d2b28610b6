//! What comes after a dot: the fields of a value that the session has, or of the result
//! that an operation declares.

use opsh_operation::Shape;
use rhai::Dynamic;
use rustyline::completion::Pair;

use super::pair;
use super::place::operation;
use crate::repl::lex::{Kind, Token};
use crate::repl::memory::Memory;

/// Where a chain of fields has come to.
enum Reached {
    /// A value that is there.
    Value(Dynamic),
    /// The result of an operation that has not been called.
    Shape(Shape),
}

/// The fields that begin with `prefix`, if a dot comes before it.
pub fn after_dot(
    memory: &Memory,
    input: &str,
    before: &[Token],
    prefix: &str,
) -> Option<Vec<Pair>> {
    let (dot, chain) = before.split_last()?;
    if !matches!(dot.of(input), "." | "?.") {
        return None;
    }
    let fields = reach(memory, input, chain).map(|reached| fields(&reached));
    Some(
        fields
            .unwrap_or_default()
            .into_iter()
            .filter(|name| name.starts_with(prefix))
            .map(|name| pair(&name, name.as_str()))
            .collect(),
    )
}

fn reach(memory: &Memory, input: &str, chain: &[Token]) -> Option<Reached> {
    let (last, before) = chain.split_last()?;
    match last.of(input) {
        ")" => {
            let open = opening(input, chain)?;
            let [.., module, _, name] = &chain[..open] else {
                return None;
            };
            let name = format!("{}::{}", module.of(input), name.of(input));
            Some(Reached::Shape(operation(&name)?.output))
        }
        "]" => {
            let open = opening(input, chain)?;
            let index = chain[open + 1..chain.len() - 1].first()?.of(input);
            reach(memory, input, &chain[..open])?.item(index.parse().ok()?)
        }
        name if last.kind == Kind::Word => match before.split_last() {
            Some((dot, chain)) if matches!(dot.of(input), "." | "?.") => {
                reach(memory, input, chain)?.field(name)
            }
            _ => Some(Reached::Value(memory.scope.get(name)?.flatten_clone())),
        },
        _ => None,
    }
}

/// Where the bracket stands that the last token of `chain` closes.
fn opening(input: &str, chain: &[Token]) -> Option<usize> {
    let mut depth = 0_usize;
    chain.iter().rposition(|token| {
        match token.of(input) {
            ")" | "]" | "}" => depth += 1,
            "(" | "[" | "{" | "#{" | "${" | "?[" => depth -= 1,
            _ => {}
        }
        depth == 0
    })
}

impl Reached {
    fn field(self, name: &str) -> Option<Self> {
        match self {
            Self::Value(value) => {
                let map = value.as_map_ref().ok()?;
                Some(Self::Value(map.get(name)?.flatten_clone()))
            }
            Self::Shape(Shape::Struct(structure) | Shape::Union(structure)) => {
                Some(Self::Shape(structure.field(name)?.shape))
            }
            Self::Shape(_) => None,
        }
    }

    fn item(self, index: usize) -> Option<Self> {
        match self {
            Self::Value(value) => {
                let items = value.as_array_ref().ok()?;
                Some(Self::Value(items.get(index)?.flatten_clone()))
            }
            Self::Shape(Shape::List(item)) => Some(Self::Shape(*item)),
            Self::Shape(_) => None,
        }
    }
}

fn fields(reached: &Reached) -> Vec<String> {
    match reached {
        Reached::Value(value) => value
            .as_map_ref()
            .map(|map| map.keys().map(ToString::to_string).collect())
            .unwrap_or_default(),
        Reached::Shape(Shape::Struct(structure) | Shape::Union(structure)) => structure
            .fields
            .iter()
            .map(|field| field.name.to_owned())
            .collect(),
        Reached::Shape(_) => Vec::new(),
    }
}
