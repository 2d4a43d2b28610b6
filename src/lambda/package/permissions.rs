//! Which IAM actions a script can need: read off its text, without running it.
//!
//! All operations that its functions and those that they call can reach, also in
//! what it imports. Of an imported module only the functions that are called
//! count, of the script itself all of it does.

use std::collections::{BTreeMap, BTreeSet};

use opsh_operation::Effect;
use rhai::{AST, ASTNode, Expr, FnCallExpr, Stmt};

use super::program::Program;
use crate::modules::registry::registry;
use crate::modules::{Entry, Handler};

/// The actions of the operations that `program` can reach, in order.
#[must_use]
pub fn actions(program: &Program) -> Vec<String> {
    let mut walk = Walk {
        program,
        seen: BTreeSet::new(),
        actions: BTreeSet::new(),
    };
    let script = Names::of(&program.script);
    walk.take(&program.script, &script, None);
    for module in script.imports.values().flatten() {
        walk.enter(module);
    }
    walk.actions.into_iter().collect()
}

/// What the names in a text stand for.
#[derive(Default)]
struct Names {
    /// Imported modules by the name they are given here; `None` if the path is
    /// only known at run time.
    imports: BTreeMap<String, Option<String>>,
}

impl Names {
    fn of(ast: &AST) -> Self {
        let mut names = Self::default();
        ast.walk(&mut |nodes| {
            if let Some(ASTNode::Stmt(Stmt::Import(import, _))) = nodes.last() {
                let path = import
                    .0
                    .get_literal_value(None)
                    .and_then(|value| value.into_string().ok());
                names.imports.insert(import.1.name.to_string(), path);
            }
            true
        });
        names
    }
}

struct Walk<'a> {
    program: &'a Program,
    /// Functions, by module and name, that have been looked at; the top level of a
    /// module has no name.
    seen: BTreeSet<(String, String)>,
    actions: BTreeSet<String>,
}

impl Walk<'_> {
    /// Looks at the top level of an imported module, which runs with the import.
    fn enter(&mut self, module: &str) {
        if !self.seen.insert((module.to_owned(), String::new())) {
            return;
        }
        let Some(ast) = self.program.modules.get(module) else {
            return;
        };
        let names = Names::of(ast);
        self.take(&ast.clone_statements_only(), &names, Some(module));
        for module in names.imports.values().flatten() {
            self.enter(module);
        }
    }

    /// Looks at the functions `name` of an imported module, and at its closures,
    /// of which it is not known which function makes them.
    fn call(&mut self, module: &str, name: &str) {
        if !self.seen.insert((module.to_owned(), name.to_owned())) {
            return;
        }
        let Some(ast) = self.program.modules.get(module) else {
            return;
        };
        let mut functions = ast.clone_functions_only();
        functions.retain_functions(|_, _, function, _| {
            function == name || function.starts_with("anon$")
        });
        self.take(&functions, &Names::of(ast), Some(module));
    }

    /// Notes what `ast`, a part of `module` or of the script, calls.
    fn take(&mut self, ast: &AST, names: &Names, module: Option<&str>) {
        let mut calls: Vec<(Option<String>, String)> = Vec::new();
        ast.walk(&mut |nodes| {
            match nodes.last() {
                Some(
                    ASTNode::Expr(Expr::FnCall(call, _) | Expr::MethodCall(call, _))
                    | ASTNode::Stmt(Stmt::FnCall(call, _)),
                ) => calls.push((root(call), call.name.to_string())),
                // A function that is given to another by its name.
                Some(ASTNode::Expr(Expr::Variable(variable, ..))) => {
                    calls.push((None, variable.1.to_string()));
                }
                Some(ASTNode::Expr(Expr::StringConstant(name, _))) => {
                    calls.push((None, name.to_string()));
                }
                _ => {}
            }
            true
        });
        for (root, name) in calls {
            match root {
                None => {
                    // The script has been taken whole.
                    if let Some(module) = module {
                        self.call(module, &name);
                    }
                }
                Some(root) => match names.imports.get(&root) {
                    Some(Some(module)) => self.call(module, &name),
                    // What comes at run time is named with `include`, and unknown here.
                    Some(None) => {}
                    None => {
                        if let Some(entry) = registry().get(&format!("{root}::{name}")) {
                            self.note(entry);
                        }
                    }
                },
            }
        }
    }

    fn note(&mut self, entry: &Entry) {
        let operation = entry.operation;
        // What opsh does itself needs nobody's permission, unless it asks AWS on its way:
        // then its action is one of another module.
        let asks = match entry.handler {
            Handler::Aws(_) => true,
            _ => !operation
                .action
                .starts_with(&format!("{}:", operation.module)),
        };
        if !asks || matches!(operation.effect, Effect::Pure) {
            return;
        }
        self.actions.insert(operation.action.to_owned());
        // Everything that is made is tagged, which is an action of its own.
        if operation.write().is_some_and(|write| write.tags.is_some()) {
            let service = operation.action.split(':').next().unwrap_or_default();
            self.actions.insert(match service {
                "ec2" => "ec2:CreateTags".to_owned(),
                "elasticloadbalancing" => "elasticloadbalancing:AddTags".to_owned(),
                "autoscaling" => "autoscaling:CreateOrUpdateTags".to_owned(),
                "ssm" => "ssm:AddTagsToResource".to_owned(),
                "s3" => "s3:PutObjectTagging".to_owned(),
                service => format!("{service}:TagResource"),
            });
        }
    }
}

/// The module that a call names, if it names one.
fn root(call: &FnCallExpr) -> Option<String> {
    call.is_qualified()
        .then(|| call.namespace.root().to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::script::source::Sources;

    fn needed(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let program = Program::gather(&folder.path().join("main.rhai"), &[], &Sources::default());
        actions(&program.unwrap())
    }

    #[test]
    fn only_what_can_be_reached_counts() {
        let actions = needed(&[
            (
                "main.rhai",
                r#"import "help" as help;
                fn handler(event, context) {
                    log::info(http::get("http://example.org/").status);
                    [1].map(|n| sns::publish(#{ topic_arn: event.topic, message: "down" }));
                    help::used();
                }
                fn tell() { cloudwatch::put_metric_data(#{}) }"#,
            ),
            (
                "help.rhai",
                r#"fn used() { inner() }
                fn inner() { ec2::create_snapshot(#{}) }
                fn unused() { ec2::terminate_instances(#{}) }"#,
            ),
        ]);
        assert_eq!(
            actions,
            [
                "cloudwatch:PutMetricData",
                "ec2:CreateSnapshot",
                "ec2:CreateTags",
                "sns:Publish"
            ]
        );
    }

    #[test]
    fn functions_that_are_handed_over_count_too() {
        let actions = needed(&[
            (
                "main.rhai",
                r#"import "help" as help;
                fn handler(event, context) { help::each(event) }"#,
            ),
            (
                "help.rhai",
                r#"fn each(items) { items.map(Fn("one")); items.map(two) }
                fn one(item) { s3::get_object(#{}) }
                fn two(item) { s3::delete_object(#{}) }
                fn three(item) { s3::put_object(#{}) }"#,
            ),
        ]);
        assert_eq!(actions, ["s3:DeleteObject", "s3:GetObject"]);
    }
}
