//! Long results, a page at a time.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What shows pages if `PAGER` does not say: with colours, what was shown stays.
const PAGER: [&str; 2] = ["less", "-FRX"];

/// Whether `text` has more lines than a terminal of this size shows at once.
#[must_use]
pub fn is_long(text: &str, (height, width): (u16, u16)) -> bool {
    let width = usize::from(width).max(1);
    let rows = text.lines().map(|line| {
        let letters = console::measure_text_width(line);
        letters.div_ceil(width).max(1)
    });
    rows.sum::<usize>() + 1 > usize::from(height)
}

/// Shows `text` with the user's pager; false if there is none.
pub fn show(text: &str) -> bool {
    let asked = std::env::var("PAGER").unwrap_or_default();
    let words = shlex::split(&asked).filter(|words| !words.is_empty());
    let words = words.unwrap_or_else(|| PAGER.map(str::to_owned).to_vec());
    let child = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        return false;
    };
    if let Some(mut input) = child.stdin.take() {
        // Whoever has read enough ends it before its end.
        let _ = writeln!(input, "{text}");
    }
    // Whatever it ended with, it has shown what it was to show.
    let _ = child.wait();
    true
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
