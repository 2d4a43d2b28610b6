//! The little paths with which declarations point into inputs and results.
//!
//! - `result.instances[].instance_id` goes through the list, and selects a list;
//!   the root (`input` or `result`; `found` where an interrupted call is settled)
//!   is the first word;
//! - `result.load_balancers[0].dns_name` takes one item;
//! - `result.policy.Statement[]` goes into a text that is a JSON document;
//! - `{input.bucket}/{input.key}` is a text with values in it; with a list inside
//!   it selects one text for each item; `{…}[]` is a list of one text;
//! - `=text` is literal; what is valid JSON after `=` is that value
//!   (`=true`, `=["self"]`);
//! - `each result.snapshots[].snapshot_id` makes one call for each value
//!   (see [`calls`]);
//! - `sent found.min_size` is an argument only if the input has a parameter of its name;
//!   `sent min_size|max_size found.desired_capacity` only if it has one of those.

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
    if path.contains('{') {
        let template = path.strip_suffix("[]").unwrap_or(path);
        return fill(roots, template).into_iter().map(Value::Text).collect();
    }
    let (root, rest) = path.split_once('.').unwrap_or((path, ""));
    match root {
        // What was found again stands where the result would.
        "result" | "found" => descend(vec![roots.result.clone()], rest),
        "input" => descend(vec![Value::Map(roots.input.clone())], rest),
        _ => Vec::new(),
    }
}

/// The value that an argument's source says: a literal, a path with `[]` as a
/// list, any other path as the value there.
#[must_use]
pub fn argument(roots: Roots<'_>, source: &str) -> Value {
    if let Some(literal) = source.strip_prefix('=') {
        return serde_json::from_str(literal).map_or_else(
            |_| Value::Text(literal.to_owned()),
            |json| Value::from_json(&json),
        );
    }
    let mut values = all(roots, source);
    let outside = source.rsplit('}').next().unwrap_or(source);
    if outside.contains("[]") {
        Value::List(values)
    } else if values.is_empty() {
        Value::Null
    } else {
        values.swap_remove(0)
    }
}

/// Whether a value at `left` is also at `right`, which may be a literal; of a map its
/// names count.
#[must_use]
pub fn meet(roots: Roots<'_>, left: &str, right: &str) -> bool {
    let values = |source: &str| -> Vec<Value> {
        if source.starts_with('=') {
            return listed(argument(roots, source));
        }
        all(roots, source)
            .into_iter()
            .flat_map(|value| match value {
                Value::Map(map) => map.into_keys().map(Value::Text).collect(),
                value => listed(value),
            })
            .collect()
    };
    let right = values(right);
    values(left).iter().any(|value| right.contains(value))
}

/// The inputs of the calls that `arguments` describe: one, or with a source
/// that begins with `each ` one for each of its values.
///
/// A name with a dot puts the value inside of a map (`filters.group-name`; only
/// the first dot counts). Absent values are left out.
#[must_use]
pub fn calls(roots: Roots<'_>, arguments: &[(&str, &str)]) -> Vec<Map> {
    let mut inputs = vec![Map::new()];
    for (name, source) in arguments {
        if let Some(path) = source.strip_prefix("each ") {
            let values = all(roots, path);
            inputs = inputs
                .iter()
                .flat_map(|input| {
                    values.iter().map(|value| {
                        let mut input = input.clone();
                        place(&mut input, name, value.clone());
                        input
                    })
                })
                .collect();
        } else {
            let source = match sent(name, source) {
                Some((names, _)) if !names.iter().any(|name| is_sent(roots.input, name)) => {
                    continue;
                }
                Some((_, source)) => source,
                None => source,
            };
            let value = argument(roots, source);
            for input in &mut inputs {
                place(input, name, value.clone());
            }
        }
    }
    inputs
}

/// The parameters one of which must have been sent for the argument `name` with this source,
/// and the source itself, if it depends on that.
#[must_use]
pub fn sent<'a>(name: &'a str, source: &'a str) -> Option<(Vec<&'a str>, &'a str)> {
    let source = source.strip_prefix("sent ")?;
    Some(match source.split_once(' ') {
        Some((names, source)) => (names.split('|').collect(), source),
        None => (vec![name], source),
    })
}

fn is_sent(input: &Map, name: &str) -> bool {
    let outer = name.split_once('.').map_or(name, |(outer, _)| outer);
    input.contains_key(outer)
}

fn place(input: &mut Map, name: &str, value: Value) {
    if value.is_null() {
        return;
    }
    let Some((outer, inner)) = name.split_once('.') else {
        input.insert(name.to_owned(), value);
        return;
    };
    let entry = input
        .entry(outer.to_owned())
        .or_insert_with(|| Value::Map(Map::new()));
    if let Value::Map(map) = entry {
        map.insert(inner.to_owned(), value);
    }
}

/// Every text that `template` makes; none if a value in it is absent.
fn fill(roots: Roots<'_>, template: &str) -> Vec<String> {
    let Some((head, rest)) = template.split_once('{') else {
        return vec![template.to_owned()];
    };
    let (path, tail) = rest.split_once('}').unwrap_or((rest, ""));
    let tails = fill(roots, tail);
    all(roots, path)
        .iter()
        .filter_map(|value| match value {
            Value::Int(number) => Some(number.to_string()),
            other => other.as_text().map(str::to_owned),
        })
        .flat_map(|value| tails.iter().map(move |tail| format!("{head}{value}{tail}")))
        .collect()
}

