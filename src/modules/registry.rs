//! The table of all operations; every surface is generated from it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::{Entry, Handler, NATIVE};

/// All operations, by module and name.
pub struct Registry {
    modules: BTreeMap<&'static str, BTreeMap<&'static str, Entry>>,
}

/// The one registry; made when first asked for.
pub fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        let mut modules: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        let native = NATIVE
            .iter()
            .copied()
            .flatten()
            .map(|entry| (entry.operation, entry.handler));
        let aws = opsh_aws::bindings()
            .iter()
            .map(|binding| (binding.operation, Handler::Aws(binding)));
        for (operation, handler) in native.chain(aws) {
            modules
                .entry(operation.module)
                .or_default()
                .insert(operation.name, Entry { operation, handler });
        }
        Registry { modules }
    })
}

impl Registry {
    /// Modules in alphabetical order, each with its operations by name.
    pub fn modules(&self) -> impl Iterator<Item = (&'static str, &BTreeMap<&'static str, Entry>)> {
        self.modules.iter().map(|(name, entries)| (*name, entries))
    }

    /// Every operation, by module and name.
    pub fn operations(&self) -> impl Iterator<Item = &Entry> {
        self.modules.values().flat_map(BTreeMap::values)
    }

    /// The operations of `module` by name.
    #[must_use]
    pub fn module(&self, module: &str) -> Option<&BTreeMap<&'static str, Entry>> {
        self.modules.get(module)
    }

    /// The operation `module::name`.
    #[must_use]
    pub fn get(&self, full_name: &str) -> Option<&Entry> {
        let (module, name) = full_name.split_once("::")?;
        self.modules.get(module)?.get(name)
    }
}
