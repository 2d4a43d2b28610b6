//! Logging in: an explicit key, then the agent's keys, then the configured ones.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use opsh_operation::{Fault, FaultKind, Secret};
use ssh2::ErrorCode;

use super::agent::Agent;
use super::faults::{self, Peer};
use super::wire::{Patience, Stop, Wire};
use crate::world::files::Files;
use crate::world::ssh::key_file::KeyFile;

/// What to log in with, in the order in which it is tried.
pub(in crate::world) struct Identities {
    pub explicit: Option<KeyFile>,
    pub passphrase: Option<Secret>,
    /// The agent's socket, if there is an agent to ask.
    pub agent: Option<PathBuf>,
    /// From the configuration, or the usual names; those that do not exist are passed over.
    pub configured: Vec<PathBuf>,
    /// Whether the agent may only use the keys of the files.
    pub only: bool,
}

impl Identities {
    /// Reads the explicit key file, before any connection is made.
    pub fn explicit(
        files: &dyn Files,
        path: &Path,
        passphrase: Option<&Secret>,
    ) -> Result<KeyFile, Fault> {
        let file = KeyFile::read_from(files, path)?;
        if file.encrypted && passphrase.is_none() {
            return Err(Fault::new(
                FaultKind::Invalid,
                format!("the key file {} is encrypted", path.display()),
            )
            .code("EncryptedKey")
            .hint("pass 'passphrase', e.g. a secret parameter, or add the key to your ssh-agent and leave key_file out"));
        }
        Ok(file)
    }
}

/// Logs in as the peer's user.
pub(super) fn login(
    wire: &Wire,
    peer: &Peer,
    identities: &Identities,
    patience: &Patience<'_>,
) -> Result<(), Fault> {
    let mut attempt = Attempt {
        wire,
        peer,
        patience,
        tried: Vec::new(),
    };
    if attempt.without_a_key()? {
        return Ok(());
    }
    if let Some(file) = &identities.explicit
        && attempt.file(file, identities.passphrase.as_ref(), true)?
    {
        return Ok(());
    }
    if let Some(socket) = &identities.agent
        && attempt.agent(socket, identities)?
    {
        return Ok(());
    }
    for path in &identities.configured {
        let explicit = identities.explicit.as_ref();
        if explicit.is_some_and(|file| file.path == *path) || !path.exists() {
            continue;
        }
        match KeyFile::read(path) {
            Ok(file) if file.encrypted && identities.passphrase.is_none() => {
                attempt.note(path, "encrypted, and no passphrase was given");
            }
            Ok(file) => {
                if attempt.file(&file, identities.passphrase.as_ref(), false)? {
                    return Ok(());
                }
            }
            Err(fault) => attempt.tried.push(fault.message),
        }
    }
    Err(attempt.denied())
}

struct Attempt<'a> {
    wire: &'a Wire,
    peer: &'a Peer,
    patience: &'a Patience<'a>,
    tried: Vec<String>,
}

