//! Series as text: a line, a table, a chart.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use opsh_operation::{Fault, Map, Value};

use super::NONE_YET;
use super::series::Series;
use super::statistics::Summary;
use crate::modules::term::aligned;
use crate::modules::{Context, given};

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII_BARS: [char; 8] = ['_', '.', ',', '-', '=', '+', '*', '#'];

/// Characters of a line in a table.
const TABLE_LINE: usize = 24;

/// A number with four digits that count, large ones with a suffix: `12.5`, `1.234M`.
pub(in crate::modules) fn number(value: f64) -> String {
    let size = value.abs();
    let (scaled, suffix) = match size {
        _ if size >= 1e12 => (value / 1e12, "T"),
        _ if size >= 1e9 => (value / 1e9, "G"),
        _ if size >= 1e6 => (value / 1e6, "M"),
        _ if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let decimals = match scaled.abs() {
        size if size >= 1000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        size if size >= 1.0 || size == 0.0 => 3,
        _ => 4,
    };
    let text = format!("{scaled:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{text}{suffix}")
}

pub(super) fn sparkline(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let series = Series::of(input)?;
    let width = usize::try_from(given::int(input, "width", 40)).unwrap_or(40);
    let ascii = given::flag(input, "ascii", false);
    Ok(line(&series, width, ascii).into())
}

fn line(series: &Series, width: usize, ascii: bool) -> String {
    let values = condensed(&series.values().collect::<Vec<_>>(), width);
    let Some((min, max)) = range(&values) else {
        return NONE_YET.to_owned();
    };
    let bars = if ascii { ASCII_BARS } else { BARS };
    values
        .iter()
        .map(|value| bars[level(*value, min, max, bars.len())])
        .collect()
}

pub(super) fn table(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let columns = [
        "metric", "unit", "points", "min", "mean", "max", "last", "trend",
    ];
    let mut rows = Vec::new();
    for series in Series::all_of(input)? {
        let figures: [Value; 5] = match Summary::of(&series) {
            None => [0.into(), Value::Null, Value::Null, Value::Null, Value::Null],
            Some(summary) => [
                i64::try_from(summary.count).unwrap_or(i64::MAX).into(),
                summary.min.into(),
                summary.mean.into(),
                summary.max.into(),
                summary.last.into(),
            ],
        };
        let mut row = vec![series.label.as_str().into(), series.unit.as_str().into()];
        row.extend(figures);
        row.push(line(&series, TABLE_LINE, false).into());
        rows.push(row);
    }
    Ok(aligned(&columns, &rows, context.terminal.width()).into())
}

pub(super) fn chart(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let series = Series::of(input)?;
    let widest = i64::from(context.terminal.width()).clamp(20, 100);
    let width = usize::try_from(given::int(input, "width", widest)).unwrap_or(80);
    let height = usize::try_from(given::int(input, "height", 8)).unwrap_or(8);
    let ascii = given::flag(input, "ascii", false);
    let title = input
        .get("title")
        .and_then(Value::as_text)
        .map_or_else(|| series.title(), ToOwned::to_owned);
    let drawn = drawn(&series, width, height, ascii).unwrap_or_else(|| NONE_YET.to_owned());
    Ok(if title.is_empty() {
        drawn
    } else {
        format!("{title}\n{drawn}")
    }
    .into())
}

/// Columns of bars between a value axis and a time axis.
fn drawn(series: &Series, width: usize, height: usize, ascii: bool) -> Option<String> {
    let values: Vec<f64> = series.values().collect();
    let (low, max) = range(&values)?;
    // From zero, unless all of it is far from there: then differences show better.
    let min = if low >= 0.0 && low < max / 2.0 {
        0.0
    } else {
        low
    };
    let labels: Vec<String> = (0..height)
        .map(|row| {
            let top = row == 0;
            match () {
                () if top => number(max),
                () if row == height - 1 => number(min),
                () if row == height / 2 => number(middle(min, max, row, height)),
                () => String::new(),
            }
        })
        .collect();
    let margin = labels.iter().map(|label| label.chars().count()).max()?;
    let columns = spread(&values, width.saturating_sub(margin + 3).max(1));
    let bars = if ascii { ASCII_BARS } else { BARS };
    let (axis, corner, flat) = if ascii {
        ('|', '+', "-")
    } else {
        ('┤', '└', "─")
    };
    let steps = height * bars.len();
    let mut text = String::new();
    for (row, label) in labels.iter().enumerate() {
        let base = (height - 1 - row) * bars.len();
        let line: String = columns
            .iter()
            .map(|value| {
                let filled = level(*value, min, max, steps) + 1;
                match filled.saturating_sub(base) {
                    0 => ' ',
                    part => bars[part.min(bars.len()) - 1],
                }
            })
            .collect();
        let row = format!("{label:>margin$} {axis}{line}");
        text.push_str(row.trim_end_matches(' '));
        text.push('\n');
    }
    text.push_str(&" ".repeat(margin + 1));
    text.push(corner);
    text.push_str(&flat.repeat(columns.len()));
    text.push('\n');
    let (first, last) = (series.points.first()?.0, series.points.last()?.0);
    text.push_str(&" ".repeat(margin + 2));
    text.push_str(&time_axis(first, last, columns.len()));
    Some(text)
}

#[allow(clippy::cast_precision_loss)] // rows of a chart are few
fn middle(min: f64, max: f64, row: usize, height: usize) -> f64 {
    max - (max - min) * row as f64 / (height - 1) as f64
}

/// The first and the last time under a chart of `width` columns.
fn time_axis(first: Timestamp, last: Timestamp, width: usize) -> String {
    let pattern = time_pattern(first, last);
    let label = |time: Timestamp| time.to_zoned(TimeZone::UTC).strftime(pattern).to_string();
    let (from, to) = (label(first), label(last));
    if from == to || first == last {
        return from;
    }
    let gap = width.saturating_sub(from.len() + to.len()).max(1);
    format!("{from}{}{to}", " ".repeat(gap))
}

/// How precisely times are labelled, in UTC.
pub(super) fn time_pattern(first: Timestamp, last: Timestamp) -> &'static str {
    let seconds = last.duration_since(first).as_secs().abs();
    match seconds {
        0..=300 => "%H:%M:%S",
        301..=86_400 => "%H:%M",
        86_401..=604_800 => "%m-%d %H:%M",
        _ => "%Y-%m-%d",
    }
}

