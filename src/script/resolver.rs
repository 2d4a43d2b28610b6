//! Imports: the embedded standard library by name, and files beside the playbook.
//!
//! A file import is confined to the folder of the playbook: neither `..`, an
//! absolute path nor a symbolic link leads out of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rhai::{Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};

use super::source::{Source, Sources};

/// Name and text of every module of the embedded standard library.
pub static STDLIB: &[(&str, &str)] = &[
    ("instances", include_str!("../../stdlib/instances.rhai")),
    ("server", include_str!("../../stdlib/server.rhai")),
    ("watch", include_str!("../../stdlib/watch.rhai")),
    ("web", include_str!("../../stdlib/web.rhai")),
];

/// Resolves imports, each once.
pub struct Resolver {
    root: Option<PathBuf>,
    sources: Arc<Sources>,
    loaded: Mutex<BTreeMap<String, Shared<Module>>>,
}

impl Resolver {
    /// Imports files from `root` only; from nowhere if there is none.
    #[must_use]
    pub fn new(root: Option<&Path>, sources: Arc<Sources>) -> Self {
        Self {
            root: root.and_then(|root| root.canonicalize().ok()),
            sources,
            loaded: Mutex::default(),
        }
    }

    /// The name for places, and the text.
    fn find(&self, path: &str, position: Position) -> Result<(String, String), Box<EvalAltResult>> {
        if let Some((name, text)) = STDLIB.iter().find(|(name, _)| *name == path) {
            return Ok((format!("stdlib/{name}.rhai"), (*text).to_owned()));
        }
        let missing = || {
            Box::new(EvalAltResult::ErrorModuleNotFound(
                path.to_owned(),
                position,
            ))
        };
        let root = self.root.as_ref().ok_or_else(missing)?;
        let mut file = root.join(path);
        if file.extension().is_none() {
            file.set_extension("rhai");
        }
        let real = file.canonicalize().map_err(|_| missing())?;
        if !real.starts_with(root) {
            return Err(Box::new(EvalAltResult::ErrorRuntime(
                format!("import of {path:?} leads out of the playbook's folder").into(),
                position,
            )));
        }
        let text = std::fs::read_to_string(&real).map_err(|error| {
            Box::new(EvalAltResult::ErrorRuntime(
                format!("import of {path:?}: {error}").into(),
                position,
            ))
        })?;
        let name = real
            .strip_prefix(root)
            .unwrap_or(&real)
            .display()
            .to_string();
        Ok((name, text))
    }
}

impl ModuleResolver for Resolver {
    fn resolve(
        &self,
        engine: &Engine,
        _source: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<Shared<Module>, Box<EvalAltResult>> {
        let lock = || self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = lock().get(path) {
            return Ok(Shared::clone(module));
        }
        let (name, text) = self.find(path, position)?;
        self.sources.insert(&name, Source::new(&text, None));
        let mut ast = engine.compile(&text).map_err(|error| {
            Box::new(EvalAltResult::ErrorInModule(
                name.clone(),
                error.into(),
                position,
            ))
        })?;
        ast.set_source(name.as_str());
        let module = Module::eval_ast_as_new(Scope::new(), &ast, engine).map_err(|error| {
            Box::new(EvalAltResult::ErrorInModule(name.clone(), error, position))
        })?;
        self.sources
            .insert(&name, Source::new(&text, Some(Arc::new(ast))));
        let module = Shared::new(module);
        lock().insert(path.to_owned(), Shared::clone(&module));
        Ok(module)
    }
}
