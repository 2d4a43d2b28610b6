//! Results as people read them at a terminal: lists of maps as tables that fit its width,
//! everything else indented, without what is absent.

mod columns;

use std::fmt::Write as _;

use opsh_operation::{Map, Value};

use crate::cli::show;
use crate::modules::term::aligned;

/// A result at a terminal that is `width` columns wide; nothing for nothing.
#[must_use]
pub fn result(value: &Value, width: u16) -> String {
    let mut out = String::new();
    let width = usize::from(width);
    match &without_absent(value) {
        Value::Null => {}
        Value::Text(text) => out.push_str(text),
        Value::List(items) if items.is_empty() => out.push_str("[]"),
        Value::Map(map) if map.is_empty() => out.push_str("#{}"),
        Value::List(items) => list(&mut out, "", items, 0, width),
        Value::Map(map) => block(&mut out, map, 0, width),
        other => out.push_str(&show::line(other)),
    }
    out.trim_end().to_owned()
}

/// A value without the entries of its maps that are absent or empty.
fn without_absent(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(
            map.iter()
                .filter(|(_, item)| !is_absent(item))
                .map(|(name, item)| (name.clone(), without_absent(item)))
                .collect(),
        ),
        Value::List(items) => Value::List(items.iter().map(without_absent).collect()),
        other => other.clone(),
    }
}

fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.values().all(is_absent),
        _ => false,
    }
}

/// The maps of a list, if it has nothing else.
fn rows(items: &[Value]) -> Option<Vec<&Map>> {
    items.iter().map(Value::as_map).collect()
}

/// A list whose path from the result on is `path`, which stands above it.
fn list(out: &mut String, path: &str, items: &[Value], depth: usize, width: usize) {
    let rows = rows(items);
    if let Some((name, inner)) = rows.as_deref().and_then(envelopes) {
        return list(out, &format!("{path}[].{name}"), &inner, depth, width);
    }
    let mut depth = depth;
    if !path.is_empty() {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "{}{path}", "  ".repeat(depth));
        depth += 1;
    }
    match rows {
        Some(rows) => table(out, &rows, depth, width),
        None => plain(out, items, depth),
    }
}

fn table(out: &mut String, rows: &[&Map], depth: usize, width: usize) {
    let indent = "  ".repeat(depth);
    let room = width.saturating_sub(indent.len()).max(20);
    let table = columns::choose(rows, room);
    let names: Vec<&str> = table.names.iter().map(String::as_str).collect();
    let fitting = u16::try_from(room).unwrap_or(u16::MAX);
    for line in aligned(&names, &table.rows, fitting).lines() {
        let _ = writeln!(out, "{indent}{line}");
    }
    if !table.hidden.is_empty() {
        let mut more = format!("{} more: {}", table.hidden.len(), table.hidden.join(", "));
        if more.chars().count() > room {
            more = more.chars().take(room - 1).collect();
            more.push('…');
        }
        let _ = writeln!(out, "{indent}{more}");
    }
}

/// What is in `rows` if each is hardly more than a wrapping of one list of maps, as
/// reservations are of instances.
fn envelopes<'a>(rows: &[&'a Map]) -> Option<(&'a str, Vec<Value>)> {
    const MOST: usize = 4;
    let inner = |row: &&'a Map| {
        let mut lists = row.iter().filter_map(|(name, value)| {
            let items = value.as_list()?;
            self::rows(items).filter(|rows| !rows.is_empty())?;
            Some((name.as_str(), items))
        });
        let found = lists.next()?;
        let alone = lists.next().is_none() && row.len() <= MOST;
        alone.then_some(found)
    };
    let all: Vec<(&str, &[Value])> = rows.iter().map(inner).collect::<Option<_>>()?;
    let (name, _) = all.first()?;
    // A list inside of one that says itself what it is about is no wrapping.
    let wraps = all.iter().all(|(other, items)| {
        other == name
            && items
                .iter()
                .all(|item| item.as_map().is_some_and(|map| map.len() > MOST))
    });
    wraps.then(|| {
        (
            *name,
            all.iter().flat_map(|(_, items)| items.to_vec()).collect(),
        )
    })
}

/// A list of anything.
fn plain(out: &mut String, items: &[Value], depth: usize) {
    let indent = "  ".repeat(depth);
    for item in items {
        let text = match item {
            Value::Text(text) => text.clone(),
            Value::Map(_) | Value::List(_) => show::result(item),
            other => show::line(other),
        };
        let inner = format!("\n{indent}  ");
        let _ = writeln!(out, "{indent}- {}", text.replace('\n', &inner));
    }
}

fn block(out: &mut String, map: &Map, depth: usize, width: usize) {
    let indent = "  ".repeat(depth);
    let names = map
        .iter()
        .filter(|(_, item)| show::is_flat(item))
        .map(|(name, _)| name.chars().count());
    let widest = names.max().unwrap_or(0);
    for (name, item) in map {
        match item {
            item if show::is_flat(item) => {
                let text = match item {
                    Value::Text(text) => text.clone(),
                    other => show::line(other),
                };
                let inner = format!("\n{indent}{}", " ".repeat(widest + 2));
                let text = text.replace('\n', &inner);
                let _ = writeln!(out, "{indent}{name:widest$}  {text}");
            }
            Value::Map(inner) => {
                let _ = writeln!(out, "{indent}{name}");
                block(out, inner, depth + 1, width);
            }
            Value::List(items) => list(out, name, items, depth, width),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(value: &serde_json::Value, width: u16) -> String {
        result(&Value::from_json(value), width)
    }

    #[test]
    fn maps_are_indented_and_what_is_absent_is_left_out() {
        assert_eq!(
            shown(
                &json!({"id": "i-1", "key": null, "tags": {}, "state": {"name": "running", "code": 16}, "names": ["a", "b"]}),
                80
            ),
            "id     i-1\nnames  a, b\nstate\n  code  16\n  name  running"
        );
    }

    #[test]
    fn lists_of_maps_are_tables() {
        assert_eq!(
            shown(
                &json!([{"id": "i-1", "cpu": 1}, {"id": "i-2", "cpu": 12}]),
                80
            ),
            "id   cpu\ni-1    1\ni-2   12"
        );
        assert_eq!(shown(&json!(["a", 1, {"b": 2}]), 80), "- a\n- 1\n- b  2");
        assert_eq!(shown(&json!([]), 80), "[]");
        assert_eq!(shown(&json!({}), 80), "#{}");
        assert_eq!(shown(&json!(null), 80), "");
    }

    #[test]
    fn what_only_wraps_lists_is_looked_through() {
        let instance = |id: &str| json!({"instance_id": id, "a": 1, "b": 2, "c": 3, "d": 4});
        let value = json!({"reservations": [
            {"reservation_id": "r-1", "instances": [instance("i-1")]},
            {"reservation_id": "r-2", "instances": [instance("i-2")]},
        ]});
        assert_eq!(
            shown(&value, 80),
            "reservations[].instances\n  instance_id  a  b  c  d\n  i-1          1  2  3  4\n  i-2          1  2  3  4"
        );
    }

    #[test]
    fn what_does_not_fit_is_named_below() {
        let value = json!([{"volume_id": "vol-1", "text": "x".repeat(60), "zone": "us-east-1a", "attached": [{"a": 1}]}]);
        let text = shown(&value, 40);
        assert!(
            text.lines().all(|line| line.chars().count() <= 40),
            "{text}"
        );
        assert!(text.starts_with("volume_id  "), "{text}");
        assert!(text.ends_with("1 more: text"), "{text}");
    }
}
