//! `ListMetrics`.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html>

use jiff::SignedDuration;
use serde::Deserialize;

use super::metric::{Metric, invalid};
use super::page::page;
use super::vitals;
use crate::api::ApiError;
use crate::document::{Document, maybe};
use crate::state;

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Input {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Filter>,
    recently_active: Option<String>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    name: String,
    value: Option<String>,
}

/// The metrics that got values within two weeks (or three hours), 500 a page.
///
/// # Errors
/// `RecentlyActive` other than `PT3H`, a token that no answer gave.
pub fn list_metrics(cloud: &mut state::State, input: Input) -> Result<Document, ApiError> {
    let back = match input.recently_active.as_deref() {
        None => SignedDuration::from_hours(14 * 24),
        Some("PT3H") => SignedDuration::from_hours(3),
        Some(_) => return Err(invalid("The parameter RecentlyActive must be PT3H.")),
    };
    let since = cloud.now - back;
    let wanted = |metric: &Metric| {
        input
            .namespace
            .as_ref()
            .is_none_or(|namespace| *namespace == metric.namespace)
            && input
                .metric_name
                .as_ref()
                .is_none_or(|name| *name == metric.name)
            && input.dimensions.iter().all(|filter| {
                metric.dimension(&filter.name).is_some_and(|value| {
                    filter.value.as_deref().is_none_or(|wanted| wanted == value)
                })
            })
    };
    let mut found: Vec<Metric> = cloud
        .cloudwatch
        .store
        .metrics(since)
        .cloned()
        .chain(vitals::metrics(cloud, since))
        .filter(wanted)
        .collect();
    found.sort();
    found.dedup();
    let (metrics, token) = page(found, input.next_token.as_deref(), 500)?;
    Ok(Document::fields([
        (
            "Metrics",
            Some(Document::list(metrics.iter().map(Metric::document))),
        ),
        ("NextToken", maybe(token.as_ref())),
    ]))
}
