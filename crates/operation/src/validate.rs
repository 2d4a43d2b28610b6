//! All faults of an input at once, before anything is sent.

use std::collections::BTreeMap;

use crate::duration;
use crate::shape::{Shape, Structure};
use crate::suggest::did_you_mean;
use crate::value::{Map, Value};

/// One thing that is wrong, or odd, with an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Names from the input's root, e.g. `["filters", "tag:env"]`; list items by index.
    pub path: Vec<String>,
    /// What is wrong, for people.
    pub message: String,
    /// What kind of fault that is.
    pub wrong: Wrong,
}

/// The kinds of faults of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// A name that there is not.
    Unknown,
    /// What must be given is not.
    Missing,
    /// A value that cannot stand there.
    Mistyped,
    /// Text that is none of the values that are known.
    Value,
}

/// What is not known of a value in an input that was read off a text, not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// It may be anything; `Null` stands for it.
    Anything,
    /// It is text, but which; any text stands for it.
    Text,
    /// It is a map that may hold more than what stands there.
    More,
}

/// Gaps by their path from the input's root; the input itself has the empty path.
pub type Gaps = BTreeMap<Vec<String>, Gap>;

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
    partial(structure, input, &Gaps::new())
}

/// The same for an input of which something is not known: that is never a fault.
#[must_use]
pub fn partial(structure: &Structure, input: &Map, gaps: &Gaps) -> Report {
    let mut checker = Checker {
        path: Vec::new(),
        gaps,
        report: Report::default(),
    };
    checker.structure(structure, input);
    checker.report
}

struct Checker<'a> {
    path: Vec<String>,
    gaps: &'a Gaps,
    report: Report,
}

impl Checker<'_> {
    fn error(&mut self, wrong: Wrong, message: impl Into<String>) {
        self.report.errors.push(Problem {
            path: self.path.clone(),
            message: message.into(),
            wrong,
        });
    }

    /// What is not known of the value at the path so far.
    fn gap(&self) -> Option<Gap> {
        self.gaps.get(&self.path).copied()
    }

    /// Whether a field of the structure at the path so far may be there unseen.
    fn may_hold(&mut self, field: &str) -> bool {
        if self.gaps.is_empty() {
            return false;
        }
        if self.gap() == Some(Gap::More) {
            return true;
        }
        self.path.push(field.to_owned());
        let gap = self.gap();
        self.path.pop();
        gap == Some(Gap::Anything)
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
            if map.get(field.name).is_none_or(Value::is_null) && !self.may_hold(field.name) {
                let message = format!(
                    "missing parameter '{}' ({})",
                    self.name_of(field.name),
                    field.shape.describe()
                );
                self.error(Wrong::Missing, message);
            }
        }
    }

    fn unknown(&mut self, structure: &Structure, name: &str) {
        let known = structure.fields.iter().map(|field| field.name);
        let tail = did_you_mean(name, known);
        let message = format!("unknown parameter '{}'{tail}", self.place());
        self.error(Wrong::Unknown, message);
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
        self.error(Wrong::Mistyped, message);
    }

    fn value(&mut self, shape: &Shape, value: &Value) {
        match self.gap() {
            Some(Gap::Anything) => return,
            Some(Gap::Text) => {
                if !shape.takes_text() {
                    self.mismatch(shape, value);
                }
                return;
            }
            Some(Gap::More) | None => {}
        }
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
                    self.error(Wrong::Mistyped, message);
                }
            }
            (Shape::Time, Value::Text(text)) => {
                if text.parse::<jiff::Timestamp>().is_err() {
                    let message = format!(
                        "parameter '{}' is not a time: {text:?}; write it as RFC 3339, e.g. \"2026-01-31T12:00:00Z\"",
                        self.place()
                    );
                    self.error(Wrong::Mistyped, message);
                }
            }
            (Shape::Duration, _) => self.duration(shape, value),
            (Shape::Body, Value::Map(map)) => {
                let named = matches!(map.get("file"), Some(Value::Text(_)));
                if map.len() != 1 || !(named || self.may_hold("file")) {
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
                if map.len() == 1 || self.gap() == Some(Gap::More) {
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
            value if duration::of(value).is_some() => {}
            Value::Int(_) | Value::Text(_) => {
                let message = format!(
                    "parameter '{}' is not a duration; write e.g. \"90s\" or \"5m\"",
                    self.place()
                );
                self.error(Wrong::Mistyped, message);
            }
            _ => self.mismatch(shape, value),
        }
    }

    fn enumeration(&mut self, known: &[&'static str], text: &str) {
        if known.contains(&text) {
            return;
        }
        let tail = did_you_mean(text, known.iter().copied());
        let message = format!("'{text}' is not a known value of '{}'{tail}", self.place());
        self.report.warnings.push(Problem {
            path: self.path.clone(),
            message,
            wrong: Wrong::Value,
        });
    }
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

    #[test]
    fn what_is_not_known_is_never_a_fault() {
        let map = Map::from([
            ("instance_type".into(), Value::Null),
            ("min_count".into(), "".into()),
            ("placement".into(), Value::Map(Map::new())),
            ("timeout".into(), "".into()),
        ]);
        let path = |name: &str| vec![name.to_owned()];
        let mut gaps = Gaps::from([
            (path("instance_type"), Gap::Anything),
            (path("min_count"), Gap::Text),
            (path("placement"), Gap::More),
            (path("timeout"), Gap::Text),
        ]);
        let report = partial(&INPUT, &map, &gaps);
        assert_eq!(
            messages(&report.errors),
            ["parameter 'min_count' must be an integer, not text"]
        );
        gaps = Gaps::from([(Vec::new(), Gap::More)]);
        assert_eq!(partial(&INPUT, &Map::new(), &gaps), Report::default());
    }
}
