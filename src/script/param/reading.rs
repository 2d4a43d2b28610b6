//! A parameter's value, read from what was given for it.

use std::fmt::Write as _;

use opsh_operation::suggest::did_you_mean;
use opsh_operation::{Secret, Value, duration};

use super::{Parameter, Type};

impl Parameter {
    /// Reads a value from the command line, a file or a prompt.
    ///
    /// # Errors
    /// A sentence that names the parameter and what it takes.
    pub fn read(&self, given: &Value) -> Result<Value, String> {
        let value = self.typed(given)?;
        self.check_limits(&value)?;
        self.check_choice(&value)?;
        Ok(value)
    }

    /// A value of the parameter's type, allowed or not.
    pub(super) fn typed(&self, given: &Value) -> Result<Value, String> {
        let wrong = |wants: &str| {
            let not = match self.kind {
                Type::Secret => given.type_name().to_owned(),
                _ => given.to_json().to_string(),
            };
            Err(format!(
                "parameter '{}' must be {wants}, not {not}",
                self.name
            ))
        };
        let text = given.as_text();
        Ok(match (self.kind, given) {
            (Type::Int | Type::Duration, Value::Int(_))
            | (Type::Bool, Value::Bool(_))
            | (Type::List, Value::List(_))
            | (Type::Text | Type::Path, Value::Text(_))
            | (Type::Secret, Value::Secret(_)) => given.clone(),
            (Type::Float, Value::Int(_) | Value::Float(_)) => given.as_float().into(),
            (Type::Secret, Value::Text(text)) => Secret::new(text.as_str()).into(),
            (Type::Int, _) => match text.and_then(|text| text.parse::<i64>().ok()) {
                Some(number) => number.into(),
                None => return wrong("a whole number"),
            },
            (Type::Float, _) => match text.and_then(|text| text.parse::<f64>().ok()) {
                Some(number) => number.into(),
                None => return wrong("a number"),
            },
            (Type::Bool, _) => match text {
                Some("true" | "yes") => true.into(),
                Some("false" | "no") => false.into(),
                _ => return wrong("true or false"),
            },
            (Type::Duration, _) => match text {
                Some("off" | "0") => given.clone(),
                Some(text) if duration::parse(text).is_some() => given.clone(),
                _ => return wrong("a duration such as 90s or 5m"),
            },
            (Type::List, _) => match text {
                Some("") => Value::List(Vec::new()),
                Some(text) => text
                    .split(',')
                    .map(|item| item.trim().to_owned())
                    .collect::<Vec<_>>()
                    .into(),
                None => return wrong("a list"),
            },
            (Type::Text | Type::Path, Value::Int(_) | Value::Float(_) | Value::Bool(_)) => {
                given.to_json().to_string().into()
            }
            (Type::Text | Type::Path | Type::Secret, _) => return wrong("text"),
        })
    }

    fn check_limits(&self, value: &Value) -> Result<(), String> {
        let Some(number) = value.as_float() else {
            return Ok(());
        };
        let name = &self.name;
        if number.is_nan() {
            return Err(format!("parameter '{name}' must be a number"));
        }
        if let Some(min) = self.min.filter(|min| number < *min) {
            return Err(format!(
                "parameter '{name}' must be at least {min}, not {number}"
            ));
        }
        if let Some(max) = self.max.filter(|max| number > *max) {
            return Err(format!(
                "parameter '{name}' must be at most {max}, not {number}"
            ));
        }
        Ok(())
    }

    fn check_choice(&self, value: &Value) -> Result<(), String> {
        let is_chosen = |choice: &Value| match value {
            Value::Secret(_) => choice.as_text() == value.as_text(),
            _ => choice == value,
        };
        if self.choices.is_empty() || self.choices.iter().any(is_chosen) {
            return Ok(());
        }
        let word = |value: &Value| {
            let text = value.as_text().map(str::to_owned);
            text.unwrap_or_else(|| value.to_json().to_string())
        };
        let known: Vec<String> = self.choices.iter().map(word).collect();
        let all = known.join(", ");
        let mut message = format!("parameter '{}' must be one of {all}", self.name);
        if self.kind != Type::Secret {
            let given = word(value);
            let near = did_you_mean(&given, known.iter().map(String::as_str));
            let _ = write!(message, ", not {given}{near}");
        }
        Err(message)
    }
}
