//! The texts of a run: playbook and imported modules, for excerpts and places.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use rhai::AST;

/// One text.
#[derive(Clone)]
pub struct Source {
    /// As it was read.
    pub text: Arc<str>,
    /// As it was parsed; `None` if it could not be.
    pub ast: Option<Arc<AST>>,
}

/// Texts by the name that positions refer to.
#[derive(Default)]
pub struct Sources(RwLock<BTreeMap<String, Source>>);

impl Sources {
    /// Keeps a text under its name.
    pub fn insert(&self, name: &str, source: Source) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), source);
    }

    /// The text of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Source> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }
}
