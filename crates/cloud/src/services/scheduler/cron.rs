//! Cron expressions as AWS writes them: minutes, hours, day of month, month, day of week, year.
//!
//! Source: user guide, "Schedule types in `EventBridge` Scheduler", "Cron-based schedules".
//! Days of the week are 1 (SUN) to 7 (SAT), one of the two day fields is `?`, and there
//! are `L`, `W` and `#`, so the expressions of other crons do not fit.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: Days,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

/// Which days of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    /// By number.
    OfMonth(BTreeSet<i16>),
    /// The last, `L`, or so many before it, `L-3`.
    Last(i16),
    /// The weekday nearest to a day, `15W`.
    Near(i16),
    /// The last weekday, `LW`.
    LastWeekday,
    /// By weekday.
    OfWeek(BTreeSet<i16>),
    /// The n-th of a weekday, `6#3`.
    Nth(i16, i16),
    /// The last of a weekday, `6L`.
    LastOf(i16),
}

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// After this many days without a fitting one there is none: `29 2` comes every eight years at
/// the latest.
const HORIZON: i32 = 366 * 12;

impl Cron {
    /// Reads the six fields.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, day, month, weekday, year] = fields[..] else {
            return Err("It needs six fields.".to_owned());
        };
        let days = match (day, weekday) {
            ("?", "?") => return Err("One of the day fields must not be '?'.".to_owned()),
            (day, "?") => days_of_month(day)?,
            ("?", weekday) => days_of_week(weekday)?,
            _ => return Err("One of the day fields must be '?'.".to_owned()),
        };
        Ok(Self {
            minutes: numbers(minutes, 0, 59, &[])?,
            hours: numbers(hours, 0, 23, &[])?,
            days,
            months: numbers(month, 1, 12, &MONTHS)?,
            years: numbers(year, 1970, 2199, &[])?,
        })
    }

    /// The first time after `after` (or at it, where `inclusive`) in `zone` that fits.
    #[must_use]
    pub fn next(&self, zone: &TimeZone, after: Timestamp, inclusive: bool) -> Option<Timestamp> {
        let mut date = zone.to_datetime(after).date();
        for _ in 0..HORIZON {
            if self.fits(date) {
                let found = self
                    .times(date, zone)
                    .find(|at| *at > after || inclusive && *at == after);
                if found.is_some() {
                    return found;
                }
            }
            date = date.checked_add(1.day()).ok()?;
            if self.years.last().is_none_or(|last| date.year() > *last) {
                return None;
            }
        }
        None
    }

    /// All times of a day, in order. A time that a change of clocks skips is left out, one
    /// that it repeats comes once.
    fn times<'a>(&'a self, date: Date, zone: &'a TimeZone) -> impl Iterator<Item = Timestamp> + 'a {
        self.hours.iter().flat_map(move |hour| {
            self.minutes.iter().filter_map(move |minute| {
                let hour = i8::try_from(*hour).ok()?;
                let minute = i8::try_from(*minute).ok()?;
                let ambiguous = zone.to_ambiguous_timestamp(date.at(hour, minute, 0, 0));
                if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
                    return None;
                }
                ambiguous.earlier().ok()
            })
        })
    }

    fn fits(&self, date: Date) -> bool {
        self.years.contains(&date.year())
            && self.months.contains(&i16::from(date.month()))
            && self.days.fit(date)
    }
}

impl Days {
    fn fit(&self, date: Date) -> bool {
        let day = i16::from(date.day());
        let length = i16::from(date.days_in_month());
        let weekday = i16::from(date.weekday().to_sunday_one_offset());
        match self {
            Self::OfMonth(days) => days.contains(&day),
            Self::Last(before) => day == length - before,
            Self::Near(wanted) => nearest_weekday(date, *wanted) == Some(day),
            Self::LastWeekday => nearest_weekday(date, length) == Some(day),
            Self::OfWeek(days) => days.contains(&weekday),
            Self::Nth(wanted, nth) => weekday == *wanted && (day - 1) / 7 + 1 == *nth,
            Self::LastOf(wanted) => weekday == *wanted && day + 7 > length,
        }
    }
}

/// The weekday nearest to the day `wanted` in the month of `date`, without leaving the month.
fn nearest_weekday(date: Date, wanted: i16) -> Option<i16> {
    let length = i16::from(date.days_in_month());
    if wanted > length {
        return None;
    }
    let there = Date::new(date.year(), date.month(), i8::try_from(wanted).ok()?).ok()?;
    Some(match there.weekday() {
        Weekday::Saturday if wanted > 1 => wanted - 1,
        Weekday::Saturday => wanted + 2,
        Weekday::Sunday if wanted < length => wanted + 1,
        Weekday::Sunday => wanted - 2,
        _ => wanted,
    })
}

fn days_of_month(field: &str) -> Result<Days, String> {
    match field {
        "L" => return Ok(Days::Last(0)),
        "LW" | "WL" => return Ok(Days::LastWeekday),
        _ => {}
    }
    if let Some(before) = field.strip_prefix("L-") {
        return number(before, 1, 30, &[]).map(Days::Last);
    }
    if let Some(day) = field.strip_suffix('W') {
        return number(day, 1, 31, &[]).map(Days::Near);
    }
    numbers(field, 1, 31, &[]).map(Days::OfMonth)
}