impl Attempt<'_> {
    fn stopped(&self, stop: Stop) -> Fault {
        faults::stopped(self.peer, stop, "logging in")
    }

    /// Asks which ways there are; some hosts let one in at once.
    fn without_a_key(&mut self) -> Result<bool, Fault> {
        let session = &self.wire.session;
        let methods = self.wire.wait(self.patience, || {
            session.auth_methods(&self.peer.user).map(str::to_owned)
        });
        match methods {
            Ok(methods) if !methods.split(',').any(|method| method == "publickey") => {
                Err(Fault::new(
                    FaultKind::Denied,
                    format!("{}: the host takes no keys, only {methods}", self.peer),
                )
                .hint("opsh logs in with keys; allow PubkeyAuthentication in its sshd_config"))
            }
            Ok(_) => Ok(false),
            Err(Stop::Ssh(_)) if session.authenticated() => Ok(true),
            Err(stop) => Err(self.stopped(stop)),
        }
    }

    fn file(
        &mut self,
        file: &KeyFile,
        passphrase: Option<&Secret>,
        explicit: bool,
    ) -> Result<bool, Fault> {
        let session = &self.wire.session;
        // libssh2 takes a passphrase for a plain key as a mistake in some formats.
        let passphrase = passphrase.filter(|_| file.encrypted).map(Secret::reveal);
        let done = self.wire.wait(self.patience, || {
            session.userauth_pubkey_memory(&self.peer.user, None, file.text.reveal(), passphrase)
        });
        match done {
            Ok(()) if session.authenticated() => Ok(true),
            Ok(()) => {
                self.note(&file.path, "accepted, but the host asks for more");
                Ok(false)
            }
            Err(Stop::Ssh(error)) => match kind_of(&error) {
                Refusal::Key if file.encrypted && explicit => Err(Fault::new(
                    FaultKind::Invalid,
                    format!(
                        "the passphrase does not open the key file {}",
                        file.path.display()
                    ),
                )
                .code("WrongPassphrase")
                .hint("check 'passphrase'; ssh-keygen -y -f KEY tries one")),
                Refusal::Key => {
                    self.note(&file.path, &format!("not usable: {}", error.message()));
                    Ok(false)
                }
                Refusal::Login => {
                    self.note(&file.path, "refused");
                    Ok(false)
                }
                Refusal::Connection => Err(self.stopped(Stop::Ssh(error))),
            },
            Err(stop) => Err(self.stopped(stop)),
        }
    }

    fn agent(&mut self, socket: &Path, identities: &Identities) -> Result<bool, Fault> {
        let session = &self.wire.session;
        let unanswered = |stop| faults::stopped(self.peer, stop, "asking the ssh-agent");
        let agent = match Agent::ask(session, socket, self.patience) {
            Ok(agent) => agent,
            Err(Stop::Ssh(error)) => {
                self.tried
                    .push(format!("ssh-agent (cannot be asked: {})", error.message()));
                return Ok(false);
            }
            Err(stop) => return Err(unanswered(stop)),
        };
        let allowed = identities.only.then(|| public_blobs(identities));
        let mut offered = 0;
        for key in &agent.keys {
            if allowed
                .as_ref()
                .is_some_and(|blobs| !blobs.iter().any(|blob| blob == key.blob()))
            {
                continue;
            }
            offered += 1;
            match agent.userauth(self.wire, &self.peer.user, key, self.patience) {
                Ok(()) if session.authenticated() => return Ok(true),
                Err(Stop::Ssh(error)) if matches!(kind_of(&error), Refusal::Connection) => {
                    return Err(self.stopped(Stop::Ssh(error)));
                }
                Ok(()) | Err(Stop::Ssh(_)) => {
                    self.tried
                        .push(format!("ssh-agent's key '{}' (refused)", key.comment()));
                }
                Err(stop) => return Err(unanswered(stop)),
            }
        }
        if offered == 0 {
            self.tried.push("ssh-agent (holds no usable key)".into());
        }
        Ok(false)
    }

    fn note(&mut self, path: &Path, what: &str) {
        self.tried
            .push(format!("key file {} ({what})", path.display()));
    }

    fn denied(self) -> Fault {
        let tried = if self.tried.is_empty() {
            "there was no key to try".to_owned()
        } else {
            format!("tried {}", self.tried.join(", "))
        };
        Fault::new(
            FaultKind::Denied,
            format!("{}: the login was refused; {tried}", self.peer),
        )
        .code("AuthenticationFailed")
        .hint(format!(
            "check the user, and that the public half of the key is in ~{}/.ssh/authorized_keys there",
            self.peer.user
        ))
    }
}

enum Refusal {
    /// The host did not accept it.
    Login,
    /// The key itself cannot be used.
    Key,
    /// There is nobody to ask any more.
    Connection,
}

fn kind_of(error: &ssh2::Error) -> Refusal {
    // libssh2.h: AUTHENTICATION_FAILED, PUBLICKEY_UNVERIFIED; FILE, METHOD_NOT_SUPPORTED,
    // INVAL, KEYFILE_AUTH_FAILED, METHOD_NONE, AGENT_PROTOCOL, MISSING_USERAUTH_BANNER.
    match error.code() {
        ErrorCode::Session(-18 | -19) => Refusal::Login,
        ErrorCode::Session(-16 | -33 | -34 | -48 | -17 | -42) => Refusal::Key,
        _ => Refusal::Connection,
    }
}

/// The public halves of the files that may be used.
fn public_blobs(identities: &Identities) -> Vec<Vec<u8>> {
    let explicit = identities.explicit.iter().map(|file| file.path.as_path());
    explicit
        .chain(identities.configured.iter().map(PathBuf::as_path))
        .filter_map(|path| {
            let mut public = path.as_os_str().to_owned();
            public.push(".pub");
            let text = std::fs::read_to_string(public).ok()?;
            BASE64.decode(text.split_whitespace().nth(1)?).ok()
        })
        .collect()
}
