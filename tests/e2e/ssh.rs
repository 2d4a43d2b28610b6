//! The live SSH transport and the module `ssh` against a real OpenSSH server.

mod commands;
mod hosts;
mod logins;
mod module;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::time::Duration;

use opsh::world::content::Content;
use opsh::world::live::{Live, Settings};
use opsh::world::ssh::{Command, HostKey, Output, Session, Target};
use opsh::world::{Cancel, World as _};
use opsh_operation::{Fault, Secret};
use tempfile::TempDir;

use crate::support::component::demand;
use crate::support::sshd::Sshd;

/// A server, and a home directory whose `.ssh` is ours to fill.
pub struct Lab {
    pub server: Sshd,
    pub home: TempDir,
}

impl Lab {
    pub fn new() -> Option<Self> {
        let server = demand(Sshd::start("MaxStartups 100\nMaxSessions 20"))?;
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".ssh")).unwrap();
        Some(Self { server, home })
    }

    pub fn world(&self, connect_to: &[&str]) -> Live {
        Live::new(Settings {
            connect_to: connect_to
                .iter()
                .map(|rule| rule.parse().unwrap())
                .collect(),
            home: Some(self.home.path().to_owned()),
            ..Settings::default()
        })
    }

    pub fn ssh_file(&self, name: &str) -> PathBuf {
        self.home.path().join(".ssh").join(name)
    }

    pub fn host_key(&self) -> String {
        key_of(&self.server.file("host_key.pub"))
    }

    pub fn target(&self) -> Target {
        Target {
            host: "127.0.0.1".into(),
            port: Some(self.server.port),
            user: Some(self.server.user.clone()),
            key_file: Some(self.server.file("id_ed25519")),
            passphrase: None,
            host_key: HostKey::Pinned(vec![self.host_key()]),
            connect_timeout: Duration::from_secs(10),
        }
    }

    pub fn with_key(&self, path: &Path, passphrase: Option<&str>) -> Target {
        Target {
            key_file: Some(path.to_owned()),
            passphrase: passphrase.map(Secret::new),
            ..self.target()
        }
    }

    /// What a message says, with this lab's own names taken out.
    pub fn plain(&self, text: &str) -> String {
        text.replace(&self.home.path().display().to_string(), "HOME")
            .replace(&self.server.file("").display().to_string(), "LAB/")
            .replace(&self.server.port.to_string(), "PORT")
            .replace(&format!("{}@", self.server.user), "USER@")
            .replace(&format!("~{}/", self.server.user), "~USER/")
    }

    pub fn refused(&self, target: &Target) -> Fault {
        let session = self.world(&[]).ssh().connect(target, &Cancel::new(None));
        let Err(mut fault) = session else {
            panic!("the login worked");
        };
        fault.message = self.plain(&fault.message);
        fault
    }

    pub fn make_key(&self, arguments: &[&str]) -> PathBuf {
        let path = self.ssh_file(&arguments.join("").replace(['-', ' '], ""));
        let made = Process::new("ssh-keygen")
            .args(["-q", "-C", "test", "-f"])
            .arg(&path)
            .args(arguments)
            .status()
            .unwrap();
        assert!(made.success());
        path
    }

    /// Lets the owner of `path` log in too.
    pub fn authorize(&self, path: &Path) {
        let mut public = path.as_os_str().to_owned();
        public.push(".pub");
        let keys = self.server.file("authorized_keys");
        let both = [&keys, &PathBuf::from(public)].map(|path| fs::read_to_string(path).unwrap());
        fs::write(keys, both.concat()).unwrap();
    }

    pub fn logins(&self) -> usize {
        let log = fs::read_to_string(self.server.file("log")).unwrap();
        log.matches("Accepted publickey").count()
    }
}

pub fn key_of(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    words.join(" ")
}

pub fn command(line: &str) -> Command {
    Command {
        line: line.into(),
        stdin: Content::default(),
        timeout: Duration::from_secs(20),
        limit: 64 * 1024 * 1024,
    }
}

pub fn run(session: &mut dyn Session, command: &Command) -> Result<Output, Fault> {
    session.run(command, &Cancel::new(None))
}

pub fn connect(world: &Live, target: &Target) -> Box<dyn Session> {
    world
        .ssh()
        .connect(target, &Cancel::new(None))
        .unwrap_or_else(|fault| panic!("{}", fault.message))
}
