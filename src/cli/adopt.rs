//! `opsh adopt --stack NAME`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use opsh_operation::Value;
use serde_json::json;

use super::console::Output;
use super::records::table;
use super::settings::Settings;
use super::start::{self, Started};
use super::{json, say};
use crate::gate::adopt::{self, Adoption};
use crate::gate::event::Site;
use crate::ledger::Ledger;
use crate::script::error::{Class, ScriptError};
use crate::script::run::conclude;
use crate::script::source::Sources;

/// Find a stack again by its tags, when the ledger is lost.
///
/// What carries the tag opsh:stack=NAME is recorded with what removes it, so that
/// a teardown finds it. What the ledger knows already stays as it is. Where the
/// ledger's file is gone, a new one begins.
///
/// It looks in one region, that of --region or of your configuration, and at what has no
/// region (IAM): for a stack in several regions, adopt it once for each.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

/// Looks, records, and gives the exit code.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    let settings = &arguments.settings;
    run(settings).unwrap_or_else(|error| say::error(&error, settings.output, &Sources::default()))
}

fn run(settings: &Settings) -> Result<ExitCode, ScriptError> {
    let Some(stack) = &settings.stack else {
        return Err(
            ScriptError::plain(Class::Start, "which stack is to be found?")
                .hint("name it with --stack NAME: its resources carry the tag opsh:stack=NAME"),
        );
    };
    let started = start::start(settings, stack, "adopt", Arc::new(Sources::default()))?;
    if !settings.dry_run {
        begin_anew(&started, &settings.ledger_path())?;
    }
    let gate = &started.runtime.gate;
    let site = Site {
        source: "opsh adopt".to_owned(),
        ..Site::default()
    };
    let outcome = {
        let _root = gate.world.enter(&[]);
        adopt::adopt(gate, &site)
    };
    let adoption = conclude(
        gate,
        outcome.map_err(|failure| start::stopped(&failure.into_fault(), Class::Failed)),
    )?;
    started.console.progress.clear();
    show(&started, stack, &adoption);
    // What could not be looked for may be there.
    Ok(if adoption.unseen.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Where the ledger's file is gone, lets a new one begin.
fn begin_anew(started: &Started, ledger: &Path) -> Result<(), ScriptError> {
    let aside =
        Ledger::put_aside(ledger).map_err(|error| start::stopped(&error.into(), Class::Start))?;
    if let Some(aside) = aside {
        started.console.err(&format!(
            "the ledger {} is gone: a new one begins, and the count of its rows is in {} now",
            ledger.display(),
            aside.display()
        ));
    }
    Ok(())
}

fn show(started: &Started, stack: &str, adoption: &Adoption) {
    let console = &started.console;
    let word = |new: bool| if new { "adopted" } else { "known" };
    let new = adoption.found.iter().filter(|(_, new)| *new).count();
    match console.output {
        Output::Json => {
            for (found, is_new) in &adoption.found {
                console.out(
                    &json!({
                        "event": "found",
                        "kind": found.kind,
                        "id": found.id,
                        "name": found.name,
                        "state": word(*is_new),
                    })
                    .to_string(),
                );
            }
            let unseen: Vec<_> = adoption
                .unseen
                .iter()
                .map(|unseen| json!({"kind": unseen.kind, "why": unseen.why}))
                .collect();
            let value = json!({
                "stack": stack,
                "found": adoption.found.len(),
                "adopted": new,
                "unseen": unseen,
            });
            console.out(&json::result(&Value::from_json(&value)));
        }
        Output::Human => {
            let rows: Vec<Vec<String>> = adoption
                .found
                .iter()
                .map(|(found, is_new)| {
                    vec![
                        found.kind.to_owned(),
                        found.id.clone(),
                        found.name.clone().unwrap_or_default(),
                        word(*is_new).to_owned(),
                    ]
                })
                .collect();
            if !rows.is_empty() {
                console.out(&table(&["kind", "id", "name", "state"], &rows));
                console.out("");
            }
            console.out(&format!(
                "the stack {stack}: {} found, {new} adopted",
                adoption.found.len()
            ));
            for unseen in &adoption.unseen {
                console.err(&format!(
                    "could not look for {}: {}",
                    unseen.kind, unseen.why
                ));
            }
        }
    }
}
