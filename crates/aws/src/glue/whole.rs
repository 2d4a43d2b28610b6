//! Answers that say of a call that succeeded what of it has failed.
//!
//! Some requests about several things are answered with HTTP 200 and a list of those that
//! were left (`Errors` of `DeleteObjects`). Taken for a success, what is left would be
//! taken for gone.

use opsh_operation::select::{self, Roots};
use opsh_operation::{Fault, FaultKind, Map, Value};

use super::faults::kind_of;

/// How many failures are told one by one.
const TOLD: usize = 3;

/// `answer`, if nothing stands at `within` in it but items whose field has one of the values
/// in `unless`.
///
/// # Errors
/// What the answer says that has failed; all of it is in the fault's `failures`.
pub fn whole(answer: Value, within: &str, unless: Option<(&str, &[&str])>) -> Result<Value, Fault> {
    let nothing = Map::new();
    let roots = Roots {
        input: &nothing,
        result: &answer,
    };
    let mut failures = select::all(roots, within);
    failures.retain(|item| {
        unless.is_none_or(|(field, values)| {
            let value = item.get(field).and_then(Value::as_text);
            value.is_some_and(|value| !values.contains(&value))
        })
    });
    if failures.is_empty() {
        return Ok(answer);
    }
    let said: Vec<Said> = failures.iter().map(Said::of).collect();
    // That some of it is not there says of the rest nothing.
    let worst = said.iter().find(|said| said.kind != FaultKind::NotFound);
    let worst = worst.unwrap_or(&said[0]);
    let mut told: Vec<String> = said.iter().take(TOLD).map(Said::told).collect();
    if said.len() > TOLD {
        told.push(format!("and {} more", said.len() - TOLD));
    }
    let mut fault = Fault::new(
        worst.kind,
        format!("not all of it was done: {}", told.join("; ")),
    );
    fault.code.clone_from(&worst.code);
    fault
        .details
        .insert("failures".to_owned(), Value::List(failures));
    Err(fault)
}

/// One failure.
struct Said {
    kind: FaultKind,
    /// What it is about.
    about: Vec<String>,
    code: Option<String>,
    message: Option<String>,
}

impl Said {
    fn of(item: &Value) -> Self {
        let mut said = Self {
            kind: FaultKind::Failed,
            about: Vec::new(),
            code: None,
            message: None,
        };
        said.note(item);
        if let Some(code) = &said.code {
            said.kind = kind_of(code, said.message.as_deref().unwrap_or_default());
        }
        said
    }

    fn note(&mut self, item: &Value) {
        let Some(map) = item.as_map() else {
            return;
        };
        for (name, value) in map {
            match value {
                Value::Map(_) => self.note(value),
                Value::Text(text) if name == "message" => self.message = Some(text.clone()),
                Value::Text(text) if name.ends_with("code") => self.code = Some(text.clone()),
                Value::Text(text) => self.about.push(text.clone()),
                Value::Int(number) => self.about.push(number.to_string()),
                _ => {}
            }
        }
    }

    /// `lt-1 web 2: cannot be deleted (unexpectedError)`.
    fn told(&self) -> String {
        let about = self.about.join(" ");
        match (&self.message, &self.code) {
            (Some(message), Some(code)) => format!("{about}: {message} ({code})"),
            (Some(why), None) | (None, Some(why)) => format!("{about}: {why}"),
            (None, None) => about,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
        Value::Map(fields.map(|(name, value)| (name.to_owned(), value)).into())
    }

    #[test]
    fn an_answer_without_failures_is_the_result() {
        let done = map([("deleted", vec![map([("key", "a".into())])].into())]);
        assert_eq!(whole(done.clone(), "result.errors[]", None).unwrap(), done);
        let snapshot = |code: &str| map([("return_code", code.into())]);
        let results = vec![snapshot("success"), snapshot("skipped")];
        let unless = Some(("return_code", &["success", "skipped"][..]));
        whole(
            map([("results", results.into())]),
            "result.results[]",
            unless,
        )
        .unwrap();
    }

    #[test]
    fn what_has_failed_is_told_with_why() {
        let error = |key: &str, code: &str, message: &str| {
            map([
                ("key", key.into()),
                ("code", code.into()),
                ("message", message.into()),
            ])
        };
        let errors = vec![
            error("a", "NoSuchVersion", "Gone."),
            error("b", "AccessDenied", "Access Denied"),
        ];
        let answer = map([("errors", errors.into())]);
        let fault = whole(answer, "result.errors[]", None).unwrap_err();
        assert_eq!(
            fault.message,
            "not all of it was done: a: Gone. (NoSuchVersion); b: Access Denied (AccessDenied)"
        );
        assert_eq!(fault.kind, FaultKind::Denied);
        assert_eq!(fault.code.as_deref(), Some("AccessDenied"));
        assert_eq!(fault.details["failures"].as_list().unwrap().len(), 2);
    }

    #[test]
    fn codes_and_messages_are_found_inside_and_many_are_counted() {
        let version = |number: i64, code: &str| {
            map([
                ("launch_template_id", "lt-1".into()),
                ("version_number", Value::Int(number)),
                (
                    "response_error",
                    map([("code", code.into()), ("message", "No.".into())]),
                ),
            ])
        };
        let versions = |code: &str| {
            let left: Vec<Value> = (1..=5).map(|number| version(number, code)).collect();
            let answer = map([("left", left.into())]);
            whole(answer, "result.left[]", None).unwrap_err()
        };
        let fault = versions("unexpectedError");
        assert_eq!(
            fault.message,
            "not all of it was done: lt-1 1: No. (unexpectedError); \
             lt-1 2: No. (unexpectedError); lt-1 3: No. (unexpectedError); and 2 more"
        );
        assert_eq!(fault.kind, FaultKind::Failed);
        let gone = versions("launchTemplateVersionDoesNotExist");
        assert_eq!(gone.kind, FaultKind::NotFound);
    }
}
