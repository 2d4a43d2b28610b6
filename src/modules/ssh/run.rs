//! `ssh::run` and `ssh::read`: a command on a host.

use std::time::Duration;

use opsh_operation::shape::{Shape, Structure};
use opsh_operation::{Effect, Fault, FaultKind, Inverse, Map, Operation, Settle, Value};

use super::target::{self, HOST, RESULT_HOST, login_fields};
use super::with_machine;
use crate::modules::Context;
use crate::modules::declare::{optional, plain_write, required};
use crate::modules::{answer, given};
use crate::world::ssh::{Command, Target};

/// For a command, unless the playbook says otherwise.
const TIMEOUT: Duration = Duration::from_mins(5);
/// Output beyond this is refused, unless the playbook says otherwise.
const LIMIT: u64 = 16 * 1024 * 1024;

/// The fields of a command, and those that one operation has beside them.
macro_rules! command_fields {
    ($($own:expr),* $(,)?) => {
        login_fields![
        required("host", Shape::Any, HOST),
        required(
            "command",
            Shape::Text,
            "The command line, for the remote user's shell; quote values with ssh::quote.",
        ),
        optional(
            "timeout",
            Shape::Duration,
            "For the command; 5 m by default."
        ),
        optional("stdin", Shape::Body, "What the command reads."),
        optional("sudo", Shape::Bool, "Run it as root by 'sudo -n'."),
        optional(
            "check",
            Shape::Bool,
            "Whether an exit code other than 0 is an error; true by default.",
        ),
        optional(
            "limit",
            Shape::Int {
                min: 1,
                max: 1 << 30
            },
            "Refuse output beyond this many bytes; 16 MiB by default.",
        ),
        $($own,)*
        ]
    };
}

static READ_INPUT: Structure = Structure {
    name: "ssh::read",
    fields: command_fields![],
};

static RUN_INPUT: Structure = Structure {
    name: "ssh::run",
    fields: command_fields![optional(
        "repeatable",
        Shape::Bool,
        "Running it twice does no more than running it once; if the run is cut off meanwhile, \
         it is run again without asking.",
    )],
};

pub(super) static OUTPUT: Structure = Structure {
    name: "ssh::run",
    fields: &[
        RESULT_HOST,
        optional(
            "exit_code",
            Shape::INT32,
            "The exit status; 128 + the signal's number if it was killed.",
        ),
        optional(
            "stdout",
            Shape::Any,
            "What it wrote; bytes if that is not UTF-8.",
        ),
        optional(
            "stderr",
            Shape::Any,
            "What it complained; bytes if that is not UTF-8.",
        ),
        optional("seconds", Shape::Float, "How long it took."),
    ],
};

/// Runs a command that may change the host.
pub static RUN: Operation = Operation {
    module: "ssh",
    name: "run",
    action: "ssh:Run",
    summary: "Runs a command on a host over SSH.",
    input: &RUN_INPUT,
    positional: &["host", "command"],
    output: Shape::Struct(&OUTPUT),
    effect: Effect::Write(plain_write(
        Inverse::Impossible("what a command changed on its host is not known"),
        Settle::RepeatIf("repeatable"),
    )),
    raises: super::LOGIN,
    example: with_machine!(
        r#"let result = ssh::run(host, "echo hello; exit 3", #{ check: false });
assert(result.stdout == "hello\n");
assert(result.exit_code == 3);
"#
    ),
};

/// Runs a command that only looks.
pub static READ: Operation = Operation {
    module: "ssh",
    name: "read",
    action: "ssh:Read",
    summary: "Runs a command that changes nothing on its host, such as 'uptime' or 'tail'; being a read, it may be repeated freely and needs no undoing.",
    input: &READ_INPUT,
    positional: &["host", "command"],
    output: Shape::Struct(&OUTPUT),
    effect: Effect::Read,
    raises: super::LOGIN,
    example: with_machine!(
        r#"let kernel = ssh::read(host, "uname -s").stdout;
assert(kernel == "Linux\n");
"#
    ),
};

/// Does both.
pub fn run(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    on(context, &target::of_input(input)?, input)
}

/// Runs the command of `input` on `target`.
pub(super) fn on(context: &Context<'_>, target: &Target, input: &Map) -> Result<Value, Fault> {
    let line = given::text(input, "command");
    let command = Command {
        line: if given::flag(input, "sudo", false) {
            as_root(line)?
        } else {
            line.to_owned()
        },
        stdin: given::content(context.world.files(), input, "stdin")?.unwrap_or_default(),
        timeout: given::duration(input, "timeout").unwrap_or(TIMEOUT),
        limit: usize::try_from(given::count(input, "limit", LIMIT)).unwrap_or(usize::MAX),
    };
    let start = context.world.now();
    let mut session = target::connect(context, target)?;
    let output = session.run(&command, context.cancel)?;
    let seconds = answer::seconds(start, context.world.now());
    let complaint = last_line(&output.stderr);
    let result = Map::from([
        ("host".to_owned(), target.host.as_str().into()),
        ("exit_code".to_owned(), output.exit_code.into()),
        ("stdout".to_owned(), answer::text_or_bytes(output.stdout)),
        ("stderr".to_owned(), answer::text_or_bytes(output.stderr)),
        ("seconds".to_owned(), seconds),
    ]);
    if output.exit_code != 0 && given::flag(input, "check", true) {
        let mut fault = Fault::new(
            FaultKind::Failed,
            format!(
                "{}: the command ended with exit code {}{complaint}",
                target.host, output.exit_code
            ),
        )
        .code("ExitStatus")
        .hint("the error's stdout and stderr say more; check: false returns the exit code in place of failing");
        fault.details = result;
        return Err(fault);
    }
    Ok(result.into())
}

/// `line` for root's shell.
pub(super) fn as_root(line: &str) -> Result<String, Fault> {
    Ok(format!("sudo -n -- sh -c {}", super::quote::posix(line)?))
}

/// The last thing a command complained, for a message.
fn last_line(stderr: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(stderr);
    let line = text.trim_end().lines().next_back().unwrap_or_default();
    if line.is_empty() {
        return String::new();
    }
    let short: String = line.chars().take(LONGEST).collect();
    let more = if short.len() < line.len() { "…" } else { "" };
    format!(": {short}{more}")
}
