//! Long texts through the user's pager, where somebody sits at a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

use super::say;

/// Shows `text`: through `$PAGER` (or `less`) if it is longer than the terminal.
pub fn show(text: &str) {
    let text = text.trim_end();
    if !is_paged(text) {
        say::out(text);
    }
}

/// Whether `text` is long, somebody is there to turn its pages, and has been shown it.
#[must_use]
pub fn is_paged(text: &str) -> bool {
    std::io::stdout().is_terminal()
        && is_long(text, console::Term::stdout().size())
        && paged(text).is_some()
}

/// Whether `text` has more lines than a terminal of this size shows above the next prompt.
fn is_long(text: &str, (height, width): (u16, u16)) -> bool {
    let width = usize::from(width).max(1);
    let rows = text.lines().map(|line| {
        let letters = console::measure_text_width(line);
        letters.div_ceil(width).max(1)
    });
    rows.sum::<usize>() + 1 > usize::from(height)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_what_fits_with_the_next_prompt() {
        assert!(!is_long("a\nb", (3, 80)));
        assert!(is_long("a\nb\nc", (3, 80)));
        assert!(is_long("a\na long line", (3, 8)));
    }
}
