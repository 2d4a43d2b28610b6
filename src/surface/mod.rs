//! What can be called, as one model: the ground of reference, completion, hints and checks.
//!
//! Nothing is listed here: operations come from the registry, functions of the standard
//! library from its text, those of no module from where the engine registers them, and
//! Rhai's own from Rhai. A module is looked at when it is first asked for: a run that asks
//! for none pays nothing.
//!
//! - [`callable`]: one thing that can be called, with its parameters;
//! - [`library`]: the functions of a Rhai module, out of its text;
//! - [`language`]: Rhai's own functions;
//! - [`prose`]: a documentation comment taken apart;
//! - [`playbook`]: what a playbook says of itself, and what it can reach;
//! - [`describe`], [`fields`]: pages about all of it, as the blocks of a [`page`];
//! - [`search`]: what is meant by some words;
//! - [`book`], [`definitions`], [`json`]: the whole of it for mdBook, editors, programs.
//! - [`lint`]: what is wrong with a playbook, found without running it.

pub mod book;
pub mod callable;
#[cfg(test)]
mod checks;
pub mod definitions;
pub mod describe;
pub mod fields;
pub mod json;
pub mod language;
pub mod library;
pub mod lint;
pub mod page;
pub mod playbook;
pub mod prose;
pub mod search;

use std::borrow::Cow;
use std::sync::{LazyLock, OnceLock};

pub use callable::{Callable, Kind, Parameter};
use opsh_operation::{FaultKind, Raises};
use prose::Doc;

use crate::cases::declaration;
use crate::modules::about;
use crate::modules::registry::registry;
use crate::modules::service;
use crate::script::builtin::BUILTINS;
use crate::script::resolver::STDLIB;

/// What the functions of no module stand under in lists.
const BUILTIN: &str = "builtin";

/// What the function of files of cases stands under in lists.
pub const CASES: &str = "cases";

/// Where a module comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Operations of the registry; called as `name::…` in every playbook.
    Registry,
    /// The embedded standard library; imported by name.
    Library,
    /// The functions that belong to no module.
    Builtin,
}

/// A module and what can be called in it.
#[derive(Debug)]
pub struct Module {
    /// Its name, e.g. `ec2`; [`BUILTIN`] for the functions of no module.
    pub name: Cow<'static, str>,
    /// Where it comes from.
    pub origin: Origin,
    /// What it is for.
    pub doc: Doc,
    /// What can be called in it, by name; overloads stand one after the other.
    pub callables: Vec<Callable>,
}

impl Module {
    /// What `name` is in it; of overloads, the one with the fewest parameters.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Callable> {
        self.callables.iter().find(|callable| callable.name == name)
    }

    /// All that is called `name` in it.
    pub fn all<'a, 'n>(
        &'a self,
        name: &'n str,
    ) -> impl Iterator<Item = &'a Callable> + use<'a, 'n> {
        self.callables
            .iter()
            .filter(move |callable| callable.name == name)
    }

    /// The names in it, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mut last = "";
        self.callables
            .iter()
            .map(|callable| &*callable.name)
            .filter(move |name| std::mem::replace(&mut last, name) != *name)
    }
}

/// A module that is made when it is first asked for.
struct Slot {
    name: &'static str,
    origin: Origin,
    module: OnceLock<Module>,
}

static SLOTS: LazyLock<Vec<Slot>> = LazyLock::new(|| {
    let slot = |origin| {
        move |name| Slot {
            name,
            origin,
            module: OnceLock::new(),
        }
    };
    let operations = registry().modules().map(|(name, _)| name);
    let library = STDLIB.iter().map(|(name, _)| *name);
    operations
        .map(slot(Origin::Registry))
        .chain(library.map(slot(Origin::Library)))
        .chain([BUILTIN, CASES].map(slot(Origin::Builtin)))
        .collect()
});

