//! `PutMetricData`.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::metric::{Dimension, Metric, invalid, unit};
use super::statistic::Summary;
use super::store::Sample;
use crate::api::ApiError;
use crate::document::Document;
use crate::state;

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    namespace: String,
    metric_data: Vec<Datum>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Datum {
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    timestamp: Option<Timestamp>,
    value: Option<f64>,
    statistic_values: Option<Set>,
    #[serde(default)]
    values: Vec<f64>,
    #[serde(default)]
    counts: Vec<f64>,
    unit: Option<String>,
    storage_resolution: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Set {
    sample_count: f64,
    sum: f64,
    minimum: f64,
    maximum: f64,
}

/// Publishes values.
///
/// # Errors
/// What AWS refuses: reserved namespaces, values that contradict each other or are no
/// numbers, times too far from now.
pub fn put_metric_data(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    if input.namespace.starts_with("AWS/") {
        return Err(invalid(format!(
            "The value {} for parameter Namespace is invalid: namespaces that begin with AWS/ are reserved.",
            input.namespace
        )));
    }
    if input.metric_data.len() > 1000 {
        return Err(invalid(
            "The collection MetricData must not have a size greater than 1000.",
        ));
    }
    let mut samples = Vec::new();
    for (index, datum) in input.metric_data.into_iter().enumerate() {
        let place = format!("MetricData.member.{}", index + 1);
        samples.push(sample(&input.namespace, datum, &place, cloud.now)?);
    }
    for (metric, sample) in samples {
        cloud.cloudwatch.store.add(metric, sample, cloud.now);
    }
    Ok(Document::empty())
}

fn sample(
    namespace: &str,
    datum: Datum,
    place: &str,
    now: Timestamp,
) -> Result<(Metric, Sample), ApiError> {
    let at = datum.timestamp.unwrap_or(now);
    if at > now + SignedDuration::from_hours(2) {
        return Err(invalid(format!(
            "The parameter {place}.Timestamp must specify a time no more than two hours in the future."
        )));
    }
    if at < now - SignedDuration::from_hours(14 * 24) {
        return Err(invalid(format!(
            "The parameter {place}.Timestamp must specify a time no more than two weeks in the past."
        )));
    }
    let resolution = match datum.storage_resolution {
        None | Some(60) => 60,
        Some(1) => 1,
        Some(_) => {
            return Err(invalid(format!(
                "The parameter {place}.StorageResolution must be 1 or 60."
            )));
        }
    };
    if let Some(name) = &datum.unit {
        unit(name)?;
    }
    let summary = summary(&datum, place)?;
    let second = at.as_second().div_euclid(resolution) * resolution;
    Ok((
        Metric::new(namespace, datum.metric_name, datum.dimensions)?,
        Sample {
            at: Timestamp::from_second(second).unwrap_or(at),
            unit: datum.unit.unwrap_or_else(|| "None".to_owned()),
            summary,
        },
    ))
}

fn summary(datum: &Datum, place: &str) -> Result<Summary, ApiError> {
    let number = |name: &str, value: f64| {
        // The API's range of values, 2^360.
        if value.is_finite() && value.abs() <= 2f64.powi(360) {
            Ok(value)
        } else {
            Err(invalid(format!(
                "The value {value} for parameter {place}.{name} is invalid."
            )))
        }
    };
    let exclusive = || {
        ApiError::new(
            "InvalidParameterCombination",
            format!(
                "The parameters {place}.Value, {place}.Values and {place}.StatisticValues are mutually exclusive and you have specified more than one."
            ),
        )
    };
    match (
        datum.value,
        &datum.statistic_values,
        datum.values.as_slice(),
    ) {
        (Some(value), None, []) => Ok(Summary::of(number("Value", value)?)),
        (None, Some(set), []) => {
            if set.sample_count <= 0.0 || set.minimum > set.maximum {
                return Err(invalid(format!(
                    "The parameter {place}.StatisticValues must have a positive SampleCount and a Minimum that is not greater than its Maximum."
                )));
            }
            Ok(Summary {
                count: number("StatisticValues.SampleCount", set.sample_count)?,
                sum: number("StatisticValues.Sum", set.sum)?,
                minimum: number("StatisticValues.Minimum", set.minimum)?,
                maximum: number("StatisticValues.Maximum", set.maximum)?,
                values: Vec::new(),
            })
        }
        (None, None, values @ [_, ..]) => {
            if values.len() > 150 {
                return Err(invalid(format!(
                    "The collection {place}.Values must not have a size greater than 150."
                )));
            }
            if !datum.counts.is_empty() && datum.counts.len() != values.len() {
                return Err(invalid(format!(
                    "The parameters {place}.Values and {place}.Counts must be of the same size."
                )));
            }
            let mut counted = Vec::with_capacity(values.len());
            for (index, value) in values.iter().enumerate() {
                let count = datum.counts.get(index).copied().unwrap_or(1.0);
                counted.push((number("Values", *value)?, number("Counts", count)?));
            }
            Ok(Summary::counted(counted))
        }
        (None, None, []) => Err(ApiError::new(
            "MissingParameter",
            format!(
                "At least one of the parameters {place}.Value, {place}.Values and {place}.StatisticValues must be specified."
            ),
        )),
        _ => Err(exclusive()),
    }
}
