//! What a text calls, part by part: its top level, and each of its functions.

use std::collections::BTreeMap;

use rhai::{AST, ASTNode, Expr, FnCallExpr, ImmutableString, Stmt};

/// A text taken apart.
#[derive(Default)]
pub struct Parts {
    /// The paths of imported modules by the name that they are given here; `None` if the
    /// path is only known at run time.
    pub imports: BTreeMap<String, Option<String>>,
    /// The top level, and after it the functions.
    pub all: Vec<Part>,
}

/// The top level of a text, or one of its functions.
#[derive(Default)]
pub struct Part {
    /// The function's name; nothing at the top level.
    pub name: ImmutableString,
    /// What it calls.
    pub calls: Vec<Call>,
    /// Words in it that may be the name of a function that is handed over.
    pub words: Vec<ImmutableString>,
}

/// A function that is called by name.
pub struct Call {
    /// The module before its name, if there is one.
    pub module: Option<String>,
    /// Its name.
    pub name: ImmutableString,
}

impl Part {
    /// Whether it is a closure, of which it is not known which function makes it.
    #[must_use]
    pub fn is_closure(&self) -> bool {
        self.name.starts_with("anon$")
    }
}

impl Parts {
    /// Takes `ast` apart.
    #[must_use]
    pub fn of(ast: &AST) -> Self {
        let mut parts = Self::default();
        parts.add("", &ast.clone_statements_only());
        let mut names: Vec<&str> = ast.iter_functions().map(|function| function.name).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            // Rhai shows the inside of a function on a walk only.
            let mut only = ast.clone_functions_only();
            only.retain_functions(|_, _, known, _| known == name);
            parts.add(name, &only);
        }
        parts
    }

    /// The whole of `ast` as one part.
    #[must_use]
    pub fn together(ast: &AST) -> Self {
        let mut parts = Self::default();
        parts.add("", ast);
        parts
    }

    fn add(&mut self, name: &str, ast: &AST) {
        let mut part = Part {
            name: name.into(),
            ..Part::default()
        };
        ast.walk(&mut |nodes| {
            match nodes.last() {
                Some(ASTNode::Stmt(Stmt::Import(import, _))) => {
                    let path = import.0.get_literal_value(None);
                    self.imports.insert(
                        import.1.name.to_string(),
                        path.and_then(|path| path.into_string().ok()),
                    );
                }
                Some(
                    ASTNode::Expr(Expr::FnCall(call, _) | Expr::MethodCall(call, _))
                    | ASTNode::Stmt(Stmt::FnCall(call, _)),
                ) => part.calls.push(Call {
                    module: module(call),
                    name: call.name.clone(),
                }),
                Some(ASTNode::Expr(Expr::Variable(variable, ..))) => {
                    part.words.push(variable.1.clone());
                }
                Some(ASTNode::Expr(Expr::StringConstant(word, _))) => {
                    part.words.push(word.clone());
                }
                _ => {}
            }
            true
        });
        self.all.push(part);
    }
}

fn module(call: &FnCallExpr) -> Option<String> {
    call.is_qualified()
        .then(|| call.namespace.root().to_owned())
}
