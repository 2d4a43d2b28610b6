//! Names: modules, operations, functions, variables, commands, and what can be imported.

use std::collections::BTreeSet;

use rustyline::completion::Pair;

use super::pair;
use crate::modules::registry::registry;
use crate::modules::service;
use crate::repl::commands::COMMANDS;
use crate::repl::lex::{Kind, Token};
use crate::repl::memory::Memory;
use crate::script::resolver::STDLIB;
use crate::surface::{self, Module, Origin};

/// The module before a name that is being typed, and where it begins.
pub fn path<'a>(input: &'a str, before: &[Token]) -> Option<(&'a str, usize)> {
    let [.., module, colons] = before else {
        return None;
    };
    let qualifies = colons.of(input) == "::" && module.kind == Kind::Word;
    qualifies.then(|| (module.of(input), module.span.start))
}

/// What `module` has that begins with `prefix`, as the whole of `module::name(`.
pub fn in_module(memory: &Memory, module: &str, prefix: &str) -> Vec<Pair> {
    if let Some(entries) = registry().module(module) {
        return entries
            .keys()
            .filter(|name| name.starts_with(prefix))
            .map(|name| pair(name, format!("{module}::{name}(")))
            .collect();
    }
    let functions = memory.imports.get(module).into_iter().flatten();
    functions
        .filter(|function| function.name.starts_with(prefix))
        .map(|function| {
            pair(
                &function.signature(),
                format!("{module}::{}(", function.name),
            )
        })
        .collect()
}

/// What could begin with `prefix` where an expression is written; at the beginning of a
/// statement, modules that were not imported yet, too.
pub fn words(memory: &Memory, prefix: &str, begins: bool) -> Vec<Pair> {
    let matches = |name: &str| name.starts_with(prefix);
    let mut found: Vec<Pair> = registry()
        .modules()
        .map(|(name, _)| name)
        .chain(memory.imports.keys().map(String::as_str))
        .filter(|name| matches(name))
        .map(|name| pair(&format!("{name}::"), format!("{name}::")))
        .collect();
    found.extend(
        memory
            .functions
            .iter()
            .filter(|function| matches(&function.name))
            .map(|function| pair(&function.signature(), format!("{}(", function.name))),
    );
    found.extend(
        memory
            .variables()
            .iter()
            .filter(|name| matches(name))
            .map(|name| pair(name, name)),
    );
    if prefix.is_empty() {
        return found;
    }
    let services = registry().module(service::MODULE).into_iter().flatten();
    found.extend(
        services
            .filter(|(name, _)| matches(name))
            .map(|(name, _)| pair(name, format!("{name}("))),
    );
    if begins {
        found.extend(
            importable(prefix)
                .filter(|name| !memory.imports.contains_key(*name))
                .map(|name| {
                    let import = format!("import \"{name}\" as {name};");
                    pair(&import, import.as_str())
                }),
        );
    }
    found
}

/// Modules of the standard library that begin with `prefix`.
pub fn importable(prefix: &str) -> impl Iterator<Item = &'static str> {
    STDLIB
        .iter()
        .map(|(name, _)| *name)
        .filter(move |name| name.starts_with(prefix))
}

/// Everything that there is help about: modules, imported or not, and what is in them.
pub fn subjects(memory: &Memory, typed: &str) -> Vec<Pair> {
    let names: BTreeSet<String> = match typed.split_once("::") {
        None => {
            let modules = surface::names(Origin::Registry).chain(surface::names(Origin::Library));
            let functions = memory.functions.iter().map(|function| &function.name);
            modules
                .map(str::to_owned)
                .chain(memory.imports.keys().cloned())
                .map(|name| name + "::")
                .chain(functions.cloned())
                .chain(surface::unqualified().map(|callable| callable.name.to_string()))
                .collect()
        }
        Some((module, _)) => {
            let own = memory.imports.get(module).into_iter().flatten();
            let known = surface::module(module);
            let known = known.into_iter().flat_map(Module::names);
            own.map(|function| function.name.as_str())
                .chain(known)
                .map(|name| format!("{module}::{name}"))
                .collect()
        }
    };
    let names = names.iter().filter(|name| name.starts_with(typed));
    names.map(|name| pair(name, name)).collect()
}

/// The shell's own commands.
pub fn commands(typed: &str) -> Vec<Pair> {
    COMMANDS
        .iter()
        .filter(|command| command.name.starts_with(typed))
        .map(|command| {
            let space = if command.takes.is_nothing() { "" } else { " " };
            pair(command.name, format!("{}{space}", command.name))
        })
        .collect()
}
