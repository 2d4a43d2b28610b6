//! Which lines of a playbook are reached, for those who want to know.
//!
//! Rhai's debugger stops at every node for this: several times slower, so it is registered
//! only where somebody asks (`opsh test --coverage`).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use rhai::debugger::DebuggerCommand;
use rhai::{AST, ASTNode, Engine, Position, Stmt};

/// A line and a column, from 1.
pub type Place = (usize, usize);

/// How often each place was come to, by the name of its text.
#[derive(Debug, Default)]
pub struct Reached(Mutex<HashMap<String, HashMap<Place, u64>>>);

impl Reached {
    /// Takes note of what `engine` comes to.
    pub fn watch(self: Arc<Self>, engine: &mut Engine) {
        #[allow(deprecated)] // volatile API of Rhai, pinned: the only one that sees each line
        engine.register_debugger(
            |_, debugger| debugger,
            move |_, _, _, source, position| {
                if let (Some(source), Some(place)) = (source, place(position)) {
                    self.note(source, place);
                }
                Ok(DebuggerCommand::StepInto)
            },
        );
    }

    fn note(&self, source: &str, place: Place) {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match texts.get_mut(source) {
            Some(places) => *places.entry(place).or_default() += 1,
            None => {
                texts.insert(source.to_owned(), HashMap::from([(place, 1)]));
            }
        }
    }

    /// How often a place of a text was come to.
    #[must_use]
    pub fn times(&self, source: &str, place: Place) -> u64 {
        let texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let places = texts.get(source);
        let times = places.and_then(|places| places.get(&place));
        times.copied().unwrap_or_default()
    }
}

fn place(position: Position) -> Option<Place> {
    Some((position.line()?, position.position().unwrap_or_default()))
}

/// The statements of a text: the line on which each begins, by its place in [`Reached`].
#[must_use]
pub fn statements(ast: &AST) -> BTreeMap<Place, usize> {
    let mut lines = BTreeMap::new();
    ast.walk(&mut |nodes| {
        let (noted, begins) = match nodes.last() {
            // The debugger passes over a block, and over a statement that is an expression,
            // to what is in it.
            Some(ASTNode::Stmt(Stmt::Expr(expression))) => {
                (expression.position(), expression.start_position())
            }
            Some(ASTNode::Stmt(Stmt::Assignment(assignment))) => {
                (assignment.0.position(), assignment.1.lhs.start_position())
            }
            Some(ASTNode::Stmt(Stmt::Noop(_) | Stmt::Share(_) | Stmt::Block(_))) => return true,
            Some(ASTNode::Stmt(statement)) => (statement.position(), statement.position()),
            _ => return true,
        };
        if let (Some(noted), Some((line, _))) = (place(noted), place(begins)) {
            lines.insert(noted, line);
        }
        true
    });
    lines
}
