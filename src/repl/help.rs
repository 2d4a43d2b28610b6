//! `?NAME`, `:help NAME` and `help("NAME")`: what only this shell has, and else the pages of
//! `opsh doc`, or what it finds.

use std::sync::Arc;

use rhai::{Engine, EvalAltResult, ImmutableString};

use super::commands;
use super::memory::{self, Function, Memory, Shared};
use super::session::Session;
use crate::cli::console::Console;
use crate::cli::doc;
use crate::modules::Terminal as _;
use crate::script::error::ScriptError;
use crate::surface;

/// Gives scripts `help()` and `help(name)`, which print.
pub fn register(engine: &mut Engine, memory: &Shared, console: &Arc<Console>) {
    let shared = Arc::clone(memory);
    let out = Arc::clone(console);
    engine.register_fn(
        "help",
        move |name: ImmutableString| -> Result<(), Box<EvalAltResult>> {
            let text = about(&memory::lock(&shared), &name).map_err(|error| error.summary())?;
            super::tell(&out, &text);
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
    about(&memory::lock(&memory), name)
}

fn about(memory: &Memory, name: &str) -> Result<String, ScriptError> {
    let name = name.trim().trim_end_matches("()").trim_end_matches("::");
    if let Some(command) = commands::find(name) {
        return Ok(format!("{}  {}", command.name, command.doc));
    }
    let known = name.split_once("::").map_or(name, |(module, _)| module);
    if surface::module(known).is_none() {
        if let Some(functions) = memory.imports.get(name) {
            return Ok(listed(functions));
        }
        if let Some(function) = memory.function(name) {
            return Ok(self::function(function));
        }
    }
    doc::about(name).or_else(|unknown| match doc::found(name) {
        Some(found) if !name.contains("::") => Ok(format!(
            "nothing is called '{name}'; this has to do with it:\n\n{found}"
        )),
        _ => Err(unknown),
    })
}

fn listed(functions: &[Function]) -> String {
    let rows = functions
        .iter()
        .map(|function| (function.signature(), function.summary()));
    let width = rows.clone().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.map(|(name, doc)| format!("{name:width$}  {doc}").trim_end().to_owned())
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
