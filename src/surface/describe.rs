//! Pages of the reference: what can be called, one thing or one module at a time.

use opsh_operation::{
    Effect, FaultKind, Field, Inverse, InverseCall, Settle, Shape, Write, select,
};

use super::callable::{Callable, Kind};
use super::page::{Block, Line, Page};
use super::{Module, Origin, fields, language, modules};

/// What every operation may fail with.
pub const ERRORS: &str = "errors";

/// All modules, with a sentence each.
#[must_use]
pub fn index() -> Page {
    let mut page = Page::default();
    let of = |origin: Origin| {
        let those = modules().filter(|module| module.origin == origin);
        those
            .map(|module| (module.name.to_string(), module.doc.summary.to_string()))
            .collect()
    };
    let mut part = |heading: &str, names: Vec<(String, String)>| {
        page.add(Block::Heading(2, heading.to_owned()));
        page.add(Block::Names(names));
    };
    part("Modules", of(Origin::Registry));
    part(
        "Standard library (import \"web\" as web;)",
        of(Origin::Library),
    );
    let mut others: Vec<(String, String)> = of(Origin::Builtin);
    others.push((
        language::MODULE.to_owned(),
        "Rhai's own functions on texts, lists, maps and numbers.".to_owned(),
    ));
    others.push((
        ERRORS.to_owned(),
        "The kinds of errors that a playbook can switch on.".to_owned(),
    ));
    part("Everywhere", others);
    page
}

/// A module: what it is for, and what can be called in it.
#[must_use]
pub fn module(module: &Module) -> Page {
    let mut page = Page::default();
    page.add(Block::Heading(1, module.name.to_string()));
    page.text(&module.doc.summary);
    page.text(&module.doc.details);
    if module.origin == Origin::Library {
        let import = format!("import {:?} as {};", module.name, module.name);
        page.add(Block::Code("rhai", import));
    }
    let names = module.callables.iter().map(|callable| {
        let summary = callable.doc.summary.to_string();
        (callable.signature(), summary)
    });
    page.add(Block::Names(names.collect()));
    page
}

/// Rhai's own functions, each name once.
#[must_use]
pub fn of_language() -> Page {
    let mut page = Page::default();
    page.add(Block::Heading(1, language::MODULE.to_owned()));
    page.text("Rhai's own functions. Those whose first parameter is a value can be called as its methods, too: `text.len()`.");
    let mut names: Vec<(String, String)> = Vec::new();
    for callable in language::functions() {
        let summary = callable.doc.summary.to_string();
        match names.last_mut() {
            Some((name, known)) if *name == callable.name => {
                if known.is_empty() {
                    *known = summary;
                }
            }
            _ => names.push((callable.name.to_string(), summary)),
        }
    }
    page.add(Block::Names(names));
    page
}

/// The kinds of errors.
#[must_use]
pub fn errors() -> Page {
    let mut page = Page::default();
    page.add(Block::Heading(1, ERRORS.to_owned()));
    page.text("An operation that fails throws a map: `kind`, `code` (the service's own), `message`, `service`, `operation`, `request_id`, `retryable`, `hint`, `at`. `kind` is one of:");
    let kinds = FaultKind::ALL.map(|kind| (kind.word().to_owned(), kind.meaning().to_owned()));
    page.add(Block::Names(kinds.to_vec()));
    let example = "try {\n    s3::head_bucket(#{ bucket: \"opsh-example\" });\n} catch (problem) {\n    if problem.kind != \"not_found\" { throw problem; }\n}";
    page.add(Block::Code("rhai", example.to_owned()));
    page
}

/// One thing that can be called; the fields of maps down to `depth`.
#[must_use]
pub fn callable(callable: &Callable, depth: usize) -> Page {
    let mut page = Page::default();
    page.add(Block::Heading(1, callable.full_name()));
    page.add(Block::Code("rhai", callable.signature()));
    page.text(&callable.doc.summary);
    page.text(&callable.doc.details);
    if let Kind::Operation { operation, .. } = callable.kind {
        page.add(Block::Facts(facts(operation)));
    }
    page.part(
        "Parameters",
        fields::of_parameters(&callable.parameters(), depth),
    );
    if let Kind::Operation { controls: true, .. } = callable.kind {
        page.text(CONTROLS);
    }
    result(&mut page, callable, depth);
    raises(&mut page, callable);
    if !callable.doc.example.is_empty() {
        page.add(Block::Heading(2, "Example".to_owned()));
        page.add(Block::Code("rhai", callable.doc.playbook()));
    }
    page
}

const CONTROLS: &str = "A second map takes controls: `timeout`, `limit`, `region`, `profile`, `repeatable`, as far as they make sense here.";

fn result(page: &mut Page, callable: &Callable, depth: usize) {
    let shape = match &callable.kind {
        Kind::Operation { operation, .. } | Kind::Builtin(operation) => operation.output,
        Kind::Language { result, .. } if !result.is_empty() => {
            page.add(Block::Facts(vec![("result".to_owned(), result.clone())]));
            return;
        }
        _ => return,
    };
    page.add(Block::Heading(2, "Result".to_owned()));
    page.text(&sentence(&shape.describe()));
    let lines = fields::of_shape(&shape, depth);
    if !lines.is_empty() {
        page.add(Block::Fields(lines));
    }
}

/// Words as a sentence.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase);
    let first = first.into_iter().flatten().collect::<String>();
    format!("{first}{}.", letters.as_str())
}

