//! SSH to simulated machines, with the same checks and words as to real ones.

use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opsh_cloud::Unreachable;
use opsh_operation::{Fault, FaultKind};
use tempfile::TempDir;

use super::doors::{Account, Doors, Refusal};
use super::wait;
use crate::world::Cancel;
use crate::world::content::Content;
use crate::world::files::Files;
use crate::world::live::ssh::auth::Identities;
use crate::world::live::ssh::faults::{Peer, not_connected};
use crate::world::live::ssh::host_key::Expectation;
use crate::world::live::ssh::known_hosts::{self, Key};
use crate::world::ssh::{Command, Output, Session, Target, Transport, not_copied};

/// How long connecting and logging in takes in virtual time.
const LOGIN: Duration = Duration::from_millis(300);

/// How long a command or a file takes at least.
const LATENCY: Duration = Duration::from_millis(50);

/// Where the world keeps the keys of hosts that it has met.
pub(super) enum KnownHosts {
    /// In a file of its own.
    Kept(PathBuf),
    /// Nowhere for long; at first as in that file.
    Throwaway(Option<PathBuf>),
}

/// The world's SSH.
pub(super) struct Logins<D> {
    doors: D,
    known: KnownHosts,
    /// Made when a dry run meets its first host.
    throwaway: Mutex<Option<TempDir>>,
    files: Arc<dyn Files>,
}

impl<D: Doors> Logins<D> {
    pub fn new(doors: D, known: KnownHosts, files: Arc<dyn Files>) -> Self {
        Self {
            doors,
            known,
            throwaway: Mutex::new(None),
            files,
        }
    }

    fn known_hosts(&self) -> Result<PathBuf, Fault> {
        let origin = match &self.known {
            KnownHosts::Kept(path) => return Ok(path.clone()),
            KnownHosts::Throwaway(origin) => origin,
        };
        let mut throwaway = self
            .throwaway
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = &*throwaway {
            return Ok(folder.path().join("known_hosts"));
        }
        let failed =
            |error: Error| Fault::new(FaultKind::Failed, format!("a temporary folder: {error}"));
        let folder = TempDir::new().map_err(failed)?;
        let path = folder.path().join("known_hosts");
        if let Some(origin) = origin.as_ref().filter(|origin| origin.exists()) {
            std::fs::copy(origin, &path).map_err(failed)?;
        }
        *throwaway = Some(folder);
        Ok(path)
    }

    fn unreachable(
        &self,
        peer: &Peer,
        why: &Unreachable,
        target: &Target,
        cancel: &Cancel,
    ) -> Fault {
        let error = match why {
            Unreachable::NoSuchHost(_) if peer.host.parse::<std::net::IpAddr>().is_ok() => {
                ErrorKind::HostUnreachable.into()
            }
            Unreachable::NoSuchHost(_) => ErrorKind::NotFound.into(),
            Unreachable::Refused(_) => ErrorKind::ConnectionRefused.into(),
            Unreachable::Reset(_) => Error::new(ErrorKind::ConnectionReset, why.to_string()),
            Unreachable::TimedOut(_) => {
                // What a client would wait for in vain passes in virtual time.
                if let Err(stopped) = wait(self.doors.clock(), target.connect_timeout, cancel) {
                    return stopped;
                }
                ErrorKind::TimedOut.into()
            }
        };
        not_connected(peer, &error)
    }
}

