//! Code that is never reached.

use rhai::{ASTFlags, Expr, FnCallExpr, Position, Stmt, StmtBlock};

use crate::surface::lint::finding::Finding;
use crate::surface::lint::rule::{Rule, Severity};
use crate::surface::lint::subject::Subject;

/// It is never reached, or has no effect where it stands.
pub static UNREACHABLE: Rule = Rule {
    name: "unreachable",
    severity: Severity::Warning,
    doc: "Code stands behind what ends its block, or under a condition that never holds; or an event is registered after run_forever.",
    bad: "fn half(number) {\n    return number / 2;\n    print(\"done\");\n}\nprint(half(4));\nif false { print(\"never\"); }\nevery(\"1m\", || print(\"tick\"));\nrun_forever();\nevery(\"2m\", || print(\"tock\"));",
    good: "fn half(number) {\n    print(\"done\");\n    return number / 2;\n}\nprint(half(4));\nevery(\"1m\", || print(\"tick\"));\nevery(\"2m\", || print(\"tock\"));\nrun_forever();",
};

/// What registers where events come from.
const REGISTERING: [&str; 4] = ["every", "serve", "on_alarm", "on_message"];

/// Looks at every list of statements.
pub fn look(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let mut say = |position, message: String| {
        findings.push(subject.finding(&UNREACHABLE, position, message));
    };
    subject.text.each_list(&mut |list| {
        if let Some((position, word)) = behind_the_end(list) {
            say(
                position,
                format!("this is never reached: {word} ends it before"),
            );
        }
        for statement in list {
            if let Some(position) = never(statement) {
                say(
                    position,
                    "this is never reached: its condition never holds".into(),
                );
            }
        }
    });
    for (position, name) in too_late(subject.text.top) {
        say(
            position,
            format!(
                "{name} has no effect here: run_forever, which waits for events, has ended before"
            ),
        );
    }
}

/// The first statement behind one that ends the list, and what that does.
fn behind_the_end(list: &[Stmt]) -> Option<(Position, &'static str)> {
    let end = list
        .iter()
        .position(|statement| ends(statement).is_some())?;
    let behind = list[end + 1..]
        .iter()
        .find(|statement| !matches!(statement, Stmt::Noop(_)))?;
    Some((place(behind), ends(&list[end])?))
}

/// What a statement does that nothing comes after.
fn ends(statement: &Stmt) -> Option<&'static str> {
    match statement {
        Stmt::Return(_, flags, _) if flags.contains(ASTFlags::BREAK) => Some("throw"),
        Stmt::Return(..) => Some("return"),
        Stmt::BreakLoop(_, flags, _) if flags.contains(ASTFlags::BREAK) => Some("break"),
        Stmt::BreakLoop(..) => Some("continue"),
        Stmt::FnCall(call, _) if is_plain(call, "exit") => Some("exit"),
        Stmt::Block(block) => ending(block),
        Stmt::If(flow, _) => {
            let word = ending(&flow.body)?;
            ending(&flow.branch).map(|_| word)
        }
        Stmt::TryCatch(flow, _) => {
            let word = ending(&flow.body)?;
            ending(&flow.branch).map(|_| word)
        }
        Stmt::While(flow, _) if matches!(flow.expr, Expr::Unit(_)) => {
            (!breaks(&flow.body)).then_some("a loop that is never left")
        }
        _ => None,
    }
}

fn ending(block: &StmtBlock) -> Option<&'static str> {
    block.iter().find_map(ends)
}

/// Whether a loop with this body is left by a `break` of its own.
fn breaks(body: &StmtBlock) -> bool {
    let mut found = false;
    for statement in body {
        statement.walk(&mut Vec::new(), &mut |nodes| {
            if let Some(rhai::ASTNode::Stmt(Stmt::BreakLoop(_, flags, _))) = nodes.last()
                && flags.contains(ASTFlags::BREAK)
            {
                let inner = nodes.iter().any(|node| {
                    matches!(
                        node,
                        rhai::ASTNode::Stmt(Stmt::While(..) | Stmt::Do(..) | Stmt::For(..))
                    )
                });
                found = found || !inner;
            }
            !found
        });
    }
    found
}

/// What of a statement is never reached because of its condition.
fn never(statement: &Stmt) -> Option<Position> {
    let first = |block: &StmtBlock| {
        let mut statements = block.iter();
        statements
            .find(|statement| !matches!(statement, Stmt::Noop(_)))
            .map(place)
    };
    match statement {
        Stmt::If(flow, _) => match flow.expr {
            Expr::BoolConstant(false, _) => first(&flow.body),
            Expr::BoolConstant(true, _) => first(&flow.branch),
            _ => None,
        },
        Stmt::While(flow, _) if matches!(flow.expr, Expr::BoolConstant(false, _)) => {
            first(&flow.body)
        }
        _ => None,
    }
}

fn place(statement: &Stmt) -> Position {
    match statement {
        Stmt::Assignment(assignment) => assignment.1.lhs.start_position(),
        other => other.position(),
    }
}

fn is_plain(call: &FnCallExpr, name: &str) -> bool {
    !call.is_qualified() && call.name == name
}

/// What is registered when the last `run_forever` has ended.
fn too_late(top: &[Stmt]) -> Vec<(Position, String)> {
    let runs = |statement: &Stmt| match statement {
        Stmt::FnCall(call, _) => is_plain(call, "run_forever"),
        Stmt::Var(declaration, ..) => {
            matches!(&declaration.1, Expr::FnCall(call, _) if is_plain(call, "run_forever"))
        }
        _ => false,
    };
    let Some(last) = top.iter().rposition(runs) else {
        return Vec::new();
    };
    top[last + 1..]
        .iter()
        .filter_map(|statement| match statement {
            Stmt::FnCall(call, position) if REGISTERING.contains(&call.name.as_str()) => Some((
                crate::script::check::start(call, *position),
                call.name.to_string(),
            )),
            _ => None,
        })
        .collect()
}
