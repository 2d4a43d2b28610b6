//! Looks into parsed playbooks: what they call, and where the keys of a call's map stand.

use std::collections::{BTreeMap, BTreeSet};

use opsh_operation::Problem;
use opsh_operation::suggest::closest;
use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt};

use super::error::{Class, Finding, ScriptError, site};
use super::resolver::STDLIB;
use crate::modules::registry::registry;

/// The place of what `problem` complains about in the call at `call`.
///
/// Follows the problem's path through the literal maps and arrays of the call's
/// arguments; the deepest part that is there literally wins.
#[must_use]
pub fn place(ast: &AST, call: Position, problem: &Problem) -> Option<Position> {
    let mut found = None;
    ast.walk(&mut |nodes| {
        let (expression, position) = match nodes.last() {
            Some(
                ASTNode::Expr(Expr::FnCall(expression, position))
                | ASTNode::Stmt(Stmt::FnCall(expression, position)),
            ) => (expression, *position),
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

/// Where each call of a module's function begins, by where the function's name stands.
#[must_use]
pub fn starts(ast: &AST) -> BTreeMap<Position, Position> {
    let mut starts = BTreeMap::new();
    ast.walk(&mut |nodes| {
        if let Some(
            ASTNode::Expr(Expr::FnCall(call, position))
            | ASTNode::Stmt(Stmt::FnCall(call, position)),
        ) = nodes.last()
            && call.is_qualified()
        {
            starts.insert(*position, call.namespace.position());
        }
        true
    });
    starts
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

/// Refuses calls of modules and operations that do not exist, with what was likely meant.
///
/// `known` are modules that were imported elsewhere.
///
/// # Errors
/// All such calls.
pub fn calls(source: &str, ast: &AST, known: &BTreeSet<String>) -> Result<(), ScriptError> {
    let mut imported = known.clone();
    let mut calls = Vec::new();
    ast.walk(&mut |nodes| {
        match nodes.last() {
            Some(ASTNode::Stmt(Stmt::Import(import, _))) => {
                imported.insert(import.1.name.to_string());
            }
            Some(
                ASTNode::Expr(Expr::FnCall(call, position))
                | ASTNode::Stmt(Stmt::FnCall(call, position)),
            ) if call.is_qualified() => {
                calls.push((call.clone(), start(call, *position)));
            }
            _ => {}
        }
        true
    });
    let unknown: Vec<Finding> = calls
        .into_iter()
        .filter_map(|(call, position)| {
            let module = call.namespace.root();
            if imported.contains(module) {
                return None;
            }
            let message = unknown(module, &call.name, &imported)?;
            Some(Finding {
                site: site(source, position),
                message,
            })
        })
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(ScriptError::of(Class::Start, unknown))
}

/// What is wrong with a call of `module::name`, where these modules are imported.
#[must_use]
pub fn unknown(module: &str, name: &str, imported: &BTreeSet<String>) -> Option<String> {
    let (what, near) = match registry().module(module) {
        Some(entries) if entries.contains_key(name) => return None,
        Some(entries) => (
            format!("there is no operation {module}::{name}"),
            closest(name, entries.keys().copied()).map(|near| format!("{module}::{near}")),
        ),
        None if STDLIB.iter().any(|(known, _)| *known == module) => {
            return Some(format!(
                "the module '{module}' is not imported; write import {module:?} as {module}; before"
            ));
        }
        None => (
            format!("there is no module '{module}'"),
            closest(
                module,
                registry()
                    .modules()
                    .map(|(name, _)| name)
                    .chain(imported.iter().map(String::as_str)),
            )
            .map(|near| format!("{near}::{name}")),
        ),
    };
    let tail = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    Some(format!("{what}{tail}"))
}
