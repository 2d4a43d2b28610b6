//! The little paths with which declarations point into inputs and results.
//!
//! `result.instances[].instance_id` goes through the list; the root (`input`
//! or `result`) is chosen by the first word. A path with `[]` selects a list.

use crate::value::{Map, Value};

/// What a declaration can point into.
#[derive(Debug, Clone, Copy)]
pub struct Roots<'a> {
    /// The input of the call.
    pub input: &'a Map,
    /// Its result.
    pub result: &'a Value,
}

/// Every value at `path`, none for absent ones.
#[must_use]
pub fn all(roots: Roots<'_>, path: &str) -> Vec<Value> {
    let (root, rest) = path.split_once('.').unwrap_or((path, ""));
    match root {
        "result" => descend(vec![roots.result.clone()], rest),
        "input" => descend(vec![Value::Map(roots.input.clone())], rest),
        _ => Vec::new(),
    }
}

/// The value that an argument's source says: `=text` literally, a path with
/// `[]` as a list, any other path as the value there.
#[must_use]
pub fn argument(roots: Roots<'_>, source: &str) -> Value {
    if let Some(literal) = source.strip_prefix('=') {
        return Value::Text(literal.to_owned());
    }
    let mut values = all(roots, source);
    if source.contains("[]") {
        Value::List(values)
    } else if values.is_empty() {
        Value::Null
    } else {
        values.swap_remove(0)
    }
}

fn descend(values: Vec<Value>, path: &str) -> Vec<Value> {
    if path.is_empty() {
        return values
            .into_iter()
            .filter(|value| !value.is_null())
            .collect();
    }
    let (segment, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, lists) = segment
        .strip_suffix("[]")
        .map_or((segment, false), |name| (name, true));
    let found = values.into_iter().filter_map(|value| match value {
        Value::Map(mut map) => map.remove(name),
        _ => None,
    });
    let next = if lists {
        found
            .flat_map(|value| match value {
                Value::List(items) => items,
                single => vec![single],
            })
            .collect()
    } else {
        found.collect()
    };
    descend(next, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_through_lists() {
        let id = |id: &str| Value::Map(Map::from([("id".into(), id.into())]));
        let result = Value::Map(Map::from([("items".into(), vec![id("a"), id("b")].into())]));
        let input = Map::from([("name".into(), "n".into())]);
        let roots = Roots {
            input: &input,
            result: &result,
        };
        assert_eq!(argument(roots, "result.items[].id"), vec!["a", "b"].into());
        assert_eq!(argument(roots, "input.name"), "n".into());
        assert_eq!(argument(roots, "=yes"), "yes".into());
        assert_eq!(argument(roots, "result.missing"), Value::Null);
    }
}
