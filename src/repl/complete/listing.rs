//! Which read of the registry lists what a parameter takes, from names and shapes alone:
//! `vpc_id` and `vpc_ids` are in `ec2::describe_vpcs`, `bucket` is in `s3::list_buckets`.

use opsh_operation::{Effect, Field, Shape, Structure};

use crate::modules::Entry;
use crate::modules::registry::registry;

/// The listing for a parameter of an operation of `module`.
#[must_use]
pub fn of(module: &str, field: &Field) -> Option<Found> {
    let wanted = Wanted::of(field)?;
    let own = in_module(module, &wanted, false);
    own.or_else(|| {
        registry()
            .modules()
            .filter(|(other, _)| *other != module)
            .find_map(|(other, _)| in_module(other, &wanted, true))
    })
}

/// A listing that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// `module::name` of the read.
    pub operation: String,
    /// Where in its result they are, maybe in several lists.
    pub places: Vec<Place>,
}

/// Ids in the result of a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Lists on the way to the items, the outermost first.
    pub path: Vec<&'static str>,
    /// The items' field that is the id; nothing if the items themselves are.
    pub id: Option<&'static str>,
}

/// What is looked for.
struct Wanted {
    /// `security_group_id`
    name: String,
    /// `security_group`
    noun: String,
    /// `id`; nothing if the name is the noun.
    suffix: Option<&'static str>,
}

const SUFFIXES: [&str; 4] = ["id", "arn", "name", "url"];

impl Wanted {
    fn of(field: &Field) -> Option<Self> {
        let (many, takes_text) = match field.shape {
            Shape::Text => (false, true),
            Shape::List(Shape::Text) => (true, true),
            _ => (false, false),
        };
        if !takes_text {
            return None;
        }
        let name = if many {
            field.name.strip_suffix('s')?
        } else {
            field.name
        };
        let suffix = SUFFIXES.into_iter().find(|suffix| {
            name.strip_suffix(suffix)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('_'))
        });
        let noun = match suffix {
            Some(suffix) => &name[..name.len() - suffix.len() - 1],
            None => name,
        };
        Some(Self {
            name: name.to_owned(),
            noun: noun.to_owned(),
            suffix,
        })
    }

    /// Whether an operation lists things of this kind; the smaller, the better.
    fn fit(&self, operation: &str, exactly: bool) -> Option<usize> {
        let things = ["list_", "describe_"]
            .into_iter()
            .find_map(|verb| operation.strip_prefix(verb))?;
        let plurals = [format!("{}s", self.noun), format!("{}es", self.noun)];
        if plurals.iter().any(|plural| plural == things) {
            return Some(0);
        }
        if exactly || self.suffix.is_none() || !things.ends_with('s') {
            return None;
        }
        // `key_name` is in `describe_key_pairs`, `source_group_id` in no `…_sources`.
        things
            .strip_prefix(self.noun.as_str())
            .filter(|rest| rest.starts_with('_'))
            .map(str::len)
    }

    /// Whether a field of an item is the id.
    fn is_id(&self, field: &Field) -> bool {
        if !matches!(field.shape, Shape::Text) {
            return false;
        }
        match self.suffix {
            Some(_) => {
                self.name == field.name
                    || (field.name.contains('_')
                        && self.name.ends_with(&format!("_{}", field.name)))
            }
            None => {
                field.name == "name"
                    || SUFFIXES.into_iter().take(1).any(|suffix| {
                        let whole = format!("{}_{suffix}", self.noun);
                        whole == field.name || whole.ends_with(&format!("_{}", field.name))
                    })
            }
        }
    }
}

