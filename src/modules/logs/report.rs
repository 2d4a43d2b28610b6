//! What logs say, as a value.

use jiff::Timestamp;
use opsh_accesslog::Report;
use opsh_accesslog::report::{Client, Listed, Suspect, Target};
use opsh_accesslog::traffic::Figures;
use opsh_operation::{Map, Value};

/// The result of reading `logs` logs with these probes.
pub(super) fn value(report: &Report, logs: usize, probes: &[String]) -> Value {
    let counted = probes.iter().zip(&report.probes);
    let mut result = map([
        ("logs", count(logs as u64)),
        ("lines", count(report.lines)),
        ("malformed", count(report.malformed)),
        (
            "malformed_lines",
            list(&report.examples, |example| {
                map([
                    ("log", example.source.as_ref().into()),
                    ("line", count(example.line)),
                    ("reason", example.reason.to_string().into()),
                    ("text", example.text.as_str().into()),
                ])
            }),
        ),
        (
            "damaged",
            list(&report.broken, |(log, reason)| {
                map([
                    ("log", log.as_str().into()),
                    ("reason", reason.as_str().into()),
                ])
            }),
        ),
        ("total", figures(&report.total).into()),
        (
            "minutes",
            list(&report.minutes, |(minute, sums)| {
                let mut map = figures(sums);
                map.insert("minute".to_owned(), begin(*minute));
                map
            }),
        ),
        (
            "latency",
            map([
                ("requests", count(report.latency.requests)),
                ("p50", count(report.latency.p50)),
                ("p95", count(report.latency.p95)),
                ("p99", count(report.latency.p99)),
                ("longest", count(report.latency.longest)),
            ])
            .into(),
        ),
        ("clients", list(&report.clients.first, client)),
        ("suspects", list(&report.suspects.first, suspect)),
        ("targets", list(&report.targets.first, target)),
        (
            "probes",
            Value::Map(
                counted
                    .map(|(probe, sum)| (probe.clone(), count(*sum)))
                    .collect(),
            ),
        ),
        (
            "classifications",
            Value::Map(
                report
                    .classifications
                    .iter()
                    .map(|(name, sum)| (name.clone(), count(*sum)))
                    .collect(),
            ),
        ),
        (
            "known",
            map([
                ("clients", known(&report.clients)),
                ("suspects", known(&report.suspects)),
                ("targets", known(&report.targets)),
            ])
            .into(),
        ),
    ]);
    if let Some((first, last)) = &report.span {
        result.insert("first".to_owned(), time(first));
        result.insert("last".to_owned(), time(last));
    }
    result.into()
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn list<T>(items: &[T], each: impl Fn(&T) -> Map) -> Value {
    Value::List(items.iter().map(|item| each(item).into()).collect())
}

fn texts(texts: &[String]) -> Value {
    Value::List(texts.iter().map(|text| text.as_str().into()).collect())
}

fn count(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A time as the log writes it; as text if there is no such day.
fn time(text: &str) -> Value {
    text.parse::<Timestamp>()
        .map_or_else(|_| text.into(), Value::from)
}

/// When a minute since 1970 begins.
fn begin(minute: u32) -> Value {
    Timestamp::from_second(i64::from(minute) * 60).ok().into()
}

fn figures(figures: &Figures) -> Map {
    map([
        ("requests", count(figures.requests)),
        ("received", count(figures.received)),
        ("sent", count(figures.sent)),
        ("errors_4xx", count(figures.errors_4xx)),
        ("errors_5xx", count(figures.errors_5xx)),
    ])
}

fn client(client: &Client) -> Map {
    let mut map = figures(&client.figures);
    map.extend(self::map([
        ("address", client.address.as_str().into()),
        (
            "peak",
            self::map([
                ("minute", begin(client.peak.0)),
                ("requests", count(client.peak.1)),
            ])
            .into(),
        ),
        ("samples", texts(&client.samples)),
    ]));
    map
}

fn suspect(suspect: &Suspect) -> Map {
    map([
        ("address", suspect.address.as_str().into()),
        ("missing", count(suspect.missing)),
        ("missing_paths", count(suspect.missing_paths.0)),
        ("probes", count(suspect.probes)),
        ("answered", count(suspect.answered)),
        ("first", time(&suspect.span.0)),
        ("last", time(&suspect.span.1)),
        ("paths", texts(&suspect.paths)),
        ("samples", texts(&suspect.samples)),
    ])
}

fn target(target: &Target) -> Map {
    map([
        ("address", target.address.as_str().into()),
        ("requests", count(target.requests)),
        ("errors_4xx", count(target.errors_4xx)),
        ("errors_5xx", count(target.errors_5xx)),
        ("unanswered", count(target.unanswered)),
        ("slowest", count(target.slowest)),
        ("samples", texts(&target.samples)),
    ])
}

fn known<T>(listed: &Listed<T>) -> Value {
    map([
        ("known", count(listed.known)),
        ("forgotten", count(listed.forgotten.1)),
        ("requests", count(listed.forgotten.0)),
        ("missed", count(listed.missed)),
    ])
    .into()
}
