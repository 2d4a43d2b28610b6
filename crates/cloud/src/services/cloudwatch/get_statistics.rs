//! `GetMetricStatistics`.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html>

use jiff::Timestamp;
use serde::Deserialize;

use super::metric::{Dimension, Metric, invalid, unit};
use super::statistic::Statistic;
use super::store::points;
use crate::api::ApiError;
use crate::document::{Document, some};
use crate::state;

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    start_time: Timestamp,
    end_time: Timestamp,
    period: i64,
    #[serde(default)]
    statistics: Vec<String>,
    #[serde(default)]
    extended_statistics: Vec<String>,
    unit: Option<String>,
}

/// The most that one answer holds.
const LIMIT: i64 = 1440;

/// The statistics of a metric, a period each.
///
/// # Errors
/// What AWS refuses: no statistic, a period that is none, more than 1,440 datapoints.
pub fn get_metric_statistics(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    let metric = Metric::new(input.namespace, input.metric_name, input.dimensions)?;
    period(input.period)?;
    if let Some(name) = &input.unit {
        unit(name)?;
    }
    if input.statistics.is_empty() && input.extended_statistics.is_empty() {
        return Err(ApiError::new(
            "MissingParameter",
            "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
        ));
    }
    let mut wanted = Vec::new();
    for name in &input.statistics {
        wanted.push((name.as_str(), Statistic::basic(name)?));
    }
    let mut extended = Vec::new();
    for name in &input.extended_statistics {
        extended.push((name.as_str(), Statistic::extended(name)?));
    }
    if input.start_time >= input.end_time {
        return Err(invalid(
            "The parameter StartTime must be less than the parameter EndTime.",
        ));
    }
    let step = alignment(cloud.now, input.start_time, input.period);
    let range = input.start_time.as_second().div_euclid(step) * step..ceiling(input.end_time);
    let asked = (range.end - range.start + input.period - 1) / input.period;
    if asked > LIMIT {
        return Err(ApiError::new(
            "InvalidParameterCombination",
            format!(
                "You have requested up to {asked} datapoints, which exceeds the limit of {LIMIT}. \
                 You may reduce the datapoints requested by increasing Period, or decreasing the time range."
            ),
        ));
    }
    let datapoints = points(cloud, &metric, range, input.period, input.unit.as_deref());
    let datapoints = datapoints.iter().filter_map(|point| {
        let mut fields = vec![("Timestamp", some(point.at))];
        for (name, statistic) in &wanted {
            fields.push((*name, statistic.value(&point.summary).map(Into::into)));
        }
        let percentiles: Vec<(&str, f64)> = extended
            .iter()
            .filter_map(|(name, statistic)| Some((*name, statistic.value(&point.summary)?)))
            .collect();
        if wanted.is_empty() && percentiles.is_empty() {
            return None;
        }
        fields.push(("Unit", some(&point.unit)));
        if !percentiles.is_empty() {
            fields.push(("ExtendedStatistics", Some(Document::entries(percentiles))));
        }
        Some(Document::fields(fields))
    });
    Ok(Document::fields([
        ("Label", some(&metric.name)),
        ("Datapoints", Some(Document::list(datapoints))),
    ]))
}

/// Checks a period in seconds.
///
/// # Errors
/// Anything but 1, 5, 10, 20, 30 and the multiples of 60.
pub fn period(period: i64) -> Result<(), ApiError> {
    if matches!(period, 1 | 5 | 10 | 20 | 30) || (period > 0 && period % 60 == 0) {
        return Ok(());
    }
    Err(invalid(
        "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.",
    ))
}

/// To what `StartTime` is rounded down: the period below a minute, else the finest
/// period that is still kept for that age.
#[must_use]
fn alignment(now: Timestamp, start: Timestamp, period: i64) -> i64 {
    let days = (now.as_second() - start.as_second()) / 86_400;
    match days {
        _ if period < 60 => period,
        63.. => 3600,
        15.. => 300,
        _ => 60,
    }
}

/// The first whole second that is not before `at`: a range's end is exclusive.
#[must_use]
pub fn ceiling(at: Timestamp) -> i64 {
    at.as_second() + i64::from(at.subsec_nanosecond() > 0)
}
