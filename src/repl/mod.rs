//! `opsh repl`: the interactive shell.

mod complete;
mod session;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};

use crate::cli::console::Output;
use crate::cli::start::{self, Settings};
use crate::cli::{exit_code, json, say, show};
use crate::ledger::seal::state_dir;
use crate::script::error::ScriptError;
use crate::script::source::Sources;
use complete::Assistant;
use session::{Session, Told};

/// What the shell is called in places and, unless asked otherwise, as a stack.
const NAME: &str = "repl";

/// Type Rhai with every opsh module at hand; works piped, too.
///
/// Several lines are read until the input is complete. Ctrl-C stops a running
/// call, Ctrl-D ends the shell. `:help` lists the shell's own commands.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

/// Runs the shell until its input ends.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    let settings = &arguments.settings;
    let sources = Arc::new(Sources::default());
    let stack = settings.stack.as_deref().unwrap_or(NAME);
    let started = match start::start(settings, stack, NAME, Arc::clone(&sources)) {
        Ok(started) => started,
        Err(error) => {
            say::err(error.render(&sources).trim_end());
            return exit_code(error.class);
        }
    };
    let mut session = Session::new(started);
    if std::io::stdin().is_terminal() {
        converse(&mut session);
        session.end(false);
        ExitCode::SUCCESS
    } else {
        let failed = piped(&mut session);
        session.end(failed);
        if failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// Reads from a person.
fn converse(session: &mut Session) {
    let config = Config::builder().auto_add_history(true).build();
    let assistant = Assistant::new(session.names());
    let mut editor: Editor<Assistant, FileHistory> = match Editor::with_config(config) {
        Ok(editor) => editor,
        Err(error) => {
            return session
                .console()
                .err(&format!("error: no line editor: {error}"));
        }
    };
    editor.set_helper(Some(assistant));
    let history = state_dir().ok().map(|folder| folder.join("history"));
    if let Some(path) = &history {
        // The first shell of a user has none.
        let _ = editor.load_history(path);
    }
    loop {
        match editor.readline("opsh> ") {
            Ok(line) => {
                if !respond(session, &line) {
                    break;
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => {
                session.console().err(&format!("error: {error}"));
                break;
            }
        }
    }
    if let Some(path) = &history {
        let kept = path
            .parent()
            .is_some_and(|folder| std::fs::create_dir_all(folder).is_ok())
            && editor.save_history(path).is_ok();
        if !kept {
            session.console().err(&format!(
                "warning: the history could not be kept in {}",
                path.display()
            ));
        }
    }
}

/// Does what one complete input says; false at the end.
fn respond(session: &mut Session, input: &str) -> bool {
    match session.tell(input) {
        Ok(Told::End) => return false,
        Ok(Told::Text(text)) => session.console().out(&text),
        Ok(Told::Value(value)) => present(session, &value),
        Err(error) => complain(session, &error),
    }
    true
}

fn present(session: &Session, value: &opsh_operation::Value) {
    match session.console().output {
        Output::Human => {
            let text = show::result(value);
            if !text.is_empty() {
                session.console().out(&text);
            }
        }
        Output::Json => session.console().out(&json::result(value)),
    }
}

fn complain(session: &Session, error: &ScriptError) {
    match session.console().output {
        Output::Human => session
            .console()
            .err(error.render(session.sources()).trim_end()),
        Output::Json => session.console().out(&json::error(error)),
    }
}

/// Reads from a pipe: input after input; says whether any failed.
fn piped(session: &mut Session) -> bool {
    let mut pending = String::new();
    let mut failed = false;
    let mut take = |session: &mut Session, input: &str| match session.tell(input) {
        Ok(Told::End) => false,
        Ok(Told::Text(text)) => {
            session.console().out(&text);
            true
        }
        Ok(Told::Value(value)) => {
            present(session, &value);
            true
        }
        Err(error) => {
            complain(session, &error);
            failed = true;
            true
        }
    };
    for line in std::io::stdin().lines() {
        let Ok(line) = line else { break };
        pending.push_str(&line);
        pending.push('\n');
        if complete::is_complete(&pending) {
            let input = std::mem::take(&mut pending);
            if !take(session, &input) {
                return failed;
            }
        }
    }
    if !pending.trim().is_empty() {
        take(session, &pending);
    }
    failed
}
