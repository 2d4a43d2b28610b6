//! `opsh run PLAYBOOK [key=value …]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, PoisonError};

use clap::Args;
use opsh_operation::Value;

use super::console::Output;
use super::settings::{self, Settings};
use super::start::{self, Started};
use super::{exit_code, given, json, kept, plan, say, show};
use crate::gate::undo::plan::Plan;
use crate::ledger::Secrets;
use crate::script::error::{Class, ScriptError};
use crate::script::param;
use crate::script::run::Playbook;
use crate::script::source::Sources;
use crate::surface::lint;

/// Run a playbook: live, on the embedded cloud (--local), or as a plan (--dry-run).
///
/// The value of the playbook's last expression is its result.
/// Exit codes: 0 done, 1 the playbook failed, 2 it could not start, 3 refused by
/// policy, 124 deadline, 130 interrupted. A service (`serve`, `every`, …) that is told to
/// stop by Ctrl-C or SIGTERM ends what it is about and exits 0; told twice, 130 at once.
#[derive(Args)]
pub struct Arguments {
    /// The playbook's file
    playbook: PathBuf,
    /// Parameters of the playbook, each as key=value
    #[arg(value_name = "KEY=VALUE")]
    parameters: Vec<String>,
    /// Read parameters from a JSON file; those on the command line win
    #[arg(long, value_name = "FILE")]
    params_file: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

/// Runs the playbook and gives the exit code.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    let sources = Arc::new(Sources::default());
    let settings = &arguments.settings;
    let prepared = lint::load(&arguments.playbook, &sources)
        .and_then(|playbook| {
            let given = given::parameters(&arguments.parameters, arguments.params_file.as_deref())?;
            Ok((given, playbook))
        })
        .and_then(|(given, playbook)| {
            let stack = settings::stack(&stack(settings, &given, &playbook))
                .map_err(|why| ScriptError::plain(Class::Start, why))?;
            let kept = kept::keep(settings)?;
            let sources = Arc::clone(&sources);
            let started = start::start_as(settings, &stack, &playbook.name, sources, |journal| {
                journal.started_with(kept)
            })?;
            Ok((given, playbook, started))
        });
    let (given, playbook, started) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return say::error(&error, settings.output, &sources),
    };
    if started.dry && settings.output == Output::Json {
        started.console.out(&json::plan(&started.base));
    }
    let mut ask = |parameter: &param::Parameter| ask(&started, parameter);
    let outcome =
        param::resolve(&playbook.name, &playbook.parameters, &given, &mut ask).and_then(|values| {
            // It may have been asked for only now.
            if let (None, Some(stack)) = (
                &settings.stack,
                values.get("stack").and_then(Value::as_text),
            ) {
                let stack =
                    settings::stack(stack).map_err(|why| ScriptError::plain(Class::Start, why))?;
                started.runtime.gate.journal.set_stack(&stack);
            }
            started.run(&playbook, values)
        });
    started.console.progress.clear();
    report(&started, settings, &sources, outcome)
}

/// Asks the person at the terminal for a parameter's value, until it is one;
/// nothing if nobody sits there.
fn ask(started: &Started, parameter: &param::Parameter) -> Result<Option<Value>, ScriptError> {
    let gate = &started.runtime.gate;
    if !gate.terminal.interactive() {
        return Ok(None);
    }
    let question = match parameter.doc.trim_end_matches('.') {
        "" => format!("{}: ", parameter.name),
        doc => format!("{doc} ({}): ", parameter.name),
    };
    let secret = parameter.kind == param::Type::Secret;
    loop {
        let answer = gate
            .terminal
            .ask(&question, secret, &gate.cancel)
            .map_err(|mut fault| {
                fault.message = format!("parameter '{}': {}", parameter.name, fault.message);
                start::stopped(&fault, Class::Failed)
            })?;
        if answer.is_empty() {
            continue;
        }
        let answer = Value::Text(answer);
        match parameter.read(&answer) {
            Ok(_) => return Ok(Some(answer)),
            Err(wrong) => started.console.err(&wrong),
        }
    }
}