fn raises(page: &mut Page, callable: &Callable) {
    let Kind::Operation { operation, .. } = callable.kind else {
        return;
    };
    if matches!(operation.effect, Effect::Pure) {
        return;
    }
    page.add(Block::Heading(2, "Errors".to_owned()));
    let raises: Vec<(String, String)> = operation
        .raises
        .iter()
        .map(|raised| {
            let kind = super::raised(raised).word();
            let name = if raised.code.is_empty() {
                kind.to_owned()
            } else {
                format!("{kind}: {}", raised.code)
            };
            (name, raised.doc.to_owned())
        })
        .collect();
    if !raises.is_empty() {
        page.add(Block::Names(raises));
    }
    page.text("Beside these, whatever every operation may fail with: see `errors`.");
}

fn facts(operation: &opsh_operation::Operation) -> Vec<(String, String)> {
    let fact = |label: &str, text: String| (label.to_owned(), text);
    let mut facts = vec![fact(
        "effect",
        match operation.effect {
            Effect::Pure => "none",
            Effect::Read => "read",
            Effect::Write(_) => "write",
        }
        .to_owned(),
    )];
    if let Effect::Write(write) = &operation.effect {
        if !write.makes.is_empty() {
            let kinds: Vec<&str> = write.makes.iter().map(|makes| makes.kind).collect();
            facts.push(fact("makes", kinds.join(", ")));
        }
        if !write.removes.is_empty() {
            let kinds: Vec<&str> = write.removes.iter().map(|removes| removes.kind).collect();
            facts.push(fact("removes", kinds.join(", ")));
        }
        facts.push(fact("undone", inverse(write)));
        facts.push(fact("if interrupted", settle(write.settle)));
    }
    facts.push(fact("policies name it", operation.action.to_owned()));
    facts
}

/// How a write is undone, in words.
#[must_use]
pub fn inverse(write: &Write) -> String {
    let listed = |calls: &[InverseCall]| {
        let calls: Vec<String> = calls.iter().map(call).collect();
        calls.join(", then ")
    };
    match write.inverse {
        Inverse::Calls(_) | Inverse::Impossible(_)
            if write.before.is_some_and(|before| before.every.is_some()) =>
        {
            let restore = write.before.map_or(&[][..], |before| before.restore);
            format!(
                "what it has changed (`found.each`) is put back, by {}",
                listed(restore)
            )
        }
        Inverse::Calls(calls) => format!("by {}", listed(calls)),
        Inverse::Nothing(why) => format!("there is nothing to undo: {why}"),
        Inverse::Impossible(why) => match write.before {
            Some(before) if !before.restore.is_empty() => {
                format!(
                    "what was there (`found`) is put back, by {}",
                    listed(before.restore)
                )
            }
            _ => format!("it cannot be: {why}"),
        },
    }
}

fn call(call: &InverseCall) -> String {
    let arguments: Vec<String> = call
        .arguments
        .iter()
        .map(|(name, source)| match select::sent(name, source) {
            Some((names, source)) if names == [*name] => {
                format!("{name}: {source} if it was sent")
            }
            Some((names, source)) => {
                format!("{name}: {source} if {} was sent", names.join(" or "))
            }
            None => format!("{name}: {}", source.trim_start_matches('=')),
        })
        .collect();
    format!("`{}({})`", call.operation, arguments.join(", "))
}

/// What becomes of an interrupted call, in words.
#[must_use]
pub fn settle(settle: Settle) -> String {
    match settle {
        Settle::Token(parameter) => {
            format!("sent again with the same idempotency token (`{parameter}`)")
        }
        Settle::Find(find) => format!(
            "looked for with `{}`: what proves to be its doing is adopted, else it is sent again",
            find.operation
        ),
        Settle::Repeat => "sent again, which is harmless".to_owned(),
        Settle::RepeatIf(parameter) => {
            format!("sent again if `{parameter}` is true, else a person is asked")
        }
        Settle::Ask => "a person is asked: nobody can know".to_owned(),
    }
}

/// One field of a callable's parameters or result, by names with dots between; what is in it.
///
/// # Errors
/// The name that is not there, and those that are.
pub fn field(
    callable: &Callable,
    path: &str,
    depth: usize,
) -> Result<Page, (String, Vec<&'static str>)> {
    let operation = match callable.kind {
        Kind::Operation { operation, .. } | Kind::Builtin(operation) => operation,
        Kind::Library(_) | Kind::Language { .. } => return Err((path.to_owned(), Vec::new())),
    };
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let results = fields::structure(&operation.output);
    let mut found: &Field = match operation.input.field(first) {
        Some(field) => field,
        None => results
            .and_then(|structure| structure.field(first))
            .ok_or_else(|| {
                let inputs = operation.input.fields.iter();
                let results = results.into_iter().flat_map(|structure| structure.fields);
                let names = inputs.chain(results).map(|field| field.name).collect();
                (first.to_owned(), names)
            })?,
    };
    for name in rest.split('.').filter(|name| !name.is_empty()) {
        let inner = fields::structure(&found.shape);
        found = inner.and_then(|inner| inner.field(name)).ok_or_else(|| {
            let names = inner.into_iter().flat_map(|inner| inner.fields);
            (name.to_owned(), names.map(|field| field.name).collect())
        })?;
    }
    let mut page = Page::default();
    page.add(Block::Heading(
        1,
        format!("{}.{path}", callable.full_name()),
    ));
    let line = fields::whole(found);
    page.add(Block::Fields(vec![line]));
    page.part(
        &format!("In {}", found.name),
        fields::of_shape(&found.shape, depth),
    );
    Ok(page)
}

/// A map of a shape's structures by name, for whoever lists each once: what is in `shape`.
pub fn types(shape: &Shape, found: &mut std::collections::BTreeMap<&'static str, Vec<Line>>) {
    let Some(structure) = fields::structure(shape) else {
        return;
    };
    if found.contains_key(structure.name) {
        return;
    }
    found.insert(structure.name, fields::of_shape(shape, 0));
    for field in structure.fields {
        types(&field.shape, found);
    }
}
