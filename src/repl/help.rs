//! `?NAME`, `:help NAME` and `help("NAME")`: what something is and takes.

use std::fmt::Write as _;
use std::sync::Arc;

use opsh_operation::suggest::closest;
use opsh_operation::{Effect, Field, Inverse, Operation, Shape, Structure};
use rhai::{Engine, EvalAltResult, ImmutableString};

use super::commands;
use super::complete::place;
use super::memory::{self, Function, Memory, Shared};
use super::session::Session;
use crate::cli::console::Console;
use crate::modules::Terminal as _;
use crate::modules::registry::registry;
use crate::script::error::{Class, ScriptError};

/// Gives scripts `help()` and `help(name)`, which print.
pub fn register(engine: &mut Engine, memory: &Shared, console: &Arc<Console>) {
    let shared = Arc::clone(memory);
    let out = Arc::clone(console);
    engine.register_fn(
        "help",
        move |name: ImmutableString| -> Result<(), Box<EvalAltResult>> {
            let text = about(&memory::lock(&shared), &name)?;
            out.print(&text);
            Ok(())
        },
    );
    let out = Arc::clone(console);
    engine.register_fn("help", move || {
        out.print("help(\"ec2\") lists what a module has, help(\"ec2::run_instances\") says what it takes; :help lists the shell's commands");
    });
}

/// What `name` is, for a person.
///
/// # Errors
/// There is nothing of that name.
pub fn answer(session: &Session, name: &str) -> Result<String, ScriptError> {
    let memory = session.memory();
    let text = about(&memory::lock(&memory), name);
    text.map_err(|message| ScriptError::plain(Class::Failed, message))
}

fn about(memory: &Memory, name: &str) -> Result<String, String> {
    let name = name.trim().trim_end_matches("()").trim_end_matches("::");
    if let Some(command) = commands::find(name) {
        return Ok(format!("{}  {}", command.name, command.doc));
    }
    if let Some(operation) = place::operation(name) {
        return Ok(self::operation(operation));
    }
    if let Some(entries) = registry().module(name) {
        let rows = entries
            .values()
            .map(|entry| (entry.operation.name, entry.operation.summary));
        return Ok(listed(rows));
    }
    if let Some(functions) = memory.imports.get(name) {
        let rows = functions
            .iter()
            .map(|function| (function.name.as_str(), function.summary()));
        return Ok(listed(rows));
    }
    if let Some(function) = memory.function(name) {
        return Ok(self::function(function));
    }
    Err(nothing(memory, name))
}

fn nothing(memory: &Memory, name: &str) -> String {
    let operations = registry()
        .operations()
        .map(|entry| entry.operation.full_name());
    let modules = registry().modules().map(|(name, _)| name.to_owned());
    let names: Vec<String> = operations
        .chain(modules)
        .chain(memory.imports.keys().cloned())
        .collect();
    let near = closest(name, names.iter().map(String::as_str));
    let tail = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    format!("there is no help about '{name}'{tail}")
}

fn listed<'a>(rows: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> String {
    let width = rows.clone().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.map(|(name, doc)| format!("{name:width$}  {doc}"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn function(function: &Function) -> String {
    let doc = if function.doc.is_empty() {
        "(it has no doc comment)"
    } else {
        &function.doc
    };
    format!("{}\n\n{doc}", function.signature())
}

/// What can be typed for a call, on one line: what is required first, `?` for what is not.
#[must_use]
pub fn signature(operation: &Operation) -> String {
    let shown = |field: &Field| {
        let mark = if field.required { "" } else { "?" };
        format!("{}{mark}: {}", field.name, field.shape.describe())
    };
    let positional = operation
        .positional
        .iter()
        .filter_map(|name| operation.input.field(name))
        .map(shown);
    let mut arguments: Vec<String> = positional.collect();
    let mut others: Vec<&Field> = operation
        .input
        .fields
        .iter()
        .filter(|field| !operation.positional.contains(&field.name))
        .collect();
    if !others.is_empty() {
        others.sort_by_key(|field| !field.required);
        let others: Vec<String> = others.into_iter().map(shown).collect();
        arguments.push(format!("#{{ {} }}", others.join(", ")));
    }
    format!("({})", arguments.join(", "))
}

fn operation(operation: &Operation) -> String {
    let effect = match &operation.effect {
        Effect::Pure => "computes only",
        Effect::Read => "reads",
        Effect::Write(_) => "writes",
    };
    let mut out = format!(
        "{}  ({effect})\n{}\n",
        operation.full_name(),
        operation.summary
    );
    parameters(&mut out, "parameters", operation.input);
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(out, "\nresult  {}", operation.output.describe());
    if let Shape::Struct(output) = operation.output {
        parameters(&mut out, "fields", output);
    }
    if let Some(write) = operation.write() {
        let undone = match &write.inverse {
            Inverse::Calls(calls) => {
                let calls: Vec<_> = calls.iter().map(|call| call.operation).collect();
                format!("by {}", calls.join(", "))
            }
            Inverse::Nothing(why) => format!("not needed: {why}"),
            Inverse::Impossible(why) => format!("cannot be: {why}"),
        };
        let _ = writeln!(out, "\nundone  {undone}");
    }
    if !operation.example.is_empty() {
        let _ = write!(
            out,
            "\nexample\n  {}",
            operation.example.replace('\n', "\n  ")
        );
    }
    out.trim_end().to_owned()
}

fn parameters(out: &mut String, heading: &str, structure: &Structure) {
    if structure.fields.is_empty() {
        return;
    }
    let mut fields: Vec<&Field> = structure.fields.iter().collect();
    fields.sort_by_key(|field| (!field.required, field.name));
    let name = |field: &Field| format!("{}{}", field.name, if field.required { " *" } else { "" });
    let width = fields
        .iter()
        .map(|field| name(field).len())
        .max()
        .unwrap_or(0);
    let _ = writeln!(out, "\n{heading}");
    for field in fields {
        let _ = writeln!(out, "  {:width$}  {}", name(field), described(field));
    }
}

/// The type of a field, its values if there are few, and what it is.
#[must_use]
pub fn described(field: &Field) -> String {
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
