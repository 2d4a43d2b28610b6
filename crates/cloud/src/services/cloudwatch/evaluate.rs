//! How an alarm comes to its verdict.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html>:
//! looked at every minute (every ten seconds for shorter periods), over somewhat more
//! periods than asked for, because values come late; what is missing is filled in only
//! where there are too few values.

use jiff::{SignedDuration, Timestamp};

use super::alarm::condition::{Condition, Missing};
use super::alarm::{Alarm, Verdict};
use super::store::points;
use super::{Event, history, notify, reason};
use crate::events;
use crate::state;

/// How many periods more than asked for are looked at.
const MORE: usize = 2;

/// What an alarm saw.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The values of the latest periods that have one, latest first, at most as many as
    /// periods are evaluated, with their distance: 1 is the latest period.
    pub values: Vec<(usize, Timestamp, f64)>,
    /// How many periods of those to be evaluated have no value.
    pub missing: usize,
}

/// Plans when an alarm looks at its metric next.
pub fn plan(cloud: &mut state::State, alarm: &Alarm) {
    let step = if alarm.condition.period < 60 { 10 } else { 60 };
    let next = (cloud.now.as_second().div_euclid(step) + 1) * step;
    let event = Event::Evaluate {
        alarm: alarm.name.clone(),
        generation: alarm.generation.clone(),
    };
    let at = Timestamp::from_second(next).unwrap_or(cloud.now + SignedDuration::from_secs(step));
    cloud.events.plan(at, events::Event::CloudWatch(event));
}

/// Lets an alarm look at its metric.
pub fn evaluate(cloud: &mut state::State, name: &str, generation: &str) {
    let Some(alarm) = cloud.cloudwatch.alarms.get(name) else {
        return;
    };
    if alarm.generation != generation {
        return;
    }
    let alarm = alarm.clone();
    plan(cloud, &alarm);
    let view = look(cloud, &alarm.condition);
    match judge(&alarm.condition, &view) {
        Some(verdict) if verdict != alarm.verdict => {
            let why = reason::words(&alarm, verdict, &view);
            let data = reason::data(cloud.now, &alarm.condition, &view);
            become_verdict(cloud, name, verdict, why, Some(data));
        }
        _ => notify::repeat(cloud, &alarm, &view),
    }
}

fn look(cloud: &mut state::State, condition: &Condition) -> View {
    let period = condition.period;
    let looked_at = condition.evaluation_periods + MORE;
    let step = period.min(60);
    let end = cloud.now.as_second().div_euclid(step) * step;
    let span = i64::try_from(looked_at)
        .unwrap_or(i64::MAX)
        .saturating_mul(period);
    let found = points(
        cloud,
        &condition.metric,
        end - span..end,
        period,
        condition.unit.as_deref(),
    );
    let values: Vec<(usize, Timestamp, f64)> = found
        .iter()
        .rev()
        .filter_map(|point| {
            let distance = (end - point.at.as_second()) / period;
            let value = condition.statistic.value(&point.summary)?;
            Some((usize::try_from(distance).ok()?, point.at, value))
        })
        .take(condition.evaluation_periods)
        .collect();
    View {
        missing: condition.evaluation_periods - values.len(),
        values,
    }
}

/// The verdict on what was seen; `None` keeps the one there is.
#[must_use]
pub fn judge(condition: &Condition, view: &View) -> Option<Verdict> {
    let needed = condition.needed();
    let breaking = view
        .values
        .iter()
        .filter(|(_, _, value)| condition.breaks(*value))
        .count();
    let by_count = |count: usize| {
        Some(if count >= needed {
            Verdict::Alarm
        } else {
            Verdict::Ok
        })
    };
    if view.missing == 0 || breaking >= needed {
        return by_count(breaking);
    }
    match condition.missing() {
        Missing::Breaching => by_count(breaking + view.missing),
        Missing::NotBreaching => by_count(breaking),
        Missing::Missing if view.values.is_empty() => Some(Verdict::InsufficientData),
        Missing::Missing | Missing::Ignore if breaking < view.values.len() => Some(Verdict::Ok),
        // All that is known is beyond the threshold: enough if it is old enough.
        Missing::Missing => {
            let oldest = view.values.last().map_or(0, |(distance, _, _)| *distance);
            (oldest >= needed).then_some(Verdict::Alarm)
        }
        Missing::Ignore => None,
    }
}

