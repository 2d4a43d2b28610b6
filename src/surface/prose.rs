//! A documentation comment taken apart: a sentence, what follows, parameters, an example.

use std::borrow::Cow;

use opsh_operation::Operation;

/// What there is to say about something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doc {
    /// What it is or does, in one sentence.
    pub summary: Cow<'static, str>,
    /// What else there is to know, in Markdown; may be empty.
    pub details: Cow<'static, str>,
    /// What the example stands on, in Rhai; may be empty.
    pub setup: Cow<'static, str>,
    /// Rhai that runs on a freshly furnished embedded cloud behind the setup; may be empty.
    pub example: Cow<'static, str>,
}

impl Doc {
    /// Nothing but a sentence.
    #[must_use]
    pub fn of_sentence(summary: &'static str) -> Self {
        Self {
            summary: summary.into(),
            ..Self::default()
        }
    }

    /// What an operation declares.
    #[must_use]
    pub fn of_operation(operation: &'static Operation) -> Self {
        Self {
            summary: operation.summary.into(),
            example: operation.example.into(),
            ..Self::default()
        }
    }

    /// The example as a whole playbook.
    #[must_use]
    pub fn playbook(&self) -> String {
        let parts = [&*self.setup, &*self.example];
        let parts = parts.map(str::trim_end).map(|part| format!("{part}\n"));
        parts
            .into_iter()
            .filter(|part| part != "\n")
            .collect::<String>()
    }
}

/// A comment's parts; parameters by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Comment {
    /// Sentence, details, example.
    pub doc: Doc,
    /// What is said of parameters, in lines such as `` - `name`: The bucket's name. ``
    pub parameters: Vec<(String, String)>,
}

/// Takes a comment apart, whose lines begin with `mark` (`///` or `//!`).
///
/// The first paragraph is the summary. An example is a fenced block below a line `Example:`;
/// what the examples of a whole module stand on is one below `Given:` in its own comment.
#[must_use]
pub fn comment(text: &str, mark: &str) -> Comment {
    let mut paragraphs = String::new();
    let mut parameters: Vec<(String, String)> = Vec::new();
    let mut example = String::new();
    let mut setup = String::new();
    let mut lines = text.lines().map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix(mark).unwrap_or(line);
        line.strip_prefix(' ').unwrap_or(line).trim_end()
    });
    let mut in_parameter = false;
    while let Some(line) = lines.next() {
        if let "Example:" | "Given:" = line {
            let block = lines
                .by_ref()
                .skip_while(|line| !line.starts_with("```"))
                .skip(1)
                .take_while(|line| !line.starts_with("```"))
                .collect::<Vec<_>>()
                .join("\n");
            if line == "Example:" {
                example = block;
            } else {
                setup = block;
            }
            in_parameter = false;
        } else if let Some((name, doc)) = parameter(line) {
            parameters.push((name.to_owned(), doc.to_owned()));
            in_parameter = true;
        } else if in_parameter && line.starts_with("  ") {
            if let Some((_, doc)) = parameters.last_mut() {
                doc.push(' ');
                doc.push_str(line.trim_start());
            }
        } else {
            in_parameter = false;
            paragraphs.push_str(line);
            paragraphs.push('\n');
        }
    }
    let (summary, details) = paragraphs
        .trim()
        .split_once("\n\n")
        .unwrap_or((paragraphs.trim(), ""));
    Comment {
        doc: Doc {
            summary: summary.replace('\n', " ").into(),
            details: details
                .trim_end()
                .trim_start_matches('\n')
                .to_owned()
                .into(),
            setup: setup.into(),
            example: example.into(),
        },
        parameters,
    }
}

/// Name and words of `` - `name`: words ``.
fn parameter(line: &str) -> Option<(&str, &str)> {
    let (name, words) = line.strip_prefix("- `")?.split_once("`:")?;
    let plain = !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_alphanumeric() || letter == '_');
    plain.then(|| (name, words.trim()))
}

/// What a documentation says behind `Default:`.
#[must_use]
pub fn default_of(doc: &str) -> Option<&str> {
    let lowered = doc.to_ascii_lowercase();
    let at = lowered.find("default: ")? + "default: ".len();
    let rest = &doc[at..];
    let end = [". ", "; ", ", "]
        .iter()
        .filter_map(|end| rest.find(end))
        .min()
        .unwrap_or(rest.len());
    let said = rest[..end].trim_end_matches(['.', ')']);
    (!said.is_empty()).then_some(said)
}

/// Whether `text` is one sentence that ends in a period.
#[must_use]
pub fn is_sentence(text: &str) -> bool {
    text.ends_with('.') && first_sentence(text).len() == text.len()
}

/// `text` up to the period that ends its first sentence.
#[must_use]
pub fn first_sentence(text: &str) -> &str {
    const SHORT: [&str; 4] = ["e.g", "i.e", "etc", "vs"];
    let mut code = false;
    for (at, letter) in text.char_indices() {
        if letter == '`' {
            code = !code;
        }
        if letter != '.' || code {
            continue;
        }
        let head = &text[..at];
        let begins = text[at + 1..]
            .strip_prefix(' ')
            .and_then(|rest| rest.trim_start().chars().next())
            .is_some_and(|next| !next.is_lowercase());
        if begins && !SHORT.iter().any(|short| head.ends_with(short)) {
            return &text[..=at];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_taken_apart() {
        let text = "/// Finds or makes a bucket\n/// of ours; returns its name.\n///\n\
            /// - `name`: Its name,\n///   all over the world.\n/// - `#{ a }`: no parameter.\n///\n\
            /// More about it.\n///\n/// Example:\n/// ```rhai\n/// let a = 1;\n///   a\n/// ```";
        let comment = comment(text, "///");
        assert_eq!(
            comment.doc.summary,
            "Finds or makes a bucket of ours; returns its name."
        );
        assert_eq!(
            comment.parameters,
            [(
                "name".to_owned(),
                "Its name, all over the world.".to_owned()
            )]
        );
        assert_eq!(
            comment.doc.details,
            "- `#{ a }`: no parameter.\n\nMore about it."
        );
        assert_eq!(comment.doc.example, "let a = 1;\n  a");
    }

    #[test]
    fn sentences_and_defaults_are_recognised() {
        assert!(is_sentence("What is here, e.g. `a. B`."));
        assert!(!is_sentence("One. Two."));
        assert!(!is_sentence("No end"));
        assert_eq!(default_of("How long. Default: 30s."), Some("30s"));
        assert_eq!(
            default_of("The address. Default: \"127.0.0.1\", this machine only."),
            Some("\"127.0.0.1\"")
        );
        assert_eq!(default_of("A name."), None);
    }
}
