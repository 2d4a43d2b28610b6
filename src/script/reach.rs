//! Which operations a playbook can call, itself and through what it imports.
//!
//! Code cannot be made up at run time (`eval` is disabled), so the texts say it all. A run
//! binds what is reached and nothing else: the registry has hundreds of operations, and
//! giving all of them to the engine takes longer than an empty playbook.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rhai::{AST, ASTNode, Expr, Stmt};

use super::engine;
use super::resolver::{self, Import};
use super::source::{Source, Sources};
use crate::modules::Handler;
use crate::modules::registry::registry;
use crate::service::alarms::subscribing;

/// The function of services that runs code of its own.
const ALARMS: &str = "on_alarm";

/// Names of operations, each with its module's before it.
#[derive(Debug, PartialEq, Eq)]
pub struct Reach {
    calls: BTreeSet<(String, String)>,
    /// An import's path is computed: whatever there is may be called.
    everything: bool,
}

impl Reach {
    /// What `ast` can call, with imports of files from `folder`; what is parsed on the way
    /// stays in `sources`.
    #[must_use]
    pub fn of(ast: &AST, folder: &Path, sources: &Sources) -> Self {
        let mut search = Search {
            reach: Self {
                calls: BTreeSet::new(),
                everything: false,
            },
            root: folder.canonicalize().ok(),
            sources,
            seen: BTreeSet::new(),
        };
        search.visit(ast);
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
}

impl Default for Reach {
    /// All of the registry.
    fn default() -> Self {
        Self {
            calls: BTreeSet::new(),
            everything: true,
        }
    }
}

struct Search<'a> {
    reach: Reach,
    root: Option<std::path::PathBuf>,
    sources: &'a Sources,
    seen: BTreeSet<String>,
}

impl Search<'_> {
    fn visit(&mut self, ast: &AST) {
        let (mut imports, mut alarms) = (Vec::new(), false);
        ast.walk(&mut |nodes| {
            match nodes.last() {
                Some(ASTNode::Stmt(Stmt::Import(import, _))) => match &import.0 {
                    Expr::StringConstant(path, _) => imports.push(path.to_string()),
                    _ => self.reach.everything = true,
                },
                Some(
                    ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _)),
                ) if call.name == ALARMS => alarms = true,
                Some(
                    ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _)),
                ) if call.is_qualified() => {
                    let module = call.namespace.root();
                    if let Some(function) = behind(module, &call.name) {
                        imports.push(function.to_owned());
                    }
                    self.reach
                        .calls
                        .insert((module.to_owned(), call.name.to_string()));
                }
                _ => {}
            }
            true
        });
        for path in imports {
            self.follow(&path);
        }
        if alarms {
            for text in subscribing::CODE {
                if let Ok(ast) = engine::bare().compile(text) {
                    self.visit(&ast);
                }
            }
        }
    }

    /// What an import brings along. One that fails says so when it is come to.
    fn follow(&mut self, path: &str) {
        if !self.seen.insert(path.to_owned()) {
            return;
        }
        let (name, text) = match resolver::find(self.root.as_deref(), path) {
            Ok(Import::Embedded { name, text }) => (name, text.to_owned()),
            Ok(Import::File { name, text }) => (name, text),
            Err(_) => return,
        };
        let Ok(mut ast) = engine::bare().compile(&text) else {
            return;
        };
        ast.set_source(name.as_str());
        let ast = Arc::new(ast);
        self.sources
            .insert(&name, Source::new(&text, Some(Arc::clone(&ast))));
        self.visit(&ast);
    }
}

/// The module of the standard library that does the operation, if one does.
fn behind(module: &str, name: &str) -> Option<&'static str> {
    match registry().module(module)?.get(name)?.handler {
        Handler::Library { module, .. } => Some(module),
        _ => None,
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
    fn a_computed_import_may_be_anything() {
        assert_eq!(
            reach("let which = \"web\"; import which as it;"),
            Reach::default()
        );
    }
}