impl Slot {
    fn module(&'static self) -> &'static Module {
        self.module.get_or_init(|| match self.origin {
            Origin::Registry => operations(self.name),
            Origin::Library => {
                let text = STDLIB.iter().find(|(name, _)| *name == self.name);
                let text = text.map_or("", |(_, text)| text);
                // A test parses every embedded module.
                library::parse(self.name, text).unwrap_or_else(|_| Module {
                    name: self.name.into(),
                    origin: Origin::Library,
                    doc: Doc::default(),
                    callables: Vec::new(),
                })
            }
            Origin::Builtin if self.name == CASES => Module {
                name: CASES.into(),
                origin: Origin::Builtin,
                doc: Doc::of_sentence("What declares cases of a playbook, in files *.test.rhai."),
                callables: vec![Callable::builtin(declaration::TEST.operation)],
            },
            Origin::Builtin => Module {
                name: BUILTIN.into(),
                origin: Origin::Builtin,
                doc: Doc::of_sentence("Functions that belong to no module."),
                callables: BUILTINS
                    .iter()
                    .map(|builtin| Callable::builtin(builtin.operation))
                    .collect(),
            },
        })
    }
}

fn operations(name: &'static str) -> Module {
    Module {
        name: name.into(),
        origin: Origin::Registry,
        doc: Doc::of_sentence(about::of(name).unwrap_or_default()),
        callables: registry()
            .module(name)
            .into_iter()
            .flatten()
            .map(|(_, entry)| Callable::operation(entry))
            .collect(),
    }
}

/// Every module: those of the registry, the standard library, the functions of no module.
pub fn modules() -> impl Iterator<Item = &'static Module> {
    SLOTS.iter().map(Slot::module)
}

/// The names of all modules of `origin`, none of which is looked into.
pub fn names(origin: Origin) -> impl Iterator<Item = &'static str> {
    SLOTS
        .iter()
        .filter(move |slot| slot.origin == origin)
        .map(|slot| slot.name)
}

/// The module `name`.
#[must_use]
pub fn module(name: &str) -> Option<&'static Module> {
    SLOTS
        .iter()
        .find(|slot| slot.name == name)
        .map(Slot::module)
}

/// What `module::name` is, or a name of no module (`param`, `every`).
#[must_use]
pub fn find(name: &str) -> Option<&'static Callable> {
    match name.split_once("::") {
        Some((in_module, name)) => module(in_module)?.get(name),
        None => unqualified().find(|callable| callable.name == name),
    }
}

/// The kind of an error that is known to happen.
#[must_use]
pub fn raised(raises: &Raises) -> FaultKind {
    raises
        .kind
        .unwrap_or_else(|| opsh_aws::kind_of(raises.code))
}

/// What is called by its own name alone: functions of no module, and those of services.
pub fn unqualified() -> impl Iterator<Item = &'static Callable> {
    [BUILTIN, CASES, service::MODULE]
        .into_iter()
        .filter_map(module)
        .flat_map(|module| &module.callables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_has_a_name_of_its_own_and_says_what_it_is_for() {
        let mut seen = std::collections::BTreeSet::new();
        for module in modules() {
            assert!(seen.insert(module.name.clone()), "{} twice", module.name);
            assert!(!module.callables.is_empty(), "{} is empty", module.name);
            let summary = &module.doc.summary;
            assert!(prose::is_sentence(summary), "{}: {summary:?}", module.name);
        }
        assert!(seen.contains("ec2") && seen.contains("web") && seen.contains(BUILTIN));
        let unknown: Vec<_> = about::MODULES
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| registry().module(name).is_none())
            .collect();
        assert!(unknown.is_empty(), "no modules: {unknown:?}");
    }

    #[test]
    fn what_can_be_called_is_found_by_name() {
        let launch = find("ec2::run_instances").map(Callable::full_name);
        assert_eq!(launch.as_deref(), Some("ec2::run_instances"));
        let publish = find("web::publish_object").map(Callable::signature);
        let expected = "web::publish_object(bucket, key, content, content_type)";
        assert_eq!(publish.as_deref(), Some(expected));
        assert_eq!(
            find("param").map(Callable::signature).as_deref(),
            Some("param(name, [options])")
        );
        assert_eq!(
            find("every").map(Callable::signature).as_deref(),
            Some("every(period, function, [options])")
        );
        assert!(find("web::try_head").is_none(), "it is private");
        assert!(find("nowhere::nothing").is_none());
    }
}
