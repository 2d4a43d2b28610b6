//! Why an alarm says what it says, in AWS's words.

use jiff::Timestamp;
use serde_json::json;

use super::alarm::condition::{Condition, Missing};
use super::alarm::{Alarm, Verdict};
use super::evaluate::View;

/// The reason as a sentence.
#[must_use]
pub fn words(alarm: &Alarm, verdict: Verdict, view: &View) -> String {
    let condition = &alarm.condition;
    if verdict == Verdict::InsufficientData {
        return match condition.evaluation_periods {
            1 => "Insufficient Data: 1 datapoint was unknown.".to_owned(),
            many => format!("Insufficient Data: {many} datapoints were unknown."),
        };
    }
    let minimum = match verdict {
        Verdict::Alarm => condition.needed(),
        _ => condition.evaluation_periods - condition.needed() + 1,
    };
    let transition = format!(
        " (minimum {minimum} {} for {} -> {} transition)",
        datapoints(minimum),
        alarm.verdict.name(),
        verdict.name()
    );
    let filled = match condition.missing() {
        Missing::Breaching => Some("Breaching"),
        Missing::NotBreaching => Some("NonBreaching"),
        Missing::Missing | Missing::Ignore => None,
    };
    let missing = match (view.missing, filled) {
        (missing @ 1.., Some(filled)) => Some(format!(
            "{missing} missing {} treated as [{filled}]",
            were(missing)
        )),
        _ => None,
    };
    let telling: Vec<&(usize, Timestamp, f64)> = view
        .values
        .iter()
        .filter(|(_, _, value)| condition.breaks(*value) == (verdict == Verdict::Alarm))
        .collect();
    if telling.is_empty() {
        let missing = missing.unwrap_or_default();
        let periods = condition.evaluation_periods;
        let plural = if periods == 1 { "period" } else { "periods" };
        return format!(
            "Threshold Crossed: no datapoints were received for {periods} {plural} and {missing}."
        );
    }
    let count = telling.len();
    let listed: Vec<String> = telling
        .iter()
        .map(|(_, at, value)| format!("{value:?} ({})", at.strftime("%d/%m/%y %H:%M:%S")))
        .collect();
    let several = if condition.evaluation_periods == 1 {
        format!("1 datapoint [{}] was", listed.join(", "))
    } else {
        format!(
            "{count} out of the last {} datapoints [{}] {}",
            condition.evaluation_periods,
            listed.join(", "),
            if count == 1 { "was" } else { "were" }
        )
    };
    let not = if verdict == Verdict::Alarm {
        ""
    } else {
        "not "
    };
    let also = missing.map_or_else(String::new, |missing| format!(" and {missing}"));
    let transition = if condition.evaluation_periods == 1 {
        String::new()
    } else {
        transition
    };
    format!(
        "Threshold Crossed: {several} {not}{} the threshold ({:?}){also}{transition}.",
        condition.comparison.words(),
        condition.threshold
    )
}

fn datapoints(count: usize) -> &'static str {
    if count == 1 {
        "datapoint"
    } else {
        "datapoints"
    }
}

fn were(count: usize) -> &'static str {
    if count == 1 {
        "datapoint was"
    } else {
        "datapoints were"
    }
}

/// The reason as JSON (`StateReasonData`).
#[must_use]
pub fn data(now: Timestamp, condition: &Condition, view: &View) -> String {
    let values: Vec<f64> = view
        .values
        .iter()
        .rev()
        .map(|(_, _, value)| *value)
        .collect();
    let mut data = json!({
        "version": "1.0",
        "queryDate": stamp(now),
        "statistic": condition.statistic_name.as_ref().or(condition.extended_name.as_ref()),
        "period": condition.period,
        "recentDatapoints": values,
        "threshold": condition.threshold,
        "evaluatedDatapoints": view.values.iter().map(|(_, at, value)| {
            json!({"timestamp": stamp(*at), "value": value})
        }).collect::<Vec<_>>(),
    });
    if let (Some((_, oldest, _)), Some(fields)) = (view.values.last(), data.as_object_mut()) {
        fields.insert("startDate".to_owned(), json!(stamp(*oldest)));
    }
    data.to_string()
}

/// An instant as `CloudWatch` writes it in texts, `2026-01-01T00:00:00.000+0000`.
#[must_use]
pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}
