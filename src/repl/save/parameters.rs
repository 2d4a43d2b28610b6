//! The literals of a session that become parameters: what is given to operations, and
//! what a variable begins with.

use std::collections::BTreeSet;

use opsh_operation::{Field, Shape};

use super::found::Found;
use super::{Edit, edited};
use crate::gate::prepare::CONTROLS;
use crate::repl::complete::place::{Expected, Frame, frames, slot};
use crate::repl::lex::{Kind, Token, lex, statements};

/// Parameters of the playbook that is being written.
#[derive(Debug, Default)]
pub struct Parameters {
    all: Vec<Parameter>,
    /// Names that mean something else.
    taken: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Parameter {
    name: String,
    /// As it is written; nothing for a secret.
    default: Option<String>,
    doc: String,
    choices: &'static [&'static str],
}

impl Parameters {
    /// None yet; `taken` are names of other things.
    #[must_use]
    pub fn beside(taken: impl IntoIterator<Item = String>) -> Self {
        Self {
            all: Vec::new(),
            taken: taken.into_iter().collect(),
        }
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.all.iter().map(|one| one.name.clone()).collect()
    }

    /// Their declarations, a line each.
    #[must_use]
    pub fn declarations(&self) -> String {
        self.all
            .iter()
            .map(|one| one.declaration() + "\n")
            .collect()
    }

    /// `text` with its literals as parameters, and typed ids as what `found` knows.
    pub fn take_from(&mut self, text: &str, found: &Found) -> String {
        let tokens = lex(text);
        let mut edits: Vec<Edit> = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let Some(literal) = literal(text, token) else {
                continue;
            };
            let before = &tokens[..at];
            if is_key(text, &tokens, at) {
                continue;
            }
            if token.is_text()
                && let Some(expression) = found.get(token.inside(text))
            {
                edits.push((token.span.clone(), expression.to_owned()));
            } else if let Some(wanted) = given_to_an_operation(text, before) {
                let name = self.add(wanted, literal);
                edits.push((token.span.clone(), name));
            }
        }
        for span in statements(text) {
            if let Some((name, literal, literal_span)) = variable(text, span) {
                let declared = self.variable(&name, literal);
                edits.extend(declared.map(|text| (literal_span, text)));
            }
        }
        edited(text, edits)
    }

    /// The name of the parameter for a literal: one there is already if it is the same.
    fn add(&mut self, wanted: Wanted, literal: &str) -> String {
        let default = (!wanted.sensitive).then(|| literal.to_owned());
        for number in 1.. {
            let name = match number {
                1 => wanted.name.clone(),
                number => format!("{}_{number}", wanted.name),
            };
            match self.all.iter().find(|one| one.name == name) {
                Some(one) if one.default == default => return name,
                Some(_) => {}
                None if self.taken.contains(&name) => {}
                None => {
                    self.all.push(Parameter {
                        name: name.clone(),
                        default,
                        doc: wanted.doc,
                        choices: wanted.choices,
                    });
                    return name;
                }
            }
        }
        wanted.name
    }

    /// What a variable begins with instead of `literal`, unless it was declared before.
    fn variable(&mut self, name: &str, literal: &str) -> Option<String> {
        if self.all.iter().any(|one| one.name == name) {
            return None;
        }
        let parameter = Parameter {
            name: name.to_owned(),
            default: Some(literal.to_owned()),
            doc: String::new(),
            choices: &[],
        };
        Some(parameter.value())
    }
}

impl Parameter {
    fn value(&self) -> String {
        let mut options = Vec::new();
        match &self.default {
            Some(default) => options.push(format!("default: {default}")),
            None => options.push("type: \"secret\"".to_owned()),
        }
        if !self.choices.is_empty() {
            let choices: Vec<String> = self.choices.iter().map(|one| format!("{one:?}")).collect();
            options.push(format!("choices: [{}]", choices.join(", ")));
        }
        if !self.doc.is_empty() {
            options.push(format!(
                "doc: {}",
                serde_json::Value::from(self.doc.as_str())
            ));
        }
        format!("param({:?}, #{{ {} }})", self.name, options.join(", "))
    }

    fn declaration(&self) -> String {
        format!("let {} = {};", self.name, self.value())
    }
}

/// What is known of the place of a literal.
struct Wanted {
    name: String,
    doc: String,
    sensitive: bool,
    choices: &'static [&'static str],
}

/// A text without anything computed in it, or a number, as it is written.
fn literal<'a>(text: &'a str, token: &Token) -> Option<&'a str> {
    let written = token.of(text);
    match token.kind {
        Kind::Number
        | Kind::Text {
            quote: '"',
            closed: true,
        } => Some(written),
        Kind::Text {
            quote: '`',
            closed: true,
        } if written.starts_with('`') && written.len() > 1 => Some(written),
        _ => None,
    }
}

/// Whether a text stands for a key, or a number is only a part of one.
fn is_key(text: &str, tokens: &[Token], at: usize) -> bool {
    let next = tokens.get(at + 1).map(|next| next.of(text));
    let before = at.checked_sub(1).map(|before| tokens[before].of(text));
    next == Some(":") || before == Some("-") || matches!(before, Some("import" | "?[" | "."))
}

