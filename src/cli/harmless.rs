//! Text from elsewhere, which must do nothing to a terminal but be read.
//!
//! What a service answers, a host prints or a visitor asks for can hold sequences that move
//! the cursor, clear the screen, set the window's title or the clipboard. The words of opsh
//! around it would no longer be what is seen.

use std::borrow::Cow;

/// `text` with every control character but line breaks and tabs written out.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    written_out(text, |_| 0)
}

/// The same, with sequences that only colour.
#[must_use]
pub fn coloured(text: &str) -> Cow<'_, str> {
    written_out(text, colour)
}

/// `text` with what does something written out; `kept` says how many bytes of a rest that
/// begins with a control character stay as they are.
fn written_out(text: &str, kept: impl Fn(&str) -> usize) -> Cow<'_, str> {
    let odd = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    if !text.contains(odd) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(odd) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = kept(rest);
        if length > 0 {
            out.push_str(&rest[..length]);
            rest = &rest[length..];
        } else if let Some(line) = rest.strip_prefix("\r\n") {
            // The line breaks of other systems.
            out.push('\n');
            rest = line;
        } else if let Some(letter) = rest.chars().next() {
            out.extend(letter.escape_default());
            rest = &rest[letter.len_utf8()..];
        }
    }
    out.push_str(rest);
    out.into()
}

/// How long the sequence is that `text` begins with, if it only sets colours (ECMA-48 SGR).
fn colour(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\x1b[") else {
        return 0;
    };
    let end = parameters.find(|letter: char| !letter.is_ascii_digit() && !";:".contains(letter));
    match end {
        Some(end) if parameters[end..].starts_with('m') => "\x1b[".len() + end + "m".len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_something_to_a_terminal_is_written_out() {
        for (text, shown) in [
            ("plain\tä\n", "plain\tä\n"),
            ("a\r\nb", "a\nb"),
            ("50 %\r60 %", "50 %\\r60 %"),
            ("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
            ("\x1b[2J\x1b[31mred", "\\u{1b}[2J\\u{1b}[31mred"),
            ("\u{9b}2Jx", "\\u{9b}2Jx"),
        ] {
            assert_eq!(harmless(text), shown, "{text:?}");
        }
    }

    #[test]
    fn colours_may_stay() {
        for (text, shown) in [
            (
                "\x1b[1;38:5:9mred\x1b[0m\x1b[m",
                "\x1b[1;38:5:9mred\x1b[0m\x1b[m",
            ),
            ("\x1b[2J\x1b[1m", "\\u{1b}[2J\x1b[1m"),
            ("\x1b[31", "\\u{1b}[31"),
            ("\x1b", "\\u{1b}"),
        ] {
            assert_eq!(coloured(text), shown, "{text:?}");
        }
    }
}
