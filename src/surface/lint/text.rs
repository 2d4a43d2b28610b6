//! A parsed text with the statements of each of its functions and closures.

use rhai::{AST, ASTNode, Expr, FnAccess, Position, Stmt};

/// A function or a closure.
pub struct Body {
    /// Its name; Rhai gives closures one.
    pub name: String,
    /// Its parameters; those of a closure begin with what it captures.
    pub params: Vec<String>,
    /// Whether only this text may call it.
    pub private: bool,
    /// Where its body begins.
    pub position: Position,
    /// What it does.
    pub statements: Vec<Stmt>,
}

impl Body {
    /// Whether it is a closure.
    #[must_use]
    pub fn is_closure(&self) -> bool {
        self.name.starts_with("anon$")
    }
}

/// A parsed text.
pub struct Text<'a> {
    /// Its own statements.
    pub top: &'a [Stmt],
    /// Its functions and closures, in their order.
    pub bodies: Vec<Body>,
}

impl<'a> Text<'a> {
    /// The parts of `ast`.
    #[must_use]
    pub fn of(ast: &'a AST) -> Self {
        let mut bodies: Vec<Body> = ast
            .iter_fn_def()
            .map(|function| Body {
                name: function.name.to_string(),
                params: function.params.iter().map(ToString::to_string).collect(),
                private: function.access == FnAccess::Private,
                position: function.body.start_position(),
                statements: statements(ast, &function.name, function.params.len()),
            })
            .collect();
        bodies.sort_by_key(|body| body.position);
        Self {
            top: ast.statements(),
            bodies,
        }
    }

    /// Calls `look` with each list of statements that are done one after the other.
    pub fn each_list(&self, look: &mut impl FnMut(&[Stmt])) {
        let lists = std::iter::once(self.top)
            .chain(self.bodies.iter().map(|body| body.statements.as_slice()));
        for list in lists {
            look(list);
            for statement in list {
                statement.walk(&mut Vec::new(), &mut |nodes| {
                    inner(nodes, look);
                    true
                });
            }
        }
    }
}

/// The statements of a function: Rhai shows them on a walk only.
fn statements(ast: &AST, name: &str, params: usize) -> Vec<Stmt> {
    let mut statements = Vec::new();
    let mut only = ast.clone_functions_only();
    only.retain_functions(|_, _, known, count| known == name && count == params);
    only.walk(&mut |nodes| {
        if let [ASTNode::Stmt(statement)] = nodes {
            statements.push((*statement).clone());
        }
        true
    });
    statements
}

/// Calls `look` with the lists of statements that a node has.
fn inner(nodes: &[ASTNode], look: &mut impl FnMut(&[Stmt])) {
    match nodes.last() {
        Some(ASTNode::Stmt(statement)) => match statement {
            Stmt::Block(block) => look(block.statements()),
            Stmt::If(flow, _)
            | Stmt::While(flow, _)
            | Stmt::Do(flow, ..)
            | Stmt::TryCatch(flow, _) => {
                look(flow.body.statements());
                look(flow.branch.statements());
            }
            Stmt::For(each, _) => look(each.2.body.statements()),
            _ => {}
        },
        Some(ASTNode::Expr(Expr::Stmt(block))) => look(block.statements()),
        _ => {}
    }
}
