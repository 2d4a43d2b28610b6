//! What Rhai says of a playbook's end, in the words of this project.

use opsh_operation::Value;
use rhai::{Dynamic, EvalAltResult, ParseError};

use super::{Class, Finding, ScriptError, read_site, site};
use crate::gate::{self, event::Site};
use crate::script::limits::{self, Stop};
use crate::script::values::to_value;
use crate::world::Reason;

impl ScriptError {
    /// A text that could not be parsed.
    #[must_use]
    pub fn parse(source: &str, error: &ParseError) -> Self {
        let ParseError(kind, position) = error;
        let message = format!("syntax error: {kind}");
        Self::at(site(source, *position), Class::Start, message)
    }

    /// What Rhai says at the end of a failed run of `source`.
    #[must_use]
    pub fn runtime(source: &str, error: EvalAltResult) -> Self {
        let mut calls = Vec::new();
        let mut source = source.to_owned();
        let mut error = error;
        loop {
            match error {
                EvalAltResult::ErrorInFunctionCall(name, inner_source, inner, position) => {
                    calls.push(Finding {
                        site: site(&source, position),
                        message: if name.starts_with("anon$") {
                            "a closure".into()
                        } else {
                            name
                        },
                    });
                    if !inner_source.is_empty() {
                        source = inner_source;
                    }
                    error = *inner;
                }
                EvalAltResult::ErrorInModule(name, inner, position) => {
                    calls.push(Finding {
                        site: site(&source, position),
                        message: format!("import of {name:?}"),
                    });
                    if !name.is_empty() {
                        source = name;
                    }
                    error = *inner;
                }
                innermost => {
                    calls.reverse();
                    let mut made = Self::innermost(&source, innermost);
                    made.calls = calls;
                    return made;
                }
            }
        }
    }

    fn innermost(source: &str, error: EvalAltResult) -> Self {
        let position = error.position();
        let place = site(source, position);
        match error {
            EvalAltResult::ErrorTerminated(token, _) if !token.is::<Stop>() => {
                Self::thrown(place, &token)
            }
            EvalAltResult::ErrorTerminated(token, _) => Self::stopped(place, &token),
            EvalAltResult::ErrorRuntime(token, _) if token.is::<Stop>() => {
                Self::stopped(place, &token)
            }
            EvalAltResult::ErrorRuntime(value, _) => Self::thrown(place, &value),
            EvalAltResult::ErrorParsing(kind, position) => {
                Self::parse(source, &ParseError(Box::new(kind), position))
            }
            EvalAltResult::ErrorStackOverflow(_) => {
                Self::at(place, Class::Failed, limits::too_deep())
            }
            EvalAltResult::ErrorDataTooLarge(what, _) => Self::at(
                place,
                Class::Failed,
                format!(
                    "a value grew too large: {} (limit: value size)",
                    what.to_lowercase()
                ),
            ),
            EvalAltResult::ErrorTooManyVariables(_) => Self::at(
                place,
                Class::Failed,
                format!(
                    "more than {} variables (limit: variables)",
                    limits::VARIABLES
                ),
            ),
            other => Self::at(place, Class::Failed, sentence(other)),
        }
    }

    fn stopped(place: Option<Site>, token: &Dynamic) -> Self {
        let (class, message) = match token.clone().try_cast::<Stop>() {
            Some(Stop::Heap) => (
                Class::Failed,
                format!(
                    "the playbook holds more than {} MiB (limit: memory)",
                    limits::heap_budget() >> 20
                ),
            ),
            Some(Stop::Cancelled(Reason::Interrupted)) => {
                (Class::Interrupted, "interrupted".to_owned())
            }
            Some(Stop::Cancelled(Reason::Crashed)) => {
                (Class::Interrupted, "crashed, as was asked for".to_owned())
            }
            Some(Stop::Cancelled(Reason::Deadline)) | None => (
                Class::Deadline,
                "the run's deadline has passed (limit: --deadline)".to_owned(),
            ),
        };
        Self::at(place, class, message)
    }

    /// What a playbook, or the gate on its behalf, threw.
    fn thrown(place: Option<Site>, value: &Dynamic) -> Self {
        let value = to_value(value).unwrap_or(Value::Null);
        let Some(map) = value.as_map().filter(|map| map.contains_key("message")) else {
            let message = match &value {
                Value::Text(text) => text.clone(),
                other => other.to_json().to_string(),
            };
            return Self::at(place, Class::Failed, message);
        };
        let text = |name: &str| map.get(name).and_then(Value::as_text).unwrap_or_default();
        let operation = text("operation");
        let lead = if operation.is_empty() {
            String::new()
        } else {
            format!("{operation}: ")
        };
        let place = map.get("at").and_then(read_site).or(place);
        let mut findings: Vec<_> = map
            .get("problems")
            .and_then(Value::as_list)
            .unwrap_or_default()
            .iter()
            .map(|problem| Finding {
                site: problem
                    .get("at")
                    .and_then(read_site)
                    .or_else(|| place.clone()),
                message: format!(
                    "{lead}{}",
                    problem
                        .get("message")
                        .and_then(Value::as_text)
                        .unwrap_or_default()
                ),
            })
            .collect();
        if findings.is_empty() {
            let code = text("code");
            let tail = if code.is_empty() || text("message").contains(code) {
                String::new()
            } else {
                format!(" ({code})")
            };
            findings.push(Finding {
                site: place,
                message: format!("{lead}{}{tail}", text("message")),
            });
        }
        let class = match text("kind") {
            _ if text(gate::FATAL) == gate::replay::CHANGED => Class::Start,
            "policy" => Class::Policy,
            "deadline" => Class::Deadline,
            "interrupted" => Class::Interrupted,
            _ => Class::Failed,
        };
        let hint = Some(text("hint"))
            .filter(|hint| !hint.is_empty())
            .map(str::to_owned);
        Self {
            hint,
            fault: Some(map.clone()),
            ..Self::of(class, findings)
        }
    }
}

/// Rhai's own errors in the words of this project.
fn sentence(error: EvalAltResult) -> String {
    let mut error = error;
    let _ = error.take_position();
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}
