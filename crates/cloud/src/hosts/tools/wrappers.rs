//! Programs that run another command: as somebody else, for so long, or on its own.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use super::call::{Call, Reply, Stop, failure};
use super::clock;
use super::options::Options;
use crate::hosts::shell::{Outcome, Script, Session};
use crate::hosts::timeline::Timeline;
use crate::hosts::users::{self, User};
use crate::hosts::vfs::lock;

/// How deep commands may wrap each other.
const DEPTH: u8 = 12;

/// A command to run in a shell of its own.
pub struct Wrapped {
    session: Session,
    script: Script,
    /// `timeout`'s limit, to tell its own end from the command's.
    limit: Option<Timestamp>,
    /// It goes on by itself while its caller does something else.
    detached: bool,
}

impl Wrapped {
    fn new(call: &Call<'_>, argv: &[String]) -> Result<Self, Stop> {
        let mut session = call.session.clone();
        session.depth += 1;
        if session.depth > DEPTH {
            return Err(failure(
                64,
                format!(
                    "opsh local: {}: commands are nested too deeply\n",
                    call.name
                ),
            ));
        }
        let words: Vec<String> = argv.iter().map(|word| quote(word)).collect();
        Ok(Self {
            session,
            script: Script {
                text: words.join(" "),
                stdin: call.stdin.to_vec(),
                env: call
                    .env
                    .iter()
                    .filter(|(name, _)| !matches!(name.as_str(), "UID" | "EUID" | "PWD"))
                    .cloned()
                    .collect(),
                cwd: Some(call.cwd.to_owned()),
                ..Script::default()
            },
            limit: None,
            detached: false,
        })
    }

    /// Runs it.
    pub async fn run(mut self) -> Reply {
        if self.detached {
            return self.run_detached().await;
        }
        let machine = Arc::clone(&self.session.machine);
        let outer = self.session.deadline;
        if let Some(limit) = self.limit {
            self.session.deadline = Some(outer.map_or(limit, |outer| outer.min(limit)));
        }
        let deadline = self.session.deadline;
        // The future of a shell contains those of its programs: it has to be boxed somewhere.
        let outcome = Box::pin(self.session.execute(self.script)).await;
        let now = lock(&machine).present.clock;
        if deadline.is_some_and(|deadline| now >= deadline) && outcome.exit_code == 124 {
            if outer.is_some_and(|outer| now >= outer) {
                return Err(Stop::Deadline);
            }
            return Ok(Outcome {
                exit_code: 124,
                ..outcome
            });
        }
        Ok(outcome)
    }

    async fn run_detached(mut self) -> Reply {
        let machine = Arc::clone(&self.session.machine);
        let mut before = lock(&machine).present.clone();
        let own = Arc::new(Mutex::new(Timeline::new(before.clone())));
        self.session.machine = Arc::clone(&own);
        self.session.deadline = None;
        let outcome = Box::pin(self.session.execute(self.script)).await;
        let end = lock(&own).present.clone();
        let mut timeline = lock(&machine);
        // What it works on is seen while it works, not when it has ended.
        let work: Vec<_> = end
            .activity
            .work
            .iter()
            .skip(before.activity.work.len())
            .cloned()
            .collect();
        before.activity.work.extend(work.iter().cloned());
        timeline.present.activity.work.extend(work);
        timeline.branch(&before, end);
        Ok(outcome)
    }
}

fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// `sudo`: as root, or as another user, if the caller may.
pub fn sudo(call: &Call<'_>) -> Result<Wrapped, Stop> {
    let options = Options::before_command(
        call,
        "n|non-interactive u|user= E|preserve-env H|set-home S|stdin i|login s|shell k| v|validate b|background g|group=",
    )?;
    let disk = call.machine().present.disk.clone();
    if !users::may_sudo(&disk, &call.session.user) {
        return Err(failure(1, "sudo: a password is required\n"));
    }
    let name = options.value("user").unwrap_or("root");
    let user = users::by_name(&disk, name)
        .ok_or_else(|| failure(1, format!("sudo: unknown user {name}\n")))?;
    let assignments = options
        .operands
        .iter()
        .take_while(|word| is_assignment(word))
        .count();
    let (assigned, command) = options.operands.split_at(assignments);
    let shell = options.has("shell") || options.has("login");
    if command.is_empty() && !shell {
        if options.has("validate") || options.has("k") {
            let mut nothing = Wrapped::new(call, &["true".to_owned()])?;
            nothing.script.stdin.clear();
            return Ok(nothing);
        }
        return Err(failure(1, "usage: sudo [-n] [-u user] [-E] command\n"));
    }
    let argv: Vec<String> = if command.is_empty() {
        vec!["bash".to_owned()]
    } else {
        command.to_vec()
    };
    let mut wrapped = Wrapped::new(call, &argv)?;
    let caller = &call.session.user;
    if !options.has("preserve-env") {
        wrapped.script.env.clear();
    }
    wrapped.script.env.retain(|(name, _)| {
        !matches!(
            name.as_str(),
            "HOME" | "USER" | "LOGNAME" | "SHELL" | "PATH"
        )
    });
    wrapped.script.env.extend([
        ("SUDO_USER".to_owned(), caller.name.clone()),
        ("SUDO_UID".to_owned(), caller.uid.to_string()),
        ("SUDO_GID".to_owned(), caller.gid.to_string()),
        ("SUDO_COMMAND".to_owned(), command.join(" ")),
    ]);
    wrapped
        .script
        .env
        .extend(assigned.iter().filter_map(|word| {
            let (name, value) = word.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        }));
    if options.has("login") {
        wrapped.script.cwd = Some(user.home.clone());
    }
    wrapped.detached = options.has("background");
    wrapped.session.user = Arc::new(user);
    Ok(wrapped)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    })
}