/// Changes a verdict, tells the history and sets off what is to be set off.
pub fn become_verdict(
    cloud: &mut state::State,
    name: &str,
    verdict: Verdict,
    reason: String,
    data: Option<String>,
) {
    let now = cloud.now;
    let Some(alarm) = cloud.cloudwatch.alarms.get_mut(name) else {
        return;
    };
    let before = alarm.clone();
    alarm.reason = reason;
    alarm.reason_data = data;
    alarm.updated = now;
    if before.verdict == verdict {
        return;
    }
    alarm.verdict = verdict;
    alarm.changed = now;
    let alarm = alarm.clone();
    history::changed(cloud, &before, &alarm);
    notify::changed(cloud, &before, &alarm);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::alarm::condition::Wording;
    use super::super::metric::Metric;
    use super::*;

    fn condition(needed: usize, periods: usize, missing: &str) -> Condition {
        Condition::new(Wording {
            metric: Metric::new("N", "m", Vec::new()).unwrap(),
            statistic: Some("Average".to_owned()),
            extended_statistic: None,
            period: 60,
            unit: None,
            evaluation_periods: periods,
            datapoints_to_alarm: Some(needed),
            threshold: 1.0,
            comparison: "GreaterThanThreshold".to_owned(),
            missing: Some(missing.to_owned()),
        })
        .unwrap()
    }

    /// `0` within, `X` beyond the threshold, `-` missing; the latest is last.
    fn view(picture: &str, periods: usize) -> View {
        let values: Vec<(usize, Timestamp, f64)> = picture
            .chars()
            .rev()
            .enumerate()
            .filter(|(_, c)| *c != '-')
            .map(|(index, c)| {
                let value = if c == 'X' { 2.0 } else { 0.0 };
                (index + 1, Timestamp::UNIX_EPOCH, value)
            })
            .take(periods)
            .collect();
        View {
            missing: periods - values.len(),
            values,
        }
    }

    /// The tables of AWS's page on missing data: picture, then the verdict with data
    /// treated as missing, ignore, breaching, notBreaching (`.` keeps the verdict).
    fn check(needed: usize, rows: &[(&str, [&str; 4])]) {
        for (picture, expected) in rows {
            for (missing, expected) in ["missing", "ignore", "breaching", "notBreaching"]
                .into_iter()
                .zip(expected)
            {
                let verdict = judge(&condition(needed, 3, missing), &view(picture, 3));
                assert_eq!(
                    verdict.map_or(".", Verdict::name),
                    *expected,
                    "{picture} {needed} of 3, {missing}"
                );
            }
        }
    }

    #[test]
    fn three_of_three_as_documented() {
        check(
            3,
            &[
                ("0-X-X", ["OK", "OK", "OK", "OK"]),
                ("----0", ["OK", "OK", "OK", "OK"]),
                ("-----", ["INSUFFICIENT_DATA", ".", "ALARM", "OK"]),
                ("0XX-X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
                ("--X--", ["ALARM", ".", "ALARM", "OK"]),
            ],
        );
    }

    #[test]
    fn two_of_three_as_documented() {
        check(
            2,
            &[
                ("0-X-X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
                ("00X0X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
                ("0-X--", ["OK", "OK", "ALARM", "OK"]),
                ("----0", ["OK", "OK", "ALARM", "OK"]),
                ("---X-", ["ALARM", ".", "ALARM", "OK"]),
            ],
        );
    }
}