fn days_of_week(field: &str) -> Result<Days, String> {
    if field == "L" {
        return Ok(Days::OfWeek(BTreeSet::from([7])));
    }
    if let Some((day, nth)) = field.split_once('#') {
        return Ok(Days::Nth(
            number(day, 1, 7, &WEEKDAYS)?,
            number(nth, 1, 5, &[])?,
        ));
    }
    if let Some(day) = field.strip_suffix('L') {
        return number(day, 1, 7, &WEEKDAYS).map(Days::LastOf);
    }
    numbers(field, 1, 7, &WEEKDAYS).map(Days::OfWeek)
}

/// A list of numbers, names, ranges and steps.
fn numbers(field: &str, least: i16, most: i16, words: &[&str]) -> Result<BTreeSet<i16>, String> {
    let one = |text: &str| number(text, least, most, words);
    let mut all = BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step, 1, most, &[])?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (one(from)?, one(to)?),
            None if step.is_some() => (one(range)?, most),
            None => (one(range)?, one(range)?),
        };
        if from > to {
            return Err(format!("The range '{range}' ends before it begins."));
        }
        let step = usize::try_from(step.unwrap_or(1)).unwrap_or(1);
        all.extend((from..=to).step_by(step));
    }
    Ok(all)
}

fn number(text: &str, least: i16, most: i16, words: &[&str]) -> Result<i16, String> {
    let meant = words
        .iter()
        .zip(least..)
        .find(|(word, _)| word.eq_ignore_ascii_case(text))
        .map(|(_, number)| number);
    meant
        .or_else(|| text.parse().ok())
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("'{text}' is not within {least} and {most}."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jiff::tz::TimeZone;

    use super::Cron;

    fn times(text: &str, from: &str, count: usize) -> Vec<String> {
        let cron = Cron::parse(text).unwrap();
        let mut after = from.parse().unwrap();
        let mut found = Vec::new();
        for _ in 0..count {
            let Some(next) = cron.next(&TimeZone::UTC, after, false) else {
                break;
            };
            found.push(next.strftime("%a %Y-%m-%d %H:%M").to_string());
            after = next;
        }
        found
    }

    #[test]
    fn minutes_and_hours_have_steps_and_ranges() {
        assert_eq!(
            times("0/20 8-9 * * ? *", "2026-01-01T08:30:00Z", 4),
            [
                "Thu 2026-01-01 08:40",
                "Thu 2026-01-01 09:00",
                "Thu 2026-01-01 09:20",
                "Thu 2026-01-01 09:40"
            ]
        );
    }

    #[test]
    fn days_of_the_week_begin_with_sunday() {
        assert_eq!(
            times("0 12 ? * MON-FRI *", "2026-01-02T12:00:00Z", 2),
            ["Mon 2026-01-05 12:00", "Tue 2026-01-06 12:00"]
        );
        assert_eq!(
            times("0 0 ? * 1 *", "2026-01-01T00:00:00Z", 1),
            ["Sun 2026-01-04 00:00"]
        );
        assert_eq!(
            times("0 0 ? * 6#3 *", "2026-01-01T00:00:00Z", 1),
            ["Fri 2026-01-16 00:00"]
        );
        assert_eq!(
            times("0 0 ? * 6L *", "2026-01-01T00:00:00Z", 1),
            ["Fri 2026-01-30 00:00"]
        );
    }

    #[test]
    fn months_end_when_they_end() {
        assert_eq!(
            times("0 0 L * ? *", "2026-01-31T00:00:00Z", 2),
            ["Sat 2026-02-28 00:00", "Tue 2026-03-31 00:00"]
        );
        assert_eq!(
            times("0 0 LW FEB ? *", "2026-01-01T00:00:00Z", 1),
            ["Fri 2026-02-27 00:00"]
        );
        assert_eq!(
            times("0 0 15W 2 ? *", "2026-01-01T00:00:00Z", 1),
            ["Mon 2026-02-16 00:00"]
        );
        assert_eq!(
            times("0 0 29 2 ? *", "2026-01-01T00:00:00Z", 1),
            ["Tue 2028-02-29 00:00"]
        );
    }

    #[test]
    fn after_its_last_year_there_is_nothing() {
        assert!(times("0 0 1 1 ? 2025", "2026-01-01T00:00:00Z", 1).is_empty());
        assert!(times("0 0 31 2 ? *", "2026-01-01T00:00:00Z", 1).is_empty());
    }

    #[test]
    fn a_clock_that_is_put_forward_skips() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let cron = Cron::parse("30 2 * * ? *").unwrap();
        let next = |from: &str| {
            cron.next(&zone, from.parse().unwrap(), false)
                .unwrap()
                .to_string()
        };
        assert_eq!(next("2026-03-28T02:00:00Z"), "2026-03-30T00:30:00Z");
        assert_eq!(next("2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(next("2026-10-25T00:30:00Z"), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, why) in [
            ("* * * * *", "It needs six fields."),
            ("* * * * * *", "One of the day fields must be '?'."),
            ("* * ? * ? *", "One of the day fields must not be '?'."),
            ("60 * * * ? *", "'60' is not within 0 and 59."),
            ("9-3 * * * ? *", "The range '9-3' ends before it begins."),
            ("* * ? * MOO *", "'MOO' is not within 1 and 7."),
        ] {
            assert_eq!(Cron::parse(text).unwrap_err(), why, "{text}");
        }
    }
}
