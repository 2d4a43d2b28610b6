//! Values as people read them.

use std::fmt::Write as _;

use opsh_operation::shape::Shape;
use opsh_operation::{Map, Value};

use crate::gate::event::Step;

/// Texts longer than this are cut where one line is wanted.
const LINE: usize = 72;

/// A value on one line: texts bare, long ones cut with their size, maps as `a=1 b=2`.
#[must_use]
pub fn line(value: &Value) -> String {
    match value {
        Value::Null => "()".to_owned(),
        Value::Text(text) => short(text),
        Value::Bytes(bytes) => format!("({} bytes)", bytes.len()),
        Value::List(items) => items.iter().map(nested).collect::<Vec<_>>().join(", "),
        Value::Map(map) => map
            .iter()
            .map(|(name, item)| format!("{name}={}", nested(item)))
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_json().to_string().trim_matches('"').to_owned(),
    }
}

fn nested(value: &Value) -> String {
    match value {
        Value::List(_) => format!("[{}]", line(value)),
        Value::Map(_) => format!("{{{}}}", line(value)),
        Value::Text(text) if text.contains([' ', '=', ',']) => format!("{:?}", short(text)),
        other => line(other),
    }
}

fn short(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    if first.len() == text.len() && text.chars().count() <= LINE {
        return text.to_owned();
    }
    let cut: String = first.chars().take(LINE - 20).collect();
    format!("{cut}… ({} bytes)", text.len())
}

/// What a step is about: the first two parameters that name something; of those that it
/// cannot do without, if there are such.
#[must_use]
pub fn subject(step: &Step) -> String {
    let names = |required: bool| {
        let fields = step.operation.input.fields.iter().filter(move |field| {
            field.required >= required && !field.sensitive && !matches!(field.shape, Shape::Body)
        });
        let named = fields.filter_map(|field| name(step.input.get(field.name)?));
        named.take(2).collect::<Vec<_>>().join(" ")
    };
    let needed = names(true);
    if needed.is_empty() {
        return names(false);
    }
    needed
}

fn name(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(short(text)),
        Value::List(items) if items.iter().all(|item| matches!(item, Value::Text(_))) => {
            Some(items.iter().map(line).collect::<Vec<_>>().join(" "))
        }
        // Where ssh goes.
        Value::Map(map) => map.get("host").and_then(Value::as_text).map(short),
        _ => None,
    }
}

/// A result: texts as they are, maps and lists indented, nothing for nothing.
#[must_use]
pub fn result(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Null => {}
        Value::Text(text) => out.push_str(text),
        Value::Map(_) | Value::List(_) => block(&mut out, value, 0),
        other => out.push_str(&line(other)),
    }
    out.trim_end().to_owned()
}

fn block(out: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Map(map) => {
            let width = widest(map);
            for (name, item) in map {
                if is_flat(item) {
                    // Writing to a String cannot fail, here and below.
                    let _ = writeln!(out, "{indent}{name:width$}  {}", whole(item));
                } else {
                    let _ = writeln!(out, "{indent}{name}");
                    block(out, item, depth + 1);
                }
            }
        }
        Value::List(items) => {
            for item in items {
                if is_flat(item) {
                    let _ = writeln!(out, "{indent}- {}", whole(item));
                } else {
                    let mut inner = String::new();
                    block(&mut inner, item, depth + 1);
                    let _ = write!(out, "{indent}- {}", inner.trim_start());
                }
            }
        }
        other => {
            let _ = writeln!(out, "{indent}{}", line(other));
        }
    }
}

/// A flat value in full: a result is not cut.
fn whole(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::List(items) if items.is_empty() => "[]".to_owned(),
        Value::Map(map) if map.is_empty() => "#{}".to_owned(),
        other => line(other),
    }
}

fn widest(map: &Map) -> usize {
    map.iter()
        .filter(|(_, item)| is_flat(item))
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0)
}

/// Whether a value stands on one line, behind its name.
#[must_use]
pub fn is_flat(value: &Value) -> bool {
    match value {
        Value::Map(map) => map.is_empty(),
        Value::List(items) => items
            .iter()
            .all(|item| !matches!(item, Value::Map(_) | Value::List(_))),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_laid_out_for_people() {
        let value = Value::Map(Map::from([
            ("url".into(), "http://203.0.113.10/".into()),
            ("count".into(), Value::Int(2)),
            (
                "hosts".into(),
                Value::List(vec![Value::Map(Map::from([
                    ("id".into(), "i-1".into()),
                    ("zone".into(), "a".into()),
                ]))]),
            ),
        ]));
        assert_eq!(
            result(&value),
            "count  2\nhosts\n  - id    i-1\n    zone  a\nurl    http://203.0.113.10/"
        );
    }

    #[test]
    fn what_is_empty_is_seen() {
        let value = Value::Map(Map::from([
            ("left".into(), Value::List(Vec::new())),
            ("tags".into(), Value::Map(Map::new())),
        ]));
        assert_eq!(result(&value), "left  []\ntags  #{}");
    }

    #[test]
    fn long_texts_are_cut_with_their_size() {
        assert_eq!(
            line(&"#!/bin/bash\nset -e\n".into()),
            "#!/bin/bash… (19 bytes)"
        );
    }
}
