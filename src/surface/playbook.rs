//! What there is to know of a playbook before it runs: header, parameters, what it can reach.

use std::collections::BTreeMap;

use opsh_operation::{Effect, Value};
use serde_json::json;

use super::describe;
use super::page::{Block, Line, Page};
use super::prose::{self, Doc};
use crate::cases::header;
use crate::modules::Entry;
use crate::script::param::Parameter;
use crate::script::reach::Reach;
use crate::script::run::Playbook;
use crate::script::source::Sources;

/// A playbook as its text says what it is.
pub struct Described<'a> {
    /// As the user named it.
    name: &'a str,
    doc: Doc,
    parameters: &'a [Parameter],
    imports: Vec<String>,
    operations: BTreeMap<String, &'static Entry>,
    /// The names of the cases in its header.
    cases: Vec<String>,
}

impl<'a> Described<'a> {
    /// Reads what `playbook`, with this text, is.
    #[must_use]
    pub fn of(playbook: &'a Playbook, text: &str) -> Self {
        let reach = Reach::closely(
            &playbook.shared_ast(),
            &playbook.folder,
            &Sources::default(),
        );
        Self {
            name: &playbook.name,
            doc: comment(text),
            parameters: &playbook.parameters,
            imports: reach.imports().iter().cloned().collect(),
            operations: reach.operations(),
            cases: header::table(text).map_or_else(Vec::new, |table| {
                table.rows.into_iter().map(|row| row.name.text).collect()
            }),
        }
    }

    /// The page about it.
    #[must_use]
    pub fn page(&self) -> Page {
        let mut page = Page::default();
        page.add(Block::Heading(1, self.name.to_owned()));
        page.text(&self.doc.summary);
        page.text(&self.doc.details);
        let lines = self.parameters.iter().map(parameter).collect();
        page.part("Parameters", lines);
        if !self.cases.is_empty() {
            page.add(Block::Heading(2, "Cases".to_owned()));
            page.text(&self.cases.join("; "));
        }
        if !self.imports.is_empty() {
            page.add(Block::Heading(2, "Imports".to_owned()));
            page.text(&self.imports.join(", "));
        }
        let writes = self.names(|effect| matches!(effect, Effect::Write(_)));
        if !writes.is_empty() {
            page.add(Block::Heading(2, "May write".to_owned()));
            page.add(Block::Names(writes));
        }
        let reads = self.names(|effect| matches!(effect, Effect::Read));
        if !reads.is_empty() {
            page.add(Block::Heading(2, "May read".to_owned()));
            let names: Vec<String> = reads.into_iter().map(|(name, _)| name).collect();
            page.text(&names.join(", "));
        }
        page
    }

    /// Operations of that effect, each with how it is undone.
    fn names(&self, of: impl Fn(&Effect) -> bool) -> Vec<(String, String)> {
        self.operations
            .iter()
            .filter(|(_, entry)| of(&entry.operation.effect))
            .map(|(name, entry)| {
                let write = entry.operation.write();
                let undone = write.map_or(String::new(), |write| {
                    format!("undone: {}", describe::inverse(write))
                });
                (name.clone(), undone)
            })
            .collect()
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let parameters: Vec<_> = self
            .parameters
            .iter()
            .map(|one| {
                json!({
                    "name": one.name,
                    "type": one.kind.name(),
                    "required": one.default.is_none(),
                    "default": one.default.as_ref().map(Value::to_json),
                    "min": one.min,
                    "max": one.max,
                    "choices": one.choices.iter().map(Value::to_json).collect::<Vec<_>>(),
                    "doc": one.doc,
                })
            })
            .collect();
        let operations: Vec<_> = self
            .operations
            .iter()
            .map(|(name, entry)| {
                json!({ "name": name, "effect": super::json::effect(entry.operation) })
            })
            .collect();
        json!({
            "playbook": self.name,
            "summary": self.doc.summary,
            "details": self.doc.details,
            "parameters": parameters,
            "cases": self.cases,
            "imports": self.imports,
            "operations": operations,
        })
    }
}

/// The comment at the head of a playbook, in `//!` or `//`, without a table of cases.
#[must_use]
pub fn comment(text: &str) -> Doc {
    let has_cases = header::table(text).is_some();
    let lines: Vec<&str> = header::lines(text)
        .map(|(_, line)| line)
        .filter(|line| !(has_cases && header::is_row(line)))
        .collect();
    let mark = if lines.first().is_some_and(|line| line.starts_with("//!")) {
        "//!"
    } else {
        "//"
    };
    prose::comment(&lines.join("\n"), mark).doc
}

fn parameter(parameter: &Parameter) -> Line {
    let mut notes = Vec::new();
    match &parameter.default {
        None => notes.push("required".to_owned()),
        Some(default) => notes.push(format!("default {}", default.to_json())),
    }
    if let Some(min) = parameter.min {
        notes.push(format!("at least {min}"));
    }
    if let Some(max) = parameter.max {
        notes.push(format!("at most {max}"));
    }
    let choices = parameter.choices.iter().map(|choice| {
        choice
            .as_text()
            .map_or_else(|| choice.to_json().to_string(), str::to_owned)
    });
    Line {
        name: parameter.name.clone(),
        takes: parameter.kind.name().to_owned(),
        notes,
        doc: parameter.doc.clone(),
        values: (choices.collect(), 0),
        ..Line::default()
    }
}
