//! Files over SFTP: whole or not at all.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use opsh_operation::{Fault, FaultKind};
use ssh2::{ErrorCode, FileStat, OpenFlags, OpenType, RenameFlags, Sftp};

use super::faults;
use super::session::{Login, into_ssh};
use super::wire::{Patience, Stop};
use crate::world::Cancel;
use crate::world::content::Content;
use crate::world::ssh::{Command, not_copied};

/// A transfer that moves nothing for this long has failed.
const STALL: Duration = Duration::from_secs(30);
const CHUNK: usize = 256 * 1024;

impl Login {
    /// Writes `content` beside `remote` and renames it there.
    pub fn upload(
        &mut self,
        content: &Content,
        remote: &Path,
        mode: u32,
        cancel: &Cancel,
    ) -> Result<(), Fault> {
        let remote = in_home(remote);
        let temporary = beside(&remote);
        let sftp = self.sftp(cancel)?;
        let result = self
            .write(&sftp, content, &temporary, mode, cancel)
            .and_then(|()| self.replace(&sftp, &temporary, &remote, cancel));
        if result.is_err() && !self.broken {
            let patience = Patience::new(cancel, STALL);
            // The fault that matters is the one that happened first.
            let _ = self.wire.wait(&patience, || sftp.unlink(&temporary));
        }
        result
    }

