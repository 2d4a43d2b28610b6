//! `// opsh: allow(rule)`: what a text puts up with, on the comment's line or, if the line
//! has nothing else, on the next.

use opsh_operation::suggest::did_you_mean;
use rhai::Position;

use super::finding::Finding;
use super::program::Unit;
use super::rule::{Rule, Severity};
use super::{Scrutiny, rules};

/// Nothing that is allowed is there.
pub static UNNEEDED: Rule = Rule {
    name: "unneeded-allow",
    severity: Severity::Warning,
    doc: "A comment allows what is not there, or names no rule.",
    bad: "let size = 3; // opsh: allow(unused-variable)\nprint(size);",
    good: "let size = 3; // opsh: allow(unused-variable)\nprint(3);",
};

const OPENING: &str = "opsh: allow(";

/// One name in such a comment.
struct Allow {
    rule: String,
    /// Where the name stands.
    line: usize,
    column: usize,
    /// The line that it is about.
    about: usize,
}

/// `findings` without what the text allows, and with what it need not allow.
#[must_use]
pub fn apply(unit: &Unit, findings: Vec<Finding>, scrutiny: Scrutiny) -> Vec<Finding> {
    if !unit.text.contains(OPENING) {
        return findings;
    }
    let allows = allows(&unit.text);
    let mut needed = vec![false; allows.len()];
    let mut left: Vec<_> = findings
        .into_iter()
        .filter(|finding| {
            let allowed = allows.iter().position(|allow| {
                allow.rule == finding.rule.name && allow.about == finding.site.line
            });
            if let Some(index) = allowed {
                needed[index] = true;
            }
            allowed.is_none()
        })
        .collect();
    if scrutiny == Scrutiny::Everything {
        for (allow, _) in allows.iter().zip(needed).filter(|(_, needed)| !needed) {
            let number = |number| u16::try_from(number).unwrap_or(u16::MAX);
            let position = Position::new(number(allow.line), number(allow.column));
            left.push(Finding::new(
                &UNNEEDED,
                &unit.name,
                position,
                why(&allow.rule),
            ));
        }
    }
    left
}

fn why(rule: &str) -> String {
    if rules::RULES.iter().any(|known| known.name == rule) {
        return format!("nothing here needs allow({rule}); remove it");
    }
    let tail = did_you_mean(rule, rules::RULES.iter().map(|known| known.name));
    format!("there is no rule '{rule}'{tail}")
}

fn allows(text: &str) -> Vec<Allow> {
    let lines: Vec<&str> = text.lines().collect();
    let mut all = Vec::new();
    for (line, column) in comments(text) {
        let whole = lines[line - 1];
        let comment: String = whole.chars().skip(column - 1).collect();
        let body = comment.trim_start_matches('/').trim_start();
        let Some(names) = body.strip_prefix(OPENING) else {
            continue;
        };
        let names = names.split(')').next().unwrap_or_default();
        let alone = whole.trim_start().starts_with("//");
        let about = if alone {
            let code = |line: &&str| {
                let line = line.trim_start();
                !line.is_empty() && !line.starts_with("//")
            };
            lines[line..]
                .iter()
                .position(code)
                .map_or(line, |after| line + 1 + after)
        } else {
            line
        };
        let before = comment.chars().count() - body.chars().count() + OPENING.chars().count();
        let mut at = column + before;
        for name in names.split(',') {
            let lead = name
                .chars()
                .take_while(|letter| letter.is_whitespace())
                .count();
            all.push(Allow {
                rule: name.trim().to_owned(),
                line,
                column: at + lead,
                about,
            });
            at += name.chars().count() + 1;
        }
    }
    all
}

/// What of a text is being read.
#[derive(Clone, Copy)]
enum In {
    Code,
    /// Code in `${ … }` of a text, with so many open braces.
    Hole(usize),
    /// A text that this letter ends.
    Text(char),
    Line,
    /// So many nested `/* … */`.
    Block(usize),
}

/// Line and column of every `//` that begins a comment, and does not stand in a text.
fn comments(text: &str) -> Vec<(usize, usize)> {
    let letters: Vec<char> = text.chars().collect();
    let mut stack = vec![In::Code];
    let (mut line, mut before) = (1, 0);
    let mut found = Vec::new();
    let mut index = 0;
    while let Some(&letter) = letters.get(index) {
        let next = letters.get(index + 1).copied().unwrap_or_default();
        let here = stack.last().copied().unwrap_or(In::Code);
        if matches!((here, letter, next), (In::Code | In::Hole(_), '/', '/')) {
            found.push((line, before + 1));
        }
        let (taken, step) = step(here, letter, next);
        match step {
            Step::Stay => {}
            Step::Into(inner) => stack.push(inner),
            Step::Become(other) => {
                stack.pop();
                stack.push(other);
            }
            Step::Out => {
                stack.pop();
            }
        }
        for letter in letters.iter().skip(index).take(taken) {
            before += 1;
            if *letter == '\n' {
                (line, before) = (line + 1, 0);
            }
        }
        index += taken;
    }
    found
}

enum Step {
    Stay,
    Into(In),
    Become(In),
    Out,
}

/// How many letters belong together, and where they lead.
#[allow(clippy::match_same_arms)] // grouped by what is being read
fn step(here: In, letter: char, next: char) -> (usize, Step) {
    match (here, letter, next) {
        (In::Line, '\n', _) => (1, Step::Out),
        (In::Block(depth), '/', '*') => (2, Step::Become(In::Block(depth + 1))),
        (In::Block(1), '*', '/') => (2, Step::Out),
        (In::Block(depth), '*', '/') => (2, Step::Become(In::Block(depth - 1))),
        (In::Line | In::Block(_), ..) => (1, Step::Stay),
        (In::Text('`'), '$', '{') => (2, Step::Into(In::Hole(0))),
        (In::Text('"' | '\''), '\\', _) => (2, Step::Stay),
        (In::Text(end), ..) if letter == end => (1, Step::Out),
        (In::Text(_), ..) => (1, Step::Stay),
        (_, '/', '/') => (2, Step::Into(In::Line)),
        (_, '/', '*') => (2, Step::Into(In::Block(1))),
        (_, '"' | '`' | '\'', _) => (1, Step::Into(In::Text(letter))),
        (In::Hole(depth), '{', _) => (1, Step::Become(In::Hole(depth + 1))),
        (In::Hole(0), '}', _) => (1, Step::Out),
        (In::Hole(depth), '}', _) => (1, Step::Become(In::Hole(depth - 1))),
        (In::Code | In::Hole(_), ..) => (1, Step::Stay),
    }
}

#[cfg(test)]
mod tests {
    use super::{allows, comments};

    #[test]
    fn only_comments_are_comments() {
        let text = "let a = \"//\"; // one\n/* // /* */ // */ let b = `// ${ 1 // two\n } //`; // three\nlet c = '/'; let d = \"\\\"//\"; // four";
        assert_eq!(comments(text), [(1, 15), (2, 36), (3, 9), (4, 30)]);
    }

    #[test]
    fn an_allow_is_about_its_line_or_the_next_with_code() {
        let text = "f(); // opsh: allow(a, b)\n// opsh: allow(c)\n\n// why\ng();\n";
        let read: Vec<_> = allows(text)
            .into_iter()
            .map(|allow| (allow.rule, allow.line, allow.column, allow.about))
            .collect();
        assert_eq!(
            read,
            [
                ("a".to_owned(), 1, 21, 1),
                ("b".to_owned(), 1, 24, 1),
                ("c".to_owned(), 2, 16, 5)
            ]
        );
    }
}
