#![allow(clippy::unwrap_used)]

use opsh_operation::{FaultKind, Map, Value};

use super::{ENTRIES, number};
use crate::modules::testing::Bench;

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(
        entries
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Map>(),
    )
}

fn time(minute: i64) -> Value {
    Value::Time(jiff::Timestamp::from_second(1_800_000_000 + minute * 60).unwrap())
}

/// A series of one value a minute.
fn series(label: &str, unit: &str, values: &[f64]) -> Value {
    let points = values
        .iter()
        .zip(0..)
        .map(|(value, minute)| map([("time", time(minute)), ("value", (*value).into())]))
        .collect();
    map([
        ("label", label.into()),
        ("unit", unit.into()),
        ("points", Value::List(points)),
    ])
}

#[test]
fn series_are_made_of_what_cloudwatch_answers() {
    let bench = Bench::new(ENTRIES);
    let point = |minute: i64, average: f64| {
        map([
            ("timestamp", time(minute)),
            ("average", average.into()),
            ("maximum", (average * 2.0).into()),
            ("unit", "Percent".into()),
        ])
    };
    let statistics = map([
        ("label", "CPUUtilization".into()),
        (
            "datapoints",
            Value::List(vec![point(1, 2.0), point(0, 1.0)]),
        ),
    ]);
    assert_eq!(
        bench.call("series", [("source", statistics.clone())]),
        Ok(series("CPUUtilization", "Percent", &[1.0, 2.0]))
    );
    let input = [
        ("source", statistics.clone()),
        ("statistic", "maximum".into()),
        ("label", "peak".into()),
    ];
    assert_eq!(
        bench.call("series", input),
        Ok(series("peak", "Percent", &[2.0, 4.0]))
    );
    let input = [("source", statistics), ("statistic", "sum".into())];
    assert_eq!(
        bench.call("series", input).unwrap_err().message,
        "the datapoints have no 'sum'; they have average, maximum"
    );

    let result = |id: &str, values: Vec<f64>| {
        map([
            ("id", id.into()),
            ("label", id.to_uppercase().into()),
            ("timestamps", Value::List(vec![time(1), time(0)])),
            ("values", values.into()),
        ])
    };
    let data = map([(
        "metric_data_results",
        Value::List(vec![
            result("a", vec![2.0, 1.0]),
            result("b", vec![4.0, 3.0]),
        ]),
    )]);
    assert_eq!(
        bench.call("series", [("source", data.clone())]),
        Ok(series("A", "", &[1.0, 2.0]))
    );
    let second = bench.call("series", [("source", data.clone()), ("id", "b".into())]);
    assert_eq!(second, Ok(series("B", "", &[3.0, 4.0])));
    let third = bench.call("series", [("source", data), ("id", "c".into())]);
    assert_eq!(third.unwrap_err().message, "the results have no query 'c'");
}

#[test]
fn series_are_made_of_samples_and_nothing_else() {
    let bench = Bench::new(ENTRIES);
    let samples = Value::List(vec![
        Value::List(vec![time(1), 2.into()]),
        map([
            ("time", "2027-01-15T08:00:00Z".into()),
            ("value", 1.5.into()),
        ]),
    ]);
    let input = [
        ("source", samples),
        ("label", "views".into()),
        ("unit", "Count".into()),
    ];
    assert_eq!(
        bench.call("series", input),
        Ok(series("views", "Count", &[1.5, 2.0]))
    );
    assert_eq!(
        bench.call("series", [("source", Value::List(vec![]))]),
        Ok(series("", "", &[]))
    );
    assert_eq!(
        bench.call("series", [("source", map([("label", "CPU".into())]))]),
        Ok(series("CPU", "", &[]))
    );
    let error = bench.call("series", [("source", map([("x", 1.into())]))]);
    assert_eq!(
        error.unwrap_err().message,
        "no series can be made of a map with 'x'"
    );
    let error = bench.call("series", [("source", Value::List(vec![1.into()]))]);
    assert_eq!(
        error.unwrap_err().message,
        "sample 0 is no [time, value] and no #{ time, value }"
    );
}

