//! What a web server has read of its configuration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::hosts::disk::{Kind, absolute};
use crate::hosts::machine::Machine;
use crate::hosts::users::User;

/// A server's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// What it calls itself in `Server:`.
    pub software: String,
    /// Where it listens.
    pub ports: Vec<u16>,
    /// Where it complains.
    pub error_log: String,
    /// Its virtual hosts; the first one for a port answers for unknown names.
    pub hosts: Vec<VirtualHost>,
    /// Directories that may be served or not (Apache's `Require`): the longest one decides.
    pub directories: BTreeMap<String, Directory>,
}

/// What may be done with a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// Who may read it; not said here if `None`.
    pub access: Option<Access>,
    /// Whether its entries are listed where no index is; not said here if `None`.
    pub listing: Option<bool>,
}

/// Who may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Everybody.
    Granted,
    /// Nobody.
    Denied,
    /// The machine itself.
    Local,
    /// These addresses and blocks.
    From(Vec<String>),
}

/// A virtual host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualHost {
    /// Where it answers; everywhere if empty.
    pub ports: Vec<u16>,
    /// Its names; any if empty.
    pub names: Vec<String>,
    /// Where its files are.
    pub root: Option<String>,
    /// Files that stand for a directory.
    pub index: Vec<String>,
    /// Paths that are elsewhere on the disk.
    pub aliases: Vec<(String, String)>,
    /// Paths with a rule of their own.
    pub rules: Vec<Rule>,
    /// Pages shown instead of an error.
    pub error_pages: BTreeMap<u16, String>,
    /// What the front page's 403 shows (Amazon's `welcome.conf`).
    pub welcome: Option<String>,
    /// Headers added to every answer.
    pub headers: Vec<(String, String)>,
    /// The log that notes visits, if one does.
    pub access_log: Option<String>,
}

/// A rule for a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The path.
    pub path: String,
    /// Only this path, not what is below it.
    pub exact: bool,
    /// Who may ask.
    pub access: Option<Access>,
    /// What is answered; the file if `None`.
    pub action: Option<Action>,
    /// Headers added to the answer.
    pub headers: Vec<(String, String)>,
}

/// What a rule answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Apache's `server-status`.
    Status,
    /// nginx's `stub_status`.
    StubStatus,
    /// A fixed answer.
    Answer(u16, String),
    /// A redirection; what follows the path is appended if it is Apache's.
    Redirect(u16, String, bool),
    /// Files from another root.
    Root(String),
    /// Files from a directory in place of the path.
    Alias(String),
    /// A program on the machine.
    Proxy(Proxy),
    /// What a script answers: this one, or one below this directory (Apache's `ScriptAlias`).
    Script(String),
}

/// Where nginx's `proxy_pass` leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// The port on the machine itself.
    pub port: u16,
    /// The target as the configuration has it, e.g. `127.0.0.1:8080`.
    pub authority: String,
    /// What stands for the location's path; `None` leaves the path as it is.
    pub path: Option<String>,
    /// `proxy_set_header`: names and values with nginx's variables.
    pub headers: Vec<(String, String)>,
    /// `proxy_read_timeout` in seconds.
    pub patience: u64,
}

/// Text of a file of the machine.
pub fn text(machine: &Machine, path: &str) -> Option<String> {
    machine
        .disk
        .read(&User::root(), path)
        .ok()
        .map(|content| String::from_utf8_lossy(&content).into_owned())
}

/// The files that an include's pattern names, in order; `*` only in the last component.
pub fn included(machine: &Machine, root: &str, pattern: &str) -> Vec<String> {
    let path = absolute(root, pattern);
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let Some((before, after)) = name.split_once('*') else {
        return vec![path];
    };
    machine
        .disk
        .list(
            &User::root(),
            if directory.is_empty() { "/" } else { directory },
        )
        .map(|entries| {
            entries
                .into_iter()
                .filter(|(entry, node)| {
                    entry.len() >= before.len() + after.len()
                        && entry.starts_with(before)
                        && entry.ends_with(after)
                        && !entry.starts_with('.')
                        && node.kind != Kind::Directory
                })
                .map(|(entry, _)| format!("{directory}/{entry}"))
                .collect()
        })
        .unwrap_or_default()
}
