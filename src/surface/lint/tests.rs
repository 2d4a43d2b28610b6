//! Every rule finds what it says, and nothing where nothing is.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::rules::RULES;
use super::{Finding, Naming, Program, Scrutiny, check};
use crate::modules::registry::registry;
use crate::script::source::Sources;

/// What is found in `text`, and in these files beside it.
fn findings(text: &str, files: &[(&str, &str)], sources: &Sources) -> Vec<Finding> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    match Program::read("p.rhai", text, folder.path(), Naming::FromFolder, sources) {
        Ok(program) => check(&program, Scrutiny::Everything),
        Err(finding) => vec![*finding],
    }
}

#[test]
fn every_rule_finds_its_bad_example_and_nothing_in_the_good_one() {
    let mut out = String::new();
    for rule in RULES {
        let sources = Sources::default();
        let bad = findings(rule.bad, &[], &sources);
        assert!(!bad.is_empty(), "{} finds nothing", rule.name);
        for finding in &bad {
            assert_eq!(finding.rule.name, rule.name, "{}", finding.render(&sources));
            let _ = writeln!(out, "{}", finding.render(&sources));
        }
        let good = findings(rule.good, &[], &sources);
        let said: String = good.iter().map(|found| found.render(&sources)).collect();
        assert!(good.is_empty(), "{}:\n{said}", rule.name);
    }
    insta::assert_snapshot!("rules", out);
}

#[test]
fn rules_have_names_of_their_own_and_say_what_they_find() {
    let names: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), RULES.len());
    for rule in RULES {
        assert!(rule.doc.ends_with('.'), "{}", rule.name);
        let kebab = |letter: char| letter.is_ascii_lowercase() || letter == '-';
        assert!(rule.name.chars().all(kebab), "{}", rule.name);
    }
}

/// Each `rule line:column message`.
fn said(text: &str, files: &[(&str, &str)]) -> Vec<String> {
    findings(text, files, &Sources::default())
        .iter()
        .map(|found| {
            let site = &found.site;
            let file = if site.source == "p.rhai" {
                String::new()
            } else {
                format!("{} ", site.source)
            };
            format!(
                "{} {file}{}:{} {}",
                found.rule.name, site.line, site.column, found.message
            )
        })
        .collect()
}

#[test]
fn more_that_is_wrong() {
    let mut out = String::new();
    for case in include_str!("tests/wrong.rhai").split("\n//---\n") {
        let found = said(case, &[]);
        assert!(!found.is_empty(), "nothing is found in:\n{case}");
        let _ = writeln!(out, "{}\n  {}\n", case.trim(), found.join("\n  "));
    }
    insta::assert_snapshot!("wrong", out);
}

#[test]
fn more_that_is_right() {
    for case in include_str!("tests/right.rhai").split("\n//---\n") {
        assert_eq!(said(case, &[]), Vec::<String>::new(), "in:\n{case}");
    }
}

#[test]
fn modules_of_the_playbook_are_checked_with_it() {
    let files = [
        (
            "rules.rhai",
            "import \"more\" as more;\nfn limit(count) { more::least() + coutn }\nprivate fn own() {}\n",
        ),
        ("more.rhai", "fn least() { ec2::describe_vpc(#{}) }\n"),
        ("broken.rhai", "fn ("),
    ];
    assert_eq!(
        said(
            "import \"rules\" as rules;\nimport \"broken\" as broken;\nimport \"../up\" as up;\nbroken::anything();\nup::anything();\nrules::limit();\nrules::own();\nrules::limt(1)",
            &files
        ),
        [
            "unknown-import 3:8 there is nothing to import as \"../up\"",
            "argument-count 6:1 rules::limit takes 1 argument (count), not 0",
            "unknown-function 7:1 rules::own is private to its module",
            "unknown-function 8:1 there is no function rules::limt; did you mean rules::limit?",
            "unknown-variable rules.rhai 2:35 there is no variable 'coutn'; did you mean 'count'?",
            "unknown-function more.rhai 1:14 there is no operation ec2::describe_vpc; did you mean ec2::describe_vpcs?",
            "syntax broken.rhai 1:4 syntax error: Expecting function name in function declaration",
        ]
    );
}

#[test]
fn no_example_of_an_operation_has_an_error() {
    let sources = Sources::default();
    let mut wrong = String::new();
    for entry in registry().operations() {
        for finding in findings(entry.operation.example, &[], &sources) {
            if finding.is_error() {
                let name = entry.operation.full_name();
                let _ = writeln!(wrong, "{name}: {}", finding.render(&sources));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_documentation_lists_the_rules() {
    let mut table = String::from("| rule | severity | finds |\n|---|---|---|\n");
    for rule in RULES {
        let _ = writeln!(
            table,
            "| `{}` | {} | {} |",
            rule.name, rule.severity, rule.doc
        );
    }
    let docs = include_str!("../../../docs/check.md");
    assert!(docs.contains(&table), "docs/check.md lacks:\n{table}");
}
