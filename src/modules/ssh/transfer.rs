//! `ssh::upload` and `ssh::download`: files to and from a host.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use opsh_operation::shape::{Shape, Structure};
use opsh_operation::{Effect, Fault, FaultKind, Inverse, Map, Operation, Settle, Value};
use sha2::{Digest as _, Sha256};

use super::quote::posix;
use super::target::{self, HOST, RESULT_HOST, login_fields};
use super::{run, with_machine};
use crate::modules::Context;
use crate::modules::declare::{optional, plain_write, required};
use crate::modules::{answer, given};
use crate::world::Cancel;
use crate::world::files;
use crate::world::ssh::{Command, Session};

/// For a transfer, unless the playbook says otherwise.
const TIMEOUT: Duration = Duration::from_mins(5);
/// Larger downloads are refused, unless the playbook says otherwise.
const LIMIT: u64 = 64 * 1024 * 1024;

static UPLOAD_INPUT: Structure = Structure {
    name: "ssh::upload",
    fields: login_fields![
        required("host", Shape::Any, HOST),
        required(
            "content",
            Shape::Body,
            "Text, bytes, or #{ file: \"path\" } for a local file.",
        ),
        required(
            "remote",
            Shape::Text,
            "Path there; relative ones begin in the user's home."
        ),
        optional(
            "mode",
            Shape::Text,
            "Permissions in octal digits; \"0644\" by default."
        ),
        optional("sudo", Shape::Bool, "Write it as root by 'sudo -n'."),
        optional(
            "timeout",
            Shape::Duration,
            "For the transfer; 5 m by default."
        ),
    ],
};

static UPLOAD_OUTPUT: Structure = Structure {
    name: "ssh::upload",
    fields: &[
        RESULT_HOST,
        optional("path", Shape::Text, "The path there."),
        optional("length", Shape::INT64, "How many bytes it has."),
        optional("seconds", Shape::Float, "How long it took."),
    ],
};

/// Writes a file on a host.
pub static UPLOAD: Operation = Operation {
    module: "ssh",
    name: "upload",
    action: "ssh:Upload",
    summary: "Writes a file on a host; it appears whole or not at all.",
    input: &UPLOAD_INPUT,
    positional: &["host", "content", "remote"],
    output: Shape::Struct(&UPLOAD_OUTPUT),
    effect: Effect::Write(plain_write(
        Inverse::Impossible("what the file held before is not kept"),
        Settle::Repeat,
    )),
    raises: super::LOGIN,
    example: with_machine!(
        r#"let sent = ssh::upload(host, "hello\n", "greeting.txt", #{ mode: "0600" });
assert(sent.length == 6);
assert(ssh::read(host, "cat greeting.txt").stdout == "hello\n");
"#
    ),
};

/// Writes the file.
pub fn upload(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let target = target::of_input(input)?;
    let remote = given::text(input, "remote");
    let sent = given::content(context.world.files(), input, "content")?.unwrap_or_default();
    let mode = given::mode(given::optional_text(input, "mode").unwrap_or("0644"))?;
    let timeout = given::duration(input, "timeout").unwrap_or(TIMEOUT);
    let length = sent.length()?;
    let start = context.world.now();
    let mut session = target::connect(context, &target)?;
    if given::flag(input, "sudo", false) {
        let command = Command {
            line: run::as_root(&writing(remote, mode, &beside(context, remote))?)?,
            stdin: sent,
            timeout,
            limit: 64 * 1024,
        };
        upload_as_root(session.as_mut(), &command, remote, context.cancel)?;
    } else {
        within(context.cancel, timeout, &target.host, |cancel| {
            session.upload(&sent, Path::new(remote), mode, cancel)
        })?;
    }
    Ok(Map::from([
        ("host".to_owned(), target.host.as_str().into()),
        ("path".to_owned(), remote.into()),
        ("length".to_owned(), counted(length)),
        (
            "seconds".to_owned(),
            answer::seconds(start, context.world.now()),
        ),
    ])
    .into())
}

/// A name beside `remote` that nobody can know before: whoever may write in its folder has put
/// no link there for root to follow, and two uploads do not meet.
fn beside(context: &Context<'_>, remote: &str) -> String {
    let mut random = [0; 6];
    context.world.random(&mut random);
    format!("{remote}.opsh-{}", hex::encode(random))
}

/// What root's shell does with the content: it goes `beside` its place first. The shell begins
/// in the user's home, which sudo does not change.
fn writing(remote: &str, mode: u32, beside: &str) -> Result<String, Fault> {
    let in_home = |path: &str| posix(path.strip_prefix("~/").unwrap_or(path));
    let (place, beside) = (in_home(remote)?, in_home(beside)?);
    Ok(format!(
        "umask 077 && rm -f -- {beside} && cat > {beside} && chmod {mode:o} -- {beside} && mv -f -- {beside} {place} || {{ rm -f -- {beside}; exit 1; }}"
    ))
}

