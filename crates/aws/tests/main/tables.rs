//! The whole table at once: what generator and hand must both keep.

use std::collections::BTreeSet;

use opsh_aws::bindings;
use opsh_operation::{Effect, Inverse, Operation, Settle, Shape, Structure};

fn operation(name: &str) -> &'static Operation {
    bindings()
        .iter()
        .map(|binding| binding.operation)
        .find(|operation| operation.full_name() == name)
        .unwrap_or_else(|| panic!("there is no {name}"))
}

/// The first name of `a`, `a.b` and `a[]`.
fn first(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap()
}

#[test]
fn names_are_valid_unique_and_in_order() {
    let names: Vec<String> = bindings()
        .iter()
        .map(|binding| binding.operation.full_name())
        .collect();
    let unique: BTreeSet<&String> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    assert!(names.len() > 180, "{}", names.len());
    for binding in bindings() {
        let valid = |name: &str| {
            name.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        let operation = binding.operation;
        assert!(valid(operation.module) && valid(operation.name));
        let (service, action) = operation.action.split_once(':').unwrap();
        assert!(valid(service), "{}", operation.action);
        assert!(action.starts_with(|c: char| c.is_ascii_uppercase()));
    }
    let sorted =
        bindings().is_sorted_by_key(|binding| (binding.operation.module, binding.operation.name));
    assert!(sorted);
}

#[test]
fn every_text_is_a_sentence() {
    for binding in bindings() {
        let operation = binding.operation;
        let name = operation.full_name();
        assert!(operation.summary.ends_with(['.', '!', '?']), "{name}");
        assert!(!operation.summary.contains("Not documented"), "{name}");
        assert!(operation.example.contains(&format!("{name}(")), "{name}");
        every_field(
            operation.input,
            &mut BTreeSet::new(),
            &mut |structure, field| {
                let place = format!("{name}: {}.{}", structure.name, field.name);
                assert!(field.doc.ends_with(['.', '!', '?']), "{place}");
                assert!(!field.doc.contains("</"), "{place}: {}", field.doc);
            },
        );
    }
}

fn every_field(
    structure: &'static Structure,
    seen: &mut BTreeSet<&'static str>,
    check: &mut dyn FnMut(&'static Structure, &'static opsh_operation::Field),
) {
    if !seen.insert(structure.name) {
        return;
    }
    for field in structure.fields {
        check(structure, field);
        let mut shape = &field.shape;
        while let Shape::List(item) | Shape::MapOf(item) = shape {
            shape = item;
        }
        if let Shape::Struct(inner) | Shape::Union(inner) = shape {
            every_field(inner, seen, check);
        }
    }
}

#[test]
fn every_inverse_can_be_called() {
    for binding in bindings() {
        let from = binding.operation;
        let Effect::Write(write) = &from.effect else {
            continue;
        };
        let name = from.full_name();
        let mut calls: Vec<(&str, &[(&str, &str)])> = Vec::new();
        match &write.inverse {
            Inverse::Calls(inverse) => {
                calls.extend(inverse.iter().map(|call| (call.operation, call.arguments)));
            }
            Inverse::Nothing(why) | Inverse::Impossible(why) => assert!(!why.is_empty(), "{name}"),
        }
        match &write.settle {
            Settle::Find(find) => calls.push((find.operation, find.arguments)),
            Settle::Token(parameter) | Settle::RepeatIf(parameter) => {
                assert!(from.input.field(parameter).is_some(), "{name}");
            }
            Settle::Repeat | Settle::Ask => {}
        }
        for (target, arguments) in calls {
            let target = operation(target);
            let given: BTreeSet<&str> = arguments.iter().map(|(name, _)| first(name)).collect();
            for argument in &given {
                assert!(
                    target.input.field(argument).is_some(),
                    "{name}: {} has no {argument}",
                    target.full_name()
                );
            }
            for field in target.input.fields.iter().filter(|field| field.required) {
                assert!(
                    given.contains(field.name),
                    "{name}: {} needs {}",
                    target.full_name(),
                    field.name
                );
            }
        }
    }
}

#[test]
fn what_makes_something_says_how_it_goes() {
    for binding in bindings() {
        if let Effect::Write(write) = &binding.operation.effect
            && !write.makes.is_empty()
        {
            assert!(
                matches!(write.inverse, Inverse::Calls(_)),
                "{}",
                binding.operation.full_name()
            );
        }
    }
}

#[test]
fn what_ec2_tags_by_specification_the_gate_can_tag() {
    let tags = |name: &str| operation(name).write().and_then(|write| write.tags);
    assert_eq!(tags("ec2::run_instances"), Some("tags"));
    assert_eq!(tags("ec2::create_security_group"), Some("tags"));
    assert_eq!(tags("elbv2::create_load_balancer"), Some("tags"));
    assert_eq!(tags("sns::create_topic"), Some("tags"));
    assert_eq!(tags("ec2::create_tags"), None);
    assert_eq!(tags("s3::put_object"), None);
}
