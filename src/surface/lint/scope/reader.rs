//! Reads a text once, statement by statement, with the variables that each one sees.

use std::collections::{BTreeSet, HashMap, HashSet};

use rhai::{ASTFlags, Dynamic, Expr, FnCallExpr, FnPtr, Position, Stmt, StmtBlock};

use super::{Call, Facts, Function, Import, Kind, Unbound, Variable, curried};
use crate::surface::lint::text::{Body, Text};

/// Functions that leave what they are called on as it is.
const HARMLESS: [&str; 33] = [
    "all",
    "call",
    "chars",
    "contains",
    "debug",
    "ends_with",
    "extract",
    "filter",
    "find",
    "find_map",
    "get",
    "index_of",
    "is_empty",
    "keys",
    "len",
    "log",
    "map",
    "max",
    "min",
    "print",
    "reduce",
    "reduce_rev",
    "some",
    "split",
    "starts_with",
    "sub_string",
    "to_float",
    "to_int",
    "to_json",
    "to_string",
    "type_of",
    "values",
    "zip",
];

struct Reader<'a> {
    facts: Facts<'a>,
    closures: HashMap<&'a str, &'a Body>,
    /// Names of functions.
    names: BTreeSet<&'a str>,
    scope: Vec<(&'a str, usize)>,
    /// Names of variables outside of functions.
    outside: HashSet<&'a str>,
    region: usize,
    top: bool,
}

/// Reads `text` with its scopes.
pub(super) fn read<'a>(text: &'a Text<'a>) -> Facts<'a> {
    let (closures, functions): (Vec<_>, Vec<_>) =
        text.bodies.iter().partition(|body| body.is_closure());
    let outside = text.top.iter().filter_map(|statement| match statement {
        Stmt::Var(declaration, ..) => Some(declaration.0.name.as_str()),
        _ => None,
    });
    let mut reader = Reader {
        facts: Facts {
            regions: vec![None],
            ..Facts::default()
        },
        closures: closures
            .into_iter()
            .map(|body| (body.name.as_str(), body))
            .collect(),
        names: functions.iter().map(|body| body.name.as_str()).collect(),
        scope: Vec::new(),
        outside: outside.collect(),
        region: 0,
        top: true,
    };
    for statement in text.top {
        reader.statement(statement);
    }
    reader.top = false;
    for function in functions {
        reader.function(function);
    }
    reader.facts
}

impl<'a> Reader<'a> {
    fn function(&mut self, function: &'a Body) {
        let region = self.enter(None);
        self.facts.functions.push(Function {
            name: &function.name,
            params: function.params.iter().map(String::as_str).collect(),
            private: function.private,
            region,
        });
        self.scope.clear();
        self.body(function, 0);
    }

    /// Reads a body whose first parameters are so many variables around it.
    fn body(&mut self, body: &'a Body, captured: usize) {
        let mark = self.scope.len();
        for name in body.params.iter().skip(captured) {
            self.declare(name, body.position, Kind::Given, None);
        }
        body.statements
            .iter()
            .for_each(|statement| self.statement(statement));
        self.scope.truncate(mark);
    }

    /// A new region in `parent`, which is where it goes on.
    fn enter(&mut self, parent: Option<usize>) -> usize {
        self.facts.regions.push(parent);
        self.region = self.facts.regions.len() - 1;
        self.region
    }

    fn declare(&mut self, name: &'a str, position: Position, kind: Kind, value: Option<&'a Expr>) {
        self.scope.push((name, self.facts.variables.len()));
        self.facts.variables.push(Variable {
            name,
            position,
            kind,
            value,
            steady: true,
            read: false,
            top: self.top,
        });
    }

