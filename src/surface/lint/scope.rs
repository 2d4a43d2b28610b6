//! What a text says, read once with its scopes: variables, calls, regions.
//!
//! A closure sees the variables around it, a function sees none: names are looked up as
//! they would be when the playbook runs.

mod reader;

use std::collections::{HashMap, HashSet};

use rhai::{Expr, FnCallExpr, Position, Stmt, StmtBlock};

use super::text::Text;

/// How a variable came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `let` or `const`.
    Declared,
    /// Of a function, a closure, a loop, or what was caught.
    Given,
}

/// One variable.
pub struct Variable<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it is declared.
    pub position: Position,
    /// How it came to be.
    pub kind: Kind,
    /// What it is declared as.
    pub value: Option<&'a Expr>,
    /// Whether it keeps that: it is never assigned, and nothing that could change it is done to it.
    pub steady: bool,
    /// Whether anything looks at it.
    pub read: bool,
    /// Whether it is declared outside of functions and blocks.
    pub top: bool,
}

/// One call that is no operator's.
pub struct Call<'a> {
    /// The call.
    pub call: &'a FnCallExpr,
    /// Where the function's name stands.
    pub position: Position,
    /// Whether it is `receiver.name(…)`.
    pub method: bool,
    /// What it is in.
    pub region: usize,
    /// Whether a variable of the function's name is in scope.
    pub shadowed: bool,
}

/// One import.
pub struct Import<'a> {
    /// What it asks for.
    pub path: &'a Expr,
    /// Its name here; empty if it has none.
    pub alias: &'a str,
    /// Where the statement stands.
    pub position: Position,
}

/// A function that the text defines.
pub struct Function<'a> {
    /// Its name.
    pub name: &'a str,
    /// The names of its parameters.
    pub params: Vec<&'a str>,
    /// Whether only this text may call it.
    pub private: bool,
    /// Its body.
    pub region: usize,
}

/// A name that is no variable where it stands.
pub struct Unbound<'a> {
    /// The name.
    pub name: &'a str,
    /// Where it stands.
    pub position: Position,
    /// Whether there is a variable of that name outside of the function.
    pub outside: bool,
    /// The names that are variables there.
    pub visible: Vec<&'a str>,
}

/// All that a text says.
#[derive(Default)]
pub struct Facts<'a> {
    /// Its variables.
    pub variables: Vec<Variable<'a>>,
    /// Its calls.
    pub calls: Vec<Call<'a>>,
    /// Its imports.
    pub imports: Vec<Import<'a>>,
    /// Its functions, in their order.
    pub functions: Vec<Function<'a>>,
    /// Names that are no variables.
    pub unbound: Vec<Unbound<'a>>,
    /// The region around each region; the text itself is the first.
    pub regions: Vec<Option<usize>>,
    /// Aliases of imports and modules that something is called through.
    pub through: HashSet<&'a str>,
    /// Constants that are read as `global::NAME`.
    pub globals: HashSet<&'a str>,
    /// Keys of maps, properties and literal texts: names that a value may have a function under.
    pub words: HashSet<&'a str>,
    /// Functions that are named without being called.
    pub pointed: HashSet<&'a str>,
    /// Texts that expressions make with a value in between, with their parts.
    pub interpolated: Vec<(&'a [Expr], Position)>,
    /// The variable that stands at a place; `None` if that depends.
    references: HashMap<Position, Option<usize>>,
    /// The region of the closure that stands at a place.
    closures: HashMap<Position, usize>,
}

impl<'a> Facts<'a> {
    /// Reads `text`.
    #[must_use]
    pub fn of(text: &'a Text<'a>) -> Self {
        reader::read(text)
    }

    /// The variable that is read at `position`.
    #[must_use]
    pub fn variable(&self, position: Position) -> Option<&Variable<'a>> {
        Some(&self.variables[(*self.references.get(&position)?)?])
    }

    /// The constant that is read as `global::name`.
    #[must_use]
    pub fn global(&self, name: &str) -> Option<&Variable<'a>> {
        let mut found = self
            .variables
            .iter()
            .filter(|variable| variable.top && variable.name == name);
        found.next().filter(|_| found.next().is_none())
    }

    /// The region of the function that `expression` is: a closure, or a function's name.
    #[must_use]
    pub fn body(&self, expression: &Expr) -> Option<usize> {
        match expression {
            Expr::Stmt(block) => self.body(&curried(block)?.args[0]),
            Expr::DynamicConstant(_, position) => self.closures.get(position).copied(),
            Expr::Variable(name, _, position) => match self.variable(*position) {
                Some(variable) => variable
                    .value
                    .filter(|_| variable.steady)
                    .and_then(|value| self.body(value)),
                None => self.function(&name.1, None).map(|found| found.region),
            },
            _ => None,
        }
    }

    /// The function `name` that takes so many arguments, or any of that name.
    #[must_use]
    pub fn function(&self, name: &str, arguments: Option<usize>) -> Option<&Function<'a>> {
        self.functions.iter().find(|function| {
            function.name == name && arguments.is_none_or(|count| function.params.len() == count)
        })
    }

    /// Whether `region` is `outer` or in it.
    #[must_use]
    pub fn within(&self, region: usize, outer: usize) -> bool {
        let mut region = Some(region);
        while let Some(here) = region {
            if here == outer {
                return true;
            }
            region = self.regions[here];
        }
        false
    }
}

/// The call that binds a closure to what it captures, which is what Rhai makes of one.
fn curried(block: &StmtBlock) -> Option<&FnCallExpr> {
    match block.statements() {
        [Stmt::Share(_), Stmt::Expr(expression)] => match &**expression {
            Expr::FnCall(call, _) => Some(call),
            _ => None,
        },
        _ => None,
    }
}
