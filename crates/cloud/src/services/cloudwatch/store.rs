//! Published values, kept as long as AWS keeps them.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#metrics-retention>:
//! periods below a minute for 3 hours, one minute for 15 days, five minutes for 63
//! days, an hour for 455 days; coarser ones are made of finer ones.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::metric::{Dimension, Metric};
use super::statistic::Summary;
use super::vitals;
use crate::state;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A value, or several of one instant, of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When, at the resolution of the metric.
    pub at: Timestamp,
    /// The unit.
    pub unit: String,
    /// The values.
    pub summary: Summary,
}

/// What was published.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    #[serde(with = "pairs")]
    series: BTreeMap<Metric, Series>,
}

/// All of one metric, in the order of time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Series {
    samples: Vec<Sample>,
}

/// The values of one period in one unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Where the period begins.
    pub at: Timestamp,
    /// The unit.
    pub unit: String,
    /// The values.
    pub summary: Summary,
}

impl Store {
    /// Adds a sample.
    pub fn add(&mut self, metric: Metric, sample: Sample, now: Timestamp) {
        let series = self.series.entry(metric).or_default();
        let keep_from = now.as_second() - 455 * DAY;
        let forgotten = series
            .samples
            .partition_point(|kept| kept.at.as_second() < keep_from);
        series.samples.drain(..forgotten);
        let place = series.samples.partition_point(|kept| kept.at <= sample.at);
        series.samples.insert(place, sample);
    }

    /// The metrics that got a value since `since`.
    pub fn metrics(&self, since: Timestamp) -> impl Iterator<Item = &Metric> {
        self.series.iter().filter_map(move |(metric, series)| {
            (series.samples.last()?.at >= since).then_some(metric)
        })
    }

    fn samples(&self, metric: &Metric, range: &Range<i64>) -> &[Sample] {
        self.series.get(metric).map_or(&[], |series| {
            let from = series
                .samples
                .partition_point(|sample| sample.at.as_second() < range.start);
            let to = series
                .samples
                .partition_point(|sample| sample.at.as_second() < range.end);
            &series.samples[from..to.max(from)]
        })
    }
}

/// The points of `metric` in `range` (epoch seconds): periods of `period` seconds that
/// begin at `range.start`, in the order of time, one for each unit; `unit` picks one.
#[must_use]
pub fn points(
    cloud: &mut state::State,
    metric: &Metric,
    range: Range<i64>,
    period: i64,
    unit: Option<&str>,
) -> Vec<Point> {
    let kept = kept_from(cloud.now, period).max(range.start);
    let visible = kept..range.end;
    let computed = vitals::samples(cloud, metric, &visible);
    let published = cloud.cloudwatch.store.samples(metric, &visible);
    let mut periods: BTreeMap<(i64, &str), Vec<&Summary>> = BTreeMap::new();
    for sample in published.iter().chain(&computed) {
        if unit.is_none_or(|unit| unit == sample.unit) {
            let index = (sample.at.as_second() - range.start).div_euclid(period);
            periods
                .entry((range.start + index * period, &sample.unit))
                .or_default()
                .push(&sample.summary);
        }
    }
    periods
        .into_iter()
        .filter_map(|((at, unit), summaries)| {
            Some(Point {
                at: Timestamp::from_second(at).ok()?,
                unit: unit.to_owned(),
                summary: Summary::total(summaries)?,
            })
        })
        .collect()
}

/// Publishes a value that one of AWS's services measured now; the values of a minute are
/// kept together.
pub fn publish(
    cloud: &mut state::State,
    namespace: &str,
    name: &str,
    dimensions: &[(&str, String)],
    unit: &str,
    value: f64,
) {
    let mut dimensions: Vec<Dimension> = dimensions
        .iter()
        .map(|(name, value)| Dimension::new(*name, value))
        .collect();
    dimensions.sort();
    let metric = Metric {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        dimensions,
    };
    let minute = cloud.now.as_second().div_euclid(60) * 60;
    let at = Timestamp::from_second(minute).unwrap_or(cloud.now);
    let store = &mut cloud.cloudwatch.store;
    let latest = store
        .series
        .get_mut(&metric)
        .and_then(|series| series.samples.last_mut());
    if let Some(sample) = latest.filter(|sample| sample.at == at) {
        let mut values = std::mem::take(&mut sample.summary.values);
        match values.last_mut() {
            #[allow(clippy::float_cmp)] // the same value, counted once more
            Some((last, count)) if *last == value => *count += 1.0,
            _ => values.push((value, 1.0)),
        }
        sample.summary = Summary::counted(values);
        return;
    }
    let sample = Sample {
        at,
        unit: unit.to_owned(),
        summary: Summary::of(value),
    };
    store.add(metric, sample, cloud.now);
}

/// From when on values can still be had in periods of `period` seconds.
fn kept_from(now: Timestamp, period: i64) -> i64 {
    let back = if period % HOUR == 0 {
        455 * DAY
    } else if period % 300 == 0 {
        63 * DAY
    } else if period % 60 == 0 {
        15 * DAY
    } else {
        3 * HOUR
    };
    now.as_second() - back
}

/// JSON has no maps with composite keys: the series are saved as a list.
mod pairs {
    use super::{BTreeMap, Metric, Series};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub fn serialize<S: Serializer>(
        series: &BTreeMap<Metric, Series>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        series.iter().collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Metric, Series>, D::Error> {
        Ok(Vec::<(Metric, Series)>::deserialize(deserializer)?
            .into_iter()
            .collect())
    }
}
