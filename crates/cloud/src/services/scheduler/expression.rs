//! When a schedule fires: `at(…)`, `rate(…)`, `cron(…)`.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::cron::Cron;
use super::invalid;
use crate::api::ApiError;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// Once, at this time of the schedule's zone.
    At(DateTime),
    /// Again and again, this many seconds apart.
    Rate(i64),
    /// Where the calendar fits.
    Cron(Cron),
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is none.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let wrong = || invalid(format!("Invalid Schedule Expression {text}."));
        let (kind, rest) = text.split_once('(').ok_or_else(wrong)?;
        let inside = rest.strip_suffix(')').ok_or_else(wrong)?.trim();
        match kind {
            "at" => inside
                .parse::<DateTime>()
                .map(Self::At)
                .map_err(|_| wrong()),
            "rate" => {
                let (number, unit) = inside.split_once(' ').ok_or_else(wrong)?;
                let number: i64 = number.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?;
                let unit = match unit.trim() {
                    "minute" | "minutes" => 60,
                    "hour" | "hours" => 3600,
                    "day" | "days" => 86_400,
                    _ => return Err(wrong()),
                };
                number.checked_mul(unit).map(Self::Rate).ok_or_else(wrong)
            }
            "cron" => Cron::parse(inside)
                .map(Self::Cron)
                .map_err(|why| invalid(format!("Invalid Schedule Expression {text}. {why}"))),
            _ => Err(wrong()),
        }
    }

    /// The first time after `after` (or at it, where `inclusive`), never before `start`.
    ///
    /// A rate counts from `start`, which is itself the first time.
    #[must_use]
    pub fn next(
        &self,
        zone: &TimeZone,
        start: Timestamp,
        after: Timestamp,
        inclusive: bool,
    ) -> Option<Timestamp> {
        let fits = |at: Timestamp| at > after || inclusive && at == after;
        match self {
            Self::At(at) => {
                let at = zone.to_ambiguous_timestamp(*at).compatible().ok()?;
                fits(at).then_some(at)
            }
            Self::Rate(seconds) => {
                if fits(start) {
                    return Some(start);
                }
                let passed = after.duration_since(start).as_secs();
                let whole = passed.div_euclid(*seconds);
                [whole, whole + 1, whole + 2]
                    .into_iter()
                    .filter_map(|count| {
                        let offset = SignedDuration::from_secs(count.checked_mul(*seconds)?);
                        start.checked_add(offset).ok()
                    })
                    .find(|at| fits(*at))
            }
            Self::Cron(cron) => {
                let from = if fits(start) { start } else { after };
                let inclusive = inclusive || fits(start);
                cron.next(zone, from, inclusive)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jiff::tz::TimeZone;

    use super::Expression;

    fn times(expression: &str, start: &str, count: usize) -> Vec<String> {
        let expression = Expression::parse(expression).unwrap();
        let start = start.parse().unwrap();
        let mut found = Vec::new();
        let (mut after, mut inclusive) = (start, true);
        while found.len() < count
            && let Some(next) = expression.next(&TimeZone::UTC, start, after, inclusive)
        {
            found.push(next.to_string());
            (after, inclusive) = (next, false);
        }
        found
    }

    #[test]
    fn a_rate_begins_at_once_and_goes_on() {
        assert_eq!(
            times("rate(90 minutes)", "2026-01-01T00:00:30Z", 3),
            [
                "2026-01-01T00:00:30Z",
                "2026-01-01T01:30:30Z",
                "2026-01-01T03:00:30Z"
            ]
        );
    }

    #[test]
    fn at_is_once() {
        assert_eq!(
            times("at(2026-01-02T03:04:05)", "2026-01-01T00:00:00Z", 3),
            ["2026-01-02T03:04:05Z"]
        );
        assert!(times("at(2025-01-02T03:04:05)", "2026-01-01T00:00:00Z", 3).is_empty());
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in [
            "rate(0 minutes)",
            "rate(5)",
            "rate(5 seconds)",
            "every(5 minutes)",
            "at(tomorrow)",
            "cron(0 12 * * *)",
            "rate(5 minutes",
        ] {
            let error = Expression::parse(text).unwrap_err();
            assert_eq!(error.code, "ValidationException", "{text}");
            assert!(
                error
                    .message
                    .starts_with(&format!("Invalid Schedule Expression {text}."))
            );
        }
    }
}