/// SFTP knows no sudo: the content goes through a shell.
fn upload_as_root(
    session: &mut dyn Session,
    command: &Command,
    remote: &str,
    cancel: &Cancel,
) -> Result<(), Fault> {
    let output = session.run(command, cancel)?;
    if output.exit_code == 0 {
        return Ok(());
    }
    Err(Fault::new(
        FaultKind::Denied,
        format!(
            "cannot write {remote} as root: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ),
    )
    .hint("the user must be allowed 'sudo' without a password, and the folder must exist"))
}

static DOWNLOAD_INPUT: Structure = Structure {
    name: "ssh::download",
    fields: login_fields![
        required("host", Shape::Any, HOST),
        required(
            "remote",
            Shape::Text,
            "Path there; relative ones begin in the user's home."
        ),
        required("local", Shape::Output, "Where the copy goes."),
        optional(
            "limit",
            Shape::Int {
                min: 1,
                max: i64::MAX
            },
            "Refuse a larger file; 64 MiB by default.",
        ),
        optional(
            "timeout",
            Shape::Duration,
            "For the transfer; 5 m by default."
        ),
    ],
};

static DOWNLOAD_OUTPUT: Structure = Structure {
    name: "ssh::download",
    fields: &[
        RESULT_HOST,
        optional("path", Shape::Path, "The copy."),
        optional("length", Shape::INT64, "How many bytes it has."),
        optional("sha256", Shape::Text, "Its SHA-256 in hexadecimal digits."),
        optional("seconds", Shape::Float, "How long it took."),
    ],
};

/// Reads a file of a host.
pub static DOWNLOAD: Operation = Operation {
    module: "ssh",
    name: "download",
    action: "ssh:Download",
    summary: "Copies a file of a host to a local one, which appears whole or not at all.",
    input: &DOWNLOAD_INPUT,
    positional: &["host", "remote", "local"],
    output: Shape::Struct(&DOWNLOAD_OUTPUT),
    effect: Effect::Write(plain_write(
        Inverse::Impossible("what the local file held before is not kept"),
        Settle::Repeat,
    )),
    raises: super::LOGIN,
    example: with_machine!(
        r#"ssh::upload(host, "hello\n", "greeting.txt");
let copy = ssh::download(host, "greeting.txt", "greeting.txt");
assert(copy.length == 6);
"#
    ),
};

/// Reads the file.
pub fn download(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let target = target::of_input(input)?;
    let remote = given::text(input, "remote");
    let local = given::text(input, "local");
    let limit = given::count(input, "limit", LIMIT);
    let timeout = given::duration(input, "timeout").unwrap_or(TIMEOUT);
    let start = context.world.now();
    let mut session = target::connect(context, &target)?;
    let place = context.world.files().to_write(Path::new(local));
    let (mut length, mut sum) = (0, Sha256::new());
    let written = place.map_err(Broken::Disk).and_then(|place| {
        files::fill(&place, 0o644, |file| {
            let mut copy = Counted {
                file,
                length: &mut length,
                sum: &mut sum,
            };
            within(context.cancel, timeout, &target.host, |cancel| {
                session.download(Path::new(remote), &mut copy, limit, cancel)
            })
            .map_err(Broken::Transfer)
        })
    });
    written.map_err(|broken| match broken {
        Broken::Transfer(fault) => fault,
        Broken::Disk(error) => Fault::new(
            FaultKind::Invalid,
            format!("cannot write the file {local}: {error}"),
        )
        .hint("the folder must exist and be writable"),
    })?;
    Ok(Map::from([
        ("host".to_owned(), target.host.as_str().into()),
        ("path".to_owned(), context.shown(local).into()),
        ("length".to_owned(), counted(length)),
        ("sha256".to_owned(), hex::encode(sum.finalize()).into()),
        (
            "seconds".to_owned(),
            answer::seconds(start, context.world.now()),
        ),
    ])
    .into())
}

/// Why there is no copy.
enum Broken {
    /// The disk does not take it.
    Disk(io::Error),
    /// It did not come.
    Transfer(Fault),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// A file, and what is known of what went into it.
struct Counted<'a> {
    file: &'a mut File,
    length: &'a mut u64,
    sum: &'a mut Sha256,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        *self.length += count as u64;
        self.sum.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Does `work` with a deadline of its own; passing that is a timeout of the
/// transfer, not the end of the run.
fn within<T>(
    cancel: &Cancel,
    timeout: Duration,
    host: &str,
    work: impl FnOnce(&Cancel) -> Result<T, Fault>,
) -> Result<T, Fault> {
    work(&cancel.within(timeout)).map_err(|fault| {
        if fault.kind == FaultKind::Deadline && cancel.reason().is_none() {
            let limit = humantime::format_duration(timeout);
            return Fault::new(
                FaultKind::Timeout,
                format!("{host}: the transfer did not end within {limit}"),
            )
            .hint("raise 'timeout' for large files or slow lines");
        }
        fault
    })
}

fn counted(bytes: u64) -> Value {
    i64::try_from(bytes).unwrap_or(i64::MAX).into()
}
