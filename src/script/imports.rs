//! What imports bring along, found and parsed without running anything.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhai::{AST, ParseError};

use super::parsed;
use super::resolver::{self, Import, Unfound};
use super::source::Sources;

/// Looks imports up as a run of the playbook does.
pub struct Imports<'a> {
    root: Option<PathBuf>,
    sources: &'a Sources,
}

/// A module that an import brings.
pub struct Imported {
    /// What the import stands for.
    pub found: Import,
    /// It, parsed.
    pub ast: Arc<AST>,
}

/// Why an import brings nothing.
pub enum Failed {
    /// There is nothing to take.
    Unfound(Unfound),
    /// The module of this name has a syntax error.
    Unparsed(String, ParseError),
}

impl<'a> Imports<'a> {
    /// Imports of a playbook in `folder`; what is parsed stays in `sources`, where a run
    /// finds it.
    #[must_use]
    pub fn new(folder: &Path, sources: &'a Sources) -> Self {
        Self {
            root: folder.canonicalize().ok(),
            sources,
        }
    }

    /// What an import of `path` brings.
    ///
    /// # Errors
    /// There is nothing of that name, it is out of bounds, it cannot be parsed.
    pub fn load(&self, path: &str) -> Result<Imported, Failed> {
        let found = resolver::find(self.root.as_deref(), path).map_err(Failed::Unfound)?;
        match parsed::import(&found, self.sources) {
            Ok(ast) => Ok(Imported { found, ast }),
            Err(error) => Err(Failed::Unparsed(found.name().to_owned(), error)),
        }
    }
}
