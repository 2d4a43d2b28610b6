//! `opsh undo [RUN]`.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use opsh_operation::{Fault, FaultKind, Map, Value};
use serde_json::json;

use super::console::{Output, Verbosity};
use super::records::{AtWork, table};
use super::settings::{self, Settings};
use super::start::{self, Started};
use super::{json, kept, plan as planned, say, show};
use crate::gate::Failure;
use crate::gate::event::Site;
use crate::gate::origin::folder::{self, Meant};
use crate::gate::origin::{Act, account, world};
use crate::gate::undo::choose;
use crate::gate::undo::plan::{Fate, Item, Plan};
use crate::gate::undo::{self, Outcome, flight};
use crate::ledger::{Ledger, RunOutcome, Secrets};
use crate::modules::Terminal as _;
use crate::script::error::{Class, ScriptError};
use crate::script::run::conclude;
use crate::script::source::Sources;

/// Undo a run: its writes backwards, each by its recorded inverse.
///
/// Shows first what is undone and what cannot be, and asks. What is gone already
/// counts as undone; after a failure it goes on with what does not depend on it.
/// Stopped in the middle, it goes on where it was when it is run again.
/// Exit codes: 0 undone, 1 something is left, 2 it could not start.
#[derive(Args)]
pub struct Arguments {
    /// A run's id or the beginning of it [default: the newest with something to undo]
    run: Option<String>,
    #[command(flatten)]
    settings: Settings,
}

/// Undoes the run and gives the exit code.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    let output = arguments.settings.output;
    undo(arguments).unwrap_or_else(|error| say::error(&error, output, &Sources::default()))
}

fn undo(arguments: &Arguments) -> Result<ExitCode, ScriptError> {
    let refused = |fault: Fault| start::stopped(&fault, Class::Start);
    let Chosen {
        plan: chosen,
        outcome,
        settings,
    } = chosen(arguments).map_err(refused)?;
    let settings = &settings;
    let name = format!("undo {}", chosen.run.id);
    let sources = Arc::new(Sources::default());
    let started = start::start(settings, &chosen.run.stack, &name, sources)?;
    let gate = &started.runtime.gate;
    gate.journal.hold().map_err(refused)?;
    // Only now nobody else works on the stack.
    let plan = again(arguments, chosen).map_err(refused)?;
    let site = Site {
        source: "opsh undo".to_owned(),
        ..Site::default()
    };
    let steps: Vec<_> = plan.items.iter().map(|item| &item.step).collect();
    account::must_be_that_of(gate, &steps, &site).map_err(refused)?;
    let ended = plan.run.end.is_some();
    let outcome = if ended { plan.run.outcome() } else { outcome };
    show(&started, &plan, outcome);
    if settings.dry_run && !settings.embedded() {
        return Ok(ExitCode::SUCCESS);
    }
    if !agreed(&started, &plan).map_err(refused)? {
        started.console.err("nothing was undone");
        return Ok(ExitCode::FAILURE);
    }
    let run = plan.run.id.clone();
    let outcome = {
        let _root = gate.world.enter(&[]);
        gate.journal
            .begin(gate.world.as_ref())
            .map_err(Failure::from)
            .and_then(|_| flight::settle(gate, plan, &site))
            .and_then(|plan| {
                let ended = undo::carry_out(gate, &plan, &site)?;
                Ok((plan, ended))
            })
    };
    started.console.progress.clear();
    let (plan, ended) = match outcome {
        Ok(done) => done,
        Err(failure) => {
            let error = start::stopped(&failure.into_fault(), Class::Failed);
            return conclude(
                gate,
                Err(error.hint(format!("`opsh undo {run}{}` goes on", gate.flags()))),
            );
        }
    };
    let end = match left(&ended) {
        0 => RunOutcome::Done,
        left => RunOutcome::Failed(format!("{} left", writes(left))),
    };
    gate.journal.end(&end, gate.world.now()).map_err(refused)?;
    Ok(report(&started, &plan, &ended))
}

/// The run that is meant.
struct Chosen {
    /// What undoing it does.
    plan: Plan,
    /// How it ended, in a word.
    outcome: &'static str,
    /// The settings that lead to where it was.
    settings: Settings,
}

