//! Imports as they are parsed: a file once a run, the standard library once a process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rhai::{AST, ParseError};

use super::engine;
use super::resolver::Import;
use super::source::{Source, Sources};

/// What `import` is parsed to; it is among the `sources` from then on, also if it is no Rhai,
/// for the excerpt.
///
/// # Errors
/// Its syntax is wrong.
pub fn import(import: &Import, sources: &Sources) -> Result<Arc<AST>, ParseError> {
    match import {
        Import::File { name, text } => {
            let known = sources.get(name).filter(|known| *known.text == **text);
            match known.and_then(|known| known.ast) {
                Some(ast) => Ok(ast),
                None => parse(name, text, sources),
            }
        }
        Import::Embedded { name, text } => {
            // In two steps, or the lock would be held while the other one is waited for.
            let known = embedded().get(name).cloned();
            if let Some((source, ast)) = known {
                sources.insert(name, source);
                return Ok(ast);
            }
            let ast = parse(name, text, sources)?;
            if let Some(source) = sources.get(name) {
                embedded().insert(name.clone(), (source, Arc::clone(&ast)));
            }
            Ok(ast)
        }
    }
}

/// Parses a text; it is among the `sources` from then on, also if it is no Rhai, for the excerpt.
///
/// # Errors
/// Its syntax is wrong.
pub fn parse(name: &str, text: &str, sources: &Sources) -> Result<Arc<AST>, ParseError> {
    sources.insert(name, Source::new(text, None));
    let mut ast = engine::bare().compile(text)?;
    ast.set_source(name);
    let ast = Arc::new(ast);
    sources.insert(name, Source::new(text, Some(Arc::clone(&ast))));
    Ok(ast)
}

type Known = BTreeMap<String, (Source, Arc<AST>)>;

/// The modules of the standard library that have been parsed: they are the same for all engines.
fn embedded() -> MutexGuard<'static, Known> {
    static EMBEDDED: Mutex<Known> = Mutex::new(BTreeMap::new());
    EMBEDDED.lock().unwrap_or_else(PoisonError::into_inner)
}
