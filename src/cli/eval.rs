//! `opsh eval EXPR`.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::settings::Settings;
use super::{run, say, start};
use crate::script::param;
use crate::script::run::Playbook;
use crate::script::source::Sources;

/// What the expression is called in places and, unless asked otherwise, as a stack.
const NAME: &str = "eval";

/// Evaluate one expression: live, on the embedded cloud (--local), or as a plan (--dry-run).
///
/// Its value goes to standard output: on a terminal as `opsh repl` shows it, with
/// --output json as a line of JSON. Exit codes are those of `opsh run`.
#[derive(Args)]
pub struct Arguments {
    /// The expression, or several statements of which the last gives the value
    #[arg(value_name = "EXPR")]
    expression: String,
    #[command(flatten)]
    settings: Settings,
}

/// Evaluates it and gives the exit code.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    let sources = Arc::new(Sources::default());
    let settings = &arguments.settings;
    let stack = settings.stack.as_deref().unwrap_or(NAME);
    let started = Playbook::parse(NAME, &arguments.expression, Path::new("."), &sources).and_then(
        |playbook| {
            let given = BTreeMap::new();
            let values = param::resolve(NAME, &playbook.parameters, &given, &mut |_| Ok(None))?;
            let started = start::start(settings, stack, NAME, Arc::clone(&sources))?;
            Ok((playbook, values, started))
        },
    );
    let (playbook, values, started) = match started {
        Ok(started) => started,
        Err(error) => return say::error(&error, settings.output, &sources),
    };
    let outcome = started.run(&playbook, values);
    started.console.progress.clear();
    match outcome {
        Ok(value) if !started.dry && std::io::stdout().is_terminal() => {
            crate::repl::present(&started.console, &value);
            ExitCode::SUCCESS
        }
        outcome => run::report(&started, settings, &sources, outcome),
    }
}
