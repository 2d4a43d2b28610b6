//! Which operations a playbook can call, itself and through what it imports.
//!
//! Code cannot be made up at run time (`eval` is disabled), so the texts say it all. A run
//! binds what is reached and nothing else: the registry has hundreds of operations, and
//! giving all of them to the engine takes longer than an empty playbook. What is shown to
//! people, and what a function on Lambda is permitted, is looked at more closely.

mod parts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use rhai::AST;

use self::parts::{Part, Parts};
use super::engine;
use super::imports::Imports;
use super::source::Sources;
use crate::modules::registry::registry;
use crate::modules::{Entry, Handler, service};

/// Names of operations, each with its module's before it.
#[derive(Debug, PartialEq, Eq)]
pub struct Reach {
    calls: BTreeSet<(String, String)>,
    imports: BTreeSet<String>,
    /// An import's path is computed: whatever there is may be called.
    everything: bool,
}

impl Reach {
    /// What `ast` can call, with imports of files from `folder`; what is parsed on the way
    /// stays in `sources`.
    ///
    /// All of an imported module counts, so nothing is missed: a function may be called by
    /// a name that is put together at run time.
    #[must_use]
    pub fn of(ast: &AST, folder: &Path, sources: &Sources) -> Self {
        Self::search(ast, folder, sources, false)
    }

    /// The same, but of an imported module only the functions count that are called or
    /// named, and of what a computed import brings nothing does.
    #[must_use]
    pub fn closely(ast: &AST, folder: &Path, sources: &Sources) -> Self {
        Self::search(ast, folder, sources, true)
    }

    fn search(ast: &AST, folder: &Path, sources: &Sources, closely: bool) -> Self {
        let mut search = Search {
            reach: Self {
                calls: BTreeSet::new(),
                imports: BTreeSet::new(),
                everything: false,
            },
            closely,
            imports: Imports::new(folder, sources),
            modules: BTreeMap::new(),
            seen: BTreeSet::new(),
        };
        search.take_whole(&Parts::together(ast), None);
        search.reach
    }

    /// Whether `module::name` is among them.
    #[must_use]
    pub fn has(&self, module: &str, name: &str) -> bool {
        self.everything || self.calls.contains(&(module.to_owned(), name.to_owned()))
    }

    /// Whether anything of `module` is among them.
    #[must_use]
    pub fn touches(&self, module: &str) -> bool {
        let first = (module.to_owned(), String::new());
        self.everything
            || self
                .calls
                .range(first..)
                .next()
                .is_some_and(|(found, _)| found == module)
    }

    /// The operations, by their full names.
    #[must_use]
    pub fn operations(&self) -> BTreeMap<String, &'static Entry> {
        registry()
            .operations()
            .filter(|entry| self.has(entry.operation.module, entry.operation.name))
            .map(|entry| (entry.operation.full_name(), entry))
            .collect()
    }

    /// The paths of all that is imported, directly or by what is.
    #[must_use]
    pub fn imports(&self) -> &BTreeSet<String> {
        &self.imports
    }
}

impl Default for Reach {
    /// All of the registry.
    fn default() -> Self {
        Self {
            calls: BTreeSet::new(),
            imports: BTreeSet::new(),
            everything: true,
        }
    }
}

struct Search<'a> {
    reach: Reach,
    closely: bool,
    imports: Imports<'a>,
    /// By path; nothing for what cannot be imported, which says so when it is come to.
    modules: BTreeMap<String, Option<Rc<Parts>>>,
    /// Functions of modules that have been looked at.
    seen: BTreeSet<(String, String)>,
}

