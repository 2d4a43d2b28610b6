//! `time`: the world's clock, and computing with times. All of it in UTC.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use opsh_operation::{Effect, Fault, FaultKind, Map, Shape, Value};

use super::declare::{entry, required};
use super::{Context, Entry, Handler, given};

/// The table.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "time" "now" "time:Now" Effect::Read, Handler::Native(now),
        () [] -> Shape::Time,
        "The time, by the world's clock.",
        r#"let begun = time::now();
    if time::now() < begun { throw "backwards"; }"#,
    },
    entry! {
        "time" "sleep" "time:Sleep" Effect::Read, Handler::Native(sleep),
        ("duration") [required("duration", Shape::Duration, "E.g. \"90s\", or whole seconds.")] -> Shape::Nothing,
        "Waits; in the embedded cloud only its clock moves.",
        r#"let begun = time::now();
time::sleep("1m");
if time::since(begun) < 60.0 { throw "too early"; }"#,
    },
    entry! {
        "time" "since" "time:Since" Effect::Read, Handler::Native(since),
        ("time") [required("time", Shape::Time, "A time in the past; one in the future gives a negative number.")] -> Shape::Float,
        "The seconds that have passed since a time.",
        r#"if time::since("2020-01-01T00:00:00Z") < 0.0 { throw "wrong"; }"#,
    },
    entry! {
        "time" "parse" "time:Parse" Effect::Pure, Handler::Native(parse),
        ("text") [required("text", Shape::Text, "RFC 3339, or a date or date and time without zone, which is taken as UTC.")] -> Shape::Time,
        "Reads a time.",
        r#"if time::parse("2026-01-31") != time::parse("2026-01-31T01:00:00+01:00") { throw "wrong"; }"#,
    },
    entry! {
        "time" "format" "time:Format" Effect::Pure, Handler::Native(format),
        ("time", "pattern") [
            required("time", Shape::Time, "A time."),
            required("pattern", Shape::Text, "As strftime writes it, e.g. %Y-%m-%d %H:%M:%S, %j or %A."),
        ] -> Shape::Text,
        "Writes a time in UTC after a pattern.",
        r#"if time::format("2026-01-31T12:00:00Z", "%d.%m.%Y %H:%M") != "31.01.2026 12:00" { throw "wrong"; }"#,
    },
    entry! {
        "time" "add" "time:Add" Effect::Pure, Handler::Native(add),
        ("time", "duration") [
            required("time", Shape::Time, "A time."),
            required("duration", Shape::Any, "E.g. \"5m\" or \"-1h\", or seconds."),
        ] -> Shape::Time,
        "The time that is a duration later, or earlier.",
        r#"if time::add("2026-01-31T12:00:00Z", "-1h 30m") != time::parse("2026-01-31T10:30:00Z") { throw "wrong"; }"#,
    },
    entry! {
        "time" "duration" "time:Duration" Effect::Pure, Handler::Native(duration),
        ("text") [required("text", Shape::Text, "E.g. \"90s\", \"5m\", \"1h 30m\", \"-2h\".")] -> Shape::Float,
        "A duration in seconds.",
        r#"if time::duration("1h 30m") != 5400.0 { throw "wrong"; }"#,
    },
];

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Invalid, message)
}

fn now(context: &Context<'_>, _: &Map) -> Result<Value, Fault> {
    Ok(context.world.now().into())
}

fn sleep(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let duration = given::duration(input, "duration").unwrap_or(Duration::ZERO);
    context.world.sleep(duration, context.cancel)?;
    Ok(Value::Null)
}

fn since(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let then = time_of(input)?;
    Ok(seconds(context.world.now().duration_since(then)).into())
}

fn parse(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    read(given::text(input, "text")).map(Value::Time)
}

fn format(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let time = time_of(input)?.to_zoned(TimeZone::UTC);
    let pattern = given::text(input, "pattern");
    jiff::fmt::strtime::format(pattern, &time)
        .map(Value::Text)
        .map_err(|error| invalid(format!("the pattern {pattern:?} cannot be used: {error}")))
}

