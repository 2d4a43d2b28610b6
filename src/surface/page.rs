//! A page of the reference as blocks, for whoever shows it; and as Markdown.

use std::fmt::Write as _;

/// One page.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Page {
    /// From the top down.
    pub blocks: Vec<Block>,
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A title (level 1), or what stands over a part of the page.
    Heading(u8, String),
    /// Prose, in Markdown.
    Text(String),
    /// Lines that are shown as they are, and their language.
    Code(&'static str, String),
    /// Labels and what is said to them.
    Facts(Vec<(String, String)>),
    /// Names in a column, and a sentence to each.
    Names(Vec<(String, String)>),
    /// Fields with their types.
    Fields(Vec<Line>),
}

/// One field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// How deep it stands in a structure.
    pub depth: usize,
    /// Its name.
    pub name: String,
    /// Its type, in words; may be empty.
    pub takes: String,
    /// `required`, `secret`, `default 30s`.
    pub notes: Vec<String>,
    /// What it is for.
    pub doc: String,
    /// Its known values, if there are such; how many more there are.
    pub values: (Vec<String>, usize),
}

impl Page {
    /// Adds a block.
    pub fn add(&mut self, block: Block) {
        self.blocks.push(block);
    }

    /// Adds prose, if there is any.
    pub fn text(&mut self, text: &str) {
        if !text.trim().is_empty() {
            let text = text.trim_end().trim_start_matches('\n');
            self.add(Block::Text(text.to_owned()));
        }
    }

    /// Adds a part with its heading, if it has any lines.
    pub fn part(&mut self, heading: &str, lines: Vec<Line>) {
        if !lines.is_empty() {
            self.add(Block::Heading(2, heading.to_owned()));
            self.add(Block::Fields(lines));
        }
    }

    /// As Markdown, with every heading `below` levels lower.
    #[must_use]
    pub fn markdown(&self, below: u8) -> String {
        let mut out = String::new();
        for block in &self.blocks {
            // Writing to a String cannot fail, here and below.
            match block {
                Block::Heading(level, text) => {
                    let marks = "#".repeat(usize::from(level + below));
                    let _ = writeln!(out, "{marks} {text}\n");
                }
                Block::Text(text) => {
                    let _ = writeln!(out, "{text}\n");
                }
                Block::Code(language, text) => {
                    let _ = writeln!(out, "```{language}\n{}\n```\n", text.trim_end());
                }
                Block::Facts(facts) => {
                    for (label, text) in facts {
                        let _ = writeln!(out, "- *{label}*: {text}");
                    }
                    out.push('\n');
                }
                Block::Names(names) => {
                    for (name, text) in names {
                        let _ = writeln!(out, "- `{name}`: {text}");
                    }
                    out.push('\n');
                }
                Block::Fields(lines) => {
                    for line in lines {
                        line.markdown(&mut out);
                    }
                    out.push('\n');
                }
            }
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }
}

impl Line {
    /// Type and notes behind each other.
    #[must_use]
    pub fn kind(&self) -> String {
        let mut words = Vec::new();
        if !self.takes.is_empty() {
            words.push(self.takes.clone());
        }
        words.extend(self.notes.iter().cloned());
        words.join(", ")
    }

    /// The known values as a sentence; empty if there are none.
    #[must_use]
    pub fn known(&self) -> String {
        let (values, more) = &self.values;
        if values.is_empty() {
            return String::new();
        }
        let tail = if *more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        format!("Known values: {}{tail}.", values.join(", "))
    }

    fn markdown(&self, out: &mut String) {
        let indent = "  ".repeat(self.depth);
        let kind = self.kind();
        let _ = write!(out, "{indent}- `{}`", self.name);
        if !kind.is_empty() {
            let _ = write!(out, " ({})", escaped(&kind));
        }
        let said = [self.doc.clone(), self.known()]
            .iter()
            .filter(|text| !text.is_empty())
            .map(|text| escaped(text))
            .collect::<Vec<_>>()
            .join(" ");
        if !said.is_empty() {
            let _ = write!(out, ": {said}");
        }
        out.push('\n');
    }
}

/// `text` without what Markdown would take for a tag.
fn escaped(text: &str) -> String {
    text.replace('<', "&lt;")
}
