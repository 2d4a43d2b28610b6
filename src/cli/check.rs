//! `opsh check PLAYBOOK…`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{records, say};
use crate::script::error::{Class, ScriptError};
use crate::script::run::{self, plain_io};
use crate::script::source::Sources;
use crate::surface::lint::rules::RULES;
use crate::surface::lint::{self, Finding, Naming, Program, Scrutiny};

mod sarif;

/// Say what is wrong with playbooks, without running them.
///
/// Modules of their own that playbooks import are checked with them. A finding that is
/// meant so is put up with by `// opsh: allow(RULE)` on its line, or on the line before.
/// Exit codes: 0 nothing or only warnings, 2 errors, or a file that cannot be read.
#[derive(Args)]
pub struct Arguments {
    /// Playbooks, and folders in which all *.rhai are checked
    #[arg(required_unless_present = "rules")]
    playbooks: Vec<PathBuf>,
    /// List the rules
    #[arg(long)]
    rules: bool,
    /// Form of the findings
    #[arg(long, value_enum, default_value_t)]
    output: Form,
}

/// In which form findings come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Form {
    /// Text for people
    #[default]
    Human,
    /// One JSON object a line
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// Checks the playbooks and gives the exit code.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    if arguments.rules {
        rules(arguments.output);
        return ExitCode::SUCCESS;
    }
    let mut checked = Checked::default();
    let files = files(&arguments.playbooks, &mut checked.unread);
    checked.all(&files);
    match arguments.output {
        Form::Human => checked.human(),
        Form::Json => checked.json(),
        Form::Sarif => say::out(sarif::document(&checked.findings)),
    }
    for error in &checked.unread {
        say::err(error.render(&checked.sources).trim_end());
    }
    if checked.errors() > 0 || !checked.unread.is_empty() {
        return super::exit_code(Class::Start);
    }
    ExitCode::SUCCESS
}

/// The table of rules.
fn rules(form: Form) {
    if form != Form::Human {
        for rule in RULES {
            say::out(json!({
                "rule": rule.name,
                "severity": rule.severity.to_string(),
                "doc": rule.doc,
                "bad": rule.bad,
                "good": rule.good,
            }));
        }
        return;
    }
    let rows: Vec<_> = RULES
        .iter()
        .map(|rule| {
            vec![
                rule.name.to_owned(),
                rule.severity.to_string(),
                rule.doc.to_owned(),
            ]
        })
        .collect();
    say::out(records::table(&["rule", "severity", "finds"], &rows));
}

/// The files that `paths` name, folders with all playbooks below them, each once.
fn files(paths: &[PathBuf], unread: &mut Vec<ScriptError>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut below = Vec::new();
            if let Err(error) = collect(path, &mut below) {
                unread.push(ScriptError::plain(
                    Class::Start,
                    format!(
                        "cannot read the folder '{}': {}",
                        path.display(),
                        plain_io(&error)
                    ),
                ));
            }
            below.sort();
            files.extend(below);
        } else {
            files.push(path.clone());
        }
    }
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    files
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&path, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|end| end == "rhai") {
            files.push(path);
        }
    }
    Ok(())
}

/// What was found in all files.
#[derive(Default)]
struct Checked {
    sources: Sources,
    findings: Vec<Finding>,
    /// The texts that were checked.
    texts: BTreeSet<String>,
    unread: Vec<ScriptError>,
}

impl Checked {
    fn all(&mut self, files: &[PathBuf]) {
        let mut programs = Vec::new();
        for file in files {
            let name = file.display().to_string();
            let text = match run::read(&name, file) {
                Ok(text) => text,
                Err(error) => {
                    self.unread.push(error);
                    continue;
                }
            };
            let folder = run::folder(file);
            match Program::read(&name, &text, folder, Naming::FromHere, &self.sources) {
                Ok(program) => programs.push(program),
                Err(finding) => {
                    self.texts.insert(name);
                    self.findings.push(*finding);
                }
            }
        }
        // Whoever is imported by another one is checked with that.
        let modules: BTreeSet<String> = programs
            .iter()
            .flat_map(|program| &program.units[1..])
            .filter(|unit| unit.own)
            .map(|unit| unit.name.clone())
            .collect();
        for program in programs {
            if modules.contains(&program.units[0].name) {
                continue;
            }
            let own = program.units.iter().filter(|unit| unit.own);
            let before = self.texts.clone();
            self.texts.extend(own.map(|unit| unit.name.clone()));
            let findings = lint::check(&program, Scrutiny::Everything);
            self.findings.extend(
                findings
                    .into_iter()
                    .filter(|finding| !before.contains(&finding.site.source)),
            );
        }
    }

    fn errors(&self) -> usize {
        self.findings
            .iter()
            .filter(|found| found.is_error())
            .count()
    }

    fn human(&self) {
        for finding in &self.findings {
            say::out(finding.render(&self.sources).trim_end());
        }
        say::out(self.summary());
    }

    fn json(&self) {
        for finding in &self.findings {
            say::out(json!({
                "event": "finding",
                "rule": finding.rule.name,
                "severity": finding.rule.severity.to_string(),
                "file": finding.site.source,
                "line": finding.site.line,
                "column": finding.site.column,
                "message": finding.message,
            }));
        }
        say::out(json!({
            "event": "checked",
            "files": self.texts.len(),
            "errors": self.errors(),
            "warnings": self.findings.len() - self.errors(),
        }));
    }

    /// How many of what were found, e.g. `1 error, 2 warnings in 3 files`.
    fn summary(&self) -> String {
        let count = |number: usize, what: &str| match number {
            1 => format!("1 {what}"),
            number => format!("{number} {what}s"),
        };
        let files = count(self.texts.len(), "file");
        let errors = self.errors();
        let warnings = self.findings.len() - errors;
        let found: Vec<_> = [(errors, "error"), (warnings, "warning")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| count(number, what))
            .collect();
        if found.is_empty() {
            format!("nothing found in {files}")
        } else {
            format!("{} in {files}", found.join(", "))
        }
    }
}