fn chosen(arguments: &Arguments) -> Result<Chosen, Fault> {
    let settings = &arguments.settings;
    let path = settings.ledger_path();
    let flags = settings.flags();
    let opened = Ledger::open_existing(&path).map_err(|error| error.told(&flags))?;
    let mut ledger = opened.ok_or_else(|| {
        Fault::new(
            FaultKind::NotFound,
            format!(
                "there is no ledger {}: nothing has been run",
                path.display()
            ),
        )
        .hint("--local undoes what was done on the embedded cloud")
    })?;
    let plan = choose::choose(
        &mut ledger,
        arguments.run.as_deref(),
        settings.stack.as_deref(),
        &flags,
    )?;
    let run = &plan.run.id;
    let started = ledger.parent_of(run)?.unwrap_or_else(|| run.clone());
    world::must_be_there(&plan.run, settings.embedded(), Act::Undo)?;
    let mut settings = settings.clone();
    if let Some(kept) = ledger.settings(&started)? {
        let meant = Meant {
            run,
            folder: &kept.folder,
            ledger: settings.ledger.as_deref(),
            usual: &settings::ledger(None, settings.embedded()),
            embedded: settings.embedded(),
        };
        folder::must_be_here(&meant, Act::Undo)?;
        kept::place(&kept.settings, &mut settings);
    }
    let place = settings::place(settings.ledger.as_deref(), settings.embedded());
    let outcome = AtWork::of(place).outcome(&mut ledger, &plan.run);
    Ok(Chosen {
        plan,
        outcome,
        settings,
    })
}

/// The plan as it is now that the stack is ours.
fn again(arguments: &Arguments, chosen: Plan) -> Result<Plan, Fault> {
    let settings = &arguments.settings;
    let path = settings.ledger_path();
    let Some(mut ledger) = Ledger::open_existing(&path)? else {
        return Ok(chosen);
    };
    let run = ledger.run(chosen.run.id.as_str(), Secrets::Hidden)?;
    Ok(Plan::of(&mut ledger, run)?)
}

fn show(started: &Started, plan: &Plan, outcome: &str) {
    let console = &started.console;
    if console.output == Output::Json {
        for item in &plan.items {
            console.out(&json::undo(item));
        }
        return;
    }
    let verbose = console.verbosity == Verbosity::Verbose;
    let gate = &started.runtime.gate;
    let shown = |text: &str| gate.files.shown(text, gate.world.files());
    console.out(&render(plan, outcome, verbose, &shown));
}

/// The run, what is undone, what cannot be, and how many leave nothing behind.
fn render(plan: &Plan, outcome: &str, verbose: bool, shown: &dyn Fn(&str) -> String) -> String {
    let run = &plan.run;
    let mut parts = vec![format!(
        "undo of run {} ({}, stack {}, {outcome})",
        run.id, run.playbook, run.stack
    )];
    let rows = |wanted: &dyn Fn(&Fate) -> Option<String>| -> Vec<Vec<String>> {
        plan.items
            .iter()
            .filter_map(|item| {
                let last = wanted(&item.fate)?;
                let step = &item.step;
                Some(vec![
                    step.path.clone(),
                    step.operation.clone(),
                    last,
                    // The longest stands last: a terminal that is narrower breaks only that.
                    what(item, shown),
                ])
            })
            .collect()
    };
    let undone = rows(&|fate| match fate {
        Fate::Undo { calls, .. } => calls.first().map(|call| call.operation.clone()),
        Fate::InFlight => Some("was in flight: looked for first".to_owned()),
        Fate::Unknown(why) => Some(why.clone()),
        _ => None,
    });
    if !undone.is_empty() {
        parts.push(table(&["step", "operation", "undone by", "what"], &undone));
    }
    let impossible = rows(&|fate| match fate {
        Fate::Impossible(why) => Some(why.clone()),
        _ => None,
    });
    if !impossible.is_empty() {
        parts.push("cannot be undone:".to_owned());
        parts.push(table(&["step", "operation", "why", "what"], &impossible));
    }
    let others = rows(&|fate| match fate {
        Fate::Nothing(why) | Fate::Over(why) => Some(why.clone()),
        _ => None,
    });
    if verbose && !others.is_empty() {
        parts.push("nothing to do for:".to_owned());
        parts.push(table(&["step", "operation", "why", "what"], &others));
    } else if !others.is_empty() {
        parts.push(format!(
            "nothing to do for {} more {} (-v lists them)",
            others.len(),
            if others.len() == 1 { "write" } else { "writes" }
        ));
    }
    parts.join("\n\n")
}

