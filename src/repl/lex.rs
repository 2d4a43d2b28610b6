//! The words of an input, complete or not: what completion, hints, colours and saving
//! stand on.
//!
//! Rhai's own tokenizer stops at the first mistake and knows no ends; somebody who is
//! typing makes nothing but mistakes.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name or a keyword.
    Word,
    /// A number.
    Number,
    /// A text in quotes or backticks, or a part of one around `${ … }`; with its quotes.
    Text {
        /// What opened it.
        quote: char,
        /// Whether its end is there, too.
        closed: bool,
    },
    /// A comment.
    Comment,
    /// Everything else; `#{`, `${`, `::`, `=>` and the like are one each.
    Symbol,
}

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it stands, in bytes.
    pub span: Range<usize>,
}

impl Token {
    /// Its text.
    #[must_use]
    pub fn of<'a>(&self, input: &'a str) -> &'a str {
        &input[self.span.clone()]
    }

    /// Whether it is a text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text { .. })
    }

    /// What stands between the quotes of a text, as it was typed.
    #[must_use]
    pub fn inside<'a>(&self, input: &'a str) -> &'a str {
        let text = self.of(input);
        let Kind::Text { quote, closed } = self.kind else {
            return text;
        };
        let text = text.strip_prefix(quote).unwrap_or(text);
        if closed {
            text.strip_suffix(quote).unwrap_or(text)
        } else {
            text
        }
    }
}

/// Symbols of more than one letter.
const LONG: [&str; 14] = [
    "#{", "${", "::", "=>", "==", "!=", "<=", ">=", "&&", "||", "..=", "..", "?.", "?[",
];

/// All tokens of `input` without its spaces.
#[must_use]
pub fn lex(input: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        input,
        at: 0,
        tokens: Vec::new(),
        nested: Vec::new(),
    };
    while lexer.at < input.len() {
        lexer.next();
    }
    lexer.tokens
}

struct Lexer<'a> {
    input: &'a str,
    at: usize,
    tokens: Vec<Token>,
    /// For each `${` that is open, how many braces are open inside of it.
    nested: Vec<usize>,
}

