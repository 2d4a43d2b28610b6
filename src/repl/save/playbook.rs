//! The text of a session as a playbook.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::chosen::choose;
use super::found::Found;
use super::parameters::Parameters;
use super::{declared, edited};
use crate::modules::registry::registry;
use crate::repl::lex::{lex, statements};
use crate::repl::loaded;
use crate::repl::marks;
use crate::repl::memory::LAST;
use crate::repl::session::{Input, Session};

/// A playbook that is still to be written into a file.
pub struct Written {
    /// Its text.
    pub text: String,
    /// The names of its parameters that came from literals.
    pub parameters: Vec<String>,
}

/// The playbook of what `session` has kept and written.
#[must_use]
pub fn of(session: &Session) -> Written {
    let inputs = session.inputs();
    let before = session.loaded().map(|loaded| loaded.text.as_str());
    written(inputs, before, &|name| session.value(name))
}

fn written(
    inputs: &[Input],
    loaded: Option<&str>,
    value: &dyn Fn(&str) -> Option<opsh_operation::Value>,
) -> Written {
    let chosen = choose(inputs);
    let base = loaded.map(loaded::declaring).unwrap_or_default();
    let mut taken: BTreeSet<String> = declared(&base).into_iter().collect();
    taken.extend(inputs.iter().flat_map(|input| declared(&input.text)));
    taken.extend(inputs.iter().flat_map(|input| functions(&input.text)));
    let mut named: BTreeMap<usize, String> = BTreeMap::new();
    for used in chosen.iter().filter_map(|chosen| chosen.uses) {
        named
            .entry(used)
            .or_insert_with(|| free("result", &mut taken));
    }
    // What was written and not given a name may hold ids that were typed later.
    for chosen in &chosen {
        let input = &inputs[chosen.place];
        let later = inputs[chosen.place + 1..].iter().map(|input| &input.text);
        if input.wrote && !named.contains_key(&chosen.place) && ends_in_value(&input.text) {
            let mut found = Found::default();
            found.note("it", &input.result);
            if later.into_iter().any(|text| holds(text, &found)) {
                named.insert(chosen.place, free("made", &mut taken));
            }
        }
    }
    let mut parameters = Parameters::beside(taken);
    let mut found = Found::default();
    let mut body = String::new();
    let mut imports = String::new();
    let last = chosen.last().map(|chosen| chosen.place);
    for chosen in &chosen {
        let input = &inputs[chosen.place];
        let mut text = input.text.trim().to_owned();
        if let Some(name) = chosen.uses.and_then(|used| named.get(&used)) {
            let edits = marks::places(&text).into_iter();
            let edits = edits
                .map(|at| (at..at + LAST.len(), name.clone()))
                .collect();
            text = edited(&text, edits);
        }
        text = parameters.take_from(&text, &found);
        match named.get(&chosen.place) {
            Some(name) => {
                text = bound(&text, name);
                found.note(name, &input.result);
                if last == Some(chosen.place) {
                    let _ = write!(text, "\n{name}");
                }
            }
            None if last == Some(chosen.place) => {}
            None => text = closed(&text),
        }
        for name in declared(&input.text) {
            if let Some(value) = value(&name) {
                found.note(&name, &value);
            }
        }
        let part = if only_imports(&input.text) {
            text = closed(&text);
            &mut imports
        } else {
            &mut body
        };
        part.push_str(&text);
        part.push('\n');
    }
    if body.trim().is_empty() {
        // Imports alone do nothing.
        return Written {
            text: String::new(),
            parameters: Vec::new(),
        };
    }
    let mut text = header(&body);
    let declarations = parameters.declarations();
    for part in [imports.as_str(), base.as_str(), declarations.as_str()] {
        if !part.is_empty() {
            let _ = write!(text, "{}\n\n", part.trim_end());
        }
    }
    text.push_str(&body);
    Written {
        text,
        parameters: parameters.names(),
    }
}

/// What the playbook does, as far as its operations say it.
fn header(body: &str) -> String {
    let tokens = lex(body);
    let mut names = Vec::new();
    for window in tokens.windows(3) {
        let name: String = window.iter().map(|token| token.of(body)).collect();
        let writes = registry()
            .get(&name)
            .is_some_and(|entry| entry.operation.write().is_some());
        if writes && !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return "// Saved from a session of `opsh repl`; it writes nothing.\n\n".to_owned();
    }
    format!(
        "// Saved from a session of `opsh repl`: {}.\n\n",
        names.join(", ")
    )
}