    /// Reads `remote` into `copy`.
    pub fn download(
        &mut self,
        remote: &Path,
        copy: &mut dyn Write,
        limit: u64,
        cancel: &Cancel,
    ) -> Result<(), Fault> {
        let remote = in_home(remote);
        let sftp = self.sftp(cancel)?;
        let patience = Patience::new(cancel, STALL);
        let too_large = |peer| {
            Fault::new(
                FaultKind::Limit,
                format!("{peer}: {} is larger than {limit} bytes", remote.display()),
            )
            .hint("raise 'limit' if a file of that size is expected")
        };
        let opened = self.wire.wait(&patience, || sftp.open(&remote));
        let mut file = opened.map_err(|stop| self.failed(stop, "read", &remote))?;
        let stat = self.wire.wait(&patience, || file.stat());
        let stat = stat.map_err(|stop| self.failed(stop, "read", &remote))?;
        if stat.is_dir() {
            return Err(self.is_folder(&remote));
        }
        if stat.size.is_some_and(|size| size > limit) {
            return Err(too_large(&self.peer));
        }
        let mut length = 0;
        let mut chunk = vec![0; CHUNK];
        let mut moved = Instant::now();
        loop {
            match file.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    length += count as u64;
                    if length > limit {
                        return Err(too_large(&self.peer));
                    }
                    copy.write_all(&chunk[..count])
                        .map_err(|error| not_copied(&error))?;
                    moved = Instant::now();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.pause(moved, cancel)
                        .map_err(|stop| self.failed(stop, "read", &remote))?;
                }
                Err(error) => {
                    return Err(self.failed(Stop::Ssh(into_ssh(error)), "read", &remote));
                }
            }
        }
    }

    fn sftp(&mut self, cancel: &Cancel) -> Result<Sftp, Fault> {
        let patience = Patience::new(cancel, STALL);
        self.wire
            .wait(&patience, || self.wire.session.sftp())
            .map_err(|stop| match stop {
                Stop::Ssh(error) if matches!(error.code(), ErrorCode::Session(-21 | -22)) => {
                    Fault::new(
                        FaultKind::Failed,
                        format!("{}: the host offers no SFTP", self.peer),
                    )
                    .hint("enable 'Subsystem sftp' in its sshd_config")
                }
                stop => {
                    self.broken = true;
                    self.wire.cut();
                    faults::stopped(&self.peer, stop, "starting SFTP")
                }
            })
    }

    fn write(
        &mut self,
        sftp: &Sftp,
        content: &Content,
        temporary: &Path,
        mode: u32,
        cancel: &Cancel,
    ) -> Result<(), Fault> {
        let mut source = BufReader::with_capacity(CHUNK, content.open()?);
        let patience = Patience::new(cancel, STALL);
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        let opened = self.wire.wait(&patience, || {
            // Nobody else may read it before it has its mode.
            sftp.open_mode(temporary, flags, 0o600, OpenType::File)
        });
        let mut file = opened.map_err(|stop| self.failed(stop, "write", temporary))?;
        let mut moved = Instant::now();
        loop {
            let rest = source
                .fill_buf()
                .map_err(|error| content.unreadable(&error))?;
            if rest.is_empty() {
                break;
            }
            match file.write(rest) {
                Ok(count) => {
                    source.consume(count);
                    moved = Instant::now();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.pause(moved, cancel)
                        .map_err(|stop| self.failed(stop, "write", temporary))?;
                }
                Err(error) => {
                    return Err(self.failed(Stop::Ssh(into_ssh(error)), "write", temporary));
                }
            }
        }
        let patience = Patience::new(cancel, STALL);
        let permissions = FileStat {
            size: None,
            uid: None,
            gid: None,
            perm: Some(mode),
            atime: None,
            mtime: None,
        };
        let finished = self
            .wire
            .wait(&patience, || file.setstat(permissions.clone()))
            .and_then(|()| self.wire.wait(&patience, || file.close()));
        finished.map_err(|stop| self.failed(stop, "write", temporary))
    }

    /// Gives the file its name. SFTP 3 refuses to rename onto a file that exists,
    /// so that is done by the host's `mv`, which replaces it in one step.
    fn replace(
        &mut self,
        sftp: &Sftp,
        temporary: &Path,
        remote: &Path,
        cancel: &Cancel,
    ) -> Result<(), Fault> {
        let patience = Patience::new(cancel, STALL);
        let there = self.wire.wait(&patience, || sftp.stat(remote));
        match there {
            Ok(stat) if stat.is_dir() => return Err(self.is_folder(remote)),
            Err(Stop::Ssh(_)) => {
                let flags = RenameFlags::ATOMIC | RenameFlags::NATIVE;
                return self
                    .wire
                    .wait(&patience, || sftp.rename(temporary, remote, Some(flags)))
                    .map_err(|stop| self.failed(stop, "write", remote));
            }
            Err(stop) => return Err(self.failed(stop, "write", remote)),
            Ok(_) => {}
        }
        let quoted = |path: &Path| {
            let text = path.to_string_lossy().into_owned();
            shlex::try_quote(&text)
                .map(std::borrow::Cow::into_owned)
                .map_err(|error| Fault::new(FaultKind::Invalid, format!("'{text}': {error}")))
        };
        let command = Command {
            line: format!("mv -f -- {} {}", quoted(temporary)?, quoted(remote)?),
            stdin: Content::default(),
            timeout: STALL,
            limit: CHUNK,
        };
        let output = self.run(&command, cancel)?;
        if output.exit_code == 0 {
            return Ok(());
        }
        Err(Fault::new(
            FaultKind::Denied,
            format!(
                "{}: cannot write {}: {}",
                self.peer,
                remote.display(),
                String::from_utf8_lossy(&output.stderr).trim()
            ),
        ))
    }

    fn pause(&self, moved: Instant, cancel: &Cancel) -> Result<(), Stop> {
        let left = STALL.saturating_sub(moved.elapsed());
        let patience = Patience::new(cancel, left);
        patience.check()?;
        self.wire.settle(&patience);
        Ok(())
    }

    fn is_folder(&self, path: &Path) -> Fault {
        Fault::new(
            FaultKind::Invalid,
            format!("{}: {} is a folder", self.peer, path.display()),
        )
        .hint("name the file in it")
    }

    fn failed(&mut self, stop: Stop, doing: &str, path: &Path) -> Fault {
        let Stop::Ssh(error) = &stop else {
            self.broken = true;
            self.wire.cut();
            return faults::stopped(&self.peer, stop, "transferring a file");
        };
        let shown = path.display();
        // SSH_FX_* of draft-ietf-secsh-filexfer-02, the version that everyone speaks.
        let (kind, reason) = match error.code() {
            ErrorCode::SFTP(2) if doing == "write" => {
                (FaultKind::NotFound, "its folder does not exist".to_owned())
            }
            ErrorCode::SFTP(2) => (FaultKind::NotFound, "it does not exist".to_owned()),
            ErrorCode::SFTP(3) => (
                FaultKind::Denied,
                format!("'{}' may not {doing} it", self.peer.user),
            ),
            ErrorCode::SFTP(_) => (FaultKind::Failed, error.message().to_owned()),
            ErrorCode::Session(_) => {
                self.broken = true;
                self.wire.cut();
                return faults::lost(&self.peer, error, "transferring a file");
            }
        };
        Fault::new(
            kind,
            format!("{}: cannot {doing} {shown}: {reason}", self.peer),
        )
    }
}

/// SFTP starts in the home folder and knows no `~`.
fn in_home(path: &Path) -> PathBuf {
    path.strip_prefix("~").unwrap_or(path).to_owned()
}

/// A name in the same folder that nobody else uses.
fn beside(path: &Path) -> PathBuf {
    let mut random = [0; 6];
    rand::fill(&mut random);
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    path.with_file_name(format!(".{name}.opsh-{}", hex::encode(random)))
}
