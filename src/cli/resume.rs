//! `opsh resume [RUN]`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use opsh_operation::Value;

use super::console::Output;
use super::settings::{self, Settings};
use super::start::{self, Started};
use super::{kept, run, say};
use crate::gate::event::Site;
use crate::gate::journal::{Assumption, Resumes};
use crate::gate::origin::folder::{self, Meant};
use crate::gate::origin::{Act, account, world};
use crate::gate::rehearsal::{self, Rehearsal};
use crate::ledger::{self, Ledger, Run, RunSettings, Secrets, Step, Undo};
use crate::script::error::{Class, ScriptError};
use crate::script::run::Playbook;
use crate::script::source::Sources;
use crate::surface::lint;

/// Go on with a run that was killed, interrupted or failed.
///
/// The playbook runs again, with the parameters and settings it was started with; what
/// it had done is answered from the ledger, what was in flight is settled, and it goes
/// on from there. Exit codes: as `opsh run`; 2 also if the playbook changed in the part
/// that already ran. A service is started again; events that were under way come first.
#[derive(Args)]
pub struct Arguments {
    /// A run's id or the beginning of it [default: the newest that has not come to its end]
    run: Option<String>,
    /// A run on the embedded cloud
    #[arg(long)]
    local: bool,
    /// A run on the embedded cloud that `opsh local serve` has at URL, from this folder
    #[arg(long, value_name = "URL", conflicts_with = "local")]
    local_at: Option<String>,
    /// A run in the ledger at PATH
    #[arg(long, value_name = "PATH")]
    ledger: Option<PathBuf>,
    /// What to take for true of a step of which nobody knows whether it was done
    #[arg(long, value_name = "[STEP=]done|not-done", value_parser = assumption)]
    assume: Vec<Assumption>,
    /// Form of results
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    /// Append everything that happens to FILE
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// Say more: reads and what comes from the ledger, too
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say less: errors only
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Answer yes to every confirmation
    #[arg(long)]
    yes: bool,
    /// Another profile of the shared AWS configuration, for the same account
    #[arg(long)]
    profile: Option<String>,
    /// Send AWS requests to this endpoint
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Connect to ADDR:PORT whenever HOST:PORT is asked for (HOST or PORT may be empty)
    #[arg(long, value_name = "HOST:PORT:ADDR:PORT")]
    connect_to: Vec<String>,
    /// Let something go wrong on purpose, as for `opsh run` (embedded cloud only)
    #[arg(long, value_name = "RULE", value_parser = rehearsal::parse)]
    fault: Vec<Rehearsal>,
    /// Stop after this time, e.g. 10m
    #[arg(long, value_name = "DURATION", value_parser = settings::duration)]
    deadline: Option<Duration>,
    /// Let a service run for this time; on the embedded cloud in virtual time, without a socket
    #[arg(long = "for", value_name = "DURATION", value_parser = settings::duration)]
    length: Option<Duration>,
    /// Let the events of FILE, JSON lines, come to a service (embedded cloud only)
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
}

impl Arguments {
    fn embedded(&self) -> bool {
        self.local || self.local_at.is_some()
    }

    /// The flags with which the same ledger is found again.
    fn flags(&self) -> String {
        settings::flags(self.ledger.as_deref(), self.embedded())
    }
}

fn assumption(text: &str) -> Result<Assumption, String> {
    let (step, word) = match text.rsplit_once('=') {
        None => (None, text),
        Some((step, word)) => {
            let step = step.parse().map_err(|_| {
                format!("'{step}' is no step; write a number or a path such as 3.0.2")
            })?;
            (Some(step), word)
        }
    };
    let done = match word {
        "done" => true,
        "not-done" => false,
        _ => return Err(format!("'{word}' is neither done nor not-done")),
    };
    Ok(Assumption { step, done })
}

