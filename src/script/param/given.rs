//! What is given for the parameters of a playbook, and what each gets from that.

use std::collections::BTreeMap;

use opsh_operation::Value;
use opsh_operation::suggest::did_you_mean;

use super::Parameter;
use crate::script::error::{Class, Finding, ScriptError, site};

/// Reads the words of a command line, each `key=value`.
///
/// # Errors
/// A word of another form; a parameter that is given twice.
pub fn of_words(words: &[String]) -> Result<BTreeMap<String, Value>, ScriptError> {
    let mut given = BTreeMap::new();
    for word in words {
        let (name, value) = word.split_once('=').ok_or_else(|| {
            ScriptError::plain(
                Class::Start,
                format!("'{word}' is not of the form key=value"),
            )
            .hint(format!(
                "write {word}=… to give the parameter '{word}' a value"
            ))
        })?;
        if given.insert(name.to_owned(), value.into()).is_some() {
            return Err(ScriptError::plain(
                Class::Start,
                format!("parameter '{name}' is given twice"),
            ));
        }
    }
    Ok(given)
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
            let known = declared.iter().map(|parameter| parameter.name.as_str());
            let tail = did_you_mean(name, known);
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
    Err(ScriptError::of(Class::Start, findings))
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