impl Lexer<'_> {
    fn next(&mut self) {
        let rest = &self.input[self.at..];
        let Some(letter) = rest.chars().next() else {
            return;
        };
        match letter {
            space if space.is_whitespace() => self.at += space.len_utf8(),
            '/' if rest.starts_with("//") => {
                let end = rest.find('\n').unwrap_or(rest.len());
                self.push(Kind::Comment, end);
            }
            '/' if rest.starts_with("/*") => {
                let end = rest[2..].find("*/").map_or(rest.len(), |end| end + 4);
                self.push(Kind::Comment, end);
            }
            '"' | '\'' => self.quoted(letter),
            '`' => {
                self.at += 1;
                self.template(self.at - 1);
            }
            digit if digit.is_ascii_digit() => {
                let end = number(rest);
                self.push(Kind::Number, end);
            }
            word if is_name(word) => {
                let end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
                self.push(Kind::Word, end);
            }
            _ => self.symbol(letter),
        }
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let span = self.at..self.at + length;
        self.at = span.end;
        self.tokens.push(Token { kind, span });
    }

    fn quoted(&mut self, quote: char) {
        let rest = &self.input[self.at..];
        let mut letters = rest.char_indices().skip(1);
        let mut end = rest.len();
        let mut closed = false;
        while let Some((at, letter)) = letters.next() {
            if letter == '\\' {
                letters.next();
            } else if letter == quote {
                end = at + 1;
                closed = true;
                break;
            }
        }
        self.push(Kind::Text { quote, closed }, end);
    }

    /// The part of a template that begins at `from` and goes on at `self.at`.
    fn template(&mut self, from: usize) {
        let rest = &self.input[self.at..];
        let end = rest.find('`');
        let nested = rest.find("${");
        let quote = '`';
        let (to, closed) = match (end, nested) {
            (end, Some(nested)) if end.is_none_or(|end| nested < end) => (nested, false),
            (Some(end), _) => (end + 1, true),
            (None, _) => (rest.len(), false),
        };
        let stop = self.at + to;
        self.tokens.push(Token {
            kind: Kind::Text { quote, closed },
            span: from..stop,
        });
        self.at = stop;
        if !closed && self.input[stop..].starts_with("${") {
            self.push(Kind::Symbol, 2);
            self.nested.push(0);
        }
    }

    fn symbol(&mut self, letter: char) {
        let rest = &self.input[self.at..];
        let length = LONG
            .iter()
            .find(|long| rest.starts_with(**long))
            .map_or(letter.len_utf8(), |long| long.len());
        let symbol = &rest[..length];
        let back = match (symbol, self.nested.last_mut()) {
            ("{" | "#{", Some(depth)) => {
                *depth += 1;
                false
            }
            ("}", Some(0)) => {
                self.nested.pop();
                true
            }
            ("}", Some(depth)) => {
                *depth -= 1;
                false
            }
            _ => false,
        };
        self.push(Kind::Symbol, length);
        if back {
            self.template(self.at);
        }
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The length of the number that `rest` begins with.
fn number(rest: &str) -> usize {
    let mut end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
    let fraction = rest[end..].strip_prefix('.').unwrap_or_default();
    if fraction.starts_with(|letter: char| letter.is_ascii_digit()) {
        end += 1 + fraction
            .find(|letter| !is_name(letter))
            .unwrap_or(fraction.len());
    }
    end
}

/// Whether something is open at the end of `input`: a bracket, a text, a comment.
#[must_use]
pub fn is_open(input: &str) -> bool {
    let tokens = lex(input);
    let mut depth = 0_i32;
    for token in &tokens {
        match token.of(input) {
            "(" | "[" | "{" | "#{" | "${" | "?[" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
    }
    depth > 0 || tokens.last().is_some_and(|last| is_unended(last, input))
}

fn is_unended(token: &Token, input: &str) -> bool {
    match token.kind {
        Kind::Text { closed, .. } => !closed,
        Kind::Comment => {
            let text = token.of(input);
            text.starts_with("/*") && (text.len() < 4 || !text.ends_with("*/"))
        }
        _ => false,
    }
}

/// Where each statement at the top of `input` stands, with the `;` that ends it.
#[must_use]
pub fn statements(input: &str) -> Vec<Range<usize>> {
    let tokens = lex(input);
    let mut all = Vec::new();
    let mut start = None;
    let mut depth = 0_usize;
    let mut tokens = tokens
        .iter()
        .filter(|token| token.kind != Kind::Comment)
        .peekable();
    while let Some(token) = tokens.next() {
        let from = *start.get_or_insert(token.span.start);
        let text = token.of(input);
        match text {
            "(" | "[" | "{" | "#{" | "${" | "?[" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let next = tokens.peek().map(|next| next.of(input));
        let ends = depth == 0
            && match text {
                ";" => true,
                "}" => block_ends(&input[from..], next),
                _ => next.is_none(),
            };
        if ends || next.is_none() {
            all.push(from..token.span.end);
            start = None;
        }
    }
    all
}

/// Whether a `}` at the top ends the statement that begins with `statement`, before `next`.
fn block_ends(statement: &str, next: Option<&str>) -> bool {
    let word: String = statement.chars().take_while(|one| is_name(*one)).collect();
    match word.as_str() {
        "fn" | "private" | "for" | "while" | "loop" => true,
        "if" => next != Some("else"),
        "try" => next != Some("catch"),
        "do" => !matches!(next, Some("while" | "until")),
        "switch" => !matches!(next, Some("." | "[" | ";")),
        _ => statement.starts_with('{'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(input: &str) -> Vec<&str> {
        lex(input).iter().map(|token| token.of(input)).collect()
    }

    #[test]
    fn an_input_is_taken_apart() {
        assert_eq!(
            words("let a = ec2::run(#{ n: 1.5, \"x y\": 'c' }); // why"),
            [
                "let", "a", "=", "ec2", "::", "run", "(", "#{", "n", ":", "1.5", ",", "\"x y\"",
                ":", "'c'", "}", ")", ";", "// why"
            ]
        );
        assert_eq!(
            words("`a ${b.c(#{d: 1})} e` + 1..3"),
            [
                "`a ", "${", "b", ".", "c", "(", "#{", "d", ":", "1", "}", ")", "}", " e`", "+",
                "1", "..", "3"
            ]
        );
        assert_eq!(words("\"a\\\"b\" x"), ["\"a\\\"b\"", "x"]);
    }

    #[test]
    fn texts_know_what_is_inside_of_them() {
        let input = "\"whole\" \"begun";
        let inside: Vec<_> = lex(input).iter().map(|token| token.inside(input)).collect();
        assert_eq!(inside, ["whole", "begun"]);
    }

    #[test]
    fn what_is_open_is_seen() {
        for whole in [
            "1 + 2",
            "let x = 5;",
            "fn f() { 1 }",
            "f(1))",
            "",
            "`${a}`",
            "/* a */",
        ] {
            assert!(!is_open(whole), "{whole}");
        }
        for part in [
            "fn f() {",
            "ec2::describe_vpcs(#{",
            "[1,\n2,",
            "let s = `two\nlines",
            "`${ a",
            "/* never",
            "\"text",
        ] {
            assert!(is_open(part), "{part}");
        }
    }

    #[test]
    fn statements_are_told_apart() {
        let input = "import \"web\" as web;\n// about f\nfn f(a) { a; a }\nlet x = if f(1) > 0 { 2 } else { 3 };\nif x { f(2) } else { f(3) }\nx.map(|y| { y })";
        let found: Vec<_> = statements(input)
            .into_iter()
            .map(|span| &input[span])
            .collect();
        assert_eq!(
            found,
            [
                "import \"web\" as web;",
                "fn f(a) { a; a }",
                "let x = if f(1) > 0 { 2 } else { 3 };",
                "if x { f(2) } else { f(3) }",
                "x.map(|y| { y })"
            ]
        );
    }
}
