//! The hint behind the cursor: what is to be typed next, as a comment.

use opsh_operation::{Field, Shape};

use super::complete::place::{Expected, Frame, frames, slot};
use super::lex::{Kind, Token, lex};
use super::memory::{self, Memory, Shared};
use crate::surface::{self, Callable, Parameter};

/// What the end of `input` could go on with; nothing where nothing is known.
#[must_use]
pub fn hint(memory: &Shared, input: &str) -> Option<String> {
    if super::commands::typed(input).is_some() || input.starts_with('?') {
        return None;
    }
    let tokens = lex(input);
    let memory = memory::lock(memory);
    let (last, before) = tokens.split_last()?;
    let typing = last.span.end == input.len();
    if typing && last.kind == Kind::Word {
        return name(&memory, input, last, before)
            .or_else(|| inside(&memory, input, before, last.of(input)));
    }
    if last.is_text() && typing {
        return inside(&memory, input, before, "");
    }
    inside(&memory, input, &tokens, "")
}

/// The signature of what is named at the end.
fn name(memory: &Memory, input: &str, last: &Token, before: &[Token]) -> Option<String> {
    let [.., module, colons] = before else {
        return called(memory, last.of(input));
    };
    if colons.of(input) != "::" {
        return called(memory, last.of(input));
    }
    called(memory, &format!("{}::{}", module.of(input), last.of(input)))
}

fn called(memory: &Memory, name: &str) -> Option<String> {
    if let Some(function) = memory.function(name) {
        let doc = function.summary();
        let parameters = function.parameters.join(", ");
        return Some(format!("({parameters}) {doc}").trim_end().to_owned());
    }
    surface::find(name).map(arguments)
}

/// What can be typed for a call, on one line: what is required first, `?` for what is not.
fn arguments(callable: &Callable) -> String {
    let (by_position, mut in_map): (Vec<Parameter<'_>>, Vec<_>) = callable
        .parameters()
        .into_iter()
        .partition(|parameter| parameter.positional);
    let mut shown: Vec<String> = by_position.iter().map(argument).collect();
    if !in_map.is_empty() {
        in_map.sort_by_key(|parameter| !parameter.required);
        let others: Vec<String> = in_map.iter().map(argument).collect();
        shown.push(format!("#{{ {} }}", others.join(", ")));
    }
    format!("({})", shown.join(", "))
}

fn argument(parameter: &Parameter<'_>) -> String {
    let mark = if parameter.required { "" } else { "?" };
    let takes = parameter.takes();
    let colon = if takes.is_empty() { "" } else { ": " };
    format!("{}{mark}{colon}{takes}", parameter.name)
}

/// The type of a field, its values if there are few, and what it is.
fn described(field: &Field) -> String {
    const FEW: usize = 8;
    let shape = match field.shape {
        Shape::Enum(choices) if choices.len() <= FEW => choices
            .iter()
            .map(|choice| format!("{choice:?}"))
            .collect::<Vec<_>>()
            .join(" | "),
        shape => shape.describe(),
    };
    if field.doc.is_empty() {
        shape
    } else {
        format!("{shape}  {}", field.doc)
    }
}

/// What is expected in the call that is open.
fn inside(memory: &Memory, input: &str, before: &[Token], prefix: &str) -> Option<String> {
    let frames = frames(input, before);
    let Some(slot) = slot(&frames) else {
        return match frames.last()? {
            Frame::Call { name, .. } => called(memory, name),
            _ => None,
        };
    };
    match slot.expected? {
        Expected::Key { bare: true, .. } => called(memory, &slot.operation.full_name()),
        Expected::Key {
            structure, given, ..
        } => {
            let mut fields: Vec<_> = structure
                .fields
                .iter()
                .filter(|field| field.name.starts_with(prefix) && !given.contains(field.name))
                .collect();
            fields.sort_by_key(|field| !field.required);
            if let [field] = fields[..] {
                return Some(format!("{}: {}", field.name, described(field)));
            }
            let fields = fields.iter().map(|field| {
                let mark = if field.required { "" } else { "?" };
                format!("{}{mark}: {}", field.name, field.shape.describe())
            });
            let text = fields.collect::<Vec<_>>().join(", ");
            (!text.is_empty()).then_some(text)
        }
        Expected::Value {
            field: Some(field), ..
        } => Some(format!("{}: {}", field.name, described(field))),
        Expected::Value { field: None, shape } => Some(shape.describe()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(input: &str) -> String {
        hint(&Shared::default(), input).unwrap_or_default()
    }

    #[test]
    fn a_call_shows_its_signature_with_what_is_required_first() {
        let whole = at("sns::set_topic_attributes(");
        assert!(
            whole.contains("topic_arn: text") && whole.contains("attribute_value?: text"),
            "{whole}"
        );
        assert_eq!(at("sns::set_topic_attributes"), whole);
        assert_eq!(at("time::sleep"), "(duration: duration)");
    }

    #[test]
    fn keys_and_values_are_explained() {
        let key = at("ec2::run_instances(#{ min_co");
        assert!(key.starts_with("min_count: integer"), "{key}");
        let value = at("ec2::run_instances(#{ metadata_options: #{ http_tokens: \"req");
        assert!(
            value.starts_with("http_tokens: \"optional\" | \"required\""),
            "{value}"
        );
        assert_eq!(at("ec2::create_tags(#{ tags: #{ Name: "), "text");
    }

    #[test]
    fn elsewhere_there_is_no_hint() {
        for input in ["", "let x = 5", "x + ", ":plan", "ec2::describe_vpcs(#{})"] {
            assert_eq!(at(input), "", "{input}");
        }
    }
}
