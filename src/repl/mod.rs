//! `opsh repl`: the interactive shell.
//!
//! - `session`: what it remembers, and how one input is run; `marks`: `_`;
//! - `talk` with a person at a terminal, `piped` without one;
//! - `assistant`: what the line editor asks: `complete`, `hint`, `highlight`;
//! - `commands`: what begins with a colon; `save` writes the session as a playbook;
//! - `present`: results for people; `help`; `history`;
//! - `loaded`: the playbook that a shell is started with.

mod assistant;
mod commands;
mod complete;
mod help;
mod highlight;
mod hint;
mod history;
mod lex;
mod loaded;
mod marks;
mod memory;
mod piped;
pub mod present;
mod save;
mod session;
mod talk;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use opsh_operation::Value;

use crate::cli::console::{Console, Output};
use crate::cli::settings::Settings;
use crate::cli::{given, json, pager, say, show};
use crate::modules::Terminal as _;
use crate::script::engine::bare;
use crate::script::error::ScriptError;
use crate::script::param;
use crate::script::run::Playbook;
use crate::script::source::Sources;
use loaded::Loaded;
use session::Session;

/// Type Rhai with every opsh module at hand; works piped, too.
///
/// Several lines are read until the input is complete. Tab completes names, parameters,
/// values and ids that are there. Ctrl-C stops a running call, Ctrl-D ends the shell.
/// `:help` lists the shell's own commands. With a playbook, its functions, imports and
/// parameters are at hand; `:run` runs it.
#[derive(Args)]
pub struct Arguments {
    /// A playbook whose functions, imports and parameters are at hand
    playbook: Option<PathBuf>,
    /// Parameters of the playbook, each as key=value
    #[arg(value_name = "KEY=VALUE")]
    parameters: Vec<String>,
    #[command(flatten)]
    settings: Settings,
}

/// Runs the shell until its input ends.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    let settings = &arguments.settings;
    let sources = Arc::new(Sources::default());
    let session = load(arguments, &sources)
        .and_then(|loaded| Session::start(settings, Arc::clone(&sources), loaded));
    let mut session = match session {
        Ok(session) => session,
        Err(error) => return say::error(&error, settings.output, &sources),
    };
    if std::io::stdin().is_terminal() {
        talk::talk(&mut session);
        session.end(false);
        return ExitCode::SUCCESS;
    }
    let failed = piped::read(&mut session);
    session.end(failed);
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// The playbook that is asked for, with its parameters' values.
fn load(arguments: &Arguments, sources: &Sources) -> Result<Option<Loaded>, ScriptError> {
    let Some(path) = &arguments.playbook else {
        return Ok(None);
    };
    let playbook = Playbook::load(path, sources)?;
    let given = given::parameters(&arguments.parameters, None)?;
    let parameters = param::resolve(&playbook.name, &playbook.parameters, &given, &mut |_| {
        Ok(None)
    })?;
    let text = sources
        .get(&playbook.name)
        .map(|source| source.text.to_string());
    Ok(Some(Loaded {
        playbook,
        parameters,
        text: text.unwrap_or_default(),
    }))
}

/// Whether an input can be run; false if more lines are to come.
fn is_complete(input: &str) -> bool {
    let input = input.trim_start();
    input.starts_with([':', '?']) || bare().compile(input).is_ok() || !lex::is_open(input)
}

/// Shows a result.
pub fn present(console: &Console, value: &Value) {
    if console.output == Output::Json {
        return console.out(&json::result(value));
    }
    if !std::io::stdout().is_terminal() {
        let text = show::result(value);
        if !text.is_empty() {
            console.out(&text);
        }
        return;
    }
    let text = present::result(value, console.width());
    if !text.is_empty() && !is_paged(console, &text) {
        console.out(&text);
    }
}

/// Says the shell's own words.
fn tell(console: &Console, text: &str) {
    if console.output == Output::Json || !is_paged(console, text) {
        console.print(text);
    }
}

/// Shows a text a page at a time, if it is long and somebody is there to turn them.
fn is_paged(console: &Console, text: &str) -> bool {
    pager::is_paged(&console.redactor.scrub(text))
}

/// Says what went wrong.
fn complain(session: &Session, error: &ScriptError) {
    let console = session.console();
    match console.output {
        Output::Human => console.err(error.render(session.sources()).trim_end()),
        Output::Json => console.out(&json::error(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_read_until_it_is_complete() {
        for whole in [
            "1 + 2",
            "let x = 5;",
            ":help (",
            "?ec2::run_instances(",
            "fn f() { 1 }",
            "1 +* 2",
            "f(1))",
            "",
        ] {
            assert!(is_complete(whole), "{whole}");
        }
        for part in [
            "fn f() {",
            "ec2::describe_vpcs(#{",
            "[1,\n2,",
            "let s = `two\nlines",
        ] {
            assert!(!is_complete(part), "{part}");
        }
    }
}
