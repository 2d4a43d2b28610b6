//! Declared parameters of a playbook.
//!
//! `let name = param("name", #{ default: "web", doc: "Name tag." });` at the top
//! level, with literals, so that they can be listed without running anything.

use std::collections::BTreeMap;

use opsh_operation::suggest::closest;
use opsh_operation::validate::parse_duration;
use opsh_operation::{Secret, Value};
use rhai::{AST, Dynamic, Expr, Position, Stmt};

use super::error::{Class, Finding, ScriptError, site};
use super::values::to_value;

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Any text.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// `true` or `false`.
    Bool,
    /// A duration such as `5m`.
    Duration,
    /// A path; checked when it is used.
    Path,
    /// A text that is never shown.
    Secret,
    /// Texts, separated by commas on the command line.
    List,
}

impl Type {
    const NAMES: [(&'static str, Self); 8] = [
        ("text", Self::Text),
        ("int", Self::Int),
        ("float", Self::Float),
        ("bool", Self::Bool),
        ("duration", Self::Duration),
        ("path", Self::Path),
        ("secret", Self::Secret),
        ("list", Self::List),
    ];

    /// The word for it in a declaration.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, known)| *known == self)
            .map_or("text", |(name, _)| name)
    }

    fn of(default: &Value) -> Self {
        match default {
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::Bool(_) => Self::Bool,
            Value::List(_) => Self::List,
            _ => Self::Text,
        }
    }
}

/// One declared parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name on the command line.
    pub name: String,
    /// What it takes.
    pub kind: Type,
    /// Its value if none is given, of its type or `Null`; `None` means it must be given.
    pub default: Option<Value>,
    /// One sentence for people.
    pub doc: String,
    /// Smallest allowed number.
    pub min: Option<f64>,
    /// Largest allowed number.
    pub max: Option<f64>,
    /// The only allowed values, if there are such.
    pub choices: Vec<Value>,
    position: Position,
}

/// Lists the parameters that `ast` declares at its top level.
///
/// # Errors
/// A declaration that is not literal or makes no sense.
pub fn declared(source: &str, ast: &AST) -> Result<Vec<Parameter>, ScriptError> {
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut findings = Vec::new();
    for statement in ast.statements() {
        let (call, position) = match statement {
            Stmt::Var(declaration, ..) => match &declaration.1 {
                Expr::FnCall(call, position) => (call, *position),
                _ => continue,
            },
            Stmt::FnCall(call, position) => (call, *position),
            _ => continue,
        };
        if call.is_qualified() || call.name != "param" {
            continue;
        }
        match declaration(&call.args, position) {
            Ok(parameter) if parameters.iter().any(|known| known.name == parameter.name) => {
                findings.push(Finding {
                    site: site(source, position),
                    message: format!("parameter '{}' is declared twice", parameter.name),
                });
            }
            Ok(parameter) => parameters.push(parameter),
            Err(message) => findings.push(Finding {
                site: site(source, position),
                message,
            }),
        }
    }
    if findings.is_empty() {
        return Ok(parameters);
    }
    let mut error = ScriptError::plain(Class::Start, "");
    error.findings = findings;
    Err(error)
}