/// The smallest and the largest value.
fn range(values: &[f64]) -> Option<(f64, f64)> {
    let first = *values.first()?;
    Some(values.iter().fold((first, first), |(min, max), value| {
        (min.min(*value), max.max(*value))
    }))
}

/// Which of `steps` levels a value is on; the middle one if all are the same.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)] // levels are few, and clamped
fn level(value: f64, min: f64, max: f64, steps: usize) -> usize {
    let span = max - min;
    if span <= 0.0 {
        return steps / 2;
    }
    let share = (value - min) / span;
    ((share * (steps - 1) as f64).round().max(0.0) as usize).min(steps - 1)
}

/// The widest that a single value is drawn.
const WIDEST: usize = 6;

/// Values for columns of a chart: few are drawn wider, many share one.
fn spread(values: &[f64], width: usize) -> Vec<f64> {
    let each = (width / values.len().max(1)).clamp(1, WIDEST);
    condensed(values, width)
        .into_iter()
        .flat_map(|value| std::iter::repeat_n(value, each))
        .collect()
}

/// At most `width` values: the means of neighbours.
#[allow(clippy::cast_precision_loss)] // counts of points are small
fn condensed(values: &[f64], width: usize) -> Vec<f64> {
    if values.len() <= width {
        return values.to_vec();
    }
    (0..width)
        .map(|column| {
            let from = column * values.len() / width;
            let to = ((column + 1) * values.len() / width).max(from + 1);
            values[from..to].iter().sum::<f64>() / (to - from) as f64
        })
        .collect()
}
