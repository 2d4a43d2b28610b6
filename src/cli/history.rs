//! `opsh history [RUN]`: runs, or the steps of one.

use std::process::ExitCode;

use clap::Args;

use super::records::{Found, Which, table};
use crate::ledger::{Secrets, StepEffect};

/// List runs, newest first, or the steps of one run.
#[derive(Args)]
pub struct Arguments {
    /// A run's id or the beginning of it
    run: Option<String>,
    /// Only runs of this stack
    #[arg(long)]
    stack: Option<String>,
    /// At most this many runs
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Steps that only look, too
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    which: Which,
}

/// Shows the list.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    match &arguments.run {
        None => arguments.which.show("there are no runs", |ledger| {
            let runs = ledger.runs(arguments.stack.as_deref(), arguments.limit)?;
            let rows: Vec<_> = runs
                .iter()
                .map(|run| {
                    vec![
                        run.id.to_string(),
                        run.stack.clone(),
                        run.playbook.clone(),
                        run.outcome().to_owned(),
                    ]
                })
                .collect();
            Ok(Found {
                json: runs.iter().map(crate::ledger::Run::to_json).collect(),
                text: table(&["run", "stack", "playbook", "outcome"], &rows),
            })
        }),
        Some(name) => arguments.which.show("this run has no steps", |ledger| {
            let run = ledger.run(name, Secrets::Hidden)?;
            let mut steps = ledger.steps(&run.id, Secrets::Hidden)?;
            if !arguments.verbose {
                steps.retain(|step| step.effect == StepEffect::Write);
            }
            let rows: Vec<_> = steps
                .iter()
                .map(|step| {
                    vec![
                        step.path.clone(),
                        step.operation.clone(),
                        step.state().to_owned(),
                        step.place.clone(),
                    ]
                })
                .collect();
            Ok(Found {
                json: steps.iter().map(crate::ledger::Step::to_json).collect(),
                text: table(&["step", "operation", "state", "at"], &rows),
            })
        }),
    }
}