fn declaration(args: &[Expr], position: Position) -> Result<Parameter, String> {
    let literal = |index: usize| {
        args.get(index)
            .and_then(|expr: &Expr| expr.get_literal_value(None))
    };
    let name = literal(0)
        .and_then(|name| name.into_immutable_string().ok())
        .ok_or("param() needs the parameter's name as a literal text")?
        .to_string();
    let options = match args.get(1) {
        None => Dynamic::from_map(rhai::Map::new()),
        Some(_) => literal(1).filter(Dynamic::is_map).ok_or_else(|| {
            format!("the options of parameter '{name}' must be a map of literals")
        })?,
    };
    let Value::Map(mut options) = to_value(&options)? else {
        return Err("unreachable".into());
    };
    let default = options.remove("default");
    let kind = match options.remove("type") {
        None => default.as_ref().map_or(Type::Text, Type::of),
        Some(word) => {
            let word = word.as_text().unwrap_or_default().to_owned();
            Type::NAMES
                .iter()
                .find(|(name, _)| *name == word)
                .map(|(_, kind)| *kind)
                .ok_or_else(|| {
                    let known: Vec<_> = Type::NAMES.iter().map(|(name, _)| *name).collect();
                    format!(
                        "parameter '{name}' has the unknown type '{word}'; known: {}",
                        known.join(", ")
                    )
                })?
        }
    };
    let mut parameter = Parameter {
        doc: options
            .remove("doc")
            .and_then(|doc| doc.as_text().map(str::to_owned))
            .unwrap_or_default(),
        min: options.remove("min").and_then(|min| min.as_float()),
        max: options.remove("max").and_then(|max| max.as_float()),
        choices: match options.remove("choices") {
            Some(Value::List(choices)) => choices,
            _ => Vec::new(),
        },
        kind,
        default,
        name,
        position,
    };
    if let Some(unknown) = options.keys().next() {
        let near = closest(unknown, ["default", "type", "doc", "min", "max", "choices"]);
        let tail = near
            .map(|near| format!("; did you mean '{near}'?"))
            .unwrap_or_default();
        return Err(format!(
            "parameter '{}' has the unknown option '{unknown}'{tail}",
            parameter.name
        ));
    }
    let limited = parameter.min.or(parameter.max).is_some();
    if limited && !matches!(parameter.kind, Type::Int | Type::Float) {
        return Err(format!(
            "parameter '{}' has a limit but is no number: say type: \"int\" or type: \"float\"",
            parameter.name
        ));
    }
    if let (Some(min), Some(max)) = (parameter.min, parameter.max)
        && min > max
    {
        return Err(format!(
            "parameter '{}' can have no value: its min {min} is above its max {max}",
            parameter.name
        ));
    }
    if let Some(default) = parameter
        .default
        .as_ref()
        .filter(|default| !default.is_null())
    {
        let default = parameter
            .read(default)
            .map_err(|wrong| format!("the default of {wrong}"))?;
        parameter.default = Some(default);
    }
    Ok(parameter)
}

impl Parameter {
    /// Reads a value from the command line, a file or a prompt.
    ///
    /// # Errors
    /// A sentence that names the parameter and what it takes.
    pub fn read(&self, given: &Value) -> Result<Value, String> {
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
        let value = match (self.kind, given) {
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
                Some(text) if parse_duration(text).is_some() => given.clone(),
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
        };
        self.bounds(&value)?;
        Ok(value)
    }

    fn bounds(&self, value: &Value) -> Result<(), String> {
        if let Some(number) = value.as_float() {
            if number.is_nan() {
                return Err(format!("parameter '{}' must be a number", self.name));
            }
            if let Some(min) = self.min.filter(|min| number < *min) {
                return Err(format!(
                    "parameter '{}' must be at least {min}, not {number}",
                    self.name
                ));
            }
            if let Some(max) = self.max.filter(|max| number > *max) {
                return Err(format!(
                    "parameter '{}' must be at most {max}, not {number}",
                    self.name
                ));
            }
        }
        let is_chosen = |choice: &Value| match value {
            Value::Secret(_) => choice.as_text() == value.as_text(),
            _ => choice == value,
        };
        if !self.choices.is_empty() && !self.choices.iter().any(is_chosen) {
            let known: Vec<_> = self
                .choices
                .iter()
                .map(|choice| {
                    choice
                        .as_text()
                        .map_or_else(|| choice.to_json().to_string(), str::to_owned)
                })
                .collect();
            if self.kind == Type::Secret {
                return Err(format!(
                    "parameter '{}' must be one of {}",
                    self.name,
                    known.join(", ")
                ));
            }
            let given = value
                .as_text()
                .map_or_else(|| value.to_json().to_string(), str::to_owned);
            let tail = closest(&given, known.iter().map(String::as_str))
                .map(|near| format!("; did you mean '{near}'?"))
                .unwrap_or_default();
            return Err(format!(
                "parameter '{}' must be one of {}, not {given}{tail}",
                self.name,
                known.join(", ")
            ));
        }
        Ok(())
    }
}