    fn find(&self, name: &str) -> Option<usize> {
        let found = self.scope.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, index)| *index)
    }

    fn block(&mut self, block: &'a StmtBlock) {
        let (mark, top) = (self.scope.len(), self.top);
        self.top = false;
        for statement in block {
            self.statement(statement);
        }
        self.scope.truncate(mark);
        self.top = top;
    }

    fn statement(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Var(declaration, flags, _) => {
                let (name, value, _) = &**declaration;
                self.expression(value);
                self.declare(&name.name, name.pos, Kind::Declared, Some(value));
                if flags.contains(ASTFlags::EXPORTED)
                    && let Some(variable) = self.facts.variables.last_mut()
                {
                    variable.read = true;
                }
            }
            Stmt::Assignment(assignment) => self.assignment(&assignment.1.lhs, &assignment.1.rhs),
            Stmt::FnCall(call, position) => self.call(call, *position),
            Stmt::Block(block) => self.block(block),
            Stmt::Expr(expression) => self.expression(expression),
            Stmt::If(flow, _) | Stmt::While(flow, _) | Stmt::Do(flow, ..) => {
                self.expression(&flow.expr);
                self.block(&flow.body);
                self.block(&flow.branch);
            }
            Stmt::For(each, _) => {
                let (item, counter, flow) = &**each;
                self.expression(&flow.expr);
                let (mark, top) = (self.scope.len(), self.top);
                self.top = false;
                for name in std::iter::once(item).chain(counter) {
                    self.declare(&name.name, name.pos, Kind::Given, None);
                }
                self.block(&flow.body);
                self.scope.truncate(mark);
                self.top = top;
            }
            Stmt::Switch(switch, _) => {
                self.expression(&switch.0);
                for case in &switch.1.expressions {
                    self.expression(&case.lhs);
                    self.expression(&case.rhs);
                }
            }
            Stmt::TryCatch(flow, _) => {
                self.block(&flow.body);
                let (mark, top) = (self.scope.len(), self.top);
                self.top = false;
                if let Expr::Variable(name, _, position) = &flow.expr {
                    self.declare(&name.1, *position, Kind::Given, None);
                }
                self.block(&flow.branch);
                self.scope.truncate(mark);
                self.top = top;
            }
            Stmt::BreakLoop(Some(value), ..) | Stmt::Return(Some(value), ..) => {
                self.expression(value);
            }
            Stmt::Import(import, position) => {
                self.facts.imports.push(Import {
                    path: &import.0,
                    alias: &import.1.name,
                    position: *position,
                });
                self.expression(&import.0);
            }
            Stmt::Export(export, _) => {
                if let Some(index) = self.find(&export.0.name) {
                    self.facts.variables[index].read = true;
                }
            }
            _ => {}
        }
    }

    fn assignment(&mut self, target: &'a Expr, value: &'a Expr) {
        self.expression(value);
        if let Some(index) = self.root(target) {
            self.facts.variables[index].steady = false;
        }
        match target {
            Expr::Variable(name, _, position) => {
                self.bind(&name.1, *position);
            }
            Expr::Dot(chain, ..) | Expr::Index(chain, ..) => {
                // What is assigned to a part of it does not look at it.
                match &chain.lhs {
                    Expr::Variable(name, _, position) => {
                        self.bind(&name.1, *position);
                    }
                    other => self.expression(other),
                }
                self.expression(&chain.rhs);
            }
            other => self.expression(other),
        }
    }

    /// The variable that a chain of properties, indexes and methods begins with.
    fn root(&self, expression: &Expr) -> Option<usize> {
        match expression {
            Expr::Dot(chain, ..) | Expr::Index(chain, ..) => self.root(&chain.lhs),
            Expr::Variable(name, ..) if name.2.is_empty() => self.find(&name.1),
            _ => None,
        }
    }

    /// Ties a name to its variable; `None` if there is none.
    fn bind(&mut self, name: &'a str, position: Position) -> Option<usize> {
        let found = self.find(name);
        if let Some(index) = found {
            self.facts
                .references
                .entry(position)
                .and_modify(|known| {
                    if *known != found {
                        *known = None;
                    }
                })
                .or_insert(Some(index));
        } else if self.names.contains(name) {
            self.facts.pointed.insert(name);
        } else {
            let mut visible: Vec<_> = self.scope.iter().map(|(name, _)| *name).collect();
            visible.extend(&self.names);
            self.facts.unbound.push(Unbound {
                name,
                position,
                outside: self.outside.contains(name),
                visible,
            });
        }
        found
    }

    fn expression(&mut self, expression: &'a Expr) {
        match expression {
            Expr::DynamicConstant(value, position) => self.constant(value, *position, 0),
            Expr::StringConstant(text, _) => {
                self.facts.words.insert(text);
            }
            Expr::InterpolatedString(parts, position) => {
                self.facts.interpolated.push((&parts[..], *position));
                parts.iter().for_each(|part| self.expression(part));
            }
            Expr::Array(parts, _) => parts.iter().for_each(|part| self.expression(part)),
            Expr::And(parts, _) | Expr::Or(parts, _) | Expr::Coalesce(parts, _) => {
                parts.iter().for_each(|part| self.expression(part));
            }
            Expr::Map(map, _) => {
                for (key, value) in &map.0 {
                    self.facts.words.insert(&key.name);
                    self.expression(value);
                }
            }
            Expr::Variable(name, _, position) if name.2.is_empty() => {
                if let Some(index) = self.bind(&name.1, *position) {
                    self.facts.variables[index].read = true;
                }
            }
            Expr::Variable(name, ..) => {
                let root = name.2.path[0].name.as_str();
                self.facts.through.insert(root);
                if root == "global" {
                    self.facts.globals.insert(&name.1);
                }
            }
            Expr::Property(property, _) => {
                self.facts.words.insert(&property.2);
            }
            Expr::MethodCall(call, position) => {
                self.record(call, *position, true);
                call.args
                    .iter()
                    .for_each(|argument| self.expression(argument));
            }
            Expr::Stmt(block) => match curried(block) {
                Some(call) => {
                    if let Expr::DynamicConstant(value, position) = &call.args[0] {
                        self.constant(value, *position, call.args.len() - 1);
                    }
                }
                None => self.block(block),
            },
            Expr::FnCall(call, position) => self.call(call, *position),
            Expr::Dot(chain, ..) | Expr::Index(chain, ..) => {
                if changes(&chain.rhs)
                    && let Some(index) = self.root(&chain.lhs)
                {
                    self.facts.variables[index].steady = false;
                }
                self.expression(&chain.lhs);
                self.expression(&chain.rhs);
            }
            _ => {}
        }
    }

    /// A constant; closures are some, bound to so many variables around them.
    fn constant(&mut self, value: &Dynamic, position: Position, captured: usize) {
        let Some(pointer) = value.clone().try_cast::<FnPtr>() else {
            return;
        };
        let Some(&body) = self.closures.get(pointer.fn_name()) else {
            return;
        };
        let (top, around) = (self.top, self.region);
        let region = self.enter(Some(around));
        self.facts.closures.insert(position, region);
        self.top = false;
        self.body(body, captured);
        (self.top, self.region) = (top, around);
    }

    fn call(&mut self, call: &'a FnCallExpr, position: Position) {
        if call.is_operator_call() {
            call.args
                .iter()
                .for_each(|argument| self.expression(argument));
            return;
        }
        if call.is_qualified() {
            self.facts
                .through
                .insert(call.namespace.path[0].name.as_str());
        } else if !HARMLESS.contains(&call.name.as_str())
            && !self.names.contains(call.name.as_str())
            && let Some(index) = call.args.first().and_then(|first| self.root(first))
        {
            // A function of Rhai's may change what it gets first.
            self.facts.variables[index].steady = false;
        }
        self.record(call, position, false);
        call.args
            .iter()
            .for_each(|argument| self.expression(argument));
    }

    fn record(&mut self, call: &'a FnCallExpr, position: Position, method: bool) {
        self.facts.calls.push(Call {
            call,
            position,
            method,
            region: self.region,
            shadowed: self.find(&call.name).is_some(),
        });
    }
}

/// Whether a chain calls something that may change what it begins with.
fn changes(chain: &Expr) -> bool {
    match chain {
        Expr::MethodCall(call, _) => !HARMLESS.contains(&call.name.as_str()),
        Expr::Dot(chain, ..) | Expr::Index(chain, ..) => changes(&chain.lhs) || changes(&chain.rhs),
        _ => false,
    }
}
