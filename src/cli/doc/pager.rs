//! Long texts through the user's pager, where somebody sits at a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

use crate::cli::say;

/// Shows `text`: through `$PAGER` (or `less`) if it is longer than the terminal.
pub fn show(text: &str) {
    let text = text.trim_end();
    if std::io::stdout().is_terminal() {
        let height = usize::from(console::Term::stdout().size().0);
        if text.lines().count() >= height && paged(text).is_some() {
            return;
        }
    }
    say::out(text);
}

/// `None` if there is no pager, and nothing has been shown.
fn paged(text: &str) -> Option<()> {
    let asked = std::env::var("PAGER").unwrap_or_default();
    let mut words = shlex::split(&asked).unwrap_or_default().into_iter();
    let program = words.next().unwrap_or_else(|| "less".to_owned());
    let mut child = Command::new(program)
        .args(words)
        // As git does: quits if all fits, keeps colours, leaves the screen.
        .env("LESS", std::env::var("LESS").unwrap_or("FRX".to_owned()))
        .stdin(Stdio::piped())
        .spawn()
        .ok()?;
    if let Some(mut input) = child.stdin.take() {
        // Whoever quits the pager has seen enough.
        let _ = writeln!(input, "{text}");
    }
    let _ = child.wait();
    Some(())
}