fn given_to_an_operation(text: &str, before: &[Token]) -> Option<Wanted> {
    let last = before.last()?.of(text);
    // Only a literal by itself: what is added to something is no value of its own.
    if !matches!(last, ":" | "[" | ",") {
        return None;
    }
    let frames = frames(text, before);
    let slot = slot(&frames)?;
    let Some(Expected::Value { field, shape }) = slot.expected else {
        return None;
    };
    if !frames
        .iter()
        .any(|frame| matches!(frame, Frame::Map { .. }))
    {
        return None;
    }
    let key = frames.iter().rev().find_map(|frame| match frame {
        Frame::Map { key: Some(key), .. } => Some(key.clone()),
        _ => None,
    })?;
    if field.is_some_and(|field| {
        CONTROLS
            .field(field.name)
            .is_some_and(|own| std::ptr::eq(own, field))
    }) {
        return None;
    }
    Some(Wanted {
        name: identifier(&key),
        doc: doc(field, &frames, &key, &slot.operation.full_name()),
        sensitive: field.is_some_and(|field| field.sensitive),
        choices: few(shape),
    })
}

/// The values of an enumeration that a person can look through.
fn few(shape: Shape) -> &'static [&'static str] {
    const FEW: usize = 8;
    match shape {
        Shape::Enum(choices) if choices.len() <= FEW => choices,
        _ => &[],
    }
}

fn doc(field: Option<&Field>, frames: &[Frame], key: &str, operation: &str) -> String {
    let tag = frames
        .iter()
        .any(|frame| matches!(frame, Frame::Map { key: Some(key), .. } if key == "tags"));
    match field {
        Some(field) if !field.doc.is_empty() => field.doc.to_owned(),
        None if tag => format!("The tag {key} of what {operation} makes."),
        _ => format!("What {operation} takes as {key}."),
    }
}

/// `Name` → `name`, `tag:env` → `tag_env`; words of Rhai's own get a tail.
fn identifier(key: &str) -> String {
    let mut name: String = key
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() {
                letter.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    if !name.starts_with(|first: char| first.is_alphabetic()) {
        name.insert_str(0, "value_");
    }
    let reserved = rhai::Token::lookup_symbol_from_syntax(&name).is_some();
    if reserved {
        name.push_str("_value");
    }
    name
}

/// `let name = literal;`: the name, and the literal with its place.
fn variable(
    text: &str,
    span: std::ops::Range<usize>,
) -> Option<(String, &str, std::ops::Range<usize>)> {
    let statement = &text[span.clone()];
    let tokens = lex(statement);
    let [word, name, equals, value, rest @ ..] = &tokens[..] else {
        return None;
    };
    let whole = word.of(statement) == "let"
        && equals.of(statement) == "="
        && matches!(
            rest.iter()
                .map(|token| token.of(statement))
                .collect::<Vec<_>>()[..],
            [] | [";"]
        );
    let place = span.start + value.span.start..span.start + value.span.end;
    literal(statement, value)
        .filter(|_| whole)
        .map(|_| (name.of(statement).to_owned(), &text[place.clone()], place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> (String, String) {
        let mut parameters = Parameters::beside(["ami".to_owned()]);
        let text = parameters.take_from(text, &Found::default());
        (text, parameters.declarations())
    }

    #[test]
    fn what_operations_are_given_becomes_parameters() {
        let (text, declared) = taken(
            "let made = ec2::run_instances(#{ image_id: ami, min_count: 1, max_count: 1, tags: #{ Name: \"web\" }, block_device_mappings: [#{ device_name: \"/dev/sdf\", ebs: #{ volume_size: 20 } }] }, #{ timeout: \"5m\" });",
        );
        assert_eq!(
            text,
            "let made = ec2::run_instances(#{ image_id: ami, min_count: min_count, max_count: max_count, tags: #{ Name: name }, block_device_mappings: [#{ device_name: device_name, ebs: #{ volume_size: volume_size } }] }, #{ timeout: \"5m\" });"
        );
        for line in [
            "let min_count = param(\"min_count\", #{ default: 1, ",
            "let name = param(\"name\", #{ default: \"web\", ",
        ] {
            assert!(declared.contains(line), "{declared}");
        }
    }

    #[test]
    fn the_same_name_with_another_value_is_another_parameter() {
        let (text, declared) = taken(
            "sns::create_topic(#{ name: \"a\" }); sns::create_topic(#{ name: \"b\" }); sns::create_topic(#{ name: \"a\" })",
        );
        assert_eq!(
            text,
            "sns::create_topic(#{ name: name }); sns::create_topic(#{ name: name_2 }); sns::create_topic(#{ name: name })"
        );
        assert_eq!(declared.lines().count(), 2);
    }

    #[test]
    fn variables_that_begin_with_a_literal_are_parameters() {
        let (text, declared) = taken("let size = 20; let other = size + 1;");
        assert_eq!(
            text,
            "let size = param(\"size\", #{ default: 20 }); let other = size + 1;"
        );
        assert_eq!(declared, "");
    }

    #[test]
    fn secrets_and_computed_texts_stay_out() {
        let (text, declared) = taken(
            "ssm::put_parameter(#{ name: `/a/${x}`, value: \"hunter2\", type: \"SecureString\" })",
        );
        assert!(text.contains("name: `/a/${x}`, value: value"), "{text}");
        assert!(
            declared.contains("let value = param(\"value\", #{ type: \"secret\""),
            "{declared}"
        );
        assert!(!declared.contains("hunter2"), "{declared}");
    }
}
