//! Which columns a table of maps has: its rows' names first, and as many as fit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use opsh_operation::{Map, Shape, Structure, Value};

use crate::cli::show;
use crate::modules::registry::registry;

/// Columns that fit, and the names of the others.
pub struct Chosen {
    /// The columns' names.
    pub names: Vec<String>,
    /// A cell for each of them.
    pub rows: Vec<Vec<Value>>,
    /// What is not shown.
    pub hidden: Vec<String>,
}

/// A cell is not wider than this while other columns want room.
const WIDEST: usize = 44;
/// What stands between two columns.
const GAP: usize = 2;

/// Chooses columns for `rows` that fit into `room`.
pub fn choose(rows: &[&Map], room: usize) -> Chosen {
    let flat: Vec<Map> = rows.iter().map(|row| flattened(row)).collect();
    let own = identity(rows);
    let mut names: Vec<&String> = flat
        .iter()
        .flat_map(Map::keys)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    names.sort_by_key(|name| (rank(name, own.as_deref()), name.as_str()));
    let mut left = room;
    let mut chosen = Vec::new();
    let mut hidden = Vec::new();
    for name in names {
        let cells = flat.iter().filter_map(|row| row.get(name));
        let widest = cells.map(|cell| show::line(cell).chars().count()).max();
        let width = widest.unwrap_or(0).min(WIDEST).max(name.chars().count());
        if chosen.is_empty() || width <= left {
            left = left.saturating_sub(width + GAP);
            chosen.push(name.clone());
        } else {
            hidden.push(name.clone());
        }
    }
    hidden.sort();
    let rows = flat.iter().map(|row| {
        let cell = |name: &String| row.get(name).cloned().unwrap_or_default();
        chosen.iter().map(cell).collect()
    });
    Chosen {
        rows: rows.collect(),
        names: chosen,
        hidden,
    }
}

/// A row with the maps in it taken apart (`state.name`), and lists of maps counted.
fn flattened(row: &Map) -> Map {
    let mut flat = Map::new();
    for (name, value) in row {
        match value {
            Value::Map(inner) => {
                for (key, value) in flattened(inner) {
                    flat.insert(format!("{name}.{key}"), value);
                }
            }
            Value::List(items) if items.iter().any(|item| item.as_map().is_some()) => {
                flat.insert(name.clone(), format!("({})", items.len()).into());
            }
            other => {
                flat.insert(name.clone(), other.clone());
            }
        }
    }
    flat
}

/// The smaller, the further left; among others of a thing of AWS, short names say most.
fn rank(name: &str, own: Option<&str>) -> (usize, usize) {
    let nested = name.contains('.');
    let last = name.rsplit('.').next().unwrap_or(name);
    let rank = match name {
        _ if own == Some(name) => 0,
        "id" | "name" | "tags.Name" => 1,
        "state" | "status" | "state.name" => 3,
        _ if own.is_none() && name.ends_with("_id") => 1,
        _ if own.is_none() => 2,
        _ if name.starts_with("tags.opsh:") => 9,
        _ if !nested && (last == "size" || last.ends_with("_type")) => 4,
        _ if last == "availability_zone" || last == "dns_name" => 5,
        _ if !nested && last.contains("public_ip") => 5,
        _ => 6 + usize::from(nested),
    };
    let length = if own.is_some() { name.len() } else { 0 };
    (rank, length)
}

/// The field by which rows of this kind are known, if they are results of an operation.
fn identity(rows: &[&Map]) -> Option<String> {
    let mut keys: BTreeSet<&str> = BTreeSet::new();
    keys.extend(rows.iter().flat_map(|row| row.keys().map(String::as_str)));
    let known = structures()
        .iter()
        .filter(|(fields, _)| keys.iter().all(|key| fields.contains(key)))
        .min_by_key(|(fields, _)| fields.len())?;
    let fields = known.0;
    known
        .1
        .iter()
        .find_map(|structure| own_field(structure, fields))
        .filter(|name| keys.contains(name.as_str()))
}

/// `instance_id` of `Instance`, `group_id` of `SecurityGroup`.
fn own_field(structure: &str, fields: &BTreeSet<&'static str>) -> Option<String> {
    let structure = snake(structure);
    ["_id", "_name", "_arn"].iter().find_map(|suffix| {
        let mut fitting: Vec<&&str> = fields
            .iter()
            .filter(|field| {
                field.strip_suffix(suffix).is_some_and(|stem| {
                    structure == stem || structure.ends_with(&format!("_{stem}"))
                })
            })
            .collect();
        fitting.sort_by_key(|field| std::cmp::Reverse(field.len()));
        fitting.first().map(ToString::to_string)
    })
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

type Structures = BTreeMap<BTreeSet<&'static str>, BTreeSet<&'static str>>;

/// The names of all structures in lists of results, by their fields.
fn structures() -> &'static Structures {
    static STRUCTURES: OnceLock<Structures> = OnceLock::new();
    STRUCTURES.get_or_init(|| {
        let mut all = Structures::new();
        let mut seen = BTreeSet::new();
        for entry in registry().operations() {
            collect(&entry.operation.output, false, &mut seen, &mut all);
        }
        all
    })
}

fn collect(shape: &Shape, listed: bool, seen: &mut BTreeSet<(usize, bool)>, all: &mut Structures) {
    match shape {
        Shape::List(item) => collect(item, true, seen, all),
        Shape::MapOf(item) => collect(item, false, seen, all),
        Shape::Struct(structure) => {
            let place = std::ptr::from_ref::<Structure>(structure).addr();
            if !seen.insert((place, listed)) {
                return;
            }
            if listed {
                let fields = structure.fields.iter().map(|field| field.name).collect();
                all.entry(fields).or_default().insert(structure.name);
            }
            for field in structure.fields {
                collect(&field.shape, false, seen, all);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(rows: &serde_json::Value, room: usize) -> Vec<String> {
        let rows = Value::from_json(rows);
        let rows: Vec<&Map> = rows
            .as_list()
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_map)
            .collect();
        choose(&rows, room).names
    }

    #[test]
    fn things_of_aws_are_known_by_their_own_ids() {
        let instance = json!([{"image_id": "ami-1", "instance_id": "i-1", "instance_type": "t3.micro",
            "state": {"name": "running", "code": 16}, "vpc_id": "vpc-1", "tags": {"Name": "web", "opsh:run": "r"},
            "ami_launch_index": 0, "public_ip_address": "203.0.113.10", "subnet_id": "subnet-1"}]);
        assert_eq!(
            names(&instance, 78),
            [
                "instance_id",
                "tags.Name",
                "state.name",
                "instance_type",
                "public_ip_address",
                "vpc_id"
            ]
        );
        let group = json!([{"group_id": "sg-1", "group_name": "web", "vpc_id": "vpc-1", "description": "d", "owner_id": "1"}]);
        assert_eq!(names(&group, 200)[0], "group_id");
        let bucket = json!([{"name": "b", "creation_date": "2026-01-01T00:00:00Z"}]);
        assert_eq!(names(&bucket, 200), ["name", "creation_date"]);
    }
}
