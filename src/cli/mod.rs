//! The command line: one subcommand a file; with `repl` the only code that prints.

pub mod adopt;
pub mod check;
pub mod completions;
pub mod console;
pub mod doc;
mod eval;
pub mod given;
mod harmless;
pub mod history;
pub mod interrupts;
pub mod json;
pub mod kept;
mod keyboard;
pub mod lambda;
pub mod local;
pub mod log_file;
pub mod ls;
pub mod pager;
pub mod plan;
pub mod progress;
pub mod records;
pub mod resume;
pub mod run;
pub mod say;
pub mod settings;
pub mod show;
pub mod start;
pub mod test;
pub mod undo;
mod worlds;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::script::error::Class;

/// Runs ops playbooks written in Rhai: AWS, SSH, HTTP and metrics behind one gate.
#[derive(Parser)]
#[command(
    name = "opsh",
    version,
    disable_help_subcommand = true,
    max_term_width = 100
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Arguments),
    Check(check::Arguments),
    Resume(resume::Arguments),
    Eval(eval::Arguments),
    Repl(crate::repl::Arguments),
    Ls(ls::Arguments),
    History(history::Arguments),
    Undo(undo::Arguments),
    Adopt(adopt::Arguments),
    Local(local::Arguments),
    Lambda(lambda::Arguments),
    Doc(doc::Arguments),
    Completions(completions::Arguments),
    Test(test::Arguments),
}

/// Parses the command line, does what it says and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    if crate::lambda::runtime::wanted() {
        return crate::lambda::runtime::main();
    }
    let command = Arguments::parse().command;
    let work = move || match command {
        Command::Run(arguments) => run::main(&arguments),
        Command::Check(arguments) => check::main(&arguments),
        Command::Resume(arguments) => resume::main(&arguments),
        Command::Eval(arguments) => eval::main(&arguments),
        Command::Repl(arguments) => crate::repl::main(&arguments),
        Command::Ls(arguments) => ls::main(&arguments),
        Command::History(arguments) => history::main(&arguments),
        Command::Undo(arguments) => undo::main(&arguments),
        Command::Adopt(arguments) => adopt::main(&arguments),
        Command::Local(arguments) => local::main(&arguments),
        Command::Lambda(arguments) => lambda::main(&arguments),
        Command::Doc(arguments) => doc::main(&arguments),
        Command::Completions(arguments) => completions::main(&arguments),
        Command::Test(arguments) => test::main(&arguments),
    };
    let thread = std::thread::Builder::new()
        .name("opsh".to_owned())
        .stack_size(crate::script::limits::STACK_SIZE)
        .spawn(work);
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => say::ended(code),
        // The panic has said what went wrong.
        Ok(Err(_)) => ExitCode::from(101),
        Err(error) => {
            say::err(format_args!("error: no thread can be started: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The exit code of each class of end.
#[must_use]
pub fn exit_code(class: Class) -> ExitCode {
    ExitCode::from(match class {
        Class::Failed => 1,
        Class::Start => 2,
        Class::Policy => 3,
        Class::Deadline => 124,
        Class::Interrupted => 130,
    })
}
