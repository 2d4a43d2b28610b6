//! What a shell remembers of its inputs, as far as help while typing looks at it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rhai::{AST, Dynamic, FnAccess, Module, Scope};

/// The name of the last result.
pub const LAST: &str = "_";

/// What the session and those who help typing share.
pub type Shared = Arc<Mutex<Memory>>;

/// The memory, whoever has it.
pub fn lock(memory: &Shared) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A function that a playbook or a module defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its parameters' names.
    pub parameters: Vec<String>,
    /// What is written above it, without the slashes.
    pub doc: String,
}

impl Function {
    /// `name(one, other)`.
    #[must_use]
    pub fn signature(&self) -> String {
        format!("{}({})", self.name, self.parameters.join(", "))
    }

    /// The first sentence of what is written above it.
    #[must_use]
    pub fn summary(&self) -> &str {
        self.doc.lines().next().unwrap_or_default()
    }
}

/// Variables, functions and imports.
pub struct Memory {
    /// The variables; [`LAST`] is the last result.
    pub scope: Scope<'static>,
    /// The functions that were typed.
    pub functions: Vec<Function>,
    /// The functions of each module that was imported, by the module's name here.
    pub imports: BTreeMap<String, Vec<Function>>,
}

impl Default for Memory {
    fn default() -> Self {
        let mut scope = Scope::new();
        scope.push_dynamic(LAST, Dynamic::UNIT);
        Self {
            scope,
            functions: Vec::new(),
            imports: BTreeMap::new(),
        }
    }
}

impl Memory {
    /// The names of all variables but [`LAST`], each once.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .scope
            .iter()
            .map(|(name, ..)| name.to_owned())
            .filter(|name| name != LAST)
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// The function `name`, or `module::name` of an import.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Function> {
        let (functions, name) = match name.split_once("::") {
            Some((module, name)) => (self.imports.get(module)?, name),
            None => (&self.functions, name),
        };
        functions.iter().find(|function| function.name == name)
    }
}

/// The functions that `ast` defines.
#[must_use]
pub fn functions_of(ast: &AST) -> Vec<Function> {
    ast.iter_functions()
        .filter(|function| !function.name.starts_with("anon$"))
        .map(|function| Function {
            name: function.name.to_owned(),
            parameters: function.params.iter().map(ToString::to_string).collect(),
            doc: doc(&function.comments),
        })
        .collect()
}

/// The functions that a module lets others call.
#[must_use]
pub fn functions_in(module: &Module) -> Vec<Function> {
    let mut all: Vec<Function> = module
        .iter_script_fn_info()
        .filter(|(_, access, ..)| *access == FnAccess::Public)
        .map(|(_, _, name, _, definition)| Function {
            name: name.to_owned(),
            parameters: definition.params.iter().map(ToString::to_string).collect(),
            doc: doc(&definition.comments),
        })
        .filter(|function| !function.name.starts_with("anon$"))
        .collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// Doc comments without their slashes.
fn doc(comments: &[impl AsRef<str>]) -> String {
    comments
        .iter()
        .flat_map(|comment| comment.as_ref().lines())
        .map(|line| {
            let line = line.trim();
            line.strip_prefix("///").unwrap_or(line).trim()
        })
        .collect::<Vec<_>>()
        .join("\n")
}
