//! A page as text for a terminal, or for whoever reads the pipe.

use std::io::IsTerminal as _;

use crate::surface::page::{Block, Line, Page};

/// What is piped is as wide as this; a wider terminal is not filled.
const WIDEST: usize = 100;

/// A page in the colours and the width of standard output.
#[must_use]
pub fn page(page: &Page) -> String {
    let terminal = std::io::stdout().is_terminal();
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let width = if terminal {
        usize::from(console::Term::stdout().size().1)
    } else {
        WIDEST
    };
    Brush {
        colours: terminal && !plain,
        width: width.clamp(40, WIDEST),
    }
    .page(page)
}

struct Brush {
    colours: bool,
    width: usize,
}

impl Brush {
    fn page(&self, page: &Page) -> String {
        let mut parts = Vec::new();
        for block in &page.blocks {
            parts.push(match block {
                Block::Heading(1, text) => self.bold(text),
                Block::Heading(_, text) => self.strong(text),
                Block::Text(text) => self.prose(text),
                Block::Code(_, text) => indented(text.trim_end(), "    "),
                Block::Facts(facts) => self.facts(facts),
                Block::Names(names) => self.names(names),
                Block::Fields(lines) => self.fields(lines),
            });
        }
        // What a heading stands over follows without a gap.
        let mut out = String::new();
        for (index, part) in parts.iter().enumerate() {
            out.push_str(part);
            out.push('\n');
            let over = matches!(page.blocks[index], Block::Heading(2.., _));
            if !over && index + 1 < parts.len() {
                out.push('\n');
            }
        }
        out
    }

    fn bold(&self, text: &str) -> String {
        self.dyed(text, "1")
    }

    fn strong(&self, text: &str) -> String {
        self.dyed(text, "1;4")
    }

    fn name(&self, text: &str) -> String {
        self.dyed(text, "36")
    }

    fn faint(&self, text: &str) -> String {
        self.dyed(text, "2")
    }

    fn dyed(&self, text: &str, code: &str) -> String {
        if self.colours {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Paragraphs wrapped; lists, tables and what is indented as they are.
    fn prose(&self, text: &str) -> String {
        let paragraphs = text.split("\n\n").map(|paragraph| {
            let laid_out = paragraph
                .lines()
                .any(|line| line.starts_with(['|', ' ', '-', '`']));
            if laid_out {
                paragraph.to_owned()
            } else {
                wrapped(&paragraph.replace('\n', " "), "", self.width)
            }
        });
        paragraphs.collect::<Vec<_>>().join("\n\n")
    }

    fn facts(&self, facts: &[(String, String)]) -> String {
        let widest = facts.iter().map(|(label, _)| label.len()).max();
        let widest = widest.unwrap_or_default();
        let lines = facts.iter().map(|(label, text)| {
            let lead = " ".repeat(widest + 4);
            let body = wrapped(&text.replace('`', ""), &lead, self.width);
            let gap = " ".repeat(widest - label.len());
            format!("  {}{gap}  {}", self.faint(label), body.trim_start())
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn names(&self, names: &[(String, String)]) -> String {
        let widest = names.iter().map(|(name, _)| name.chars().count()).max();
        let widest = widest.unwrap_or_default();
        let beside = widest <= 30;
        let lines = names.iter().map(|(name, text)| {
            if text.is_empty() {
                return format!("  {}", self.name(name));
            }
            let lead = " ".repeat(if beside { widest + 4 } else { 6 });
            let body = wrapped(&text.replace('`', ""), &lead, self.width);
            if beside {
                let gap = " ".repeat(widest - name.chars().count());
                format!("  {}{gap}  {}", self.name(name), body.trim_start())
            } else {
                format!("  {}\n{body}", self.name(name))
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn fields(&self, lines: &[Line]) -> String {
        let mut out = Vec::new();
        for line in lines {
            let indent = "  ".repeat(line.depth + 1);
            let kind = line.kind();
            let kind = if kind.is_empty() {
                kind
            } else {
                format!("  {}", self.faint(&kind))
            };
            out.push(format!("{indent}{}{kind}", self.name(&line.name)));
            let lead = format!("{indent}    ");
            for text in [&line.doc, &line.known()] {
                if !text.is_empty() {
                    out.push(wrapped(text, &lead, self.width));
                }
            }
        }
        out.join("\n")
    }
}

fn indented(text: &str, lead: &str) -> String {
    let lines = text.lines().map(|line| {
        if line.is_empty() {
            String::new()
        } else {
            format!("{lead}{line}")
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Words behind `lead`, in lines of at most `width` where they can be broken.
fn wrapped(text: &str, lead: &str, width: usize) -> String {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let long = line.chars().count() + 1 + word.chars().count() + lead.len() > width;
        if !line.is_empty() && long {
            lines.push(format!("{lead}{line}"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(format!("{lead}{line}"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_behind_their_lead() {
        assert_eq!(
            wrapped("one two three four", "  ", 12),
            "  one two\n  three four"
        );
        assert_eq!(wrapped("unbreakable", "", 4), "unbreakable");
    }

    #[test]
    fn a_page_is_laid_out_in_plain_text() {
        let mut shown = Page::default();
        shown.add(Block::Heading(1, "sns::publish".to_owned()));
        shown.text("Sends a message.");
        shown.part(
            "Parameters",
            vec![Line {
                name: "message".to_owned(),
                takes: "text".to_owned(),
                notes: vec!["required".to_owned()],
                doc: "The message.".to_owned(),
                ..Line::default()
            }],
        );
        let brush = Brush {
            colours: false,
            width: 80,
        };
        assert_eq!(
            brush.page(&shown),
            "sns::publish\n\nSends a message.\n\nParameters\n  message  text, required\n      The message.\n"
        );
        let brush = Brush {
            colours: true,
            width: 80,
        };
        assert!(
            brush
                .page(&shown)
                .starts_with("\x1b[1msns::publish\x1b[0m\n")
        );
    }
}
