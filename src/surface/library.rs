//! The functions of a Rhai module, out of its text: names, parameters, comments.

use rhai::{AST, FnAccess, ParseError};

use super::callable::{Argument, Callable, Kind};
use super::{Module, Origin, prose};
use crate::script::engine::bare;

/// The module `name` of this text.
///
/// # Errors
/// The text's first syntax error.
pub fn parse(name: &str, text: &str) -> Result<Module, ParseError> {
    Ok(of(name, &bare().compile(text)?))
}

/// The module `name` that was parsed to `ast`: its public functions.
#[must_use]
pub fn of(name: &str, ast: &AST) -> Module {
    let doc = prose::comment(ast.doc(), "//!").doc;
    let setup = format!("import {name:?} as {name};\n{}", doc.setup);
    let setup = setup.trim_end();
    let mut callables: Vec<Callable> = ast
        .iter_functions()
        .filter(|function| function.access == FnAccess::Public)
        .filter(|function| !function.name.starts_with("anon$"))
        .map(|function| {
            let mut found = callable(name, function.name, &function.params, &function.comments);
            found.doc.setup = setup.to_owned().into();
            found
        })
        .collect();
    callables.sort_by_cached_key(|callable| {
        let parameters = callable.parameters().len();
        (callable.name.to_string(), parameters)
    });
    Module {
        name: name.to_owned().into(),
        origin: Origin::Library,
        doc,
        callables,
    }
}

fn callable(module: &str, name: &str, parameters: &[&str], comments: &[&str]) -> Callable {
    let said = prose::comment(&comments.join("\n"), "///");
    let of = |name: &str| {
        let found = said.parameters.iter().find(|(known, _)| known == name);
        found.map_or_else(String::new, |(_, doc)| doc.clone())
    };
    let arguments = parameters
        .iter()
        .map(|name| Argument {
            name: (*name).to_owned(),
            of_type: String::new(),
            doc: of(name),
        })
        .collect();
    Callable {
        module: module.to_owned().into(),
        name: name.to_owned().into(),
        kind: Kind::Library(arguments),
        doc: said.doc,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::script::resolver::STDLIB;

    #[test]
    fn every_module_of_the_standard_library_is_parsed() {
        for (name, text) in STDLIB {
            let module = super::parse(name, text);
            assert!(!module.unwrap().callables.is_empty(), "{name}");
        }
    }
}