/// `su - USER -c COMMAND` and `runuser -u USER -- COMMAND`, which root may.
pub fn su(call: &Call<'_>) -> Result<Wrapped, Stop> {
    let options = Options::parse(
        call,
        "l|login c|command= u|user= s|shell= m|preserve-environment",
    )?;
    let mut operands: Vec<String> = options
        .operands
        .iter()
        .filter(|word| *word != "-")
        .cloned()
        .collect();
    let name = match options.value("user") {
        Some(name) => name.to_owned(),
        None if operands.is_empty() => "root".to_owned(),
        None => operands.remove(0),
    };
    let disk = call.machine().present.disk.clone();
    let user: User = users::by_name(&disk, &name).ok_or_else(|| {
        failure(
            1,
            format!("{}: user {name} does not exist or the user entry does not contain all the required fields\n", call.name),
        )
    })?;
    if !call.is_root() {
        return Err(failure(
            1,
            match call.name {
                "su" => "su: Authentication failure\n",
                _ => "runuser: may not be used by non-root users\n",
            },
        ));
    }
    let argv = match options.value("command") {
        Some(command) => vec!["bash".to_owned(), "-c".to_owned(), command.to_owned()],
        None if operands.is_empty() => vec!["bash".to_owned()],
        None => operands,
    };
    let mut wrapped = Wrapped::new(call, &argv)?;
    if options.has("login") || call.args.iter().any(|word| word == "-") {
        wrapped.script.env.clear();
        wrapped.script.cwd = Some(user.home.clone());
    }
    wrapped
        .script
        .env
        .retain(|(name, _)| !matches!(name.as_str(), "HOME" | "USER" | "LOGNAME" | "SHELL"));
    wrapped.session.user = Arc::new(user);
    Ok(wrapped)
}

/// `timeout`: ends the command after so much of the machine's time, with status 124.
pub fn timeout(call: &Call<'_>) -> Result<Wrapped, Stop> {
    let options = Options::before_command(
        call,
        "k|kill-after= s|signal= |preserve-status |foreground v|verbose",
    )?;
    if options.has("preserve-status") {
        return Err(call.not_modelled("option --preserve-status"));
    }
    let [limit, command @ ..] = options.operands.as_slice() else {
        return Err(failure(125, "timeout: missing operand\n"));
    };
    let Some(limit) = clock::interval(limit) else {
        return Err(failure(
            125,
            format!("timeout: invalid time interval '{limit}'\n"),
        ));
    };
    if command.is_empty() {
        return Err(failure(125, "timeout: missing operand\n"));
    }
    let now = call.machine().present.clock;
    if is_spinner(command) {
        call.pass(limit, 1.0)?;
        return Err(Stop::Reply(Outcome {
            exit_code: 124,
            ..Outcome::default()
        }));
    }
    let mut wrapped = Wrapped::new(call, command)?;
    if limit > SignedDuration::ZERO {
        wrapped.limit = Some(now.checked_add(limit).unwrap_or(Timestamp::MAX));
    }
    Ok(wrapped)
}

/// Commands that keep a processor busy until they are ended: running them for real would
/// burn the real processor instead of the simulated one.
fn is_spinner(command: &[String]) -> bool {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["yes", ..] => true,
        ["dd", rest @ ..] => {
            rest.iter()
                .any(|word| matches!(*word, "if=/dev/zero" | "if=/dev/urandom"))
                && !rest.iter().any(|word| word.starts_with("count="))
        }
        [
            "cat" | "md5sum" | "sha1sum" | "sha256sum" | "sha512sum",
            rest @ ..,
        ] => rest
            .iter()
            .any(|word| matches!(*word, "/dev/zero" | "/dev/urandom")),
        ["bash" | "sh", "-c", text] => {
            matches!(
                text.split_whitespace().collect::<String>().as_str(),
                "while:;do:;done" | "whiletrue;dotrue;done" | "whiletrue;do:;done"
            )
        }
        _ => false,
    }
}

/// `nohup` and `setsid`: the command goes on by itself; what it does becomes visible when
/// the machine's time has come to it.
pub fn nohup(call: &Call<'_>) -> Result<Wrapped, Stop> {
    let options = Options::before_command(call, "f|fork w|wait c|ctty")?;
    if options.operands.is_empty() {
        return Err(failure(125, format!("{}: missing operand\n", call.name)));
    }
    let mut wrapped = Wrapped::new(call, &options.operands)?;
    wrapped.detached = !options.has("wait");
    Ok(wrapped)
}

/// `nice`: priorities make no difference here.
pub fn nice(call: &Call<'_>) -> Result<Wrapped, Stop> {
    let options = Options::before_command(call, "n|adjustment=")?;
    if options.operands.is_empty() {
        return Err(Stop::Reply(Outcome {
            stdout: b"0\n".to_vec(),
            ..Outcome::default()
        }));
    }
    Wrapped::new(call, &options.operands)
}