/// Goes on with the run and gives the exit code.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    let sources = Arc::new(Sources::default());
    match prepare(arguments, &sources) {
        Ok(resumed) => {
            let outcome = resumed.started.run(&resumed.playbook, resumed.parameters);
            resumed.started.console.progress.clear();
            run::report(&resumed.started, &resumed.settings, &sources, outcome)
        }
        Err(error) => say::error(&error, arguments.output, &sources),
    }
}

struct Resumed {
    started: Started,
    settings: Settings,
    playbook: Playbook,
    parameters: BTreeMap<String, Value>,
}

fn prepare(arguments: &Arguments, sources: &Arc<Sources>) -> Result<Resumed, ScriptError> {
    let (run, recorded, done) = recorded(arguments)?;
    let mut settings = asked(arguments);
    settings.stack = Some(run.stack.clone());
    kept::restore(&recorded.settings, &mut settings);
    let playbook = lint::load(&found(&run.playbook, &recorded.folder), sources)?;
    let parameters = parameters(arguments, &run, &playbook)?;
    let resumes = Resumes {
        run: run.id,
        assumptions: arguments.assume.clone(),
    };
    let started = start::start_as(
        &settings,
        &run.stack,
        &playbook.name,
        Arc::clone(sources),
        |journal| journal.resuming(resumes),
    )?;
    let gate = &started.runtime.gate;
    let site = Site {
        source: "opsh resume".to_owned(),
        ..Site::default()
    };
    account::must_be_that_of(gate, &done.iter().collect::<Vec<_>>(), &site)
        .map_err(|fault| start::stopped(&fault, Class::Start))?;
    // At once, not with the first step: another process may be at it.
    gate.journal
        .begin(gate.world.as_ref())
        .map_err(|fault| ScriptError::plain(Class::Start, fault.message))?;
    Ok(Resumed {
        started,
        settings,
        playbook,
        parameters,
    })
}

/// The values that the run was started with; of parameters that are new since, the defaults.
fn parameters(
    arguments: &Arguments,
    run: &Run,
    playbook: &Playbook,
) -> Result<BTreeMap<String, Value>, ScriptError> {
    let mut values = run.params.clone();
    for parameter in &playbook.parameters {
        let name = &parameter.name;
        if values.contains_key(name) {
            continue;
        }
        let Some(default) = &parameter.default else {
            let error = ScriptError::plain(
                Class::Start,
                format!(
                    "the playbook has a new parameter '{name}'; the run {} was started without it",
                    run.id
                ),
            );
            return Err(error.hint(format!(
                "give it a default and resume again; or run the playbook anew after `opsh undo {}{}`",
                run.id,
                arguments.flags()
            )));
        };
        values.insert(name.clone(), default.clone());
    }
    Ok(values)
}

/// The run that is meant, how it was started, and what it wrote.
fn recorded(arguments: &Arguments) -> Result<(Run, RunSettings, Vec<Step>), ScriptError> {
    let failed =
        |error: ledger::Error| start::stopped(&error.told(&arguments.flags()), Class::Start);
    let path = settings::ledger(arguments.ledger.as_deref(), arguments.embedded());
    let Some(mut ledger) = Ledger::open_existing(&path).map_err(failed)? else {
        return Err(nothing(
            arguments,
            &format!("there is no ledger {}", path.display()),
        ));
    };
    let id = match &arguments.run {
        Some(name) => name.clone(),
        None => match ledger.unfinished().map_err(failed)? {
            Some(run) => run.id.to_string(),
            None => return Err(nothing(arguments, "every run has come to its end")),
        },
    };
    let run = ledger.run(&id, Secrets::Opened).map_err(failed)?;
    if run.is_done() {
        return Err(nothing(
            arguments,
            &format!("the run {} has come to its end", run.id),
        ));
    }
    world::must_be_there(&run, arguments.embedded(), Act::Resume)
        .map_err(|fault| start::stopped(&fault, Class::Start))?;
    if let Some(service) = ledger.parent_of(&run.id).map_err(failed)? {
        let error = ScriptError::plain(
            Class::Start,
            format!("the run {} is an event of the service {service}", run.id),
        );
        return Err(error.hint(format!(
            "`opsh resume {service}{}` goes on with both, and so does running the playbook anew",
            arguments.flags()
        )));
    }
    let settings = ledger.settings(&run.id).map_err(failed)?.ok_or_else(|| {
        ScriptError::plain(
            Class::Start,
            format!(
                "the run {} cannot be resumed: how it was started is not recorded (a shell, an \
                 older opsh, or another command)",
                run.id
            ),
        )
    })?;
    let meant = Meant {
        run: &run.id,
        folder: &settings.folder,
        ledger: arguments.ledger.as_deref(),
        usual: &settings::ledger(None, arguments.embedded()),
        embedded: arguments.embedded(),
    };
    folder::must_be_here(&meant, Act::Resume)
        .map_err(|fault| start::stopped(&fault, Class::Start))?;
    if let Some(error) = overtaken(arguments, &mut ledger, &run).map_err(failed)? {
        return Err(error);
    }
    let done = ledger.writes(&run.id, Secrets::Hidden).map_err(failed)?;
    Ok((run, settings, done))
}

