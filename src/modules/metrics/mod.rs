//! `metrics`: time series of CloudWatch or of a playbook's own samples.
//!
//! A series is a plain map, `#{ label, unit, points: [#{ time, value }, …] }`, in
//! order of time. An empty one is no error anywhere: "no datapoints yet".

mod draw;
mod plot;
mod series;
mod statistics;

use opsh_operation::{Effect, Inverse, Settle, Shape, Structure};

use super::declare::{entry, int, optional, plain_write, required};
use super::{Entry, Handler};

pub(super) use draw::number;

/// What stands where there is nothing to show.
const NONE_YET: &str = "no datapoints yet";

static POINT: Structure = Structure {
    name: "point",
    fields: &[
        required("time", Shape::Time, "When."),
        required("value", Shape::Float, "How much."),
    ],
};

static SERIES: Structure = Structure {
    name: "series",
    fields: &[
        optional("label", Shape::Text, "What it is called."),
        optional(
            "unit",
            Shape::Text,
            "What its values are in, e.g. \"Percent\".",
        ),
        required(
            "points",
            Shape::List(&Shape::Struct(&POINT)),
            "The points in order of time.",
        ),
    ],
};

static SUMMARY: Structure = Structure {
    name: "summary",
    fields: &[
        required("count", Shape::INT64, "How many points."),
        optional("min", Shape::Float, "The smallest value."),
        optional("max", Shape::Float, "The largest value."),
        optional("mean", Shape::Float, "The mean value."),
        optional("sum", Shape::Float, "The sum of all values."),
        optional("first", Shape::Float, "The first value."),
        optional("last", Shape::Float, "The last value."),
        optional(
            "stddev",
            Shape::Float,
            "The standard deviation (of the whole, not of a sample).",
        ),
    ],
};

static COMPARISON: Structure = Structure {
    name: "comparison",
    fields: &[
        required(
            "count",
            Shape::INT64,
            "How many points are beyond the threshold.",
        ),
        required("total", Shape::INT64, "How many points there are."),
        required(
            "longest_run",
            Shape::INT64,
            "The most points in a row that are beyond it.",
        ),
        required(
            "current_run",
            Shape::INT64,
            "How many of the last points in a row are beyond it.",
        ),
        optional("first", Shape::Time, "When it was first beyond."),
        optional("last", Shape::Time, "When it was last beyond."),
    ],
};

const A_SERIES: Shape = Shape::Struct(&SERIES);

