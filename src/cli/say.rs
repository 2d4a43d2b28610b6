//! Lines on the standard streams, where no [`Console`](super::console::Console) is needed.
//!
//! Whoever reads may go away before the end (`opsh ls | head`): that is no error of ours,
//! and nothing to be said. Results that are lost otherwise (a full disk) are, in the end:
//! what has been done by then is not undone by it.

use std::fmt::Display;
use std::io::{Error, ErrorKind, IsTerminal as _, Result, Write as _};
use std::process::ExitCode;
use std::sync::{LazyLock, OnceLock};

use super::console::Output;
use super::harmless::coloured;
use super::{exit_code, json};
use crate::script::error::ScriptError;
use crate::script::run::plain_io;
use crate::script::source::Sources;

/// The first thing that prevented results from being written.
static LOST: OnceLock<Error> = OnceLock::new();

/// Whether somebody looks at the results; else they are for programs, as they are.
static LOOKED_AT: LazyLock<bool> = LazyLock::new(|| std::io::stdout().is_terminal());

/// A line of results.
pub fn out(text: impl Display) {
    note(if *LOOKED_AT {
        writeln!(std::io::stdout(), "{}", coloured(&text.to_string()))
    } else {
        writeln!(std::io::stdout(), "{text}")
    });
}

/// A line of everything else.
pub fn err(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{}", coloured(&text.to_string()));
}

/// Why a command ended before anything of a playbook was run, and its exit code; nothing
/// can have learnt a secret by then.
#[must_use]
pub fn error(error: &ScriptError, output: Output, sources: &Sources) -> ExitCode {
    match output {
        Output::Human => err(error.render(sources).trim_end()),
        Output::Json => out(json::error(error)),
    }
    exit_code(error.class)
}

/// Bytes as a program wrote them, on standard output and standard error.
pub fn raw(out: &[u8], err: &[u8]) {
    let mut stdout = std::io::stdout();
    note(stdout.write_all(out).and_then(|()| stdout.flush()));
    let _ = std::io::stderr().write_all(err);
}

/// The exit code of a command that would end with `code`: a failure if results were lost.
#[must_use]
pub fn ended(code: ExitCode) -> ExitCode {
    note(std::io::stdout().flush());
    let Some(error) = LOST.get() else {
        return code;
    };
    err(format_args!(
        "error: the results cannot be written to standard output: {}",
        plain_io(error)
    ));
    if code == ExitCode::SUCCESS {
        ExitCode::FAILURE
    } else {
        code
    }
}

fn note(written: Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error);
    }
}
