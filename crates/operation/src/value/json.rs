//! Values as JSON: for people and other programs, and as records that can be read back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value as Json;

use super::{REDACTED, Secret, Value};

impl Value {
    /// JSON for people and other programs: times as RFC 3339, bytes as base64,
    /// secrets as [`REDACTED`]. Cannot be read back; see [`Value::to_record`].
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Bytes(bytes) => Json::String(BASE64.encode(bytes)),
            Self::Time(time) => Json::String(time.to_string()),
            Self::Secret(_) => Json::String(REDACTED.to_owned()),
            Self::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Self::Map(map) => Json::Object(
                map.iter()
                    .map(|(name, item)| (name.clone(), item.to_json()))
                    .collect(),
            ),
            plain => plain.plain_json(),
        }
    }

    /// Plain JSON as a value; the counterpart of APIs that answer in JSON.
    #[must_use]
    pub fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Bool(*flag),
            Json::Number(number) => number.as_i64().map_or_else(
                || Self::Float(number.as_f64().unwrap_or(f64::NAN)),
                Self::Int,
            ),
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(items) => Self::List(items.iter().map(Self::from_json).collect()),
            Json::Object(entries) => Self::Map(
                entries
                    .iter()
                    .map(|(name, item)| (name.clone(), Self::from_json(item)))
                    .collect(),
            ),
        }
    }

    /// JSON from which [`Value::from_record`] makes the same value again.
    ///
    /// What JSON cannot say is tagged: `{"$time": "…"}`, `{"$bytes": "…"}`,
    /// `{"$float": "NaN"}`; a map with a key that begins with `$` is wrapped in
    /// `{"$map": …}`. Secrets become whatever `seal` makes of them.
    #[must_use]
    pub fn to_record(&self, seal: &dyn Fn(&Secret) -> Json) -> Json {
        let tagged =
            |tag: &str, body: Json| Json::Object([(tag.to_owned(), body)].into_iter().collect());
        match self {
            Self::Bytes(bytes) => tagged("$bytes", Json::String(BASE64.encode(bytes))),
            Self::Time(time) => tagged("$time", Json::String(time.to_string())),
            Self::Secret(secret) => tagged("$secret", seal(secret)),
            Self::Float(number) if !number.is_finite() || number.fract() == 0.0 => {
                tagged("$float", Json::String(number.to_string()))
            }
            Self::List(items) => {
                Json::Array(items.iter().map(|item| item.to_record(seal)).collect())
            }
            Self::Map(map) => {
                let body = Json::Object(
                    map.iter()
                        .map(|(name, item)| (name.clone(), item.to_record(seal)))
                        .collect(),
                );
                if map.keys().any(|name| name.starts_with('$')) {
                    tagged("$map", body)
                } else {
                    body
                }
            }
            plain => plain.plain_json(),
        }
    }

    /// Reads what [`Value::to_record`] wrote; `unseal` opens sealed secrets.
    ///
    /// # Errors
    /// A sentence about the first thing that cannot be read.
    pub fn from_record(
        json: &Json,
        unseal: &dyn Fn(&Json) -> Result<Secret, String>,
    ) -> Result<Self, String> {
        match json {
            Json::Array(items) => items
                .iter()
                .map(|item| Self::from_record(item, unseal))
                .collect::<Result<_, _>>()
                .map(Self::List),
            Json::Object(entries) => {
                if let Some((tag, body)) = entries.iter().next()
                    && entries.len() == 1
                    && tag.starts_with('$')
                {
                    return Self::from_tagged(tag, body, unseal);
                }
                Self::map_from_record(entries, unseal)
            }
            plain => Ok(Self::from_json(plain)),
        }
    }

    fn map_from_record(
        entries: &serde_json::Map<String, Json>,
        unseal: &dyn Fn(&Json) -> Result<Secret, String>,
    ) -> Result<Self, String> {
        entries
            .iter()
            .map(|(name, item)| Ok((name.clone(), Self::from_record(item, unseal)?)))
            .collect::<Result<_, String>>()
            .map(Self::Map)
    }

    fn from_tagged(
        tag: &str,
        body: &Json,
        unseal: &dyn Fn(&Json) -> Result<Secret, String>,
    ) -> Result<Self, String> {
        let text = || body.as_str().ok_or_else(|| format!("{tag} holds no text"));
        match tag {
            "$bytes" => BASE64
                .decode(text()?)
                .map(Self::Bytes)
                .map_err(|error| format!("$bytes: {error}")),
            "$time" => text()?
                .parse()
                .map(Self::Time)
                .map_err(|error| format!("$time: {error}")),
            "$float" => text()?
                .parse()
                .map(Self::Float)
                .map_err(|error| format!("$float: {error}")),
            "$secret" => unseal(body).map(Self::Secret),
            "$map" => match body {
                Json::Object(entries) => Self::map_from_record(entries, unseal),
                _ => Err("$map holds no object".to_owned()),
            },
            other => Err(format!("unknown tag {other}")),
        }
    }

    fn plain_json(&self) -> Json {
        match self {
            Self::Bool(flag) => Json::Bool(*flag),
            Self::Int(number) => Json::from(*number),
            Self::Float(number) => {
                serde_json::Number::from_f64(*number).map_or(Json::Null, Json::Number)
            }
            Self::Text(text) => Json::String(text.clone()),
            _ => Json::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::Map;
    use super::*;

    #[test]
    fn records_come_back_as_they_went() {
        let value = Value::Map(Map::from([
            (
                "a".into(),
                Value::List(vec![
                    Value::Int(1),
                    Value::Float(2.0),
                    Value::Float(f64::INFINITY),
                ]),
            ),
            ("b".into(), Value::Bytes(vec![0, 255])),
            ("c".into(), Value::Time(Timestamp::UNIX_EPOCH)),
            ("d".into(), Value::Secret(Secret::new("s3cret"))),
            (
                "e".into(),
                Value::Map(Map::from([("$x".into(), Value::Null)])),
            ),
        ]));
        let record =
            value.to_record(&|secret| Json::String(secret.reveal().chars().rev().collect()));
        let back = Value::from_record(&record, &|sealed| {
            Ok(Secret::new(
                sealed
                    .as_str()
                    .unwrap_or_default()
                    .chars()
                    .rev()
                    .collect::<String>(),
            ))
        });
        assert_eq!(back, Ok(value));
    }

    #[test]
    fn secrets_are_never_shown() {
        let value = Value::List(vec![Value::Secret(Secret::new("hunter2"))]);
        assert_eq!(format!("{value:?}"), "List([Secret([secret])])");
        assert_eq!(value.to_json().to_string(), r#"["[secret]"]"#);
    }
}
