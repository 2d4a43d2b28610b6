//! Names: modules, operations, functions, variables, commands, and what can be imported.

use rustyline::completion::Pair;

use super::pair;
use crate::modules::registry::registry;
use crate::modules::service;
use crate::repl::commands::COMMANDS;
use crate::repl::lex::{Kind, Token};
use crate::repl::memory::Memory;
use crate::script::resolver::STDLIB;

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

/// Everything that can be called and asked about, whole; `call` opens its brackets, too.
pub fn callables(memory: &Memory, typed: &str, call: bool) -> Vec<Pair> {
    let tail = if call { "(" } else { "" };
    let Some((module, prefix)) = typed.split_once("::") else {
        let modules = registry().modules().map(|(name, _)| name);
        let modules = modules.chain(memory.imports.keys().map(String::as_str));
        let functions = memory.functions.iter().map(|function| &function.name);
        return modules
            .map(|name| format!("{name}::"))
            .chain(functions.map(|name| format!("{name}{tail}")))
            .filter(|name| name.starts_with(typed))
            .map(|name| pair(&name, name.as_str()))
            .collect();
    };
    in_module(memory, module, prefix)
        .into_iter()
        .map(|found| {
            let name = found.replacement.trim_end_matches('(');
            pair(&found.display, format!("{name}{tail}"))
        })
        .collect()
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