/// The table.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "metrics" "series" "metrics:Series" Effect::Pure, Handler::Native(series::series),
        ("source") [
            required("source", Shape::Any, "A result of cloudwatch::get_metric_statistics or get_metric_data, or samples: [time, value] or #{ time, value }."),
            optional("label", Shape::Text, "What to call it. Default: the source's label."),
            optional("unit", Shape::Text, "Its unit. Default: the source's."),
            optional("statistic", Shape::Text, "Of get_metric_statistics: average, sum, minimum, maximum, sample_count or a percentile. Default: the first that is there."),
            optional("id", Shape::Text, "Of get_metric_data: which query. Default: the first."),
        ] -> A_SERIES,
        "Makes a series, in order of time.",
        r#"let views = metrics::series([["2026-01-31T12:01:00Z", 3], ["2026-01-31T12:00:00Z", 1]], #{ label: "views" });
    if views.points[0].value != 1.0 { throw views; }"#,
    },
    entry! {
        "metrics" "summary" "metrics:Summary" Effect::Pure, Handler::Native(statistics::summary),
        ("series") [required("series", A_SERIES, "A series.")] -> Shape::Struct(&SUMMARY),
        "Count, minimum, maximum, mean, sum, first, last and standard deviation.",
        r#"let series = metrics::series([["2026-01-31T12:00:00Z", 1], ["2026-01-31T12:01:00Z", 3]]);
    if metrics::summary(series).mean != 2.0 { throw "wrong"; }"#,
    },
    entry! {
        "metrics" "percentile" "metrics:Percentile" Effect::Pure, Handler::Native(statistics::percentile),
        ("series", "percent") [
            required("series", A_SERIES, "A series."),
            required("percent", Shape::Float, "From 0 to 100."),
        ] -> Shape::Float,
        "The value below which so many percent of the values are, interpolated; nothing for an empty series.",
        r#"let series = metrics::series([["2026-01-31T12:00:00Z", 1], ["2026-01-31T12:01:00Z", 3]]);
    if metrics::percentile(series, 50) != 2.0 { throw "wrong"; }"#,
    },
    entry! {
        "metrics" "rate" "metrics:Rate" Effect::Pure, Handler::Native(statistics::rate),
        ("series") [
            required("series", A_SERIES, "A counter that only grows (a fall is taken as a restart from zero), or totals of a period."),
            optional("period", Shape::Duration, "If each value is the total of a period (CloudWatch's sum): how long that is."),
        ] -> A_SERIES,
        "The series per second.",
        r#"let bytes = metrics::series([["2026-01-31T12:00:00Z", 0], ["2026-01-31T12:01:00Z", 600]], #{ unit: "Bytes" });
let rate = metrics::rate(bytes);
if rate.points[0].value != 10.0 || rate.unit != "Bytes/Second" { throw rate; }"#,
    },
    entry! {
        "metrics" "over" "metrics:Over" Effect::Pure, Handler::Native(statistics::over),
        ("series", "threshold") [
            required("series", A_SERIES, "A series."),
            required("threshold", Shape::Float, "The threshold; a value that equals it is not over."),
        ] -> Shape::Struct(&COMPARISON),
        "How often, how long and when a series is over a threshold.",
        r#"let cpu = metrics::series([["2026-01-31T12:00:00Z", 95], ["2026-01-31T12:01:00Z", 20]]);
    if metrics::over(cpu, 80).count != 1 { throw "wrong"; }"#,
    },
    entry! {
        "metrics" "under" "metrics:Under" Effect::Pure, Handler::Native(statistics::under),
        ("series", "threshold") [
            required("series", A_SERIES, "A series."),
            required("threshold", Shape::Float, "The threshold; a value that equals it is not under."),
        ] -> Shape::Struct(&COMPARISON),
        "How often, how long and when a series is under a threshold.",
        r#"let cpu = metrics::series([["2026-01-31T12:00:00Z", 95], ["2026-01-31T12:01:00Z", 20]]);
    if metrics::under(cpu, 30).longest_run != 1 { throw "wrong"; }"#,
    },
    entry! {
        "metrics" "table" "metrics:Table" Effect::Pure, Handler::Native(draw::table),
        ("series") [required("series", Shape::List(&A_SERIES), "Some series.")] -> Shape::Text,
        "Some series as a table: count, minimum, mean, maximum, last, and a small line of each.",
        r#"let cpu = metrics::series([["2026-01-31T12:00:00Z", 95], ["2026-01-31T12:01:00Z", 20]], #{ label: "CPU", unit: "Percent" });
    term::print(metrics::table([cpu, metrics::series([], #{ label: "Objects" })]));"#,
    },
    entry! {
        "metrics" "sparkline" "metrics:Sparkline" Effect::Pure, Handler::Native(draw::sparkline),
        ("series") [
            required("series", A_SERIES, "A series."),
            optional("width", int(1, 500), "The most characters; several points share one then. Default: 40."),
            optional("ascii", Shape::Bool, "Whether to draw with ASCII only. Default: no."),
        ] -> Shape::Text,
        "A series in one line of text.",
        r#"let cpu = metrics::series([["2026-01-31T12:00:00Z", 0], ["2026-01-31T12:01:00Z", 50], ["2026-01-31T12:02:00Z", 100]]);
    if metrics::sparkline(cpu) != "▁▅█" { throw metrics::sparkline(cpu); }"#,
    },
    entry! {
        "metrics" "chart" "metrics:Chart" Effect::Pure, Handler::Native(draw::chart),
        ("series") [
            required("series", A_SERIES, "A series."),
            optional("title", Shape::Text, "A line above. Default: label and unit."),
            optional("width", int(20, 500), "In characters. Default: the terminal's, at most 100."),
            optional("height", int(2, 100), "The lines between the axes. Default: 8."),
            optional("ascii", Shape::Bool, "Whether to draw with ASCII only. Default: no."),
        ] -> Shape::Text,
        "A series as a chart of some lines of text, with both axes labelled.",
        r#"let cpu = metrics::series([["2026-01-31T12:00:00Z", 5], ["2026-01-31T12:01:00Z", 50]], #{ label: "CPU", unit: "Percent" });
    term::print(metrics::chart(cpu, #{ width: 60 }));"#,
    },
    entry! {
        "metrics" "plot" "metrics:Plot"
        Effect::Write(plain_write(Inverse::Impossible("what the file held before is not kept"), Settle::Repeat)),
        Handler::Native(plot::plot),
        ("series", "path") [
            required("series", Shape::List(&A_SERIES), "Some series; each has a colour and a place in the legend."),
            required("path", Shape::Output, "The file: its name ends with .png or .svg."),
            optional("title", Shape::Text, "A line above."),
            optional("width", int(200, 4000), "In pixels. Default: 900."),
            optional("height", int(120, 4000), "In pixels. Default: 420."),
        ] -> Shape::Nothing,
        "Plots some series to a PNG or SVG file; the same series make the same bytes.",
        r#"let cpu = metrics::series([["2026-01-31T12:00:00Z", 5], ["2026-01-31T12:01:00Z", 50]], #{ label: "CPU", unit: "Percent" });
metrics::plot([cpu], "cpu.svg", #{ title: "The last hour" });
if file::content_type("cpu.svg") != "image/svg+xml" { throw "wrong"; }"#,
    },
];

#[cfg(test)]
mod tests;