impl Search<'_> {
    /// Looks at a whole text, the playbook's or that of the module `path`.
    fn take_whole(&mut self, parts: &Parts, path: Option<&str>) {
        self.follow(parts);
        for part in &parts.all {
            self.take(parts, part, path);
        }
    }

    /// Looks at the imports of a text.
    fn follow(&mut self, parts: &Parts) {
        for path in parts.imports.values() {
            match path {
                Some(path) => {
                    self.reach.imports.insert(path.clone());
                    self.enter(path);
                }
                None => self.reach.everything |= !self.closely,
            }
        }
    }

    /// Looks at what runs with an import of `path`, or at all that it brings.
    fn enter(&mut self, path: &str) {
        if self.modules.contains_key(path) {
            return;
        }
        let parts = self.imports.load(path).ok().map(|loaded| {
            Rc::new(if self.closely {
                Parts::of(&loaded.ast)
            } else {
                Parts::together(&loaded.ast)
            })
        });
        self.modules.insert(path.to_owned(), parts.clone());
        let Some(parts) = parts else { return };
        if !self.closely {
            return self.take_whole(&parts, Some(path));
        }
        self.follow(&parts);
        // The top level is the part without a name.
        self.call(path, "");
    }

    /// Looks at the parts `name` of the module `path`, and at its closures.
    fn call(&mut self, path: &str, name: &str) {
        if !self.closely || !self.seen.insert((path.to_owned(), name.to_owned())) {
            return;
        }
        let Some(Some(parts)) = self.modules.get(path).cloned() else {
            return;
        };
        if !parts.all.iter().any(|part| part.name == name) {
            return;
        }
        let reached = |part: &&Part| part.name == name || part.is_closure();
        for part in parts.all.iter().filter(reached) {
            self.take(&parts, part, Some(path));
        }
    }

    /// Notes what a part of a text calls; `path` is that of its module.
    fn take(&mut self, parts: &Parts, part: &Part, path: Option<&str>) {
        for call in &part.calls {
            let Some(module) = &call.module else {
                self.operation(service::MODULE, &call.name);
                self.own(path, &call.name);
                continue;
            };
            match parts.imports.get(module) {
                Some(Some(imported)) if self.closely => self.call(imported, &call.name),
                _ => self.operation(module, &call.name),
            }
        }
        for word in &part.words {
            self.own(path, word);
        }
    }

    /// A call of `name` in the module `path`; a playbook is looked at as a whole.
    fn own(&mut self, path: Option<&str>, name: &str) {
        if let Some(path) = path {
            self.call(path, name);
        }
    }

    /// Notes `module::name`, and what it brings, if it is an operation.
    fn operation(&mut self, module: &str, name: &str) {
        let entry = registry().module(module).and_then(|all| all.get(name));
        let Some(entry) = entry else { return };
        if !self
            .reach
            .calls
            .insert((module.to_owned(), name.to_owned()))
        {
            return;
        }
        match entry.handler {
            Handler::Library { module, function } => {
                self.enter(module);
                self.call(module, function);
            }
            Handler::Script { brings } => {
                for text in brings {
                    if let Ok(ast) = engine::bare().compile(text) {
                        self.take_whole(&Parts::together(&ast), None);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn reach(text: &str) -> Reach {
        let ast = engine::bare().compile(text).unwrap();
        Reach::of(&ast, Path::new("."), &Sources::default())
    }

    #[test]
    fn what_is_called_is_reached_wherever_it_stands() {
        let found = reach(
            "fn f() { if false { `${sts::get_caller_identity().account}` } }
             let g = || ssh::run(\"h\", \"true\");",
        );
        assert!(found.has("sts", "get_caller_identity"));
        assert!(found.has("ssh", "run"));
        assert!(found.touches("ssh"));
        assert!(!found.has("ssh", "upload"));
        assert!(!found.touches("ec2"));
    }

    #[test]
    fn what_imports_call_is_reached_too() {
        // `web` imports others in turn.
        let found = reach("import \"web\" as web; web::publish_object(#{});");
        assert!(found.has("s3", "put_bucket_policy"), "{found:?}");
        assert!(!found.touches("autoscaling"));
    }

    #[test]
    fn an_operation_that_is_written_in_rhai_brings_what_it_calls() {
        assert!(reach("lambda::deploy(#{});").has("iam", "create_role"));
    }

    #[test]
    fn alarms_bring_what_subscribes_to_their_topic() {
        let found = reach("on_alarm(\"arn\", #{}, |alarm| ());");
        assert!(found.has("sns", "subscribe"));
        assert!(found.has("sns", "confirm_subscription"));
        assert!(found.has("log", "warn"));
    }

    #[test]
    fn looked_at_closely_only_what_is_called_counts() {
        let text = "import \"web\" as web; web::bucket_name(\"x\");";
        let ast = engine::bare().compile(text).unwrap();
        let closely = Reach::closely(&ast, Path::new("."), &Sources::default());
        assert!(!closely.has("s3", "put_bucket_policy"), "{closely:?}");
        assert!(reach(text).has("s3", "put_bucket_policy"));
        assert!(closely.imports().contains("web"));
    }

    #[test]
    fn a_computed_import_may_be_anything() {
        assert_eq!(
            reach("let which = \"web\"; import which as it;"),
            Reach::default()
        );
    }
}
