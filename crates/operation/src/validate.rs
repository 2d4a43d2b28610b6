//! All faults of an input at once, before anything is sent.

use std::fmt::Write as _;

use crate::shape::{Shape, Structure};
use crate::suggest;
use crate::value::{Map, Value};

/// One thing that is wrong, or odd, with an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Names from the input's root, e.g. `["filters", "tag:env"]`; list items by index.
    pub path: Vec<String>,
    /// What is wrong, for people.
    pub message: String,
}

/// What validation found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The call is refused for each of these.
    pub errors: Vec<Problem>,
    /// The call goes on in spite of these.
    pub warnings: Vec<Problem>,
}

/// Checks `input` against `structure`.
#[must_use]
pub fn input(structure: &Structure, input: &Map) -> Report {
    let mut checker = Checker::default();
    checker.structure(structure, input);
    checker.report
}

#[derive(Default)]
struct Checker {
    path: Vec<String>,
    report: Report,
}

impl Checker {
    fn error(&mut self, message: impl Into<String>) {
        self.report.errors.push(Problem {
            path: self.path.clone(),
            message: message.into(),
        });
    }

    fn at(&mut self, step: impl Into<String>, check: impl FnOnce(&mut Self)) {
        self.path.push(step.into());
        check(self);
        self.path.pop();
    }

    fn structure(&mut self, structure: &Structure, map: &Map) {
        for (name, value) in map {
            self.at(name, |this| match structure.field(name) {
                Some(_) if value.is_null() => {}
                Some(field) => this.value(&field.shape, value),
                None => this.unknown(structure, name),
            });
        }
        for field in structure.fields.iter().filter(|field| field.required) {
            if map.get(field.name).is_none_or(Value::is_null) {
                self.error(format!(
                    "missing parameter '{}' ({})",
                    self.name_of(field.name),
                    field.shape.describe()
                ));
            }
        }
    }

    fn unknown(&mut self, structure: &Structure, name: &str) {
        let near = suggest::closest(name, structure.fields.iter().map(|field| field.name));
        let mut message = format!("unknown parameter '{}'", self.place());
        if let Some(near) = near {
            let _ = write!(message, "; did you mean '{near}'?");
        }
        self.error(message);
    }

    /// The path so far as a person writes it, e.g. `placement.tenancy`.
    fn place(&self) -> String {
        let mut place = String::new();
        for step in &self.path {
            if step.starts_with('[') || place.is_empty() {
                place.push_str(step);
            } else {
                place.push('.');
                place.push_str(step);
            }
        }
        place
    }

    fn name_of(&self, field: &str) -> String {
        let place = self.place();
        if place.is_empty() {
            field.to_owned()
        } else {
            format!("{place}.{field}")
        }
    }

    fn mismatch(&mut self, shape: &Shape, value: &Value) {
        let message = format!(
            "parameter '{}' must be {}, not {}",
            self.place(),
            with_article(&shape.describe()),
            with_article(value.type_name())
        );
        self.error(message);
    }

    fn value(&mut self, shape: &Shape, value: &Value) {
        match (shape, value) {
            (Shape::Any | Shape::Function, _)
            | (Shape::Bool, Value::Bool(_))
            | (Shape::Float, Value::Int(_) | Value::Float(_))
            | (Shape::Text | Shape::Path | Shape::Output, Value::Text(_) | Value::Secret(_))
            | (Shape::Bytes | Shape::Body, Value::Text(_) | Value::Bytes(_) | Value::Secret(_))
            | (Shape::Time, Value::Time(_)) => {}
            (Shape::Int { min, max }, Value::Int(number)) => {
                if number < min || number > max {
                    let message = format!("parameter '{}' is out of range: {number}", self.place());
                    self.error(message);
                }
            }
            (Shape::Time, Value::Text(text)) => {
                if text.parse::<jiff::Timestamp>().is_err() {
                    let message = format!(
                        "parameter '{}' is not a time: {text:?}; write it as RFC 3339, e.g. \"2026-01-31T12:00:00Z\"",
                        self.place()
                    );
                    self.error(message);
                }
            }
            (Shape::Duration, _) => self.duration(shape, value),
            (Shape::Body, Value::Map(map)) => {
                if map.len() != 1 || !matches!(map.get("file"), Some(Value::Text(_))) {
                    self.mismatch(shape, value);
                }
            }
            (Shape::Enum(known), Value::Text(text)) => self.enumeration(known, text),
            (Shape::List(item), Value::List(items)) => {
                for (index, value) in items.iter().enumerate() {
                    self.at(format!("[{index}]"), |this| this.value(item, value));
                }
            }
            (Shape::MapOf(item), Value::Map(map)) => {
                for (name, value) in map {
                    self.at(name, |this| this.value(item, value));
                }
            }
            (Shape::Tags, Value::Map(map)) => {
                for (name, value) in map {
                    self.at(name, |this| this.value(&Shape::Text, value));
                }
            }
            (Shape::Filters, Value::Map(map)) => {
                for (name, value) in map {
                    self.at(name, |this| match value {
                        Value::List(_) => this.value(&Shape::List(&Shape::Text), value),
                        _ => this.value(&Shape::Text, value),
                    });
                }
            }
            (Shape::Struct(structure), Value::Map(map)) => self.structure(structure, map),
            (Shape::Union(structure), Value::Map(map)) => {
                if map.len() == 1 {
                    self.structure(structure, map);
                } else {
                    self.mismatch(shape, value);
                }
            }
            _ => self.mismatch(shape, value),
        }
    }

