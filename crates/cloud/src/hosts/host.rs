//! One machine as the world meets it: logins, commands, files, requests, console.

mod programs;

use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::activity::Sample;
use super::boot::Boot;
use super::image::Image;
use super::machine::Machine;
use super::shell::{self, Script};
use super::timeline::Timeline;
use super::users::{self, User};
use super::{cloudinit, console, imds, keys, web};
pub(crate) use programs::Program;

/// One machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Host {
    #[serde(with = "super::shared")]
    facts: Arc<Boot>,
    image: Option<Image>,
    /// Since when it is switched on.
    on_since: Option<Timestamp>,
    /// How often it was switched on.
    boots: u32,
    /// Nothing until somebody looks.
    timeline: Option<Box<Timeline>>,
}

/// What a command did.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandOutput {
    /// Its exit status.
    pub exit_code: i32,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it complained.
    pub stderr: Vec<u8>,
    /// How much of the machine's time it took.
    pub took: SignedDuration,
}

/// What came of a command line.
#[derive(Debug)]
pub(crate) enum Ran {
    /// It came to its end.
    Done(CommandOutput),
    /// A program of the machine has to answer first.
    Asks(Box<web::Forward>),
}

/// What a program answered, or why it did not.
pub(crate) type Answered = Result<http::Response<Bytes>, Unreachable>;

/// Why nobody answers at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// The machine answers that nothing listens there.
    #[error("connection refused")]
    Refused,
    /// No answer at all: it is off, or its kernel is still starting.
    #[error("connection timed out")]
    Silent,
}

/// Why a login was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefusal {
    /// No such key for this user, or no such user: a server does not tell which.
    #[error("Permission denied (publickey,gssapi-keyex,gssapi-with-mic).")]
    Key,
    /// The key is right and the account is root's: the image tells where to log in instead.
    #[error("Please login as the user \"{0}\" rather than the user \"root\".")]
    Root(String),
    /// Nothing listens yet, or nobody is there.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
}

/// Why a file could not be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct FileRefusal {
    /// The path as it was asked for.
    pub path: String,
    /// What the machine's kernel said.
    pub reason: std::io::Error,
}

/// A kernel starts answering (and refusing) this long after power comes on.
const KERNEL: SignedDuration = SignedDuration::from_secs(8);

impl Host {
    pub(super) fn new(boot: Boot, image: Option<Image>, at: Timestamp) -> Self {
        Self {
            facts: Arc::new(boot),
            image,
            on_since: Some(at),
            boots: 1,
            timeline: None,
        }
    }

    /// What EC2 knows about it.
    #[must_use]
    pub fn facts(&self) -> &Boot {
        &self.facts
    }

    /// To be changed when EC2 changes tags, groups, metadata options or addresses.
    pub fn facts_mut(&mut self) -> &mut Boot {
        Arc::make_mut(&mut self.facts)
    }