#[test]
fn figures_are_right() {
    let bench = Bench::new(ENTRIES);
    let eight = || series("x", "", &[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
    let summary = bench.call("summary", [("series", eight())]).unwrap();
    for (name, value) in [
        ("min", 2.0),
        ("max", 9.0),
        ("mean", 5.0),
        ("sum", 40.0),
        ("first", 2.0),
        ("last", 9.0),
        ("stddev", 2.0),
    ] {
        assert_eq!(summary.get(name), Some(&value.into()), "{name}");
    }
    assert_eq!(summary.get("count"), Some(&8.into()));
    let percentile = |percent: i64| {
        bench.call(
            "percentile",
            [("series", eight()), ("percent", percent.into())],
        )
    };
    assert_eq!(percentile(0), Ok(2.0.into()));
    assert_eq!(percentile(50), Ok(4.5.into()));
    assert_eq!(percentile(100), Ok(9.0.into()));
    assert_eq!(percentile(101).unwrap_err().kind, FaultKind::Invalid);

    let over = bench
        .call("over", [("series", eight()), ("threshold", 4.0.into())])
        .unwrap();
    assert_eq!(
        over,
        map([
            ("count", 4.into()),
            ("total", 8.into()),
            ("longest_run", 4.into()),
            ("current_run", 4.into()),
            ("first", time(4)),
            ("last", time(7)),
        ])
    );
    let under = bench
        .call("under", [("series", eight()), ("threshold", 5.0.into())])
        .unwrap();
    assert_eq!(under.get("longest_run"), Some(&4.into()));
    assert_eq!(under.get("current_run"), Some(&0.into()));
}

#[test]
fn rates_survive_restarts() {
    let bench = Bench::new(ENTRIES);
    let rate = bench
        .call(
            "rate",
            [("series", series("n", "Bytes", &[60.0, 180.0, 30.0]))],
        )
        .unwrap();
    assert_eq!(rate.get("unit"), Some(&"Bytes/Second".into()));
    let values: Vec<_> = rate
        .get("points")
        .unwrap()
        .as_list()
        .unwrap()
        .iter()
        .map(|point| point.get("value").unwrap().as_float().unwrap())
        .collect();
    assert_eq!(values, [2.0, 0.5]);
    let totals = bench
        .call(
            "rate",
            [
                ("series", series("n", "", &[600.0])),
                ("period", "5m".into()),
            ],
        )
        .unwrap();
    let expected = series("n", "1/Second", &[2.0]);
    assert_eq!(totals, expected);
}

#[test]
fn nothing_is_no_error() {
    let bench = Bench::new(ENTRIES);
    let empty = || ("series", series("Objects", "Count", &[]));
    let none: Value = "no datapoints yet".into();
    assert_eq!(bench.call("sparkline", [empty()]), Ok(none));
    assert_eq!(
        bench.call("chart", [empty()]),
        Ok("Objects (Count)\nno datapoints yet".into())
    );
    assert_eq!(
        bench.call("percentile", [empty(), ("percent", 50.into())]),
        Ok(Value::Null)
    );
    assert_eq!(
        bench.call("summary", [empty()]),
        Ok(map([("count", 0.into())]))
    );
    assert_eq!(
        bench.call("rate", [empty()]).unwrap().get("points"),
        Some(&Value::List(vec![]))
    );
}

#[test]
fn lines_and_charts_are_drawn() {
    let bench = Bench::new(ENTRIES);
    let ramp: Vec<f64> = (0..80_u8).map(f64::from).collect();
    let line = |ascii: bool| {
        let input = [
            ("series", series("", "", &ramp)),
            ("width", 8.into()),
            ("ascii", ascii.into()),
        ];
        bench.call("sparkline", input).unwrap()
    };
    assert_eq!(line(false), "▁▂▃▄▅▆▇█".into());
    assert_eq!(line(true), "_.,-=+*#".into());
    let constant = bench.call("sparkline", [("series", series("", "", &[3.0, 3.0]))]);
    assert_eq!(constant, Ok("▅▅".into()));

    let chart = bench
        .call(
            "chart",
            [
                (
                    "series",
                    series("CPU", "Percent", &[0.0, 25.0, 50.0, 75.0, 100.0]),
                ),
                ("width", 30.into()),
                ("height", 3.into()),
            ],
        )
        .unwrap();
    assert_eq!(
        chart.as_text().unwrap(),
        "CPU (Percent)\n\
         100 ┤            ▂▂▂▂████\n \
          50 ┤        ▅▅▅▅████████\n  \
           0 ┤▁▁▁▁▇▇▇▇████████████\n    \
             └────────────────────\n     \
              08:00:00    08:04:00"
    );
}

#[test]
fn tables_fit_the_terminal() {
    let bench = Bench::new(ENTRIES);
    let rows = Value::List(vec![
        series("CPU", "Percent", &[1.0, 2.0]),
        series("Objects", "Count", &[]),
    ]);
    let table = bench.call("table", [("series", rows)]).unwrap();
    let text = table.as_text().unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 40),
        "{text}"
    );
}

#[test]
fn numbers_are_short() {
    for (value, text) in [
        (0.0, "0"),
        (0.5, "0.5"),
        (12.345, "12.35"),
        (100.0, "100"),
        (1234.5, "1234"),
        (12345.0, "12.35k"),
        (-2_500_000.0, "-2.5M"),
        (0.000_01, "0"),
    ] {
        assert_eq!(number(value), text, "{value}");
    }
}

#[test]
fn pictures_are_the_same_each_time() {
    let bench = Bench::new(ENTRIES);
    let folder = tempfile::tempdir().unwrap();
    let plot = |name: &str, values: &[f64]| {
        let path = folder.path().join(name);
        bench
            .call(
                "plot",
                [
                    (
                        "series",
                        Value::List(vec![
                            series("CPU", "Percent", values),
                            series("Memory", "Percent", &[30.0, 31.0]),
                        ]),
                    ),
                    ("path", path.display().to_string().into()),
                    ("title", "The last hour".into()),
                ],
            )
            .unwrap();
        std::fs::read(path).unwrap()
    };
    let png = plot("a.png", &[5.0, 50.0, 20.0]);
    assert!(png.starts_with(b"\x89PNG"));
    assert_eq!(png, plot("b.png", &[5.0, 50.0, 20.0]));
    assert_ne!(png, plot("c.png", &[5.0, 50.0, 21.0]));
    let svg = String::from_utf8(plot("a.svg", &[5.0, 50.0, 20.0])).unwrap();
    assert!(svg.contains("The last hour") && svg.contains("CPU") && svg.contains("Memory"));
    assert_eq!(svg.as_bytes(), plot("b.svg", &[5.0, 50.0, 20.0]));
    let error = bench.call(
        "plot",
        [("series", Value::List(vec![])), ("path", "a.gif".into())],
    );
    assert_eq!(
        error.unwrap_err().message,
        "the plot's file name must end with .png or .svg"
    );
}

#[test]
fn a_picture_of_nothing_says_so() {
    let bench = Bench::new(ENTRIES);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.svg");
    let input = [
        ("series", Value::List(vec![series("x", "", &[])])),
        ("path", path.display().to_string().into()),
    ];
    bench.call("plot", input).unwrap();
    let svg = std::fs::read_to_string(path).unwrap();
    assert!(svg.contains("no datapoints yet"), "{svg}");
}
