//! Imports that lead nowhere, and imports that nobody needs.

use std::path::Path;

use opsh_operation::suggest::closest;

use crate::script::resolver::STDLIB;
use crate::surface::lint::finding::Finding;
use crate::surface::lint::rule::{Rule, Severity};
use crate::surface::lint::subject::Subject;

/// There is nothing to import.
pub static UNKNOWN: Rule = Rule {
    name: "unknown-import",
    severity: Severity::Error,
    doc: "An import finds neither a module of the standard library nor a file in the playbook's folder.",
    bad: "import \"wbe\" as web;\nweb::bucket_name(\"shop\")",
    good: "import \"web\" as web;\nweb::bucket_name(\"shop\")",
};

/// Nothing comes from there.
pub static UNUSED: Rule = Rule {
    name: "unused-import",
    severity: Severity::Warning,
    doc: "A module is imported and never used.",
    bad: "import \"web\" as web;\nprint(1);",
    good: "import \"web\" as web;\nprint(web::bucket_name(\"shop\"));",
};

/// What is said of an import of `path` that finds nothing.
#[must_use]
pub fn missing(path: &str, folder: Option<&Path>) -> String {
    let beside = folder
        .and_then(|folder| std::fs::read_dir(folder).ok())
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_suffix(".rhai").map(str::to_owned)
        });
    let mut names: Vec<String> = STDLIB.iter().map(|(name, _)| (*name).to_owned()).collect();
    names.extend(beside);
    names.sort();
    let near = closest(path, names.iter().map(String::as_str));
    let tail = near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    format!("there is nothing to import as {path:?}{tail}")
}

/// Imports that nobody needs.
pub fn unused(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for import in &subject.facts.imports {
        if !import.alias.is_empty() && !subject.facts.through.contains(import.alias) {
            findings.push(subject.finding(
                &UNUSED,
                import.position,
                format!("the import '{}' is never used", import.alias),
            ));
        }
    }
}
