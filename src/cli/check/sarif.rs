//! Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format").

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value as Json, json};

use crate::surface::lint::rules::RULES;
use crate::surface::lint::{Finding, Rule};

/// What a path must not have in a URI (RFC 3986, 3.3).
const NOT_IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b']')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// One document with one run.
pub fn document(findings: &[Finding]) -> Json {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "opsh check",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": RULES.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
                },
            },
            // Rhai counts letters, not bytes or units of UTF-16.
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn descriptor(rule: &Rule) -> Json {
    json!({
        "id": rule.name,
        "shortDescription": { "text": rule.doc },
        "help": { "text": format!("Instead of\n\n{}\n\nwrite\n\n{}\n", rule.bad, rule.good) },
        "defaultConfiguration": { "level": rule.severity.to_string() },
    })
}

fn result(finding: &Finding) -> Json {
    let index = RULES.iter().position(|rule| rule.name == finding.rule.name);
    let uri = utf8_percent_encode(&finding.site.source, NOT_IN_PATHS).to_string();
    json!({
        "ruleId": finding.rule.name,
        "ruleIndex": index,
        "level": finding.rule.severity.to_string(),
        "message": { "text": finding.message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri },
                "region": {
                    "startLine": finding.site.line,
                    "startColumn": finding.site.column,
                },
            },
        }],
    })
}
