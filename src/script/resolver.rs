//! Imports: the embedded standard library by name, and files beside the playbook.
//!
//! A file import is confined to the folder of the playbook: neither `..`, an
//! absolute path nor a symbolic link leads out of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rhai::{Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};

use super::parsed;
use super::source::{self, Sources};

/// Name and text of every module of the embedded standard library.
pub static STDLIB: &[(&str, &str)] = &[
    ("alerts", include_str!("../../stdlib/alerts.rhai")),
    ("balancer", include_str!("../../stdlib/balancer.rhai")),
    ("bucket", include_str!("../../stdlib/bucket.rhai")),
    ("compare", include_str!("../../stdlib/compare.rhai")),
    ("counting", include_str!("../../stdlib/counting.rhai")),
    ("events", include_str!("../../stdlib/events.rhai")),
    ("fleet", include_str!("../../stdlib/fleet.rhai")),
    ("functions", include_str!("../../stdlib/functions.rhai")),
    ("given", include_str!("../../stdlib/given.rhai")),
    ("group", include_str!("../../stdlib/group.rhai")),
    ("health", include_str!("../../stdlib/health.rhai")),
    ("images", include_str!("../../stdlib/images.rhai")),
    ("instances", include_str!("../../stdlib/instances.rhai")),
    ("launch", include_str!("../../stdlib/launch.rhai")),
    ("machines", include_str!("../../stdlib/machines.rhai")),
    ("messages", include_str!("../../stdlib/messages.rhai")),
    ("pool", include_str!("../../stdlib/pool.rhai")),
    ("questions", include_str!("../../stdlib/questions.rhai")),
    ("queues", include_str!("../../stdlib/queues.rhai")),
    ("removal", include_str!("../../stdlib/removal.rhai")),
    ("server", include_str!("../../stdlib/server.rhai")),
    ("servers", include_str!("../../stdlib/servers.rhai")),
    ("snapshots", include_str!("../../stdlib/snapshots.rhai")),
    ("uploads", include_str!("../../stdlib/uploads.rhai")),
    ("watch", include_str!("../../stdlib/watch.rhai")),
    ("web", include_str!("../../stdlib/web.rhai")),
    ("webapp", include_str!("../../stdlib/webapp.rhai")),
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

    /// What `path` stands for.
    fn find(&self, path: &str, position: Position) -> Result<Import, Box<EvalAltResult>> {
        find(self.root.as_deref(), path).map_err(|unfound| {
            match unfound {
                Unfound::Missing => EvalAltResult::ErrorModuleNotFound(path.to_owned(), position),
                Unfound::Refused(why) => EvalAltResult::ErrorRuntime(why.into(), position),
            }
            .into()
        })
    }
}

/// What an import stands for.
pub enum Import {
    /// A module of the standard library.
    Embedded {
        /// For places, e.g. `stdlib/web.rhai`.
        name: String,
        /// Its text.
        text: &'static str,
    },
    /// A file in the playbook's folder.
    File {
        /// For places: its path from that folder on.
        name: String,
        /// Its text.
        text: String,
    },
}

impl Import {
    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Embedded { text, .. } => text,
            Self::File { text, .. } => text,
        }
    }

    /// The name for places.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Embedded { name, .. } | Self::File { name, .. } => name,
        }
    }
}

/// Why an import stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfound {
    /// There is nothing of that name.
    Missing,
    /// There is, but it is not taken; says why.
    Refused(String),
}

/// What an import of `path` stands for in a playbook in the folder `root`, a real path.
///
/// # Errors
/// Nothing has that name, it leads out of the folder, it cannot be read.
pub fn find(root: Option<&Path>, path: &str) -> Result<Import, Unfound> {
    if let Some((name, text)) = STDLIB.iter().find(|(name, _)| *name == path) {
        return Ok(Import::Embedded {
            name: format!("stdlib/{name}.rhai"),
            text,
        });
    }
    let root = root.ok_or(Unfound::Missing)?;
    let mut file = root.join(path);
    if file.extension().is_none() {
        file.set_extension("rhai");
    }
    let real = file.canonicalize().map_err(|_| Unfound::Missing)?;
    let Ok(name) = real.strip_prefix(root) else {
        return Err(Unfound::Refused(format!(
            "import of {path:?} leads out of the playbook's folder"
        )));
    };
    let text = std::fs::read_to_string(&real)
        .map_err(|error| Unfound::Refused(format!("import of {path:?}: {error}")))?;
    Ok(Import::File {
        name: name.display().to_string(),
        text: source::without_mark(text),
    })
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
        let import = self.find(path, position)?;
        let in_module = |name: &str, error| {
            Box::new(EvalAltResult::ErrorInModule(
                name.to_owned(),
                error,
                position,
            ))
        };
        let name = import.name();
        let ast = parsed::import(&import, &self.sources)
            .map_err(|error| in_module(name, error.into()))?;
        let module = Module::eval_ast_as_new(Scope::new(), &ast, engine)
            .map_err(|error| in_module(name, error))?;
        let module = Shared::new(module);
        lock().insert(path.to_owned(), Shared::clone(&module));
        Ok(module)
    }
}
