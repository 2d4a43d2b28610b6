//! Words that call nobody.

/// Cannot be seen; what stands around it is no mention any more.
const BREAK: char = '\u{200b}';

/// `text` with its mentions broken: `@everyone`, `@here`, of people (`<@1>`), of roles
/// (`<@&1>`), and of commands that run when they are clicked (`</name:1>`).
///
/// Beside Discord's own `allowed_mentions`, so that what a stranger wrote does not even look
/// as if the bot called somebody.
pub(super) fn neutralised(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        result.push(letter);
        let follows = &text[at + letter.len_utf8()..];
        let breaks = match letter {
            '@' => {
                let word = follows.get(..8).unwrap_or(follows).to_ascii_lowercase();
                word.starts_with("everyone") || word.starts_with("here")
            }
            '<' => follows.starts_with('@') || follows.starts_with('/'),
            _ => false,
        };
        if breaks {
            result.push(BREAK);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_are_broken_and_all_else_is_left() {
        for (text, expected) in [
            ("hello @everyone!", "hello @\u{200b}everyone!"),
            ("@HERE", "@\u{200b}HERE"),
            (
                "<@17> <@!17> <@&5>",
                "<\u{200b}@17> <\u{200b}@!17> <\u{200b}@&5>",
            ),
            ("</kick:1>", "<\u{200b}/kick:1>"),
            ("<#17> a@b.c 1 < 2 é@", "<#17> a@b.c 1 < 2 é@"),
            ("@ééééé", "@ééééé"),
        ] {
            assert_eq!(neutralised(text), expected);
        }
    }
}
