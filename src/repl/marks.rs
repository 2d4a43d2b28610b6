//! `_` as the last result: Rhai knows it only as the default case of a `switch`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rhai::{Engine, Position, Token};

use super::lex::{Kind, lex};
use super::memory::LAST;
use crate::script::engine;

/// The places in the input being parsed where `_` is a variable.
#[derive(Clone, Default)]
pub struct Marks(Arc<Mutex<BTreeSet<(usize, usize)>>>);

impl Marks {
    /// Lets `engine` read `_` as a variable where it is marked.
    pub fn teach(&self, engine: &mut Engine) {
        let marks = self.clone();
        #[allow(deprecated)] // volatile API of Rhai, pinned: see `script::engine`
        engine.on_parse_token(move |token, position, _| match token {
            Token::Underscore if marks.has(position) => Token::Identifier(Box::new(LAST.into())),
            other => engine::unreserved(other),
        });
    }

    /// Runs `parse` with the places in `input` marked; it begins at `line`.
    pub fn within<T>(&self, input: &str, line: usize, parse: impl FnOnce() -> T) -> T {
        *self.lock() = places(input)
            .into_iter()
            .map(|at| position(input, at, line))
            .collect();
        let result = parse();
        self.lock().clear();
        result
    }

    fn has(&self, position: Position) -> bool {
        let place = position.line().zip(position.position());
        place.is_some_and(|place| self.lock().contains(&place))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<(usize, usize)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the last result is meant in `input`: every `_` that begins no default case.
#[must_use]
pub fn places(input: &str) -> Vec<usize> {
    let tokens = lex(input);
    tokens
        .iter()
        .enumerate()
        .filter(|(at, token)| {
            let next = tokens.get(at + 1).map(|next| next.of(input));
            token.kind == Kind::Word && token.of(input) == LAST && next != Some("=>")
        })
        .map(|(_, token)| token.span.start)
        .collect()
}

/// Line and column of a byte, as Rhai counts them.
fn position(input: &str, at: usize, first: usize) -> (usize, usize) {
    let before = &input[..at];
    let line = before.matches('\n').count();
    let column = before.chars().rev().take_while(|one| *one != '\n').count();
    (first + line, column + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rhai::{Dynamic, Scope};

    use super::*;

    fn evaluated(input: &str) -> i64 {
        let mut engine = Engine::new();
        let marks = Marks::default();
        marks.teach(&mut engine);
        let mut scope = Scope::new();
        scope.push_dynamic(LAST, Dynamic::from(20_i64));
        let ast = marks.within(input, 1, || {
            engine.compile_with_scope(&scope, input).unwrap()
        });
        engine.eval_ast_with_scope(&mut scope, &ast).unwrap()
    }

    #[test]
    fn the_last_result_is_a_variable() {
        assert_eq!(evaluated("_ + 1"), 21);
        assert_eq!(evaluated("let a = 1;\n  `ä${_}`.len() + a"), 4);
        assert_eq!(evaluated("switch 3 { 1 => 0, _ => _ * 2 }"), 40);
    }
}
