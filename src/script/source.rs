//! The texts of a run: playbook and imported modules, for excerpts and places.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use rhai::{AST, Position};

use super::check;

/// One text.
#[derive(Clone)]
pub struct Source {
    /// As it was read.
    pub text: Arc<str>,
    /// As it was parsed; `None` if it could not be.
    pub ast: Option<Arc<AST>>,
    /// Where each call of a module's function begins, by where the function's name stands.
    starts: Arc<OnceLock<BTreeMap<Position, Position>>>,
}

impl Source {
    /// A text, parsed or not.
    #[must_use]
    pub fn new(text: &str, ast: Option<Arc<AST>>) -> Self {
        Self {
            text: text.into(),
            ast,
            starts: Arc::default(),
        }
    }
}

/// A text without the mark with which some editors say that it is UTF-8: no part of it, and
/// nothing that anybody sees.
#[must_use]
pub fn without_mark(mut text: String) -> String {
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    text
}

/// Texts by the name that positions refer to.
#[derive(Default)]
pub struct Sources {
    texts: RwLock<BTreeMap<String, Source>>,
}

impl Sources {
    /// Keeps a text under its name.
    pub fn insert(&self, name: &str, source: Source) {
        self.texts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), source);
    }

    /// Where the call begins (`ec2` of `ec2::run_instances`) whose function's name
    /// stands at `position` in `source`.
    #[must_use]
    pub fn start(&self, source: &str, position: Position) -> Position {
        let texts = self.read();
        let start = texts.get(source).and_then(|source| {
            let ast = source.ast.as_ref()?;
            let starts = source.starts.get_or_init(|| check::starts(ast));
            starts.get(&position).copied()
        });
        start.unwrap_or(position)
    }

    /// All texts so far, for somebody who adds to them alone.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self {
            texts: RwLock::new(self.read().clone()),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Source>> {
        self.texts.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Source> {
        self.read().get(name).cloned()
    }
}
