//! Values between Rhai and the gate, and the two types that Rhai lacks: time and secret.

use jiff::{SignedDuration, Timestamp};
use opsh_operation::{Map, Secret, Value};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};

/// A Rhai value as a gate value.
///
/// # Errors
/// What cannot pass the gate: functions and types of Rhai's own.
pub fn to_value(dynamic: &Dynamic) -> Result<Value, String> {
    if dynamic.is_shared() {
        return to_value(&dynamic.flatten_clone());
    }
    if let Ok(text) = dynamic.as_immutable_string_ref() {
        return Ok(Value::Text(text.as_str().to_owned()));
    }
    if let Ok(map) = dynamic.as_map_ref() {
        return map
            .iter()
            .map(|(name, item)| Ok((name.to_string(), to_value(item)?)))
            .collect::<Result<Map, String>>()
            .map(Value::Map);
    }
    if let Ok(items) = dynamic.as_array_ref() {
        return items
            .iter()
            .map(to_value)
            .collect::<Result<_, _>>()
            .map(Value::List);
    }
    if let Ok(bytes) = dynamic.as_blob_ref() {
        return Ok(Value::Bytes(bytes.clone()));
    }
    if dynamic.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = dynamic.as_bool() {
        return Ok(Value::Bool(flag));
    }
    if let Ok(number) = dynamic.as_int() {
        return Ok(Value::Int(number));
    }
    if let Ok(number) = dynamic.as_float() {
        return Ok(Value::Float(number));
    }
    if let Ok(letter) = dynamic.as_char() {
        return Ok(Value::Text(letter.to_string()));
    }
    if let Some(time) = dynamic.clone().try_cast::<Timestamp>() {
        return Ok(Value::Time(time));
    }
    if let Some(secret) = dynamic.clone().try_cast::<Secret>() {
        return Ok(Value::Secret(secret));
    }
    if dynamic.is_fnptr() {
        return Err("a function cannot be a parameter here".to_owned());
    }
    Err(format!(
        "a value of type {} cannot be a parameter",
        dynamic.type_name()
    ))
}

/// A gate value as a Rhai value.
pub fn to_dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Bytes(bytes) => Dynamic::from_blob(bytes.clone()),
        Value::Time(time) => Dynamic::from(*time),
        Value::Secret(secret) => Dynamic::from(secret.clone()),
        Value::List(items) => Dynamic::from_array(items.iter().map(to_dynamic).collect()),
        Value::Map(map) => Dynamic::from_map(
            map.iter()
                .map(|(name, item)| (name.as_str().into(), to_dynamic(item)))
                .collect(),
        ),
    }
}

/// Teaches `engine` times (compare, subtract, move by seconds, print) and
/// secrets (join, print as redacted).
pub fn register_types(engine: &mut Engine) {
    engine
        .register_type_with_name::<Timestamp>("time")
        .register_fn("to_string", |time: &mut Timestamp| time.to_string())
        .register_fn("to_debug", |time: &mut Timestamp| time.to_string())
        .register_fn("==", |a: Timestamp, b: Timestamp| a == b)
        .register_fn("!=", |a: Timestamp, b: Timestamp| a != b)
        .register_fn("<", |a: Timestamp, b: Timestamp| a < b)
        .register_fn("<=", |a: Timestamp, b: Timestamp| a <= b)
        .register_fn(">", |a: Timestamp, b: Timestamp| a > b)
        .register_fn(">=", |a: Timestamp, b: Timestamp| a >= b)
        .register_fn("-", seconds_between)
        .register_fn("+", |time: Timestamp, seconds: i64| {
            moved(time, Some(seconds))
        })
        .register_fn("-", |time: Timestamp, seconds: i64| {
            moved(time, seconds.checked_neg())
        })
        .register_fn("+", |text: ImmutableString, time: Timestamp| {
            format!("{text}{time}")
        })
        .register_get("unix", |time: &mut Timestamp| time.as_second());
    engine
        .register_type_with_name::<Secret>("secret")
        .register_fn("to_string", |secret: &mut Secret| secret.to_string())
        .register_fn("to_debug", |secret: &mut Secret| secret.to_string())
        .register_fn("==", |a: Secret, b: Secret| a == b)
        .register_fn("!=", |a: Secret, b: Secret| a != b)
        .register_fn("is_empty", |secret: &mut Secret| secret.reveal().is_empty())
        .register_fn("+", |text: ImmutableString, secret: Secret| {
            Secret::new(format!("{text}{}", secret.reveal()))
        })
        .register_fn("+", |secret: Secret, text: ImmutableString| {
            Secret::new(format!("{}{text}", secret.reveal()))
        });
}

#[allow(clippy::cast_precision_loss)] // milliseconds of human times fit
fn seconds_between(a: Timestamp, b: Timestamp) -> f64 {
    a.duration_since(b).as_millis() as f64 / 1000.0
}

fn moved(time: Timestamp, seconds: Option<i64>) -> Result<Timestamp, Box<EvalAltResult>> {
    seconds
        .and_then(|seconds| time.checked_add(SignedDuration::from_secs(seconds)).ok())
        .ok_or_else(|| "that time is out of range".into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn values_pass_both_ways() {
        let value = Value::Map(Map::from([
            ("n".into(), Value::Int(1)),
            ("t".into(), Value::Time(Timestamp::UNIX_EPOCH)),
            ("s".into(), Value::Secret(Secret::new("x"))),
            (
                "l".into(),
                Value::List(vec![Value::Null, Value::Float(0.5), Value::Bytes(vec![1])]),
            ),
        ]));
        assert_eq!(to_value(&to_dynamic(&value)), Ok(value));
    }

    #[test]
    fn times_and_secrets_behave_in_scripts() {
        let mut engine = Engine::new();
        register_types(&mut engine);
        let mut scope = rhai::Scope::new();
        scope.push("t", Timestamp::UNIX_EPOCH);
        scope.push("s", Secret::new("hunter2"));
        let run = |scope: &mut rhai::Scope, script: &str| {
            engine.eval_with_scope::<Dynamic>(scope, script).unwrap()
        };
        assert_eq!(run(&mut scope, "(t + 90) - t").as_float(), Ok(90.0));
        assert_eq!(
            run(&mut scope, "`${t}`").into_string(),
            Ok("1970-01-01T00:00:00Z".into())
        );
        assert_eq!(
            run(&mut scope, "`${s}`").into_string(),
            Ok("[secret]".into())
        );
        assert_eq!(
            run(&mut scope, r#""Bearer " + s"#)
                .cast::<Secret>()
                .reveal(),
            "Bearer hunter2"
        );
    }
}
