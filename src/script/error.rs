//! Errors as people read them: what, where in the playbook, why, next step.

use std::fmt::Write as _;

use opsh_operation::{Map, Value};
use rhai::{Dynamic, EvalAltResult, ParseError, Position};

use super::limits::{self, Stop};
use super::source::Sources;
use super::values::to_value;
use crate::gate::{self, event::Site};
use crate::world::Reason;

/// What class of end an error is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It could not start: usage, parse, check (exit 2).
    Start,
    /// The playbook failed (exit 1).
    Failed,
    /// Refused by policy (exit 3).
    Policy,
    /// The deadline passed (exit 124).
    Deadline,
    /// Ctrl-C (exit 130).
    Interrupted,
}

/// One thing that is wrong, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where; `None` if it has no place in a text.
    pub site: Option<Site>,
    /// What is wrong.
    pub message: String,
}

/// Why a playbook did not come to its end.
#[derive(Debug, Clone)]
pub struct ScriptError {
    /// The class of end.
    pub class: Class,
    /// All that is wrong; at least one.
    pub findings: Vec<Finding>,
    /// Functions that were being called, innermost first.
    pub calls: Vec<Finding>,
    /// What to do next.
    pub hint: Option<String>,
    /// The error map, if there is one.
    pub fault: Option<Map>,
}

impl ScriptError {
    /// An error that has no place in a text.
    pub fn plain(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            findings: vec![Finding {
                site: None,
                message: message.into(),
            }],
            calls: Vec::new(),
            hint: None,
            fault: None,
        }
    }

    /// The same with the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A text that could not be parsed.
    #[must_use]
    pub fn parse(source: &str, error: &ParseError) -> Self {
        let ParseError(kind, position) = error;
        Self {
            class: Class::Start,
            findings: vec![Finding {
                site: site(source, *position),
                message: format!("syntax error: {kind}"),
            }],
            calls: Vec::new(),
            hint: None,
            fault: None,
        }
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
            EvalAltResult::ErrorStackOverflow(_) => Self::limit(place, limits::too_deep()),
            EvalAltResult::ErrorDataTooLarge(what, _) => Self::limit(
                place,
                format!(
                    "a value grew too large: {} (limit: value size)",
                    what.to_lowercase()
                ),
            ),
            EvalAltResult::ErrorTooManyVariables(_) => Self::limit(
                place,
                format!(
                    "more than {} variables (limit: variables)",
                    limits::VARIABLES
                ),
            ),
            other => Self {
                class: Class::Failed,
                findings: vec![Finding {
                    site: place,
                    message: sentence(other),
                }],
                calls: Vec::new(),
                hint: None,
                fault: None,
            },
        }
    }

    fn limit(place: Option<Site>, message: String) -> Self {
        Self {
            class: Class::Failed,
            findings: vec![Finding {
                site: place,
                message,
            }],
            calls: Vec::new(),
            hint: None,
            fault: None,
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
        Self {
            class,
            findings: vec![Finding {
                site: place,
                message,
            }],
            calls: Vec::new(),
            hint: None,
            fault: None,
        }
    }

    /// What a playbook, or the gate on its behalf, threw.
    fn thrown(place: Option<Site>, value: &Dynamic) -> Self {
        let value = to_value(value).unwrap_or(Value::Null);
        let Some(map) = value.as_map().filter(|map| map.contains_key("message")) else {
            let message = match &value {
                Value::Text(text) => text.clone(),
                other => other.to_json().to_string(),
            };
            return Self {
                class: Class::Failed,
                findings: vec![Finding {
                    site: place,
                    message,
                }],
                calls: Vec::new(),
                hint: None,
                fault: None,
            };
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
            class,
            findings,
            calls: Vec::new(),
            hint,
            fault: Some(map.clone()),
        }
    }

    /// Whether a resumed playbook turned out not to be the one that ran.
    #[must_use]
    pub fn is_of_a_changed_playbook(&self) -> bool {
        let mark = self.fault.as_ref().and_then(|fault| fault.get(gate::FATAL));
        mark.and_then(Value::as_text) == Some(gate::replay::CHANGED)
    }

    /// All findings on one line, for records.
    #[must_use]
    pub fn summary(&self) -> String {
        let one = |finding: &Finding| match &finding.site {
            Some(site) => format!("{site}: {}", finding.message),
            None => finding.message.clone(),
        };
        self.findings.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    /// The whole message as text, with excerpts from `sources`.
    #[must_use]
    pub fn render(&self, sources: &Sources) -> String {
        let mut out = String::new();
        for finding in &self.findings {
            let place = finding.site.as_ref();
            let lead = place.map_or_else(String::new, |site| format!("{site}: "));
            let _ = writeln!(out, "error: {lead}{}", finding.message);
            if let Some(site) = place {
                excerpt(&mut out, site, sources);
            }
        }
        calls(&mut out, &self.calls);
        if let Some(hint) = &self.hint {
            let _ = writeln!(out, "  next: {hint}");
        }
        out
    }
}

/// `  in f called at file:line:column`, a line each: what repeats itself once, and
/// of a long way its beginning and its end.
fn calls(out: &mut String, calls: &[Finding]) {
    const SHOWN: usize = 8;
    let placed: Vec<_> = calls
        .iter()
        .filter_map(|call| Some((call.site.as_ref()?, call.message.as_str())))
        .collect();
    let mut lines: Vec<_> = placed
        .chunk_by(|one, next| one == next)
        .map(|run| {
            let (site, function) = run[0];
            let times = match run.len() {
                1 => String::new(),
                times => format!(" ({times} times)"),
            };
            format!("in {function} called at {site}{times}")
        })
        .collect();
    if lines.len() > SHOWN {
        let hidden = lines.drain(SHOWN - 2..lines.len() - 1).count();
        lines.insert(SHOWN - 2, format!("… {hidden} more"));
    }
    for line in lines {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "  {line}");
    }
}

