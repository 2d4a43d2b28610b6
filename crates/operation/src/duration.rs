//! Durations as playbooks and people write them.

use std::time::Duration;

use crate::value::Value;

/// What a longer duration in an input is taken as: nobody waits for its end, and every
/// clock has room for it.
pub const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// The duration that a text says: `"90s"`, `"5m"`, `"1h 30m"`.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let span: jiff::SignedDuration = text.parse().ok()?;
    span.try_into().ok()
}

/// The duration that an input holds: text like `"5m"`, or whole seconds.
#[must_use]
pub fn of(value: &Value) -> Option<Duration> {
    let read = match value {
        Value::Int(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
        Value::Text(text) => parse(text),
        _ => None,
    };
    read.map(|duration| duration.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_bounded() {
        assert_eq!(of(&90.into()), Some(Duration::from_secs(90)));
        assert_eq!(of(&"1h 30m".into()), Some(Duration::from_mins(90)));
        for long in [Value::Int(i64::MAX), "2562047788015h".into()] {
            assert_eq!(of(&long), Some(LONGEST));
        }
        for none in [Value::Int(-1), "soon".into(), Value::Null] {
            assert_eq!(of(&none), None);
        }
    }
}
