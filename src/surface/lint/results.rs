//! What is known of the result of an operation from its declaration.

use opsh_operation::Shape;
use rhai::Expr;

use super::known::behind;
use super::scope::Facts;
use crate::modules::registry::registry;

/// How many variables are followed behind each other.
const DEEP: usize = 8;

/// What a value is declared to look like.
#[derive(Clone, Copy)]
pub struct Declared {
    /// Its shape.
    pub shape: Shape,
    /// Whether it is never to be seen.
    pub sensitive: bool,
}

/// What the value of `expression` is declared as, if it comes from an operation.
#[must_use]
pub fn declared(facts: &Facts<'_>, expression: &Expr) -> Option<Declared> {
    read(facts, expression, DEEP)
}

fn read(facts: &Facts<'_>, expression: &Expr, deep: usize) -> Option<Declared> {
    match expression {
        Expr::FnCall(call, _) if call.namespace.path.len() == 1 => {
            let name = format!("{}::{}", call.namespace.path[0].name, call.name);
            let entry = registry().get(&name)?;
            Some(Declared {
                shape: entry.operation.output,
                sensitive: false,
            })
        }
        Expr::Variable(..) if deep > 0 => read(facts, behind(facts, expression)?, deep - 1),
        Expr::Dot(chain, ..) => part(read(facts, &chain.lhs, deep)?, &chain.rhs, false),
        Expr::Index(chain, ..) => part(read(facts, &chain.lhs, deep)?, &chain.rhs, true),
        _ => None,
    }
}

/// The part of `whole` that a chain leads to; its first step is an index or a property.
fn part(whole: Declared, chain: &Expr, index: bool) -> Option<Declared> {
    match chain {
        Expr::Dot(rest, ..) => part(step(whole, &rest.lhs, index)?, &rest.rhs, false),
        Expr::Index(rest, ..) => part(step(whole, &rest.lhs, index)?, &rest.rhs, true),
        last => step(whole, last, index),
    }
}

fn step(whole: Declared, step: &Expr, index: bool) -> Option<Declared> {
    let inner = |shape: &Shape| Declared {
        shape: *shape,
        sensitive: whole.sensitive,
    };
    let field = |name: &str| match whole.shape {
        Shape::Struct(structure) | Shape::Union(structure) => {
            structure.field(name).map(|field| Declared {
                shape: field.shape,
                sensitive: whole.sensitive || field.sensitive,
            })
        }
        Shape::MapOf(item) => Some(inner(item)),
        _ => None,
    };
    match (step, whole.shape) {
        (Expr::Property(property, _), _) if !index => field(property.2.as_str()),
        (Expr::StringConstant(name, _), _) if index => field(name.as_str()),
        (_, Shape::List(item)) if index => Some(inner(item)),
        _ => None,
    }
}
