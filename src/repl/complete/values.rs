//! Keys and values of a call's maps.

use std::collections::BTreeSet;

use opsh_operation::{Shape, Structure};
use rustyline::completion::Pair;

use super::ids::Id;
use super::pair;

/// The keys of `structure` that are not there yet and begin with `prefix`, what is
/// required first; `bare` if the map is not open yet.
pub fn keys(
    structure: &'static Structure,
    given: &BTreeSet<String>,
    prefix: &str,
    bare: bool,
) -> Vec<Pair> {
    let mut fields: Vec<_> = structure
        .fields
        .iter()
        .filter(|field| field.name.starts_with(prefix) && !given.contains(field.name))
        .collect();
    fields.sort_by_key(|field| (!field.required, field.name));
    fields
        .into_iter()
        .map(|field| {
            let open = if bare { "#{ " } else { "" };
            let mark = if field.required { " *" } else { "" };
            pair(
                &format!("{}{mark}", field.name),
                format!("{open}{}: ", field.name),
            )
        })
        .collect()
}

/// The texts of an enumeration.
pub fn choices(shape: Shape) -> impl Iterator<Item = &'static str> {
    let choices: &[&str] = match shape {
        Shape::Enum(choices) => choices,
        Shape::List(Shape::Enum(choices)) => choices,
        _ => &[],
    };
    choices.iter().copied()
}

/// What can be written where a value of `shape` is expected, and begins with `prefix`.
pub fn literals(shape: Shape, prefix: &str) -> Vec<Pair> {
    let all: Vec<String> = match shape {
        Shape::Bool => vec!["true".to_owned(), "false".to_owned()],
        Shape::Enum(choices) => choices.iter().map(|choice| format!("{choice:?}")).collect(),
        Shape::Struct(_) | Shape::Union(_) | Shape::Tags | Shape::Filters | Shape::MapOf(_) => {
            vec!["#{ ".to_owned()]
        }
        Shape::List(_) => vec!["[".to_owned()],
        _ => Vec::new(),
    };
    all.iter()
        .filter(|literal| literal.starts_with(prefix))
        .map(|literal| pair(literal, literal.as_str()))
        .collect()
}

/// Those of `ids` that begin with `prefix`, or whose name does.
pub fn matching<'a>(ids: &'a [Id], prefix: &'a str) -> impl Iterator<Item = &'a Id> {
    let named = move |id: &Id| {
        !prefix.is_empty()
            && id
                .name
                .as_ref()
                .is_some_and(|name| name.starts_with(prefix))
    };
    ids.iter()
        .filter(move |id| id.id.starts_with(prefix) || named(id))
}

/// An id as it is offered.
pub fn label(id: &Id) -> String {
    match &id.name {
        Some(name) => format!("{} ({name})", id.id),
        None => id.id.clone(),
    }
}