/// The run's stack: as asked for, as the playbook's own parameter `stack` says
/// (a playbook that removes a stack works on that one), or the playbook's name.
fn stack(settings: &Settings, given: &BTreeMap<String, Value>, playbook: &Playbook) -> String {
    let declared = playbook
        .parameters
        .iter()
        .any(|parameter| parameter.name == "stack");
    let named = given
        .get("stack")
        .filter(|_| declared)
        .and_then(Value::as_text);
    settings
        .stack
        .clone()
        .or_else(|| named.map(str::to_owned))
        .unwrap_or_else(|| playbook.stack())
}

/// Shows the plan, the result or what went wrong, and gives the exit code.
pub(super) fn report(
    started: &Started,
    settings: &Settings,
    sources: &Sources,
    outcome: Result<Value, ScriptError>,
) -> ExitCode {
    let console = &started.console;
    show_plan(started, settings, outcome.as_ref().ok(), outcome.is_ok());
    match outcome {
        Ok(value) => {
            match settings.output {
                Output::Human if started.dry => {}
                Output::Human => {
                    let text = show::result(&value);
                    if !text.is_empty() {
                        console.out(&text);
                    }
                }
                Output::Json => console.out(&json::result(&value)),
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            let text = error.render(sources);
            console.note(tracing::Level::ERROR, &text);
            match settings.output {
                Output::Human => {
                    console.err(text.trim_end());
                    if error.class != Class::Start {
                        left_behind(started);
                        what_next(started);
                    }
                }
                Output::Json => console.out(&json::error(&error)),
            }
            exit_code(error.class)
        }
    }
}

/// The plan of a dry run, which came to its end or not, what was printed meanwhile, and its
/// result if it has one to show.
pub fn show_plan(started: &Started, settings: &Settings, result: Option<&Value>, ended: bool) {
    // What is printed in a plan is held until the plan has been shown.
    if let Some(held) = &started.console.held {
        started.console.out(&plan::whole(
            &started.base,
            &started.plan.steps(),
            &held.lock().unwrap_or_else(PoisonError::into_inner),
            result,
            ended,
            settings.verbose > 0,
        ));
    }
}

/// What a failed run had made before it failed, and what of it is still there.
fn left_behind(started: &Started) {
    // What a dry run makes is gone with its cloud.
    if started.dry {
        return;
    }
    let Ok(made) = started.runtime.gate.journal.made() else {
        return;
    };
    if made.is_empty() {
        return;
    }
    let width = made
        .iter()
        .map(|resource| resource.kind.len())
        .max()
        .unwrap_or(0);
    started
        .console
        .err("made before the failure, and still there:");
    for resource in &made {
        started
            .console
            .err(&format!("  {:width$}  {}", resource.kind, resource.id));
    }
}

/// How to go on with a run that did not come to its end, and how to undo it.
fn what_next(started: &Started) {
    let gate = &started.runtime.gate;
    let Some(run) = gate.journal.run() else {
        return;
    };
    // A run that only looked is as well run again.
    if started.dry || gate.journal.writes().is_ok_and(|writes| writes == 0) {
        return;
    }
    let flags = gate.flags();
    let undoable = gate.journal.with_ledger(|ledger, run| {
        let run = ledger.run(run.as_str(), Secrets::Hidden)?;
        Ok(Plan::of(ledger, run)?.is_pending())
    });
    // Where the ledger cannot say, undo does.
    let undo = if undoable.unwrap_or(true) {
        format!(", `opsh undo {run}{flags}` removes what it made")
    } else {
        String::new()
    };
    started.console.err(&format!(
        "  next: `opsh resume {run}{flags}` goes on with it{undo}"
    ));
}