fn descend(values: Vec<Value>, path: &str) -> Vec<Value> {
    if path.is_empty() {
        return values
            .into_iter()
            .filter(|value| !value.is_null())
            .collect();
    }
    let (segment, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, items) = match segment.split_once('[') {
        Some((name, index)) => (name, Some(index.trim_end_matches(']'))),
        None => (segment, None),
    };
    let found = values.into_iter().filter_map(|value| match value {
        Value::Map(mut map) => map.remove(name),
        Value::Text(text) => match serde_json::from_str(&text).as_ref().map(Value::from_json) {
            Ok(Value::Map(mut document)) => document.remove(name),
            _ => None,
        },
        _ => None,
    });
    let next = match items {
        None => found.collect(),
        Some("") => found.flat_map(listed).collect(),
        Some(index) => {
            let index: usize = index.parse().unwrap_or(usize::MAX);
            found
                .filter_map(|value| listed(value).into_iter().nth(index))
                .collect()
        }
    };
    descend(next, rest)
}

fn listed(value: Value) -> Vec<Value> {
    match value {
        Value::List(items) => items,
        single => vec![single],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result() -> Value {
        let id = |id: &str| Value::Map(Map::from([("id".into(), id.into())]));
        Value::Map(Map::from([("items".into(), vec![id("a"), id("b")].into())]))
    }

    fn input() -> Map {
        Map::from([
            ("name".into(), "n".into()),
            ("version".into(), Value::Int(3)),
        ])
    }

    #[test]
    fn paths_go_through_lists() {
        let (input, result) = (input(), result());
        let roots = Roots {
            input: &input,
            result: &result,
        };
        assert_eq!(argument(roots, "result.items[].id"), vec!["a", "b"].into());
        assert_eq!(argument(roots, "result.items[1].id"), "b".into());
        assert_eq!(argument(roots, "result.items[2].id"), Value::Null);
        assert_eq!(argument(roots, "input.name"), "n".into());
        assert_eq!(argument(roots, "input.name[]"), vec!["n"].into());
        assert_eq!(argument(roots, "result.missing"), Value::Null);
    }

    #[test]
    fn paths_go_into_documents() {
        let input = Map::from([
            (
                "policy".into(),
                r#"{"Statement":[{"Sid":"a"},{"Sid":"b"}]}"#.into(),
            ),
            ("text".into(), "no document".into()),
        ]);
        let roots = Roots {
            input: &input,
            result: &Value::Null,
        };
        assert_eq!(
            all(roots, "input.policy.Statement[].Sid"),
            ["a".into(), "b".into()]
        );
        assert!(all(roots, "input.text.Statement[]").is_empty());
    }

    #[test]
    fn what_was_not_sent_is_no_argument() {
        let (input, result) = (input(), result());
        let roots = Roots {
            input: &input,
            result: &result,
        };
        let arguments = [
            ("name", "sent found.items[0].id"),
            ("version.from", "sent found.items[1].id"),
            ("zone", "sent found.items[0].id"),
            ("size", "sent zone|name found.items[0].id"),
            ("width", "sent zone|height found.items[0].id"),
        ];
        let version = Map::from([("from".into(), "b".into())]);
        assert_eq!(
            calls(roots, &arguments),
            [Map::from([
                ("name".into(), "a".into()),
                ("size".into(), "a".into()),
                ("version".into(), Value::Map(version)),
            ])]
        );
    }

    #[test]
    fn literals_are_text_or_json() {
        let (input, result) = (input(), result());
        let roots = Roots {
            input: &input,
            result: &result,
        };
        assert_eq!(argument(roots, "=yes"), "yes".into());
        assert_eq!(argument(roots, "=true"), true.into());
        assert_eq!(argument(roots, r#"=["self"]"#), vec!["self"].into());
    }

    #[test]
    fn templates_make_texts() {
        let (input, result) = (input(), result());
        let roots = Roots {
            input: &input,
            result: &result,
        };
        assert_eq!(
            all(roots, "{input.name}/{result.items[].id}"),
            ["n/a".into(), "n/b".into()]
        );
        assert_eq!(argument(roots, "{input.name}/x"), "n/x".into());
        assert_eq!(argument(roots, "{input.version}[]"), vec!["3"].into());
        assert!(all(roots, "{input.name}/{input.missing}").is_empty());
    }

    #[test]
    fn one_value_at_both_places_is_enough() {
        let input = Map::from([
            ("id".into(), "b".into()),
            ("ids".into(), vec!["x", "a"].into()),
            (
                "tags".into(),
                Value::Map(Map::from([("a".into(), "1".into())])),
            ),
        ]);
        let result = result();
        let roots = Roots {
            input: &input,
            result: &result,
        };
        for (right, met) in [
            ("input.id", true),
            ("input.ids", true),
            ("input.tags", true),
            ("=b", true),
            ("=c", false),
            (r#"=["c","a"]"#, true),
            ("input.missing", false),
        ] {
            assert_eq!(meet(roots, "found.items[].id", right), met, "{right}");
        }
        assert!(!meet(roots, "found.missing", "input.missing"));
    }

    #[test]
    fn arguments_make_inputs() {
        let (input, result) = (input(), result());
        let roots = Roots {
            input: &input,
            result: &result,
        };
        let made = calls(
            roots,
            &[
                ("filters.a.b", "input.name"),
                ("id", "each result.items[].id"),
                ("absent", "input.missing"),
            ],
        );
        let texts: Vec<String> = made
            .into_iter()
            .map(|input| Value::Map(input).to_json().to_string())
            .collect();
        assert_eq!(
            texts,
            [
                r#"{"filters":{"a.b":"n"},"id":"a"}"#,
                r#"{"filters":{"a.b":"n"},"id":"b"}"#
            ]
        );
    }
}
