//! Every documentation comment of what can be called, looked at.

use super::{Callable, modules, prose};

/// Complains of each thing that `complaint` finds something wrong with.
fn each(complaint: impl Fn(&Callable) -> Vec<String>) {
    let found: Vec<String> = modules()
        .flat_map(|module| &module.callables)
        .flat_map(|callable| {
            let name = callable.full_name();
            let said = complaint(callable);
            said.into_iter().map(move |said| format!("{name}: {said}"))
        })
        .collect();
    assert!(found.is_empty(), "{}:\n{}", found.len(), found.join("\n"));
}

#[test]
fn everything_says_in_one_sentence_what_it_does() {
    each(|callable| {
        let summary = &callable.doc.summary;
        if prose::is_sentence(summary) {
            Vec::new()
        } else {
            vec![format!(
                "{summary:?} is not one sentence that ends in a period"
            )]
        }
    });
}

#[test]
fn every_parameter_says_what_it_is_for() {
    each(|callable| {
        callable
            .parameters()
            .iter()
            .filter(|one| !one.doc.ends_with(['.', '?', '!']))
            .map(|one| format!("{}: {:?} is no sentence", one.name, one.doc))
            .collect()
    });
}

#[test]
fn everything_has_an_example() {
    each(|callable| {
        if callable.doc.example.trim().is_empty() {
            vec!["it has no example".to_owned()]
        } else {
            Vec::new()
        }
    });
}

#[test]
fn every_known_error_says_when_it_happens() {
    each(|callable| {
        let raises = callable
            .declared()
            .map_or(&[][..], |operation| operation.raises);
        raises
            .iter()
            .filter(|raised| !raised.doc.ends_with('.'))
            .map(|raised| format!("{}: {:?}", raised.code, raised.doc))
            .collect()
    });
}