/// Why the run's stack is not as it left it, if that matters.
fn overtaken(
    arguments: &Arguments,
    ledger: &mut Ledger,
    run: &Run,
) -> Result<Option<ScriptError>, ledger::Error> {
    // What is undone in part would be taken for done.
    let undone = ledger.undos_of(&run.id)?.into_iter();
    let begun = |undo: &Undo| undo.result.as_ref().is_none_or(Result::is_ok);
    if let Some(undo) = undone.rev().find(begun) {
        let error = ScriptError::plain(
            Class::Start,
            format!(
                "the run {} cannot be resumed: it has been undone since, or a part of it, by the run {}",
                run.id, undo.by
            ),
        );
        return Ok(Some(error.hint("run the playbook anew")));
    }
    let Some(later) = ledger.later(run)? else {
        return Ok(None);
    };
    if let Some((kind, id)) = later.removed {
        let error = ScriptError::plain(
            Class::Start,
            format!(
                "the run {} cannot be resumed: {kind} {id}, which it had made, has been removed since",
                run.id
            ),
        );
        return Ok(Some(error.hint("run the playbook anew")));
    }
    if arguments.run.is_some() {
        return Ok(None);
    }
    let error = ScriptError::plain(
        Class::Start,
        format!(
            "the run {} has not come to its end, but the run {} has worked on the stack '{}' after it",
            run.id, later.run.id, run.stack
        ),
    );
    Ok(Some(error.hint(format!(
        "if it is meant all the same: opsh resume {}{}",
        run.id,
        arguments.flags()
    ))))
}

fn nothing(arguments: &Arguments, why: &str) -> ScriptError {
    ScriptError::plain(Class::Start, format!("there is nothing to resume: {why}")).hint(
        if arguments.embedded() {
            "runs against AWS are resumed without --local"
        } else {
            "runs on the embedded cloud are resumed with --local"
        },
    )
}

/// The playbook's file: where it was named from here, or from where the run was started.
fn found(playbook: &str, folder: &str) -> PathBuf {
    let here = PathBuf::from(playbook);
    if here.exists() {
        here
    } else {
        Path::new(folder).join(playbook)
    }
}

/// What is said of how it goes on; the rest is as the run was started.
fn asked(arguments: &Arguments) -> Settings {
    Settings {
        local: arguments.local,
        local_at: arguments.local_at.clone(),
        ledger: arguments.ledger.clone(),
        profile: arguments.profile.clone(),
        endpoint_url: arguments.endpoint_url.clone(),
        output: arguments.output,
        connect_to: arguments.connect_to.clone(),
        fault: arguments.fault.clone(),
        log_file: arguments.log_file.clone(),
        verbose: arguments.verbose,
        quiet: arguments.quiet,
        yes: arguments.yes,
        deadline: arguments.deadline,
        length: arguments.length,
        events: arguments.events.clone(),
        ..Settings::default()
    }
}