/// The line at `site` and a caret below it.
pub fn excerpt(out: &mut String, site: &Site, sources: &Sources) {
    let source = sources.get(&site.source);
    let Some(line) = source
        .as_ref()
        .and_then(|source| source.text.lines().nth(site.line.max(1) - 1))
    else {
        return;
    };
    let number = site.line.to_string();
    let gutter = " ".repeat(number.len());
    let lead: String = line
        .chars()
        .take(site.column.saturating_sub(1))
        .map(|letter| if letter == '\t' { '\t' } else { ' ' })
        .collect();
    let width = line
        .chars()
        .skip(site.column.saturating_sub(1))
        .take_while(|letter| letter.is_alphanumeric() || matches!(letter, '_' | ':'))
        .collect::<String>()
        .trim_end_matches(':')
        .chars()
        .count()
        .max(1);
    let _ = writeln!(
        out,
        " {gutter} |\n {number} | {line}\n {gutter} | {lead}{}",
        "^".repeat(width)
    );
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

/// A place from a Rhai position; `None` if that has none.
#[must_use]
pub fn site(source: &str, position: Position) -> Option<Site> {
    Some(Site {
        source: source.to_owned(),
        line: position.line()?,
        column: position.position().unwrap_or(1),
    })
}

/// A place as it stands in an error map.
#[must_use]
pub fn site_value(site: &Site) -> Value {
    let number = |number: usize| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    Value::Map(Map::from([
        ("file".into(), site.source.clone().into()),
        ("line".into(), number(site.line)),
        ("column".into(), number(site.column)),
    ]))
}

fn read_site(value: &Value) -> Option<Site> {
    let number = |name: &str| {
        value
            .get(name)?
            .as_int()
            .and_then(|number| usize::try_from(number).ok())
    };
    Some(Site {
        source: value.get("file")?.as_text()?.to_owned(),
        line: number("line").filter(|line| *line > 0)?,
        column: number("column")?,
    })
}