/// `wanted`, or that with a number, which is taken from now on.
fn free(wanted: &str, taken: &mut BTreeSet<String>) -> String {
    let mut name = wanted.to_owned();
    let mut number = 1;
    while !taken.insert(name.clone()) {
        number += 1;
        name = format!("{wanted}_{number}");
    }
    name
}

fn functions(text: &str) -> Vec<String> {
    let tokens = lex(text);
    let named = tokens.windows(2).filter(|pair| pair[0].of(text) == "fn");
    named.map(|pair| pair[1].of(text).to_owned()).collect()
}

/// Whether a text that `found` knows is typed in `input`.
fn holds(input: &str, found: &Found) -> bool {
    lex(input)
        .iter()
        .any(|token| token.is_text() && found.get(token.inside(input)).is_some())
}

/// Whether the last statement is an expression whose value is the input's.
fn ends_in_value(text: &str) -> bool {
    statements(text).pop().is_some_and(|span| {
        let statement = &text[span];
        let first = lex(statement)
            .first()
            .map(|token| token.of(statement).to_owned());
        !statement.ends_with(';')
            && !matches!(
                first.as_deref(),
                Some("let" | "const" | "import" | "fn" | "private" | "for" | "while" | "loop")
            )
    })
}

fn only_imports(text: &str) -> bool {
    let mut statements = statements(text).into_iter();
    statements.all(|span| text[span].starts_with("import"))
}

/// `text` with its last expression's value as the variable `name`.
fn bound(text: &str, name: &str) -> String {
    match statements(text).pop() {
        Some(last) => closed(&edited(
            text,
            vec![(last.start..last.start, format!("let {name} = "))],
        )),
        None => text.to_owned(),
    }
}

/// `text` with a `;` at its end if others can only follow that.
fn closed(text: &str) -> String {
    let Some(last) = statements(text).pop() else {
        return text.to_owned();
    };
    let statement = &text[last.clone()];
    let first = lex(statement)
        .first()
        .map(|token| token.of(statement).to_owned());
    let block = statement.ends_with('}')
        && matches!(
            first.as_deref(),
            Some("fn" | "private" | "for" | "while" | "loop" | "if" | "switch" | "try" | "{")
        );
    if block || statement.ends_with(';') {
        return text.to_owned();
    }
    edited(text, vec![(last.end..last.end, ";".to_owned())])
}

#[cfg(test)]
mod tests {
    use opsh_operation::Value;
    use serde_json::json;

    use super::*;

    fn input(text: &str, result: &serde_json::Value) -> Input {
        Input {
            text: text.to_owned(),
            wrote: !result.is_null(),
            gave: !text.ends_with(';'),
            result: Value::from_json(result),
        }
    }

    #[test]
    fn a_session_becomes_a_playbook() {
        let nothing = json!(null);
        let inputs = [
            input("ec2::describe_vpcs(#{})", &nothing),
            input("ec2::describe_images(#{})", &nothing),
            input("let ami = _.images[0].image_id", &nothing),
            input(
                "ec2::run_instances(#{ image_id: ami, min_count: 1, max_count: 1 })",
                &json!({"instances": [{"instance_id": "i-0abc12345"}]}),
            ),
            input("fn twice(n) { n * 2 }", &nothing),
            input(
                "ec2::describe_instances(#{ instance_ids: [\"i-0abc12345\"] }) // mine",
                &nothing,
            ),
        ];
        let written = written(&inputs, None, &|_| None);
        let (head, body) = written.text.split_once("let result").unwrap_or_default();
        assert!(
            head.starts_with("// Saved from a session of `opsh repl`: ec2::run_instances.\n\nlet min_count = param("),
            "{head}"
        );
        assert_eq!(
            body,
            " = ec2::describe_images(#{});
let ami = result.images[0].image_id;
let made = ec2::run_instances(#{ image_id: ami, min_count: min_count, max_count: max_count });
fn twice(n) { n * 2 }
ec2::describe_instances(#{ instance_ids: [made.instances[0].instance_id] }) // mine
"
        );
        assert_eq!(written.parameters, ["min_count", "max_count"]);
    }

    #[test]
    fn a_session_that_only_looked_once_is_that_look() {
        let inputs = [input("ec2::describe_vpcs(#{})", &json!(null))];
        assert_eq!(
            written(&inputs, None, &|_| None).text,
            "// Saved from a session of `opsh repl`; it writes nothing.\n\nec2::describe_vpcs(#{})\n"
        );
        assert_eq!(written(&[], None, &|_| None).text, "");
    }
}
