//! `opsh history [RUN]`: runs, or the steps of one.
//!
//! A service is one run, with its events folded into a number; with `-v` each is a line.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value as Json;

use super::records::{AtWork, Found, Which, held};
use crate::ledger::{Error, EventRun, Ledger, Run, Secrets, Step, StepEffect};

/// How many events of a service are shown with its steps, if not all.
const NEWEST: usize = 20;

/// List runs, newest first, or the steps of one run.
///
/// A service's events are counted; -v lists them. An event is named RUN.NUMBER.
#[derive(Args)]
pub struct Arguments {
    /// A run's id or the beginning of it
    run: Option<String>,
    /// Only runs of this stack
    #[arg(long, value_parser = super::settings::stack)]
    stack: Option<String>,
    /// At most this many runs
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Steps that only look, and all events of services, too
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    which: Which,
}

/// Shows the list.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    match &arguments.run {
        None => arguments
            .which
            .show("there are no runs", |ledger, at_work| {
                runs(arguments, ledger, at_work)
            }),
        Some(name) => arguments
            .which
            .show("this run has no steps", |ledger, at_work| {
                steps(arguments, ledger, at_work, name)
            }),
    }
}

fn runs(arguments: &Arguments, ledger: &mut Ledger, at_work: &mut AtWork) -> Result<Found, Error> {
    let runs = ledger.runs(arguments.stack.as_deref(), arguments.limit)?;
    let mut rows = Vec::new();
    let mut json = Vec::new();
    let mut services = false;
    for run in &runs {
        let count = ledger.count_events(&run.id)?;
        services |= count.events > 0;
        let events = match (count.events, count.failed) {
            (0, _) => String::new(),
            (events, 0) => events.to_string(),
            (events, failed) => format!("{events}, {failed} failed"),
        };
        rows.push(vec![
            run.id.to_string(),
            run.stack.clone(),
            run.playbook.clone(),
            at_work.outcome(ledger, run).to_owned(),
            events,
        ]);
        let mut object = at_work.tell(ledger, run, run.to_json());
        if count.events > 0 {
            object["events"] = count.events.into();
            object["events_failed"] = count.failed.into();
        }
        json.push(object);
        if arguments.verbose && count.events > 0 {
            let events = ledger.events(&run.id, Secrets::Hidden)?;
            for event in events.iter().rev() {
                rows.push(vec![
                    format!("  .{}", event.event.number),
                    String::new(),
                    format!("  {}", event.event.label),
                    at_work.outcome(ledger, &event.run).to_owned(),
                ]);
                json.push(at_work.tell(ledger, &event.run, event.to_json()));
            }
        }
    }
    let heading = ["run", "stack", "playbook", "outcome", "events"];
    let columns = if services { 5 } else { 4 };
    for row in &mut rows {
        row.truncate(columns);
    }
    Ok(Found {
        json,
        text: held(&heading[..columns], &rows),
    })
}

fn steps(
    arguments: &Arguments,
    ledger: &mut Ledger,
    at_work: &mut AtWork,
    name: &str,
) -> Result<Found, Error> {
    let run: Run = ledger.run(name, Secrets::Hidden)?;
    let mut steps = ledger.steps(&run.id, Secrets::Hidden)?;
    if !arguments.verbose {
        steps.retain(|step| step.effect == StepEffect::Write);
    }
    let events = ledger.events(&run.id, Secrets::Hidden)?;
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
    let parts = [
        held(&["step", "operation", "state", "at"], &rows),
        shown_events(&events, ledger, at_work, arguments.verbose),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let json: Vec<Json> = steps
        .iter()
        .map(Step::to_json)
        .chain(
            events
                .iter()
                .map(|event| at_work.tell(ledger, &event.run, event.to_json())),
        )
        .collect();
    Ok(Found {
        json,
        text: parts.join("\n\n"),
    })
}

/// The events of a service, the newest first.
fn shown_events(
    events: &[EventRun],
    ledger: &mut Ledger,
    at_work: &mut AtWork,
    all: bool,
) -> String {
    let shown = if all { events.len() } else { NEWEST };
    let rows: Vec<_> = events
        .iter()
        .rev()
        .take(shown)
        .map(|event| {
            vec![
                format!(".{}", event.event.number),
                event.event.label.clone(),
                at_work.outcome(ledger, &event.run).to_owned(),
                event.run.started.to_string(),
                event.run.error().unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    let mut text = held(&["event", "label", "outcome", "started", "error"], &rows);
    let hidden = events.len().saturating_sub(shown);
    if hidden > 0 {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n… and {hidden} earlier ones (-v lists them)");
    }
    text
}
