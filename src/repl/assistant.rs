//! What the line editor asks while a person types.

use std::borrow::Cow;

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use super::complete::Completion;
use super::memory::Shared;
use super::{highlight, hint, is_complete};

/// Completes, hints, colours, and says when an input is whole.
pub struct Assistant {
    memory: Shared,
    completion: Completion,
    /// How wide the prompt is.
    pub prompt: usize,
}

impl Assistant {
    /// Helps with what `memory` has and `completion` knows.
    #[must_use]
    pub fn new(memory: Shared, completion: Completion) -> Self {
        Self {
            memory,
            completion,
            prompt: 0,
        }
    }
}

impl Helper for Assistant {}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        Ok(self
            .completion
            .complete(&line[..position], &line[position..]))
    }
}

/// Words behind the cursor that are not typed and cannot be taken over.
pub struct Remark(String);

impl Hint for Remark {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = Remark;

    fn hint(&self, line: &str, position: usize, _context: &Context<'_>) -> Option<Remark> {
        if position < line.len() {
            return None;
        }
        self.completion.prepare(line);
        let text = hint::hint(&self.memory, line)?;
        let last = line.rsplit('\n').next().unwrap_or_default();
        let typed = last.chars().count();
        let before = if line.contains('\n') { 0 } else { self.prompt };
        let room = usize::from(console::Term::stdout().size().1);
        let room = room.checked_sub(before + typed + LEAD.len() + 1)?;
        cut(&text, room).map(|text| Remark(format!("{LEAD}{text}")))
    }
}

/// What a remark looks like: the language's comment.
const LEAD: &str = "  // ";

/// As much of `text` as fits; nothing if that is next to nothing.
fn cut(text: &str, room: usize) -> Option<String> {
    const LEAST: usize = 12;
    if text.chars().count() <= room {
        return Some(text.to_owned());
    }
    if room < LEAST {
        return None;
    }
    let mut short: String = text.chars().take(room - 1).collect();
    short.push('…');
    Some(short)
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _position: usize) -> Cow<'l, str> {
        Cow::Owned(highlight::coloured(line))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(highlight::quiet(hint))
    }

    fn highlight_char(&self, _line: &str, _position: usize, kind: CmdKind) -> bool {
        // A letter can change the colour of what stands before it; a moved cursor does not.
        kind != CmdKind::MoveCursor
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_complete(context.input()) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}
