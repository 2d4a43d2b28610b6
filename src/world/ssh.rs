//! What SSH is to a playbook: a target, a session, what it answers.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use opsh_operation::{Fault, FaultKind, Secret};

use super::Cancel;
use super::content::Content;

pub mod key_file;
mod pem;

/// Where to log in, before `~/.ssh/config` and `--connect-to` had their say.
#[derive(Debug, Clone)]
pub struct Target {
    /// Host name, alias or address.
    pub host: String,
    /// Port, if not the configuration's or 22.
    pub port: Option<u16>,
    /// User, if not the configuration's.
    pub user: Option<String>,
    /// Private key file, if not the configuration's or the agent's.
    pub key_file: Option<PathBuf>,
    /// The key file's passphrase.
    pub passphrase: Option<Secret>,
    /// How the host proves who it is.
    pub host_key: HostKey,
    /// For connecting and logging in.
    pub connect_timeout: Duration,
}

/// How a host proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKey {
    /// It must be in `known_hosts`.
    Known,
    /// It must have one of these keys (`ssh-ed25519 AAAA…`) or fingerprints (`SHA256:…`).
    Pinned(Vec<String>),
    /// A key seen for the first time is written to `known_hosts`; a changed one is refused.
    AcceptNew,
}

/// A command to run.
#[derive(Debug, Clone)]
pub struct Command {
    /// The command line, for the remote user's shell.
    pub line: String,
    /// What it reads.
    pub stdin: Content,
    /// For the whole command.
    pub timeout: Duration,
    /// Output beyond this many bytes is refused.
    pub limit: usize,
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit status; 128 + signal if it was killed.
    pub exit_code: i32,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it complained.
    pub stderr: Vec<u8>,
}

/// What a download says when its copy takes no more.
pub(super) fn not_copied(error: &io::Error) -> Fault {
    Fault::new(
        FaultKind::Invalid,
        format!("cannot write what comes from the host: {error}"),
    )
    .hint("is the disk full?")
}

/// Opens sessions.
pub trait Transport: Send + Sync {
    /// Connects, verifies the host and logs in.
    ///
    /// # Errors
    /// `unreachable`, `timeout`, `host_key`, `denied`, `invalid` (key file).
    fn connect(&self, target: &Target, cancel: &Cancel) -> Result<Box<dyn Session>, Fault>;
}

/// A login on one host; one command at a time.
pub trait Session: Send {
    /// Runs a command to its end.
    ///
    /// # Errors
    /// `timeout`, `limit`, `unreachable`; never for an exit status.
    fn run(&mut self, command: &Command, cancel: &Cancel) -> Result<Output, Fault>;

    /// Writes a remote file.
    ///
    /// # Errors
    /// `denied`, `not_found`, `unreachable`, `timeout`.
    fn upload(
        &mut self,
        content: &Content,
        remote: &Path,
        mode: u32,
        cancel: &Cancel,
    ) -> Result<(), Fault>;

    /// Writes a remote file of at most `limit` bytes to `copy` as it comes.
    ///
    /// # Errors
    /// `denied`, `not_found`, `limit`, `unreachable`, `timeout`; `invalid` if `copy` takes
    /// no more. What has come until then is in it.
    fn download(
        &mut self,
        remote: &Path,
        copy: &mut dyn Write,
        limit: u64,
        cancel: &Cancel,
    ) -> Result<(), Fault>;

    /// The host's key as `known_hosts` writes it, e.g. `ssh-ed25519 AAAA…`.
    fn host_key(&self) -> String;
}