fn add(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let time = time_of(input)?;
    let duration = match input.get("duration") {
        Some(Value::Text(text)) => span(text)?,
        Some(Value::Int(seconds)) => SignedDuration::from_secs(*seconds),
        Some(Value::Float(seconds)) => SignedDuration::try_from_secs_f64(*seconds)
            .map_err(|error| invalid(format!("{seconds} seconds cannot be used: {error}")))?,
        other => {
            return Err(invalid(format!(
                "parameter 'duration' must be a duration, not {}",
                other.map_or("nothing", Value::type_name)
            )));
        }
    };
    time.checked_add(duration)
        .map(Value::Time)
        .map_err(|_| invalid("that time is out of range"))
}

fn duration(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    span(given::text(input, "text")).map(|duration| seconds(duration).into())
}

fn span(text: &str) -> Result<SignedDuration, Fault> {
    text.parse().map_err(|_| {
        invalid(format!(
            "{text:?} is not a duration; write e.g. \"90s\" or \"5m\""
        ))
    })
}

fn time_of(input: &Map) -> Result<Timestamp, Fault> {
    match input.get("time") {
        Some(Value::Time(time)) => Ok(*time),
        other => read(other.and_then(Value::as_text).unwrap_or_default()),
    }
}

fn read(text: &str) -> Result<Timestamp, Fault> {
    text.parse::<Timestamp>()
        .or_else(|_| {
            text.parse::<DateTime>()
                .and_then(|time| time.to_zoned(TimeZone::UTC))
                .map(|time| time.timestamp())
        })
        .map_err(|_| {
            invalid(format!(
                "{text:?} is not a time; write it as RFC 3339, e.g. \"2026-01-31T12:00:00Z\""
            ))
        })
}

#[allow(clippy::cast_precision_loss)] // milliseconds of human times fit
fn seconds(duration: SignedDuration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::modules::testing::Bench;

    #[test]
    fn the_clock_is_the_worlds() {
        let bench = Bench::new(ENTRIES);
        let begun = bench.call("now", []).unwrap();
        assert_eq!(begun, read("2026-01-31T12:00:00Z").unwrap().into());
        assert_eq!(
            bench.call("sleep", [("duration", "1m 30s".into())]),
            Ok(Value::Null)
        );
        assert_eq!(bench.call("since", [("time", begun)]), Ok(90.0.into()));
    }

    #[test]
    fn times_are_read_written_and_moved() {
        let bench = Bench::new(ENTRIES);
        let noon = || ("time", "2026-01-31T13:00:00+01:00".into());
        let format = |pattern: &str| bench.call("format", [noon(), ("pattern", pattern.into())]);
        assert_eq!(
            format("%A %e %B %Y, %H:%M"),
            Ok("Saturday 31 January 2026, 12:00".into())
        );
        assert!(
            format("%!")
                .unwrap_err()
                .message
                .starts_with("the pattern \"%!\" cannot be used: ")
        );
        let add = |duration: Value| bench.call("add", [noon(), ("duration", duration)]);
        let expected = |text: &str| Ok(read(text).unwrap().into());
        assert_eq!(add("-1h".into()), expected("2026-01-31T11:00:00Z"));
        assert_eq!(add(90.into()), expected("2026-01-31T12:01:30Z"));
        assert_eq!(add(0.5.into()), expected("2026-01-31T12:00:00.5Z"));
        assert_eq!(
            add("soon".into()).unwrap_err().message,
            "\"soon\" is not a duration; write e.g. \"90s\" or \"5m\""
        );
        assert_eq!(
            add(i64::MAX.into()).unwrap_err().message,
            "that time is out of range"
        );
        let parse = |text: &str| bench.call("parse", [("text", text.into())]);
        assert_eq!(parse("2026-01-31 06:30"), expected("2026-01-31T06:30:00Z"));
        assert_eq!(
            parse("tomorrow").unwrap_err().message,
            "\"tomorrow\" is not a time; write it as RFC 3339, e.g. \"2026-01-31T12:00:00Z\""
        );
    }
}
