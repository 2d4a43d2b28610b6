//! What an alarm is to a handler: a map.
//!
//! | member | what it is |
//! |---|---|
//! | `name`, `description`, `arn` | the alarm |
//! | `state`, `previous` | `OK`, `ALARM` or `INSUFFICIENT_DATA`, now and before |
//! | `reason` | why, in CloudWatch's words |
//! | `time` | when its state changed |
//! | `metric`, `namespace`, `statistic` | what it watches |
//! | `dimensions` | of what, as a map: `#{ InstanceId: "i-…" }` |
//! | `comparison`, `threshold`, `period`, `evaluation_periods` | when it goes off |
//! | `region`, `account` | where |
//! | `topic`, `message_id` | how it came |
//! | `raw` | all that CloudWatch sent |
//!
//! What an alarm does not have (one of several metrics has no `metric`) is `()`.

use jiff::Timestamp;
use opsh_operation::suggest::did_you_mean;
use opsh_operation::{Map, Value};
use opsh_snsmessage::Verified;
use serde_json::Value as Json;

/// The members that an events file may give, besides those that CloudWatch sends.
const MEMBERS: [&str; 19] = [
    "name",
    "description",
    "arn",
    "state",
    "previous",
    "reason",
    "time",
    "metric",
    "namespace",
    "statistic",
    "dimensions",
    "comparison",
    "threshold",
    "period",
    "evaluation_periods",
    "region",
    "account",
    "topic",
    "message_id",
];

/// The alarm that a message tells of, if it tells of one.
#[must_use]
pub fn of_message(message: &Verified) -> Option<Value> {
    let raw: Json = serde_json::from_str(&message.text).ok()?;
    let mut alarm = of_raw(&raw, message.sent)?;
    alarm.insert("topic".to_owned(), message.topic.as_str().into());
    alarm.insert("message_id".to_owned(), message.id.as_str().into());
    Some(Value::Map(alarm))
}

/// The alarm of an events file: as CloudWatch sends it, or the members of the map.
///
/// # Errors
/// What is wrong with it, in words.
pub fn of_file(event: &Value, now: Timestamp) -> Result<Value, String> {
    if let Some(alarm) = of_raw(&event.to_json(), now) {
        return Ok(Value::Map(alarm));
    }
    let given = event.as_map().ok_or("it must be an object")?;
    if let Some(unknown) = given.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let near = did_you_mean(unknown, MEMBERS);
        return Err(format!("it has no '{unknown}'{near}"));
    }
    for needed in ["name", "state"] {
        if given.get(needed).and_then(Value::as_text).is_none() {
            return Err(format!("'{needed}' is missing"));
        }
    }
    let mut alarm: Map = MEMBERS
        .iter()
        .map(|name| ((*name).to_owned(), Value::Null))
        .collect();
    alarm.insert("dimensions".to_owned(), Value::Map(Map::new()));
    alarm.insert("time".to_owned(), now.into());
    alarm.insert("reason".to_owned(), "".into());
    alarm.extend(given.clone());
    alarm.insert("raw".to_owned(), event.clone());
    Ok(Value::Map(alarm))
}