/// What a write was about: what it made, or how it was called.
pub fn what(item: &Item, shown: &dyn Fn(&str) -> String) -> String {
    const WIDEST: usize = 110;
    if item.made.is_empty() {
        // What it is about is said by plain values, how that shall be by the others.
        let (others, plain): (Vec<_>, Vec<_>) = item
            .about()
            .iter()
            .partition(|(_, value)| matches!(value, Value::List(_) | Value::Map(_)));
        let parts: Vec<String> = plain
            .into_iter()
            .chain(others)
            .map(|(name, value)| parameter(name, value))
            .collect();
        let line = shown(&parts.join(" "));
        if line.chars().count() > WIDEST {
            let cut: String = line.chars().take(WIDEST - 1).collect();
            return format!("{cut}…");
        }
        return line;
    }
    let ids: Vec<&str> = item.made.iter().map(|(_, id)| id.as_str()).collect();
    format!("{} {}", item.made[0].0, ids.join(" "))
}

/// A parameter as it was given; of an ARN, the end says the most.
fn parameter(name: &str, value: &Value) -> String {
    match value.as_text() {
        Some(arn) if arn.starts_with("arn:") => format!("{name}={arn}"),
        _ => show::line(&Value::Map(Map::from([(name.to_owned(), value.clone())]))),
    }
}

fn writes(count: usize) -> String {
    if count == 1 {
        "1 write".to_owned()
    } else {
        format!("{count} writes")
    }
}

fn pending(plan: &Plan) -> usize {
    plan.items
        .iter()
        .filter(|item| item.fate.is_pending())
        .count()
}

fn agreed(started: &Started, plan: &Plan) -> Result<bool, Fault> {
    let console = &started.console;
    if console.consents() {
        return Ok(true);
    }
    if !console.interactive() {
        return Err(Fault::new(
            FaultKind::Invalid,
            "there is nobody to ask whether to undo this: this is no terminal",
        )
        .hint("add --yes to undo without asking, or --dry-run to look only"));
    }
    let question = format!("Undo these {}?", writes(pending(plan)));
    console.agrees(&question, &started.runtime.gate.cancel)
}

fn left(ended: &[(usize, Outcome)]) -> usize {
    ended
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Left(_)))
        .count()
}

fn report(started: &Started, plan: &Plan, ended: &[(usize, Outcome)]) -> ExitCode {
    let console = &started.console;
    let gate = &started.runtime.gate;
    let shown = |text: &str| gate.files.shown(text, gate.world.files());
    let left = left(ended);
    if started.dry && console.output == Output::Human {
        let steps = started.plan.steps();
        console.out(&format!(
            "\n{}",
            planned::render(&started.base, &steps, true, false)
        ));
    }
    let problems = ended.iter().filter_map(|(place, outcome)| match outcome {
        Outcome::Left(why) => Some((&plan.items[*place], why)),
        Outcome::Undone { .. } => None,
    });
    match console.output {
        Output::Json => {
            let left: Vec<_> = problems
                .map(|(item, why)| {
                    json!({"step": item.step.path, "operation": item.step.operation, "why": why})
                })
                .collect();
            let value = json!({
                "run": plan.run.id.as_str(),
                "undone": ended.len() - left.len(),
                "left": left,
            });
            console.out(&json::result(&Value::from_json(&value)));
        }
        Output::Human => {
            console.out(&format!("\nundone: {}", writes(ended.len() - left)));
            let rows: Vec<Vec<String>> = problems
                .map(|(item, why)| {
                    vec![
                        item.step.path.clone(),
                        item.step.operation.clone(),
                        what(item, &shown),
                        why.clone(),
                    ]
                })
                .collect();
            if !rows.is_empty() {
                console.err(&format!(
                    "left (`opsh undo {}{}` tries again):\n{}",
                    plan.run.id,
                    gate.flags(),
                    table(&["step", "operation", "what", "why"], &rows)
                ));
            }
        }
    }
    if left == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