/// Gives every declared parameter its value: as given, by default, or asked for.
///
/// # Errors
/// All that is wrong at once: unknown names, unreadable values, missing values
/// that nobody can be asked for; what ended the asking.
pub fn resolve(
    source: &str,
    declared: &[Parameter],
    given: &BTreeMap<String, Value>,
    ask: &mut dyn FnMut(&Parameter) -> Result<Option<Value>, ScriptError>,
) -> Result<BTreeMap<String, Value>, ScriptError> {
    let mut findings = Vec::new();
    for name in given.keys() {
        if !declared.iter().any(|parameter| parameter.name == *name) {
            let tail = closest(
                name,
                declared.iter().map(|parameter| parameter.name.as_str()),
            )
            .map(|near| format!("; did you mean '{near}'?"))
            .unwrap_or_default();
            findings.push(Finding {
                site: None,
                message: format!("{source} has no parameter '{name}'{tail}"),
            });
        }
    }
    let mut values = BTreeMap::new();
    for parameter in declared {
        let value = match given.get(&parameter.name) {
            Some(value) => parameter.read(value),
            None => match &parameter.default {
                Some(default) => Ok(default.clone()),
                None => match ask(parameter)? {
                    Some(answer) => parameter.read(&answer),
                    None => Err(missing(parameter)),
                },
            },
        };
        match value {
            Ok(value) => {
                values.insert(parameter.name.clone(), value);
            }
            Err(message) => findings.push(Finding {
                site: site(source, parameter.position),
                message,
            }),
        }
    }
    if findings.is_empty() {
        return Ok(values);
    }
    let mut error = ScriptError::plain(Class::Start, "");
    error.findings = findings;
    Err(error)
}

fn missing(parameter: &Parameter) -> String {
    let doc = if parameter.doc.is_empty() {
        String::new()
    } else {
        format!(" ({})", parameter.doc.trim_end_matches('.'))
    };
    format!(
        "parameter '{name}' has no value{doc}; give it as {name}=…",
        name = parameter.name
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Result<Vec<Parameter>, String> {
        let ast = super::super::engine::bare().compile(text).unwrap();
        declared("p.rhai", &ast).map_err(|error| {
            let messages = error.findings.into_iter().map(|found| found.message);
            messages.collect::<Vec<_>>().join("\n")
        })
    }

    fn resolved(text: &str, given: &[(&str, Value)]) -> Result<Value, String> {
        let given = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        resolve("p.rhai", &read(text)?, &given, &mut |_| Ok(None))
            .map(|mut values| values.remove("p").unwrap())
            .map_err(|error| error.findings[0].message.clone())
    }

    #[test]
    fn a_default_is_of_the_declared_type() {
        let default =
            |options: &str| resolved(&format!("let p = param(\"p\", #{{ {options} }});"), &[]);
        for (options, value) in [
            (r#"type: "float", default: 1"#, Value::Float(1.0)),
            (r#"type: "list", default: "a, b""#, vec!["a", "b"].into()),
            (r#"type: "list", default: """#, Value::List(Vec::new())),
            (r#"type: "secret", default: "x""#, Secret::new("x").into()),
            (r#"type: "text", default: 5"#, "5".into()),
            (r#"type: "bool", default: "yes""#, true.into()),
            (r#"type: "secret", default: ()"#, Value::Null),
            ("default: 1", Value::Int(1)),
        ] {
            assert_eq!(default(options), Ok(value), "{options}");
        }
        assert_eq!(
            default(r#"type: "int", default: "many""#),
            Err("the default of parameter 'p' must be a whole number, not \"many\"".into())
        );
    }

    #[test]
    fn what_is_given_for_a_secret_is_not_said() {
        let refused = |options: &str, given: Value| {
            let text = format!("let p = param(\"p\", #{{ type: \"secret\", {options} }});");
            resolved(&text, &[("p", given)])
        };
        assert_eq!(
            refused("", 12345.into()),
            Err("parameter 'p' must be text, not integer".into())
        );
        let choices = r#"choices: ["red", "blue"]"#;
        assert_eq!(
            refused(choices, "hunter2".into()),
            Err("parameter 'p' must be one of red, blue".into())
        );
        assert_eq!(
            refused(choices, "red".into()),
            Ok(Secret::new("red").into())
        );
    }
}
