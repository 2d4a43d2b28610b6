//! Verdicts as JSON, one object a line.

use std::path::Path;

use serde_json::json;

use super::coverage;
use super::snapshot::Mode;
use super::tell;
use super::verdict::Verdict;
use crate::cases::{Case, Covered, Suite};

/// A case that is not run.
pub(super) fn declared(suite: &Suite, case: &Case) -> String {
    json!({
        "event": "declared",
        "file": suite.path.display().to_string(),
        "name": case.said.name,
        "playbook": case.playbook.name,
        "at": case.site.as_ref().map(ToString::to_string),
    })
    .to_string()
}

/// A case that was run.
pub(super) fn case(suite: &Suite, verdict: &Verdict) -> String {
    let case = &suite.cases[verdict.place.1];
    let change = verdict.change.as_ref();
    json!({
        "event": "case",
        "file": suite.path.display().to_string(),
        "name": case.said.name,
        "playbook": case.playbook.name,
        "status": verdict.status.word(),
        "accepted": verdict.accepted,
        "seconds": verdict.seconds,
        "steps": verdict.steps.len(),
        "writes": verdict.steps.iter().filter(|step| step.is_write()).count(),
        "problems": verdict.problems,
        "snapshot": change.map(|change| change.snapshot.path.display().to_string()),
        "difference": change.map(|change| tell::changed(change, false)),
    })
    .to_string()
}

/// A snapshot that no case has.
pub(super) fn stranger(path: &Path, mode: Mode) -> String {
    json!({
        "event": "unreferenced",
        "snapshot": path.display().to_string(),
        "removed": mode == Mode::Accept,
    })
    .to_string()
}

/// Which lines were reached.
pub(super) fn coverage(files: &[Covered]) -> String {
    let (reached, lines) = coverage::sum(files);
    let file = |file: &Covered| {
        json!({
            "file": coverage::seen(&file.path),
            "lines": file.lines.len(),
            "reached": file.reached(),
            "missed": file.missed(),
        })
    };
    json!({
        "event": "coverage",
        "lines": lines,
        "reached": reached,
        "percent": coverage::percent(reached, lines),
        "files": files.iter().map(file).collect::<Vec<_>>(),
    })
    .to_string()
}

/// How many of each there were.
pub(super) fn count([passed, failed, new]: [usize; 3], seconds: f64) -> String {
    json!({
        "event": "result",
        "value": { "passed": passed, "failed": failed, "new": new, "seconds": seconds },
    })
    .to_string()
}