    fn duration(&mut self, shape: &Shape, value: &Value) {
        match value {
            Value::Int(seconds) if *seconds >= 0 => {}
            Value::Text(text) if parse_duration(text).is_some() => {}
            Value::Int(_) | Value::Text(_) => {
                let message = format!(
                    "parameter '{}' is not a duration; write e.g. \"90s\" or \"5m\"",
                    self.place()
                );
                self.error(message);
            }
            _ => self.mismatch(shape, value),
        }
    }

    fn enumeration(&mut self, known: &[&'static str], text: &str) {
        if known.contains(&text) {
            return;
        }
        let mut message = format!("'{text}' is not a known value of '{}'", self.place());
        if let Some(near) = suggest::closest(text, known.iter().copied()) {
            let _ = write!(message, "; did you mean '{near}'?");
        }
        self.report.warnings.push(Problem {
            path: self.path.clone(),
            message,
        });
    }
}

/// A duration as playbooks write it: `"90s"`, `"5m"`, `"1h 30m"`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<std::time::Duration> {
    let span: jiff::SignedDuration = text.parse().ok()?;
    span.try_into().ok()
}

fn with_article(noun: &str) -> String {
    match noun {
        "nothing" | "any" | "text" | "bytes" => noun.to_owned(),
        _ if noun.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {noun}"),
        _ if noun.starts_with("text") => noun.to_owned(),
        _ => format!("a {noun}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Field;

    const fn field(name: &'static str, shape: Shape, required: bool) -> Field {
        Field {
            name,
            shape,
            required,
            sensitive: false,
            doc: "",
        }
    }
    static PLACEMENT: Structure = Structure {
        name: "Placement",
        fields: &[field("tenancy", Shape::Enum(&["default", "host"]), false)],
    };
    static INPUT: Structure = Structure {
        name: "Input",
        fields: &[
            field("instance_type", Shape::Enum(&["t3.nano", "t3.micro"]), true),
            field("min_count", Shape::INT32, true),
            field("placement", Shape::Struct(&PLACEMENT), false),
            field("timeout", Shape::Duration, false),
            field("tags", Shape::Tags, false),
        ],
    };

    fn messages(problems: &[Problem]) -> Vec<&str> {
        problems
            .iter()
            .map(|problem| problem.message.as_str())
            .collect()
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let map = Map::from([
            ("instance_typ".into(), "t3.nano".into()),
            ("min_count".into(), "1".into()),
            (
                "placement".into(),
                Value::Map(Map::from([("tenanci".into(), "host".into())])),
            ),
            ("timeout".into(), "soon".into()),
            (
                "tags".into(),
                Value::Map(Map::from([("n".into(), Value::Int(1))])),
            ),
        ]);
        let report = input(&INPUT, &map);
        assert_eq!(
            messages(&report.errors),
            [
                "unknown parameter 'instance_typ'; did you mean 'instance_type'?",
                "parameter 'min_count' must be an integer, not text",
                "unknown parameter 'placement.tenanci'; did you mean 'tenancy'?",
                "parameter 'tags.n' must be text, not an integer",
                "parameter 'timeout' is not a duration; write e.g. \"90s\" or \"5m\"",
                "missing parameter 'instance_type' (text (enum))",
            ]
        );
        assert_eq!(report.errors[2].path, ["placement", "tenanci"]);
    }

    #[test]
    fn unknown_enum_values_are_warnings() {
        let map = Map::from([
            ("instance_type".into(), "t3.nanu".into()),
            ("min_count".into(), Value::Int(1)),
        ]);
        let report = input(&INPUT, &map);
        assert!(report.errors.is_empty());
        assert_eq!(
            messages(&report.warnings),
            ["'t3.nanu' is not a known value of 'instance_type'; did you mean 't3.nano'?"]
        );
    }
}