impl<D: Doors> Transport for Logins<D> {
    /// The user, where the target names none, is the one that the image made.
    fn connect(&self, target: &Target, cancel: &Cancel) -> Result<Box<dyn Session>, Fault> {
        cancel.check()?;
        let key = match &target.key_file {
            Some(path) => {
                let file =
                    Identities::explicit(self.files.as_ref(), path, target.passphrase.as_ref())?;
                Some((path.clone(), file.public_key()?))
            }
            None => None,
        };
        let port = target.port.unwrap_or(22);
        let mut peer = Peer {
            host: target.host.clone(),
            user: target.user.clone().unwrap_or_default(),
            address: target.host.clone(),
            port,
        };
        wait(self.doors.clock(), LOGIN, cancel)?;
        let door = self
            .doors
            .knock(&target.host, port)
            .map_err(|why| self.unreachable(&peer, &why, target, cancel))?;
        if peer.user.is_empty() {
            door.default_user.clone_into(&mut peer.user);
        }
        let host_key = door.host_key.clone();
        let shown = Key::parse(&host_key).ok_or_else(|| {
            Fault::new(FaultKind::Failed, format!("{peer}: '{host_key}' is no key"))
        })?;
        Expectation::new(
            known_hosts::name(&target.host, port),
            vec![self.known_hosts()?],
            target.host_key.clone(),
        )?
        .verify(&shown, &peer)?;
        let (path, public) = key.unwrap_or_default();
        let account = Account {
            host: target.host.clone(),
            port,
            user: peer.user.clone(),
        };
        match self.doors.login(&account, &public) {
            Ok(()) => Ok(Box::new(Shell {
                doors: self.doors.clone(),
                account,
                peer,
                host_key,
            })),
            Err(Refusal::Unreachable(why)) => Err(self.unreachable(&peer, &why, target, cancel)),
            Err(error) => {
                let tried = if public.is_empty() {
                    "no key was offered".to_owned()
                } else {
                    format!("the key {} was offered: {error}", path.display())
                };
                Err(Fault::new(
                    FaultKind::Denied,
                    format!("{peer}: the login was refused; {tried}"),
                )
                .code("AuthenticationFailed")
                .hint(format!(
                    "check the user, and that the public half of the key is in \
                     ~{}/.ssh/authorized_keys there",
                    peer.user
                )))
            }
        }
    }
}

/// A login on a simulated machine.
struct Shell<D> {
    doors: D,
    account: Account,
    peer: Peer,
    host_key: String,
}

impl<D> Shell<D> {
    fn fault(&self, refusal: &Refusal) -> Fault {
        let kind = match refusal {
            Refusal::NotFound(_) => FaultKind::NotFound,
            Refusal::Denied(_) => FaultKind::Denied,
            Refusal::Failed(_) => FaultKind::Failed,
            Refusal::Unreachable(_) => FaultKind::Unreachable,
        };
        Fault::new(kind, format!("{}: {refusal}", self.peer))
    }

    fn too_much(&self, what: &str, limit: impl std::fmt::Display, hint: &str) -> Fault {
        Fault::new(
            FaultKind::Limit,
            format!("{}: {what} {limit} bytes", self.peer),
        )
        .hint(hint)
    }
}

impl<D: Doors> Session for Shell<D> {
    fn run(&mut self, command: &Command, cancel: &Cancel) -> Result<Output, Fault> {
        cancel.check()?;
        let input = command.stdin.whole()?;
        let output = self
            .doors
            .run(&self.account, &command.line, &input)
            .map_err(|error| self.fault(&error))?;
        let took = output.took + LATENCY;
        wait(self.doors.clock(), took.min(command.timeout), cancel)?;
        if took > command.timeout {
            let limit = humantime::format_duration(command.timeout);
            let mut fault = Fault::new(
                FaultKind::Timeout,
                format!("{}: the command did not end within {limit}", self.peer),
            )
            .hint("it may still be running there; raise 'timeout' if it needs longer");
            fault.retryable = true;
            return Err(fault);
        }
        if output.stdout.len() + output.stderr.len() > command.limit {
            return Err(self.too_much(
                "the command wrote more than",
                command.limit,
                "let it write to a file there, or raise 'limit'",
            ));
        }
        Ok(Output {
            exit_code: output.exit_code,
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }

    fn upload(
        &mut self,
        content: &Content,
        remote: &Path,
        mode: u32,
        cancel: &Cancel,
    ) -> Result<(), Fault> {
        let content = content.whole()?;
        wait(self.doors.clock(), LATENCY, cancel)?;
        self.doors
            .upload(&self.account, &remote.to_string_lossy(), &content, mode)
            .map_err(|error| self.fault(&error))
    }

    fn download(
        &mut self,
        remote: &Path,
        copy: &mut dyn Write,
        limit: u64,
        cancel: &Cancel,
    ) -> Result<(), Fault> {
        wait(self.doors.clock(), LATENCY, cancel)?;
        let content = self
            .doors
            .download(&self.account, &remote.to_string_lossy())
            .map_err(|error| self.fault(&error))?;
        if content.len() as u64 > limit {
            return Err(self.too_much(
                &format!("{} is larger than", remote.display()),
                limit,
                "raise 'limit' if a file of that size is expected",
            ));
        }
        copy.write_all(&content).map_err(|error| not_copied(&error))
    }

    fn host_key(&self) -> String {
        self.host_key.clone()
    }
}
