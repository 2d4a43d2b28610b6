//! How what was found is removed: by the inverse of what would have made it.

use opsh_operation::select::{self, Roots};
use opsh_operation::{Inverse, Map, Value};

use super::Search;
use crate::ledger::Call;

/// The calls that remove the resource `id`, which was listed as `item` of what
/// `input` says: its own fields and its parent's have the names that the
/// operation's parameters have.
#[must_use]
pub fn inverse(search: Search, id: &str, input: &Map, item: &Value) -> Vec<Call> {
    let write = search.write;
    let Inverse::Calls(calls) = &write.inverse else {
        return Vec::new();
    };
    let mut asked = input.clone();
    if let Value::Map(fields) = item {
        asked.extend(fields.clone());
    }
    let mut told = Value::Map(Map::new());
    for makes in write.makes {
        place(makes.id, id, &mut asked, &mut told);
    }
    let roots = Roots {
        input: &asked,
        result: &told,
    };
    calls
        .iter()
        .flat_map(|call| {
            select::calls(roots, call.arguments)
                .into_iter()
                .map(|input| Call {
                    operation: call.operation.to_owned(),
                    input,
                    controls: Map::new(),
                })
        })
        .collect()
}

/// Puts `id` where `path` would find it: the opposite of [`select::all`].
fn place(path: &str, id: &str, input: &mut Map, result: &mut Value) {
    if path.contains('{') {
        let mut rest = id;
        for (field, separator) in fields(path) {
            let (value, tail) = match separator {
                "" => (rest, ""),
                _ => rest.split_once(separator).unwrap_or((rest, "")),
            };
            place(field, value, input, result);
            rest = tail;
        }
        return;
    }
    let Some((root, rest)) = path.split_once('.') else {
        return;
    };
    if root == "input" {
        let mut whole = Value::Map(std::mem::take(input));
        set(&mut whole, rest, id);
        if let Value::Map(map) = whole {
            *input = map;
        }
    } else {
        set(result, rest, id);
    }
}

/// The paths in a template, each with the text behind it.
fn fields(template: &str) -> impl Iterator<Item = (&str, &str)> {
    template
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}'))
}

fn set(value: &mut Value, path: &str, id: &str) {
    let (segment, rest) = match path.split_once('.') {
        Some((segment, rest)) => (segment, Some(rest)),
        None => (path, None),
    };
    let (name, listed) = match segment.split_once('[') {
        Some((name, _)) => (name, true),
        None => (segment, false),
    };
    let mut inner = match rest {
        None => Value::from(id),
        Some(rest) => {
            let mut inner = Value::Map(Map::new());
            set(&mut inner, rest, id);
            inner
        }
    };
    if listed {
        inner = Value::List(vec![inner]);
    }
    if let Value::Map(map) = value {
        map.insert(name.to_owned(), inner);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::searches;
    use super::*;
    use crate::modules::registry::registry;

    fn derived(kind: &str, id: &str, input: &[(&str, &str)], item: &[(&str, &str)]) -> Vec<String> {
        let map = |pairs: &[(&str, &str)]| -> Map {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).into()))
                .collect()
        };
        let search = searches().find(|search| search.kind == kind).unwrap();
        inverse(search, id, &map(input), &Value::Map(map(item)))
            .into_iter()
            .map(|call| format!("{} {}", call.operation, Value::Map(call.input).to_json()))
            .collect()
    }

    #[test]
    fn the_id_stands_where_the_making_would_have_told_it() {
        assert_eq!(
            derived("ec2:instance", "i-1", &[], &[]),
            [
                r#"ec2::terminate_instances {"instance_ids":["i-1"]}"#,
                r#"ec2::wait_until_instance_terminated {"instance_ids":["i-1"]}"#
            ]
        );
        assert_eq!(
            derived("s3:bucket", "b", &[], &[])[1],
            r#"s3::delete_bucket {"bucket":"b"}"#
        );
    }

    #[test]
    fn what_the_listing_tells_is_as_good_as_what_was_asked_for() {
        assert_eq!(
            derived("ec2:key-pair", "key-1", &[], &[("key_name", "mine")]),
            [r#"ec2::delete_key_pair {"key_name":"mine"}"#]
        );
    }

    #[test]
    fn a_bond_is_named_by_both_its_ends() {
        assert_eq!(
            derived("iam:role-policy", "web/read", &[("role_name", "web")], &[]),
            [r#"iam::delete_role_policy {"policy_name":"read","role_name":"web"}"#]
        );
        assert_eq!(
            derived(
                "iam:attached-policy",
                "web/arn:aws:iam::aws:policy/X",
                &[],
                &[]
            ),
            [
                r#"iam::detach_role_policy {"policy_arn":"arn:aws:iam::aws:policy/X","role_name":"web"}"#
            ]
        );
    }

    #[test]
    fn every_kind_can_be_removed_by_its_id() {
        for search in searches() {
            let known = Map::from([
                ("key_name".to_owned(), "k".into()),
                ("group_id".to_owned(), "sg-1".into()),
            ]);
            let calls = inverse(search, "one/two", &known, &Value::Null);
            assert!(!calls.is_empty(), "{}", search.kind);
            for call in calls {
                let operation = registry().get(&call.operation).unwrap().operation;
                let report = opsh_operation::validate::input(operation.input, &call.input);
                assert!(report.errors.is_empty(), "{}: {call:?}", search.kind);
            }
        }
    }
}