    /// Whether it is switched on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.on_since.is_some()
    }

    /// When SSH answers: 15 to 25 seconds after the first power-on, 10 to 14 after a later one.
    #[must_use]
    pub fn ssh_at(&self) -> Option<Timestamp> {
        let noise = Sha256::digest(format!("{} {}", self.facts.instance_id, self.boots))[0];
        let seconds = if self.boots == 1 {
            15 + i64::from(noise) % 11
        } else {
            10 + i64::from(noise) % 5
        };
        self.on_since?
            .checked_add(SignedDuration::from_secs(seconds))
            .ok()
    }

    /// The host's key as `known_hosts` writes it: `ssh-ed25519 AAAA…`.
    #[must_use]
    pub fn host_key(&self) -> String {
        keys::HostKey::of(&self.facts.instance_id).line()
    }

    /// The host's key as `ssh-keygen -l` writes it: `SHA256:…`.
    #[must_use]
    pub fn host_key_fingerprint(&self) -> String {
        keys::HostKey::of(&self.facts.instance_id).fingerprint()
    }

    /// Whether SSH answers.
    ///
    /// # Errors
    /// Why it does not.
    pub fn reach_ssh(&self, now: Timestamp) -> Result<(), Unreachable> {
        let (Some(on), Some(ssh)) = (self.on_since, self.ssh_at()) else {
            return Err(Unreachable::Silent);
        };
        if now >= ssh {
            return Ok(());
        }
        Err(if now.duration_since(on) < KERNEL {
            Unreachable::Silent
        } else {
            Unreachable::Refused
        })
    }

    /// Logs `user` in with the public key `key` (`ssh-ed25519 AAAA…`).
    ///
    /// # Errors
    /// As the server's.
    pub fn login(&mut self, user: &str, key: &str, now: Timestamp) -> Result<(), LoginRefusal> {
        self.reach_ssh(now)?;
        let default = self.facts.flavour.default_user();
        let machine = &self.look(now).present;
        let account = users::by_name(&machine.disk, user).ok_or(LoginRefusal::Key)?;
        let file = format!("{}/.ssh/authorized_keys", account.home);
        let authorized = machine
            .disk
            .read(&User::root(), &file)
            .map(|content| String::from_utf8_lossy(&content).into_owned())
            .unwrap_or_default();
        let line = authorized
            .lines()
            .find(|line| {
                let from = line.find("ssh-").or_else(|| line.find("ecdsa-"));
                from.is_some_and(|from| keys::same(&line[from..], key))
            })
            .ok_or(LoginRefusal::Key)?;
        if account.uid == 0 && line.contains("Please login as the user") {
            return Err(LoginRefusal::Root(default.to_owned()));
        }
        Ok(())
    }

    /// Runs a command line as `user`'s login shell would; `user` has logged in.
    ///
    /// # Errors
    /// The machine is off or SSH does not answer yet.
    pub fn run(
        &mut self,
        user: &str,
        line: &str,
        stdin: &[u8],
        now: Timestamp,
    ) -> Result<CommandOutput, Unreachable> {
        match self.run_knowing(user, line, stdin, &[], now)? {
            Ran::Done(output) => Ok(output),
            Ran::Asks(_) => Err(Unreachable::Silent),
        }
    }

    /// The same, with what programs of the machine have answered so far.
    ///
    /// A command line that asks one more is broken off, and the machine is as it was: it is
    /// to be run again when that program has answered.
    pub(crate) fn run_knowing(
        &mut self,
        user: &str,
        line: &str,
        stdin: &[u8],
        known: &[Answered],
        now: Timestamp,
    ) -> Result<Ran, Unreachable> {
        self.reach_ssh(now)?;
        let facts = Arc::clone(&self.facts);
        let timeline = self.look(now);
        let Some(account) = users::by_name(&timeline.present.disk, user) else {
            return Ok(Ran::Done(CommandOutput {
                exit_code: 1,
                stdout: Vec::new(),
                stderr: format!("unknown user {user}\n").into_bytes(),
                took: SignedDuration::ZERO,
            }));
        };
        let before = web::asks_programs(&timeline.present).then(|| Box::new(timeline.clone()));
        let script = Script {
            stdin: stdin.to_vec(),
            known: known.to_vec(),
            ..Script::line(line)
        };
        let (outcome, asks) = self.execute(&facts, account, script);
        if let (Some(forward), Some(before)) = (asks, before) {
            self.timeline = Some(before);
            return Ok(Ran::Asks(forward));
        }
        let ended = self
            .timeline
            .as_ref()
            .map_or(now, |timeline| timeline.present.clock);
        Ok(Ran::Done(CommandOutput {
            exit_code: outcome.exit_code,
            stdout: outcome.stdout,
            stderr: outcome.stderr,
            took: ended.duration_since(now),
        }))
    }

    fn execute(
        &mut self,
        facts: &Arc<Boot>,
        user: User,
        script: Script,
    ) -> (shell::Outcome, Option<Box<web::Forward>>) {
        let Some(timeline) = self.timeline.take() else {
            return (shell::Outcome::failed("the machine is off"), None);
        };
        let (timeline, outcome, asks) = shell::run_talking(*timeline, facts, user, script);
        self.timeline = Some(Box::new(timeline));
        (outcome, asks)
    }

    /// Writes a file as `user`.
    ///
    /// # Errors
    /// As the machine's kernel.
    pub fn upload(
        &mut self,
        user: &str,
        path: &str,
        content: &[u8],
        mode: u32,
        now: Timestamp,
    ) -> Result<(), FileRefusal> {
        let machine = &mut self.look(now).present;
        machine.activity.transfer(now, content.len() as u64, 0, 0);
        as_account(machine, user, path, |machine, account, path| {
            machine.disk.write(account, path, content, now)?;
            machine.disk.set_mode(account, path, mode)
        })
    }

    /// Reads a file as `user`.
    ///
    /// # Errors
    /// As the machine's kernel.
    pub fn download(
        &mut self,
        user: &str,
        path: &str,
        now: Timestamp,
    ) -> Result<Bytes, FileRefusal> {
        let machine = &mut self.look(now).present;
        let content = as_account(machine, user, path, |machine, account, path| {
            machine.disk.read(account, path)
        })?;
        machine.activity.transfer(now, 0, content.len() as u64, 0);
        Ok(content)
    }

    /// Answers an HTTP request that reached `port` from the address `client`, or says which
    /// program of the machine does.
    ///
    /// # Errors
    /// Nothing listens at that port, or nobody is there.
    pub fn serve(
        &mut self,
        port: u16,
        request: &http::Request<Bytes>,
        client: &str,
        now: Timestamp,
    ) -> Result<web::Reply, Unreachable> {
        self.reach_kernel(now)?;
        let facts = Arc::clone(&self.facts);
        let visit = web::Via::of(port, request, client);
        let script = web::program(&self.look(now).present, &facts, &visit);
        let outcome = script.map(|(user, script)| match self.execute(&facts, user, script) {
            (outcome, None) => outcome,
            (_, Some(_)) => shell::Outcome::failed(
                "a script behind a web server that asks another program of its machine is not \
                 modelled by the embedded cloud",
            ),
        });
        let machine = &mut self.look(now).present;
        web::answer(machine, &facts, &visit, outcome.as_ref()).ok_or(Unreachable::Refused)
    }

    /// What the metadata service says to a program of this machine.
    ///
    /// # Errors
    /// The machine is off.
    pub fn metadata(
        &mut self,
        request: &http::Request<Bytes>,
        now: Timestamp,
    ) -> Result<http::Response<Bytes>, Unreachable> {
        self.reach_kernel(now)?;
        let facts = Arc::clone(&self.facts);
        let machine = &mut self.look(now).present;
        let header = |name: &str| {
            let value = request.headers().get(name)?;
            Some(value.to_str().ok()?.to_owned())
        };
        let target = request.uri().path();
        Ok(imds::answer(machine, &facts, request.method(), target, &header).response())
    }

    /// Gives back what a program of this machine answered to a request that came in as `via`.
    ///
    /// # Errors
    /// It did not, and no proxy says so in its place.
    pub fn relay(
        &mut self,
        via: &web::Via,
        answer: Result<http::Response<Bytes>, Unreachable>,
        now: Timestamp,
    ) -> Result<http::Response<Bytes>, Unreachable> {
        self.reach_kernel(now)?;
        let facts = Arc::clone(&self.facts);
        let machine = &mut self.look(now).present;
        web::relay(machine, &facts, via, answer)
    }

    /// Whether anything listens at `port`.
    ///
    /// # Errors
    /// Nothing does, or nobody is there.
    pub fn listens(&mut self, port: u16, now: Timestamp) -> Result<(), Unreachable> {
        if port == 22 {
            return self.reach_ssh(now);
        }
        self.reach_kernel(now)?;
        let machine = &self.look(now).present;
        if web::listener(machine, port, false).is_some() {
            Ok(())
        } else {
            Err(Unreachable::Refused)
        }
    }

    fn reach_kernel(&self, now: Timestamp) -> Result<(), Unreachable> {
        match self.on_since {
            Some(on) if now.duration_since(on) >= KERNEL => Ok(()),
            _ => Err(Unreachable::Silent),
        }
    }

    /// What EC2's console shows.
    #[must_use]
    pub fn console_output(&mut self, now: Timestamp) -> String {
        let (Some(on), Some(ssh)) = (self.on_since, self.ssh_at()) else {
            return console::after_power_off();
        };
        let facts = Arc::clone(&self.facts);
        let first = self.boots == 1;
        let machine = &self.look(now).present;
        console::text(machine, &facts, first, on, ssh, now)
    }

    /// The whole minutes that begin in `from..to`, as EC2 measures them; none while it is off.
    #[must_use]
    pub fn samples(&mut self, from: Timestamp, to: Timestamp) -> Vec<Sample> {
        let Some(on) = self.on_since else {
            return Vec::new();
        };
        let facts = Arc::clone(&self.facts);
        let timeline = self.look(to);
        timeline
            .present
            .activity
            .samples(&facts.instance_id, facts.cpus, from.max(on), to)
    }

    pub(super) fn image(&mut self, now: Timestamp) -> Image {
        let timeline = self.look(now);
        Image::of(&timeline.present)
    }

    pub(super) fn power_off(&mut self, at: Timestamp) {
        let timeline = self.look(at);
        timeline.cut();
        timeline.present.lodgers.clear();
        cloudinit::shut_down(&mut timeline.present);
        self.on_since = None;
    }

    pub(super) fn power_on(&mut self, at: Timestamp) {
        self.on_since = Some(at);
        self.boots += 1;
        let ssh = self.ssh_at().unwrap_or(at);
        let facts = Arc::clone(&self.facts);
        if let Some(timeline) = &mut self.timeline {
            cloudinit::start_again(&mut timeline.present, &facts, at, ssh);
        }
    }

    /// The machine at `now`.
    pub(super) fn machine(&mut self, now: Timestamp) -> &mut Machine {
        &mut self.look(now).present
    }

    /// The machine at `now`; the first look makes it and runs its user-data.
    fn look(&mut self, now: Timestamp) -> &mut Timeline {
        let on = self.on_since.unwrap_or(now);
        let ssh = self.ssh_at().unwrap_or(on);
        let timeline = match self.timeline.take() {
            Some(timeline) => timeline,
            None => Box::new(cloudinit::first_boot(
                &self.facts,
                self.image.take(),
                on,
                ssh,
            )),
        };
        let timeline = self.timeline.insert(timeline);
        timeline.reach(now);
        timeline
    }
}

fn as_account<T>(
    machine: &mut Machine,
    user: &str,
    path: &str,
    work: impl FnOnce(&mut Machine, &User, &str) -> std::io::Result<T>,
) -> Result<T, FileRefusal> {
    let refusal = |reason| FileRefusal {
        path: path.to_owned(),
        reason,
    };
    let account = users::by_name(&machine.disk, user).ok_or_else(|| {
        refusal(std::io::Error::new(
            std::io::ErrorKind::PermissionDenied,
            "no such user",
        ))
    })?;
    let absolute = match path.strip_prefix("~/") {
        Some(rest) => super::disk::absolute(&account.home, rest),
        None => super::disk::absolute(&account.home, path),
    };
    work(machine, &account, &absolute).map_err(refusal)
}
