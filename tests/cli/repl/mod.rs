//! `opsh repl` as somebody at a terminal meets it, and without one.

mod commands;
mod eval;
mod interrupting;
mod live;
mod piped;
mod playbook;
mod results;
mod saving;
mod typing;

use crate::support::opsh::User;
use crate::support::terminal::Terminal;

/// A shell of `user` at its first prompt.
#[track_caller]
fn shell(user: &User, arguments: &[&str]) -> Terminal {
    let terminal = user.at_terminal(["repl"].iter().chain(arguments));
    terminal.sees(">");
    terminal
}

/// Waits until the last line on the screen is an empty `prompt`: what is typed before that
/// is dropped with the line that Ctrl-C has ended.
#[track_caller]
fn prompted_again(terminal: &Terminal, prompt: &str) {
    terminal.waits(&format!("empty {prompt:?} as the last line"), |screen| {
        screen.lines().last() == Some(prompt)
    });
}

/// Ends the shell and gives everything that was on the screen.
#[track_caller]
fn end(mut terminal: Terminal) -> String {
    terminal.enter(":quit");
    let left = terminal.left();
    assert_eq!(left.code, 0, "{}", left.screen);
    left.screen
}
