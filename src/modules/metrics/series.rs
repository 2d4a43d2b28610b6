//! Making a series of whatever there is.

use jiff::Timestamp;
use opsh_operation::{Fault, FaultKind, Map, Value};

use crate::modules::{Context, given};

/// A series, read from its map.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Series {
    pub label: String,
    pub unit: String,
    pub points: Vec<(Timestamp, f64)>,
}

/// What `get_metric_statistics` may have computed, in the order of preference.
const STATISTICS: [&str; 5] = ["average", "sum", "maximum", "minimum", "sample_count"];

/// What is in CloudWatch's results beside the datapoints.
const REST: [&str; 3] = ["label", "messages", "next_token"];

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Invalid, message)
}

pub(super) fn series(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let source = input.get("source").unwrap_or(&Value::Null);
    let mut series = match source {
        Value::List(samples) => samples_of(samples)?,
        Value::Map(map) => {
            if let Some(datapoints) = map.get("datapoints") {
                statistics(map, datapoints, given::text(input, "statistic"))?
            } else if let Some(results) = map.get("metric_data_results") {
                queried(results, given::text(input, "id"))?
            } else if map.contains_key("timestamps") {
                data(map)?
            } else if map.contains_key("points") {
                Series::from_value(source)?
            } else if map.keys().all(|name| REST.contains(&name.as_str())) {
                // A result without datapoints; empty lists may be left out.
                Series {
                    label: text(map, "label"),
                    ..Series::default()
                }
            } else {
                return Err(not_a_source(source));
            }
        }
        other => return Err(not_a_source(other)),
    };
    for (name, place) in [("label", &mut series.label), ("unit", &mut series.unit)] {
        if let Some(text) = input.get(name).and_then(Value::as_text) {
            text.clone_into(place);
        }
    }
    series.points.sort_by_key(|(time, _)| *time);
    Ok(series.to_value())
}

fn not_a_source(value: &Value) -> Fault {
    invalid(format!(
        "no series can be made of {}",
        match value {
            Value::Map(map) => format!(
                "a map with {}",
                map.keys()
                    .map(|name| format!("'{name}'"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            other => other.type_name().to_owned(),
        }
    ))
    .hint("give the result of cloudwatch::get_metric_statistics or get_metric_data, or a list of [time, value]")
}

fn samples_of(samples: &[Value]) -> Result<Series, Fault> {
    let points = samples
        .iter()
        .enumerate()
        .map(|(index, sample)| {
            let (time, value) = match sample {
                Value::List(pair) if pair.len() == 2 => (pair.first(), pair.get(1)),
                Value::Map(map) => (map.get("time"), map.get("value")),
                _ => (None, None),
            };
            time.and_then(time_of)
                .zip(value.and_then(Value::as_float))
                .ok_or_else(|| {
                    invalid(format!(
                        "sample {index} is no [time, value] and no #{{ time, value }}"
                    ))
                })
        })
        .collect::<Result<_, _>>()?;
    Ok(Series {
        points,
        ..Series::default()
    })
}

fn statistics(map: &Map, datapoints: &Value, wanted: &str) -> Result<Series, Fault> {
    let mut series = Series {
        label: text(map, "label"),
        ..Series::default()
    };
    for point in datapoints.as_list().unwrap_or_default() {
        let Some(point) = point.as_map() else {
            continue;
        };
        let extended = point.get("extended_statistics").and_then(Value::as_map);
        let value = if wanted.is_empty() {
            STATISTICS
                .iter()
                .find_map(|name| point.get(*name)?.as_float())
                .or_else(|| extended.and_then(|map| map.values().next()?.as_float()))
        } else {
            point
                .get(wanted)
                .or_else(|| extended.and_then(|map| map.get(wanted)))
                .and_then(Value::as_float)
        };
        let value = value.ok_or_else(|| {
            let there: Vec<&str> = STATISTICS
                .into_iter()
                .filter(|name| point.get(*name).is_some_and(|value| !value.is_null()))
                .chain(
                    extended
                        .into_iter()
                        .flat_map(|map| map.keys().map(String::as_str)),
                )
                .collect();
            invalid(format!(
                "the datapoints have no '{wanted}'; they have {}",
                there.join(", ")
            ))
        })?;
        if let Some(time) = point.get("timestamp").and_then(time_of) {
            series.points.push((time, value));
        }
        series.unit = text(point, "unit");
    }
    Ok(series)
}

fn queried(results: &Value, wanted: &str) -> Result<Series, Fault> {
    let results = results.as_list().unwrap_or_default();
    let found = results
        .iter()
        .filter_map(Value::as_map)
        .find(|result| wanted.is_empty() || text(result, "id") == wanted);
    match found {
        Some(result) => data(result),
        None if wanted.is_empty() => Ok(Series::default()),
        None => Err(invalid(format!("the results have no query '{wanted}'"))),
    }
}

fn data(result: &Map) -> Result<Series, Fault> {
    let list = |name: &str| {
        result
            .get(name)
            .and_then(Value::as_list)
            .unwrap_or_default()
    };
    let (times, values) = (list("timestamps"), list("values"));
    if times.len() != values.len() {
        return Err(invalid(format!(
            "there are {} timestamps and {} values",
            times.len(),
            values.len()
        )));
    }
    Ok(Series {
        label: text(result, "label"),
        unit: String::new(),
        points: times
            .iter()
            .zip(values)
            .filter_map(|(time, value)| time_of(time).zip(value.as_float()))
            .collect(),
    })
}

fn text(map: &Map, name: &str) -> String {
    map.get(name)
        .and_then(Value::as_text)
        .unwrap_or_default()
        .to_owned()
}

fn time_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Time(time) => Some(*time),
        Value::Text(text) => text.parse().ok(),
        Value::Int(unix) => Timestamp::from_second(*unix).ok(),
        _ => None,
    }
}

impl Series {
    /// A series in the parameter `series`.
    pub(super) fn of(input: &Map) -> Result<Self, Fault> {
        Self::from_value(input.get("series").unwrap_or(&Value::Null))
    }

    /// All series in the parameter `series`.
    pub(super) fn all_of(input: &Map) -> Result<Vec<Self>, Fault> {
        given::list(input, "series")
            .iter()
            .map(Self::from_value)
            .collect()
    }

    pub(super) fn from_value(value: &Value) -> Result<Self, Fault> {
        let map = value.as_map().ok_or_else(|| not_a_source(value))?;
        let mut series = samples_of(
            map.get("points")
                .and_then(Value::as_list)
                .unwrap_or_default(),
        )?;
        series.label = text(map, "label");
        series.unit = text(map, "unit");
        Ok(series)
    }

    pub(super) fn to_value(&self) -> Value {
        let point = |(time, value): &(Timestamp, f64)| {
            Value::Map(Map::from([
                ("time".to_owned(), (*time).into()),
                ("value".to_owned(), (*value).into()),
            ]))
        };
        Value::Map(Map::from([
            ("label".to_owned(), self.label.as_str().into()),
            ("unit".to_owned(), self.unit.as_str().into()),
            (
                "points".to_owned(),
                Value::List(self.points.iter().map(point).collect()),
            ),
        ]))
    }

    /// The values that are numbers, in order of time.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.points
            .iter()
            .map(|(_, value)| *value)
            .filter(|value| value.is_finite())
    }

    /// Label and unit, for people.
    pub(super) fn title(&self) -> String {
        match (self.label.as_str(), self.unit.as_str()) {
            (label, "" | "None") => label.to_owned(),
            ("", unit) => unit.to_owned(),
            (label, unit) => format!("{label} ({unit})"),
        }
    }
}