fn in_module(module: &str, wanted: &Wanted, exactly: bool) -> Option<Found> {
    let mut fitting: Vec<(usize, &Entry)> = registry()
        .module(module)?
        .values()
        .filter(|entry| matches!(entry.operation.effect, Effect::Read))
        .filter(|entry| {
            !entry
                .operation
                .input
                .fields
                .iter()
                .any(|field| field.required)
        })
        .filter_map(|entry| Some((wanted.fit(entry.operation.name, exactly)?, entry)))
        .collect();
    fitting.sort_by_key(|(distance, _)| *distance);
    fitting.into_iter().find_map(|(_, entry)| {
        let Shape::Struct(output) = entry.operation.output else {
            return None;
        };
        let mut places = Vec::new();
        search(output, wanted, &[], &mut places);
        (!places.is_empty()).then(|| Found {
            operation: entry.operation.full_name(),
            places,
        })
    })
}

/// How many lists deep ids are looked for.
const DEPTH: usize = 2;

/// Looks for lists of ids in `structure`, which is at `path`; fills `places`.
fn search(
    structure: &'static Structure,
    wanted: &Wanted,
    path: &[&'static str],
    places: &mut Vec<Place>,
) {
    for field in structure.fields {
        let path = [path, &[field.name]].concat();
        match field.shape {
            Shape::List(Shape::Text) if field.name.strip_suffix('s') == Some(&wanted.name) => {
                places.push(Place { path, id: None });
            }
            Shape::List(Shape::Struct(item)) => {
                let id = item.fields.iter().find(|field| wanted.is_id(field));
                match id {
                    Some(id) => places.push(Place {
                        path,
                        id: Some(id.name),
                    }),
                    None if path.len() < DEPTH => search(item, wanted, &path, places),
                    None => {}
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn listing(operation: &str, parameter: &str) -> Option<String> {
        let operation = registry().get(operation).unwrap().operation;
        let found = of(operation.module, operation.input.field(parameter).unwrap())?;
        let places = found.places.iter().map(|place| {
            let id = place.id.unwrap_or("itself");
            format!(" {}[] {id}", place.path.join("[]."))
        });
        Some(format!("{}{}", found.operation, places.collect::<String>()))
    }

    #[test]
    fn what_a_parameter_takes_is_found_by_its_name() {
        for (operation, parameter, expected) in [
            (
                "ec2::terminate_instances",
                "instance_ids",
                "ec2::describe_instances reservations[].instances[] instance_id",
            ),
            (
                "s3::list_objects_v2",
                "bucket",
                "s3::list_buckets buckets[] name",
            ),
            (
                "ec2::run_instances",
                "subnet_id",
                "ec2::describe_subnets subnets[] subnet_id",
            ),
            (
                "ec2::run_instances",
                "security_group_ids",
                "ec2::describe_security_groups security_groups[] group_id",
            ),
            (
                "ec2::run_instances",
                "image_id",
                "ec2::describe_images images[] image_id",
            ),
            (
                "ec2::run_instances",
                "key_name",
                "ec2::describe_key_pairs key_pairs[] key_name",
            ),
            (
                "sns::publish",
                "topic_arn",
                "sns::list_topics topics[] topic_arn",
            ),
            (
                "sqs::send_message",
                "queue_url",
                "sqs::list_queues queue_urls[] itself",
            ),
            (
                "autoscaling::set_desired_capacity",
                "auto_scaling_group_name",
                "autoscaling::describe_auto_scaling_groups auto_scaling_groups[] auto_scaling_group_name",
            ),
            (
                "cloudwatch::delete_alarms",
                "alarm_names",
                "cloudwatch::describe_alarms composite_alarms[] alarm_name metric_alarms[] alarm_name log_alarms[] alarm_name",
            ),
        ] {
            assert_eq!(
                listing(operation, parameter).as_deref(),
                Some(expected),
                "{parameter}"
            );
        }
    }

    #[test]
    fn free_texts_are_not_looked_for() {
        for (operation, parameter) in [
            ("ec2::run_instances", "user_data"),
            ("sns::publish", "message"),
            ("ec2::run_instances", "client_token"),
        ] {
            assert_eq!(listing(operation, parameter), None, "{parameter}");
        }
    }
}
