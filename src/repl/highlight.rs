//! Colours of the language.

use std::fmt::Write as _;

use super::lex::{Kind, Token, lex};

const KEYWORD: &str = "\x1b[35m";
const NAME: &str = "\x1b[36m";
const TEXT: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[33m";
const QUIET: &str = "\x1b[2m";
const COMMAND: &str = "\x1b[1m";
const DANGER: &str = "\x1b[1;31m";
const END: &str = "\x1b[0m";

/// `input` with its words coloured; nothing else is changed.
#[must_use]
pub fn coloured(input: &str) -> String {
    let begin = input.trim_start();
    if begin.starts_with(':') || begin.starts_with('?') {
        return format!("{COMMAND}{input}{END}");
    }
    let tokens = lex(input);
    let mut out = String::with_capacity(input.len() * 2);
    let mut done = 0;
    for (at, token) in tokens.iter().enumerate() {
        out.push_str(&input[done..token.span.start]);
        let text = token.of(input);
        match colour(input, &tokens, at) {
            // Writing to a String cannot fail.
            Some(colour) => {
                let _ = write!(out, "{colour}{text}{END}");
            }
            None => out.push_str(text),
        }
        done = token.span.end;
    }
    out.push_str(&input[done..]);
    out
}

fn colour(input: &str, tokens: &[Token], at: usize) -> Option<&'static str> {
    let token = &tokens[at];
    let next = tokens.get(at + 1).map(|next| next.of(input));
    match token.kind {
        Kind::Text { .. } => Some(TEXT),
        Kind::Number => Some(NUMBER),
        Kind::Comment => Some(QUIET),
        Kind::Word if is_keyword(token.of(input)) => Some(KEYWORD),
        Kind::Word if matches!(next, Some("::" | "(")) => Some(NAME),
        _ => None,
    }
}

fn is_keyword(word: &str) -> bool {
    rhai::Token::lookup_symbol_from_syntax(word)
        .is_some_and(|token| token.is_standard_keyword() || matches!(word, "true" | "false"))
}

/// What is not typed: hints.
#[must_use]
pub fn quiet(text: &str) -> String {
    format!("{QUIET}{text}{END}")
}

/// The prompt of a shell; one that writes on the real AWS is not to be overlooked.
#[must_use]
pub fn prompt(text: &str, live: bool) -> String {
    let colour = if live { DANGER } else { NAME };
    format!("{colour}{text}{END}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_coloured_and_nothing_is_lost() {
        let input = "let n = ec2::run(\"a\", 1.5); // why";
        let shown = coloured(input);
        assert_eq!(
            shown,
            "\x1b[35mlet\x1b[0m n = \x1b[36mec2\x1b[0m::\x1b[36mrun\x1b[0m(\x1b[32m\"a\"\x1b[0m, \x1b[33m1.5\x1b[0m); \x1b[2m// why\x1b[0m"
        );
        assert_eq!(console::strip_ansi_codes(&shown), input);
        let open = "`a ${f(1)} \"";
        assert_eq!(console::strip_ansi_codes(&coloured(open)), open);
    }
}
