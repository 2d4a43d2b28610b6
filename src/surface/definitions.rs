//! `.d.rhai` files, from which the Rhai language server completes and hovers.
//!
//! Rhai writes its own itself; a module of ours is `module NAME;` and a function a line. The
//! type `?` is any: <https://rhai.rs/book/engine/metadata/definitions.html>.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use opsh_operation::Shape;
use rhai::Engine;

use super::callable::{Callable, Kind};
use super::{Module, Origin, modules, unqualified};
use crate::script::engine::NOT_TO_BE_USED;

/// Every file by its name.
#[must_use]
pub fn files() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for (name, text) in Engine::new().definitions().iter_files() {
        files.insert(name, without(&text));
    }
    for module in modules().filter(|module| module.origin != Origin::Builtin) {
        files.insert(format!("{}.d.rhai", module.name), of_module(module));
    }
    files.insert("__opsh__.d.rhai".to_owned(), everywhere());
    files
}

/// `text` without the functions that a playbook may not use.
fn without(text: &str) -> String {
    let mut out = String::new();
    let mut comments = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("///") {
            comments.push_str(line);
            comments.push('\n');
            continue;
        }
        let refused = NOT_TO_BE_USED
            .iter()
            .any(|name| line.starts_with(&format!("fn {name}(")));
        if !refused {
            out.push_str(&comments);
            out.push_str(line);
            out.push('\n');
        }
        comments.clear();
    }
    out
}

fn of_module(module: &Module) -> String {
    let mut out = format!("/// {}\nmodule {};\n", module.doc.summary, module.name);
    for callable in &module.callables {
        function(&mut out, callable);
    }
    out
}

fn everywhere() -> String {
    let mut out = "module static;\n".to_owned();
    for callable in unqualified() {
        function(&mut out, callable);
    }
    out
}

/// A function for each number of arguments that it takes.
fn function(out: &mut String, callable: &Callable) {
    let parameters = callable.parameters();
    let mut doc = vec![callable.doc.summary.to_string()];
    let said: Vec<String> = parameters
        .iter()
        .filter(|one| !one.doc.is_empty())
        .map(|one| {
            let takes = one.takes();
            let required = if one.required { "required" } else { "" };
            let notes = [takes.as_str(), required];
            let notes: Vec<&str> = notes.into_iter().filter(|note| !note.is_empty()).collect();
            format!("- `{}` ({}): {}", one.name, notes.join(", "), one.doc)
        })
        .collect();
    if !callable.doc.details.is_empty() {
        doc.push(String::new());
        doc.extend(callable.doc.details.lines().map(str::to_owned));
    }
    if !said.is_empty() {
        doc.push(String::new());
        doc.extend(said);
    }
    if !callable.doc.example.is_empty() {
        doc.extend([String::new(), "```rhai".to_owned()]);
        doc.extend(callable.doc.example.lines().map(str::to_owned));
        doc.push("```".to_owned());
    }
    let by_position: Vec<String> = parameters
        .iter()
        .filter(|one| one.positional)
        .map(|one| {
            let of_type = one.shape.map_or("?", of_type);
            format!("{}: {of_type}", one.name)
        })
        .collect();
    let maps = match callable.kind {
        Kind::Operation { controls: true, .. } => &["parameters: Map", "controls: Map"][..],
        _ if by_position.len() < parameters.len() => &["parameters: Map"][..],
        _ => &[],
    };
    let all: Vec<String> = by_position
        .into_iter()
        .chain(maps.iter().map(|map| (*map).to_owned()))
        .collect();
    let result = callable
        .declared()
        .map_or("?", |operation| of_type(&operation.output));
    for count in callable.arities() {
        // Writing to a String cannot fail.
        out.push('\n');
        for line in &doc {
            let _ = writeln!(out, "{}", format!("/// {line}").trim_end());
        }
        let _ = writeln!(
            out,
            "fn {}({}) -> {result};",
            callable.name,
            all[..count.min(all.len())].join(", ")
        );
    }
}

/// A shape's type as Rhai names it.
fn of_type(shape: &Shape) -> &'static str {
    match shape {
        Shape::Nothing => "()",
        Shape::Bool => "bool",
        Shape::Int { .. } => "int",
        Shape::Float => "float",
        Shape::Text | Shape::Path | Shape::Output | Shape::Enum(_) => "String",
        Shape::Bytes => "Blob",
        Shape::List(_) => "Array",
        Shape::MapOf(_) | Shape::Tags | Shape::Filters | Shape::Struct(_) | Shape::Union(_) => {
            "Map"
        }
        Shape::Function => "FnPtr",
        Shape::Any | Shape::Body | Shape::Time | Shape::Duration => "?",
    }
}
