//! Every declaration of the native tables.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use opsh_operation::{Effect, Shape, Structure};

use super::*;

fn native() -> impl Iterator<Item = &'static Operation> {
    NATIVE
        .iter()
        .copied()
        .flatten()
        .map(|entry| entry.operation)
}

#[test]
fn names_are_unique_and_positional_parameters_exist() {
    let mut names = BTreeSet::new();
    for operation in native() {
        let name = operation.full_name();
        assert!(names.insert(name.clone()), "{name} is declared twice");
        for parameter in operation.positional {
            assert!(
                operation.input.field(parameter).is_some(),
                "{name}: {parameter}"
            );
        }
        let mut fields = BTreeSet::new();
        for field in operation.input.fields {
            assert!(fields.insert(field.name), "{name}: {}", field.name);
        }
        let (module, action) = operation.action.split_once(':').unwrap();
        assert_eq!(module, operation.module, "{name}");
        assert_eq!(
            action.to_lowercase(),
            operation.name.replace('_', ""),
            "{name}"
        );
    }
}

#[test]
fn everything_is_documented_in_sentences() {
    fn sentence(text: &str, whose: &str) {
        assert!(
            text.ends_with(['.', '…'])
                && text
                    .chars()
                    .next()
                    .is_some_and(|letter| !letter.is_lowercase()),
            "{whose}: {text:?}"
        );
    }
    fn fields(structure: &Structure, whose: &str) {
        for field in structure.fields {
            sentence(field.doc, &format!("{whose}: {}", field.name));
            if let Shape::Struct(inner) = field.shape {
                fields(inner, whose);
            }
        }
    }
    for operation in native() {
        let name = operation.full_name();
        sentence(operation.summary, &name);
        fields(operation.input, &name);
        match operation.output {
            Shape::Struct(output) | Shape::List(&Shape::Struct(output)) => fields(output, &name),
            _ => {}
        }
        assert!(
            operation.example.contains(&name),
            "{name}: its example shows something else"
        );
    }
}

#[test]
fn what_touches_files_is_recorded() {
    for operation in native() {
        let writes = operation
            .input
            .fields
            .iter()
            .any(|field| matches!(field.shape, Shape::Output));
        if writes {
            assert!(
                !matches!(operation.effect, Effect::Pure),
                "{}",
                operation.full_name()
            );
        }
    }
}
