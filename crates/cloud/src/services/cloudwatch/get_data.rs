//! `GetMetricData`.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>.
//! Metric math and Metrics Insights (`Expression`) are not modelled.

use jiff::Timestamp;
use serde::Deserialize;

use super::get_statistics::{ceiling, period};
use super::metric::{Dimension, Metric, invalid, unit};
use super::statistic::Statistic;
use super::store::points;
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::state;

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    metric_data_queries: Vec<Query>,
    start_time: Timestamp,
    end_time: Timestamp,
    scan_by: Option<ScanBy>,
    max_datapoints: Option<usize>,
    next_token: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum ScanBy {
    TimestampDescending,
    TimestampAscending,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Query {
    id: String,
    metric_stat: Option<MetricStat>,
    label: Option<String>,
    return_data: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct MetricStat {
    metric: Named,
    period: i64,
    stat: String,
    unit: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Named {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
}

/// The most datapoints of one answer.
const LIMIT: usize = 100_800;

struct Answer {
    id: String,
    label: String,
    points: Vec<(Timestamp, f64)>,
}

/// Datapoints of several metrics.
///
/// # Errors
/// What AWS refuses: ids that are not distinct or badly formed, no metric, a bad period.
pub fn get_metric_data(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    if input.start_time >= input.end_time {
        return Err(ApiError::new(
            "ValidationError",
            "The parameter StartTime must be less than the parameter EndTime.",
        ));
    }
    if input.metric_data_queries.is_empty() || input.metric_data_queries.len() > 500 {
        return Err(invalid(
            "The collection MetricDataQueries must have a size between 1 and 500.",
        ));
    }
    let mut answers: Vec<Answer> = Vec::new();
    let mut seen = Vec::new();
    for query in &input.metric_data_queries {
        identifier(&query.id)?;
        if seen.contains(&query.id.as_str()) {
            return Err(ApiError::new(
                "ValidationError",
                format!(
                    "The ids of MetricDataQueries must be unique: '{}' is not.",
                    query.id
                ),
            ));
        }
        seen.push(&query.id);
        let mut answer = answer(cloud, query, &input)?;
        if input.scan_by != Some(ScanBy::TimestampAscending) {
            answer.points.reverse();
        }
        if query.return_data != Some(false) {
            answers.push(answer);
        }
    }
    if answers.is_empty() {
        return Err(ApiError::new(
            "ValidationError",
            "At least one of the queries must return data.",
        ));
    }
    let (results, token) = window(
        answers,
        input.max_datapoints.unwrap_or(LIMIT).clamp(1, LIMIT),
        input.next_token.as_deref(),
    )?;
    Ok(Document::fields([
        ("MetricDataResults", Some(Document::List(results))),
        ("NextToken", maybe(token.as_ref())),
        ("Messages", Some(Document::List(Vec::new()))),
    ]))
}

fn identifier(id: &str) -> Result<(), ApiError> {
    let well_formed = id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.len() <= 255
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if well_formed {
        return Ok(());
    }
    Err(ApiError::new(
        "ValidationError",
        format!(
            "The value '{id}' for parameter MetricDataQueries.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        ),
    ))
}

fn answer(cloud: &mut state::State, query: &Query, input: &Input) -> Result<Answer, ApiError> {
    let stat = query.metric_stat.as_ref().ok_or_else(|| {
        ApiError::new(
            "ValidationError",
            format!(
                "Exactly one of Expression or MetricStat must be specified for Id '{}'.",
                query.id
            ),
        )
    })?;
    let named = &stat.metric;
    let metric = Metric::new(
        &named.namespace,
        &named.metric_name,
        named.dimensions.clone(),
    )?;
    period(stat.period)?;
    if let Some(name) = &stat.unit {
        unit(name)?;
    }
    let statistic = Statistic::named(&stat.stat)?;
    // Periods begin at multiples of their length.
    let begin = input.start_time.as_second().div_euclid(stat.period) * stat.period;
    let found = points(
        cloud,
        &metric,
        begin..ceiling(input.end_time),
        stat.period,
        stat.unit.as_deref(),
    );
    let mut values: Vec<(Timestamp, f64)> = Vec::new();
    for point in &found {
        // Without a unit asked for, AWS answers with the units that were published, each
        // a datapoint of its own; one instant has one value here: the first unit's.
        if values.last().is_none_or(|(at, _)| *at != point.at)
            && let Some(value) = statistic.value(&point.summary)
        {
            values.push((point.at, value));
        }
    }
    Ok(Answer {
        id: query.id.clone(),
        label: query.label.clone().unwrap_or_else(|| metric.name.clone()),
        points: values,
    })
}

/// The part of `answers` that fits into one answer.
fn window(
    answers: Vec<Answer>,
    most: usize,
    token: Option<&str>,
) -> Result<(Vec<Document>, Option<String>), ApiError> {
    let start: usize = token
        .map_or(Ok(0), str::parse)
        .map_err(|_| ApiError::new("InvalidNextToken", "The parameter NextToken is invalid."))?;
    let all: usize = answers.iter().map(|answer| answer.points.len()).sum();
    let end = start.saturating_add(most);
    let mut offset = 0;
    let mut results = Vec::new();
    for answer in answers {
        let from = start.saturating_sub(offset).min(answer.points.len());
        let to = end.saturating_sub(offset).min(answer.points.len());
        let complete = to == answer.points.len();
        offset += answer.points.len();
        let part = &answer.points[from..to.max(from)];
        results.push(Document::fields([
            ("Id", some(answer.id)),
            ("Label", some(answer.label)),
            (
                "Timestamps",
                Some(Document::list(part.iter().map(|(at, _)| *at))),
            ),
            (
                "Values",
                Some(Document::list(part.iter().map(|(_, value)| *value))),
            ),
            (
                "StatusCode",
                some(if complete { "Complete" } else { "PartialData" }),
            ),
        ]));
    }
    Ok((results, (end < all).then(|| end.to_string())))
}
