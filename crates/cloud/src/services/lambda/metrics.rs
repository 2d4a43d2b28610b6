//! What Lambda publishes of each run.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html>: by
//! function, one value a run, at a resolution of a minute.

use jiff::Timestamp;

use crate::services::cloudwatch::metric::{Dimension, Metric};
use crate::services::cloudwatch::statistic::Summary;
use crate::services::cloudwatch::store::Sample;
use crate::state::State as Cloud;

/// A run is over; it took so many milliseconds.
#[allow(clippy::cast_precision_loss)] // a run takes less than a quarter of an hour
pub fn ran(cloud: &mut Cloud, function: &str, failed: bool, took: i128) {
    publish(cloud, function, "Invocations", "Count", 1.0);
    publish(
        cloud,
        function,
        "Errors",
        "Count",
        f64::from(u8::from(failed)),
    );
    publish(cloud, function, "Duration", "Milliseconds", took as f64);
}

/// There was no room for a run.
pub fn throttled(cloud: &mut Cloud, function: &str) {
    publish(cloud, function, "Throttles", "Count", 1.0);
}

fn publish(cloud: &mut Cloud, function: &str, name: &str, unit: &str, value: f64) {
    let minute = cloud.now.as_second().div_euclid(60) * 60;
    let metric = Metric {
        namespace: "AWS/Lambda".to_owned(),
        name: name.to_owned(),
        dimensions: vec![Dimension::new("FunctionName", function)],
    };
    let sample = Sample {
        at: Timestamp::from_second(minute).unwrap_or(cloud.now),
        unit: unit.to_owned(),
        summary: Summary::of(value),
    };
    cloud.cloudwatch.store.add(metric, sample, cloud.now);
}
