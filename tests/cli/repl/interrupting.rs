//! Ctrl-C stops the call, not the shell.

use super::{end, prompted_again, shell};
use crate::support::opsh::User;

#[test]
fn a_running_call_is_stopped_and_the_shell_goes_on() {
    let user = User::new();
    let mut terminal = shell(&user, &["--dry-run"]);
    // Each input is a line of the session's text.
    for (line, sum) in [(1, 41), (3, 42)] {
        terminal.enter(&format!("print({sum} + 100); loop {{ }}"));
        terminal.sees(&format!("\n{}", sum + 100));
        terminal.interrupt();
        terminal.sees(&format!("error: repl:{line}:23: interrupted"));
        terminal.enter(&format!("print({sum} + 200)"));
        terminal.sees(&format!("\n{}", sum + 200));
    }
    terminal.enter("20 + 1");
    terminal.sees("\n21");
    end(terminal);
}

#[test]
fn at_the_prompt_it_drops_what_was_typed() {
    let user = User::new();
    let mut terminal = shell(&user, &["--dry-run"]);
    terminal.press("this is no Rhai");
    terminal.sees("no Rhai");
    terminal.interrupt();
    // What is typed in the same instant is dropped, too.
    prompted_again(&terminal, "opsh dry-run>");
    terminal.enter("20 + 2");
    terminal.sees("\n22");
    end(terminal);
}
