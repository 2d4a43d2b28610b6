//! Looks into parsed playbooks: where the keys of a call's map stand.

use opsh_operation::Problem;
use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt};

/// The place of what `problem` complains about in the call at `call`.
///
/// Follows the problem's path through the literal maps and arrays of the call's
/// arguments; the deepest part that is there literally wins.
#[must_use]
pub fn place(ast: &AST, call: Position, problem: &Problem) -> Option<Position> {
    let mut found = None;
    ast.walk(&mut |nodes| {
        let (expression, position) = match nodes.last() {
            Some(ASTNode::Expr(Expr::FnCall(expression, position)))
            | Some(ASTNode::Stmt(Stmt::FnCall(expression, position))) => (expression, *position),
            _ => return true,
        };
        if position == call || start(expression, position) == call {
            found = Some(
                expression
                    .args
                    .iter()
                    .filter_map(|argument| follow(argument, &problem.path))
                    .next_back(),
            );
            return false;
        }
        true
    });
    found.flatten()
}

/// Where the namespace of a call begins, or the call itself.
#[must_use]
pub fn start(call: &FnCallExpr, position: Position) -> Position {
    if call.is_qualified() {
        call.namespace.position()
    } else {
        position
    }
}

fn follow(expression: &Expr, path: &[String]) -> Option<Position> {
    let (step, rest) = path.split_first()?;
    match expression {
        Expr::Map(map, _) => {
            let (key, value) = map.0.iter().find(|(key, _)| key.name == step.as_str())?;
            follow(value, rest).or(Some(key.pos))
        }
        Expr::Array(items, _) => {
            let index: usize = step.trim_matches(['[', ']']).parse().ok()?;
            let item = items.get(index)?;
            follow(item, rest).or_else(|| Some(item.start_position()))
        }
        _ => None,
    }
}
