//! The metrics that EC2 publishes of its instances, computed when somebody asks.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html>:
//! every minute with detailed monitoring, else every five; status checks always every
//! minute. A value can be had some minutes after its period has ended, so a new instance
//! has none at first.

use std::ops::Range;

use jiff::Timestamp;

use super::metric::{Dimension, Metric};
use super::statistic::Summary;
use super::store::Sample;
use crate::hosts;
use crate::services::{autoscaling, ec2};
use crate::state;

/// The namespace of EC2's metrics.
const NAMESPACE: &str = "AWS/EC2";

/// How long after its period a value can be had, in seconds.
const DELAY: i64 = 120;

/// The metrics of an instance.
const NAMES: &[&str] = &[
    "CPUUtilization",
    "NetworkIn",
    "NetworkOut",
    "NetworkPacketsIn",
    "NetworkPacketsOut",
    "StatusCheckFailed",
    "StatusCheckFailed_AttachedEBS",
    "StatusCheckFailed_Instance",
    "StatusCheckFailed_System",
];

/// What is computed for `metric` in `range` (epoch seconds), in the order of time.
pub fn samples(cloud: &mut state::State, metric: &Metric, range: &Range<i64>) -> Vec<Sample> {
    if metric.namespace != NAMESPACE || !NAMES.contains(&metric.name.as_str()) {
        return Vec::new();
    }
    let instances = match metric.dimensions.as_slice() {
        [one] if one.name == "InstanceId" => vec![one.value.clone()],
        [one] if one.name == "AutoScalingGroupName" => autoscaling::members(cloud, &one.value),
        _ => return Vec::new(),
    };
    let mut samples: Vec<Sample> = instances
        .iter()
        .flat_map(|instance| of_instance(cloud, instance, &metric.name, range))
        .collect();
    samples.sort_by_key(|sample| sample.at);
    samples
}

/// The metrics of instances that have a value since `since`.
#[must_use]
pub fn metrics(cloud: &state::State, since: Timestamp) -> Vec<Metric> {
    let mut found = Vec::new();
    for host in cloud.hosts.iter() {
        let id = &host.facts().instance_id;
        let Some(facts) = ec2::facts(cloud, id) else {
            continue;
        };
        let Some(running) = facts.running_since else {
            continue;
        };
        for name in NAMES {
            let period = period(name, facts.monitored);
            let first = running.as_second().div_euclid(period) * period;
            let known = first + period + DELAY <= cloud.now.as_second();
            if known && cloud.now >= since {
                found.push(Metric {
                    namespace: NAMESPACE.to_owned(),
                    name: (*name).to_owned(),
                    dimensions: vec![Dimension::new("InstanceId", id)],
                });
            }
        }
    }
    found
}

fn period(name: &str, monitored: bool) -> i64 {
    if monitored || name.starts_with("StatusCheck") {
        60
    } else {
        300
    }
}

fn of_instance(
    cloud: &mut state::State,
    instance: &str,
    name: &str,
    range: &Range<i64>,
) -> Vec<Sample> {
    let Some(facts) = ec2::facts(cloud, instance) else {
        return Vec::new();
    };
    let Some(running) = facts.running_since else {
        return Vec::new();
    };
    let period = period(name, facts.monitored);
    let now = cloud.now.as_second();
    // Only periods that have ended long enough ago, and not before the first.
    let known = (now - DELAY).div_euclid(period) * period;
    let first = running.as_second().div_euclid(period) * period;
    let from = range.start.max(first).div_euclid(period) * period;
    let to = range.end.min(known);
    if from >= to {
        return Vec::new();
    }
    if name.starts_with("StatusCheck") {
        return (from..to)
            .step_by(60)
            .filter(|at| *at >= running.as_second())
            .filter_map(|at| sample(at, "Count", Summary::of(0.0)))
            .collect();
    }
    let last = (to + period - 1).div_euclid(period) * period;
    let (Ok(begin), Ok(end)) = (Timestamp::from_second(from), Timestamp::from_second(last)) else {
        return Vec::new();
    };
    let minutes = match cloud.hosts.get_mut(instance) {
        Some(host) => host.samples(begin, end),
        None => Vec::new(),
    };
    minutes
        .chunk_by(|a, b| block(a, period) == block(b, period))
        .filter_map(|minutes| {
            let at = block(minutes.first()?, period);
            let values: Vec<f64> = minutes.iter().map(|minute| value(name, minute)).collect();
            let (unit, summary) = match name {
                // One value a period: what the processors did on the whole.
                "CPUUtilization" => ("Percent", Summary::of(mean(&values))),
                "NetworkIn" | "NetworkOut" => ("Bytes", each(&values)),
                _ => ("Count", each(&values)),
            };
            sample(at, unit, summary)
        })
        .filter(|sample| range.contains(&sample.at.as_second()))
        .collect()
}

fn block(minute: &hosts::Sample, period: i64) -> i64 {
    minute.at.as_second().div_euclid(period) * period
}

#[allow(clippy::cast_precision_loss)] // a minute's bytes are exact in a double
fn value(name: &str, minute: &hosts::Sample) -> f64 {
    match name {
        "CPUUtilization" => minute.cpu_percent,
        "NetworkIn" => minute.traffic.bytes_in as f64,
        "NetworkOut" => minute.traffic.bytes_out as f64,
        "NetworkPacketsIn" => minute.traffic.packets_in as f64,
        _ => minute.traffic.packets_out as f64,
    }
}

#[allow(clippy::cast_precision_loss)] // at most five values
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn each(values: &[f64]) -> Summary {
    Summary::counted(values.iter().map(|value| (*value, 1.0)).collect())
}

fn sample(at: i64, unit: &str, summary: Summary) -> Option<Sample> {
    Some(Sample {
        at: Timestamp::from_second(at).ok()?,
        unit: unit.to_owned(),
        summary,
    })
}
