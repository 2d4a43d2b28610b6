//! From a playbook's target to where and how to log in: `~/.ssh/config`, then
//! `--connect-to`, then the usual defaults.

use std::path::{Path, PathBuf};

use opsh_operation::{Fault, FaultKind, Secret};

use super::auth::Identities;
use super::config::{self, Options};
use super::faults::Peer;
use super::host_key::Expectation;
use super::known_hosts;
use crate::world::live::connect_to::{self, ConnectTo, bare};
use crate::world::ssh::key_file::expand_home;
use crate::world::ssh::{HostKey, Target};

/// Where OpenSSH looks for keys when nothing names one.
const USUAL_KEYS: [&str; 3] = ["~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"];
const SYSTEM_KNOWN_HOSTS: &str = "/etc/ssh/ssh_known_hosts";
/// Where new hosts are written down if there is no file of the user's.
const NOWHERE: &str = "/dev/null";

/// Everything that a login needs; keys and known hosts are read when there is a login.
pub(super) struct Endpoint {
    pub peer: Peer,
    /// Where the socket goes.
    pub dial: (String, u16),
    /// The host's name in `known_hosts`.
    known_name: String,
    known_hosts: Vec<PathBuf>,
    policy: HostKey,
    /// The key that the playbook names.
    key_file: Option<PathBuf>,
    passphrase: Option<Secret>,
    agent: Option<PathBuf>,
    /// Keys from the configuration, or the usual ones.
    configured: Vec<PathBuf>,
    /// Whether the agent may only use the keys of the files.
    only: bool,
}

impl Endpoint {
    pub fn new(target: &Target, home: Option<&Path>, rules: &[ConnectTo]) -> Result<Self, Fault> {
        let alias = bare(&target.host).to_owned();
        if alias.is_empty() || alias.starts_with('-') || alias.contains(char::is_whitespace) {
            return Err(Fault::new(
                FaultKind::Invalid,
                format!("'{alias}' is not a host name or address"),
            ));
        }
        let options = match home {
            Some(home) => config::read(home, &alias)?,
            None => Options::default(),
        };
        let host = options.host_name.as_ref().map_or_else(
            || alias.clone(),
            |name| name.replace("%h", &alias).replace("%%", "%"),
        );
        let port = target.port.or(options.port).unwrap_or(22);
        let user = target
            .user
            .clone()
            .or_else(|| options.user.clone())
            .or_else(local_user)
            .ok_or_else(|| {
                Fault::new(FaultKind::Invalid, format!("{alias}: no user to log in as"))
                    .hint("pass 'user', or write User for the host in ~/.ssh/config")
            })?;
        let dial = connect_to::redirect(rules, &host, port).unwrap_or_else(|| (host.clone(), port));
        let tokens = Tokens {
            home,
            host: &host,
            user: &user,
        };
        let known_name = options.host_key_alias.as_ref().map_or_else(
            || known_hosts::name(&host, port),
            |name| known_hosts::name(name, 22),
        );
        let known_hosts = known_hosts_files(&options, &tokens);
        let policy = policy(
            &target.host_key,
            options.strict_host_key_checking.as_deref(),
        );
        let key_file = target
            .key_file
            .as_deref()
            .map(|path| expand_home(&path.to_string_lossy(), home));
        let agent = agent(&options, &tokens);
        let configured = configured(&options, &tokens);
        Ok(Self {
            peer: Peer {
                host: alias,
                user,
                address: dial.0.clone(),
                port: dial.1,
            },
            dial,
            known_name,
            known_hosts,
            policy,
            key_file,
            passphrase: target.passphrase.clone(),
            agent,
            configured,
            only: options.identities_only.unwrap_or(false),
        })
    }

    /// What is known about the host now.
    pub fn expectation(&self) -> Result<Expectation, Fault> {
        Expectation::new(
            self.known_name.clone(),
            self.known_hosts.clone(),
            self.policy.clone(),
        )
    }

    /// What to log in with; a key file that is named is read.
    pub fn identities(&self) -> Result<Identities, Fault> {
        let passphrase = self.passphrase.as_ref();
        let explicit = self
            .key_file
            .as_deref()
            .map(|path| Identities::explicit(&crate::world::files::Disk, path, passphrase))
            .transpose()?;
        Ok(Identities {
            explicit,
            passphrase: self.passphrase.clone(),
            agent: self.agent.clone().filter(|socket| socket.exists()),
            configured: self.configured.clone(),
            only: self.only,
        })
    }

    /// What tells this endpoint's logins from others'.
    pub fn key(&self) -> String {
        format!(
            "{}|{}|{:?}|{}|{:?}",
            self.peer, self.dial.1, self.key_file, self.known_name, self.policy
        )
    }
}

/// What `%` and `~` stand for in the configuration's paths.
struct Tokens<'a> {
    home: Option<&'a Path>,
    host: &'a str,
    user: &'a str,
}

impl Tokens<'_> {
    fn path(&self, text: &str) -> PathBuf {
        let home = self
            .home
            .map(|home| home.display().to_string())
            .unwrap_or_default();
        let text = text
            .replace("%d", &home)
            .replace("%h", self.host)
            .replace("%r", self.user)
            .replace("%u", &local_user().unwrap_or_default())
            .replace("%%", "%");
        expand_home(&text, self.home)
    }
}

fn known_hosts_files(options: &Options, tokens: &Tokens<'_>) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = match &options.known_hosts_files {
        Some(files) => files.iter().map(|file| tokens.path(file)).collect(),
        None => tokens
            .home
            .map(|home| home.join(".ssh/known_hosts"))
            .into_iter()
            .collect(),
    };
    if files.is_empty() {
        files.push(NOWHERE.into());
    }
    files.push(SYSTEM_KNOWN_HOSTS.into());
    files
}

/// The playbook's word counts; where it says nothing, the configuration's.
///
/// `StrictHostKeyChecking no` is taken as `accept-new`: opsh never goes on with a changed key.
fn policy(asked: &HostKey, strict: Option<&str>) -> HostKey {
    match (asked, strict) {
        (HostKey::Known, Some("accept-new" | "no" | "off")) => HostKey::AcceptNew,
        _ => asked.clone(),
    }
}

fn configured(options: &Options, tokens: &Tokens<'_>) -> Vec<PathBuf> {
    if options.identity_files.is_empty() {
        return USUAL_KEYS.iter().map(|file| tokens.path(file)).collect();
    }
    options
        .identity_files
        .iter()
        .filter(|file| !file.eq_ignore_ascii_case("none"))
        .map(|file| tokens.path(file))
        .collect()
}

fn agent(options: &Options, tokens: &Tokens<'_>) -> Option<PathBuf> {
    match options.identity_agent.as_deref() {
        Some("none") => None,
        None | Some("SSH_AUTH_SOCK") => std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from),
        Some(path) => Some(tokens.path(path)),
    }
}

fn local_user() -> Option<String> {
    ["USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
}
