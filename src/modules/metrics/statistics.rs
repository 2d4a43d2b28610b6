//! What can be computed of a series.

use jiff::Timestamp;
use opsh_operation::{Fault, FaultKind, Map, Value};

use super::series::Series;
use crate::modules::{Context, given};

/// The figures of a series that is not empty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Summary {
    pub count: usize,
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    pub sum: f64,
    pub first: f64,
    pub last: f64,
    pub stddev: f64,
}

impl Summary {
    #[allow(clippy::cast_precision_loss)] // counts of points are small
    pub(super) fn of(series: &Series) -> Option<Self> {
        let values: Vec<f64> = series.values().collect();
        let (first, last) = (*values.first()?, *values.last()?);
        let count = values.len() as f64;
        let sum: f64 = values.iter().sum();
        let mean = sum / count;
        let variance = values
            .iter()
            .map(|value| (value - mean).powi(2))
            .sum::<f64>()
            / count;
        Some(Self {
            count: values.len(),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            mean,
            sum,
            first,
            last,
            stddev: variance.sqrt(),
        })
    }
}

pub(super) fn summary(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let Some(summary) = Summary::of(&Series::of(input)?) else {
        return Ok(Value::Map(Map::from([("count".to_owned(), 0.into())])));
    };
    let mut map = Map::from([("count".to_owned(), whole(summary.count))]);
    for (name, value) in [
        ("min", summary.min),
        ("max", summary.max),
        ("mean", summary.mean),
        ("sum", summary.sum),
        ("first", summary.first),
        ("last", summary.last),
        ("stddev", summary.stddev),
    ] {
        map.insert(name.to_owned(), value.into());
    }
    Ok(Value::Map(map))
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)] // positions in a list of points are small and not negative
pub(super) fn percentile(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let percent = given::float(input, "percent").unwrap_or_default();
    if !(0.0..=100.0).contains(&percent) {
        return Err(Fault::new(
            FaultKind::Invalid,
            format!("parameter 'percent' is out of range: {percent}; it goes from 0 to 100"),
        ));
    }
    let mut values: Vec<f64> = Series::of(input)?.values().collect();
    if values.is_empty() {
        return Ok(Value::Null);
    }
    values.sort_by(f64::total_cmp);
    let position = percent / 100.0 * (values.len() - 1) as f64;
    let below = values[position.floor() as usize];
    let above = values[position.ceil() as usize];
    Ok((below + (above - below) * position.fract()).into())
}

pub(super) fn rate(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let mut series = Series::of(input)?;
    series.unit = match series.unit.as_str() {
        "" | "None" => "1/Second".to_owned(),
        unit => format!("{unit}/Second"),
    };
    series.points = match given::duration(input, "period") {
        Some(period) if period.is_zero() => {
            return Err(Fault::new(
                FaultKind::Invalid,
                "parameter 'period' must be longer than nothing",
            ));
        }
        Some(period) => series
            .points
            .iter()
            .map(|(time, value)| (*time, value / period.as_secs_f64()))
            .collect(),
        None => series
            .points
            .windows(2)
            .filter_map(|pair| grown(pair[0], pair[1]))
            .collect(),
    };
    Ok(series.to_value())
}

/// The growth per second of a counter; a fall is a restart from zero.
fn grown(from: (Timestamp, f64), to: (Timestamp, f64)) -> Option<(Timestamp, f64)> {
    let seconds = to.0.duration_since(from.0).as_secs_f64();
    let growth = if to.1 >= from.1 { to.1 - from.1 } else { to.1 };
    (seconds > 0.0).then_some((to.0, growth / seconds))
}

pub(super) fn over(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    compare(input, |value, threshold| value > threshold)
}

pub(super) fn under(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    compare(input, |value, threshold| value < threshold)
}

fn compare(input: &Map, beyond: impl Fn(f64, f64) -> bool) -> Result<Value, Fault> {
    let series = Series::of(input)?;
    let threshold = given::float(input, "threshold").unwrap_or_default();
    let (mut count, mut run, mut longest) = (0, 0, 0);
    let (mut first, mut last) = (None, None);
    for (time, value) in &series.points {
        if beyond(*value, threshold) {
            count += 1;
            run += 1;
            longest = longest.max(run);
            first = first.or(Some(*time));
            last = Some(*time);
        } else {
            run = 0;
        }
    }
    Ok(Value::Map(Map::from([
        ("count".to_owned(), whole(count)),
        ("total".to_owned(), whole(series.points.len())),
        ("longest_run".to_owned(), whole(longest)),
        ("current_run".to_owned(), whole(run)),
        ("first".to_owned(), first.into()),
        ("last".to_owned(), last.into()),
    ])))
}

fn whole(count: usize) -> Value {
    i64::try_from(count).unwrap_or(i64::MAX).into()
}