/// What CloudWatch sends; `sent` stands in for a time that is none.
///
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions.html>
fn of_raw(raw: &Json, sent: Timestamp) -> Option<Map> {
    let top = |name: &str| value(raw.get(name));
    let trigger = raw.get("Trigger");
    let inner = |name: &str| value(trigger.and_then(|trigger| trigger.get(name)));
    raw.get("AlarmName")?.as_str()?;
    raw.get("NewStateValue")?.as_str()?;
    let time = raw.get("StateChangeTime").and_then(Json::as_str);
    let time = time.and_then(moment).unwrap_or(sent);
    let statistic = match inner("Statistic") {
        Value::Null => inner("ExtendedStatistic"),
        named => named,
    };
    let members = [
        ("name", top("AlarmName")),
        ("description", top("AlarmDescription")),
        ("arn", top("AlarmArn")),
        ("state", top("NewStateValue")),
        ("previous", top("OldStateValue")),
        ("reason", top("NewStateReason")),
        ("time", time.into()),
        ("metric", inner("MetricName")),
        ("namespace", inner("Namespace")),
        ("statistic", statistic),
        ("dimensions", dimensions(trigger)),
        ("comparison", inner("ComparisonOperator")),
        ("threshold", inner("Threshold")),
        ("period", inner("Period")),
        ("evaluation_periods", inner("EvaluationPeriods")),
        ("region", top("Region")),
        ("account", top("AWSAccountId")),
        ("topic", Value::Null),
        ("message_id", Value::Null),
        ("raw", Value::from_json(raw)),
    ];
    let named = |(name, value): (&str, Value)| (name.to_owned(), value);
    Some(members.map(named).into_iter().collect())
}

fn value(json: Option<&Json>) -> Value {
    json.map_or(Value::Null, Value::from_json)
}

/// `2026-05-02T00:54:06.600+0000`, which is not quite RFC 3339.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse()
        .or_else(|_| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text))
        .ok()
}

fn dimensions(trigger: Option<&Json>) -> Value {
    let listed = trigger.and_then(|trigger| trigger.get("Dimensions"));
    let pairs = listed.and_then(Json::as_array).into_iter().flatten();
    let named = pairs.filter_map(|pair| {
        let name = pair.get("name")?.as_str()?;
        Some((name.to_owned(), value(pair.get("value"))))
    });
    Value::Map(named.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    const ALARM: &str = include_str!("../../../crates/snsmessage/benches/alarm.json");

    fn at() -> Timestamp {
        "2026-05-02T00:54:10Z".parse().unwrap()
    }

    #[test]
    fn an_alarm_is_a_map() {
        let alarm = of_file(
            &Value::from_json(&serde_json::from_str(ALARM).unwrap()),
            at(),
        );
        let alarm = alarm.unwrap();
        let shown = |name: &str| alarm.get(name).unwrap().to_json();
        for (name, value) in [
            ("name", json!("cpu-high")),
            ("state", json!("ALARM")),
            ("previous", json!("OK")),
            ("metric", json!("CPUUtilization")),
            ("dimensions", json!({"InstanceId": "i-0b1f007f774562163"})),
            ("threshold", json!(70.0)),
            ("statistic", json!("AVERAGE")),
            ("time", json!("2026-05-02T00:54:06.6Z")),
            ("topic", json!(null)),
        ] {
            assert_eq!(shown(name), value, "{name}");
        }
        assert!(shown("reason").as_str().unwrap().starts_with("Threshold"));
        assert_eq!(shown("raw")["Trigger"]["Period"], 60);
    }

    #[test]
    fn a_file_may_say_less() {
        let said = Value::from_json(&json!({"name": "cpu-low", "state": "ALARM"}));
        let alarm = of_file(&said, at()).unwrap();
        assert_eq!(
            alarm.get("time").unwrap().to_json(),
            json!("2026-05-02T00:54:10Z")
        );
        assert_eq!(alarm.get("metric"), Some(&Value::Null));
        assert_eq!(alarm.as_map().unwrap().len(), MEMBERS.len() + 1);
        for (said, why) in [
            (json!([]), "it must be an object"),
            (json!({"name": "a"}), "'state' is missing"),
            (json!({"name": "a", "stat": "b"}), "did you mean 'state'?"),
        ] {
            let error = of_file(&Value::from_json(&said), at()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn other_messages_are_no_alarms() {
        for text in ["disk full", "{}", "{\"AlarmName\": 1}", "[]"] {
            let message = Verified {
                kind: opsh_snsmessage::Kind::Notification,
                id: "1".into(),
                topic: "t".into(),
                subject: None,
                text: text.into(),
                sent: at(),
                token: None,
            };
            assert_eq!(of_message(&message), None, "{text}");
        }
    }
}
