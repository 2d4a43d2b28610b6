//! A private key file: what kind it is, whether it is encrypted, its public half.
//!
//! Formats: OpenSSH's own (PROTOCOL.key), and PEM: PKCS#1 (`RSA PRIVATE KEY`,
//! what EC2 hands out), SEC1 (`EC PRIVATE KEY`) and PKCS#8.

use std::path::{Path, PathBuf};

use opsh_operation::{Fault, FaultKind, Secret};
use ssh_key::PrivateKey;

use crate::world::files::{Disk, Files};

/// The text of a private key file.
#[derive(Debug, Clone)]
pub struct KeyFile {
    /// Where it was read.
    pub path: PathBuf,
    /// Its content.
    pub text: Secret,
    /// Whether a passphrase is needed.
    pub encrypted: bool,
}

impl KeyFile {
    /// Reads a private key file.
    ///
    /// # Errors
    /// `not_found`, `denied` or `invalid`, each with the next step.
    pub fn read(path: &Path) -> Result<Self, Fault> {
        Self::read_from(&Disk, path)
    }

    /// Reads a private key file where a world keeps its files.
    ///
    /// # Errors
    /// As [`KeyFile::read`].
    pub fn read_from(files: &dyn Files, path: &Path) -> Result<Self, Fault> {
        let shown = path.display();
        let bytes = files.read(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Fault::new(
                FaultKind::NotFound,
                format!("the key file {shown} does not exist"),
            )
            .hint("check the path, or make a key with ssh::generate_key"),
            std::io::ErrorKind::PermissionDenied => Fault::new(
                FaultKind::Denied,
                format!("the key file {shown} cannot be read: permission denied"),
            )
            .hint("run opsh as the user whom the key belongs to"),
            std::io::ErrorKind::IsADirectory => Fault::new(
                FaultKind::Invalid,
                format!("the key file {shown} cannot be read: it is a folder"),
            )
            .hint("name the key's file in it"),
            _ => Fault::new(
                FaultKind::Invalid,
                format!("the key file {shown} cannot be read: {error}"),
            ),
        })?;
        let not_a_key = |what: &str| {
            Fault::new(
                FaultKind::Invalid,
                format!("{shown} is not a private key but {what}"),
            )
        };
        let text = String::from_utf8(bytes).map_err(|_| not_a_key("binary data"))?;
        let label = label(&text).ok_or_else(|| {
            if text.starts_with("ssh-") || text.starts_with("ecdsa-") {
                not_a_key("the public half").hint("name the file without .pub")
            } else if text.starts_with("PuTTY-User-Key-File") {
                not_a_key("a key of PuTTY")
                    .hint("convert it: puttygen KEY.ppk -O private-openssh -o KEY")
            } else {
                not_a_key("something else").hint("an OpenSSH or PEM private key is expected")
            }
        })?;
        let encrypted = match label {
            "OPENSSH PRIVATE KEY" => PrivateKey::from_openssh(&text)
                .map_err(|error| not_a_key(&format!("damaged: {error}")))?
                .is_encrypted(),
            "ENCRYPTED PRIVATE KEY" => true,
            "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "PRIVATE KEY" => {
                text.contains("Proc-Type: 4,ENCRYPTED")
            }
            other => return Err(not_a_key(&format!("a '{other}'"))),
        };
        Ok(Self {
            path: path.to_owned(),
            text: Secret::new(text),
            encrypted,
        })
    }

    /// The public half as `authorized_keys` has it, e.g. `ssh-ed25519 AAAA… comment`.
    ///
    /// OpenSSH's format keeps it in the open, so no passphrase is needed.
    ///
    /// # Errors
    /// `invalid` for a PEM key that is encrypted and has no `.pub` file beside it.
    pub fn public_key(&self) -> Result<String, Fault> {
        self.public_key_from(&Disk)
    }

    /// The same, with a `.pub` file looked for in `files`.
    ///
    /// # Errors
    /// As [`KeyFile::public_key`].
    pub fn public_key_from(&self, files: &dyn Files) -> Result<String, Fault> {
        let text = self.text.reveal();
        if label(text) == Some("OPENSSH PRIVATE KEY") {
            let key =
                PrivateKey::from_openssh(text).map_err(|error| self.damaged(&error.to_string()))?;
            let mut public = key.public_key().clone();
            public.set_comment(unmarked(key.comment()).0);
            return public
                .to_openssh()
                .map_err(|error| self.damaged(&error.to_string()));
        }
        if let Ok(public) = files.read(&self.public_path()) {
            return Ok(String::from_utf8_lossy(&public).trim().to_owned());
        }
        if self.encrypted {
            return Err(Fault::new(
                FaultKind::Invalid,
                format!(
                    "the key file {} is encrypted and {} is missing",
                    self.path.display(),
                    self.public_path().display()
                ),
            )
            .hint("write the public half with: ssh-keygen -y -f KEY > KEY.pub"));
        }
        super::pem::public_key(text).map_err(|reason| self.damaged(&reason))
    }

    /// `KEY.pub`.
    #[must_use]
    pub fn public_path(&self) -> PathBuf {
        Self::public_path_of(&self.path)
    }

    /// `KEY.pub` of the private key at `path`.
    #[must_use]
    pub fn public_path_of(path: &Path) -> PathBuf {
        let mut name = path.to_owned().into_os_string();
        name.push(".pub");
        name.into()
    }

    fn damaged(&self, reason: &str) -> Fault {
        Fault::new(
            FaultKind::Invalid,
            format!("the key file {} is damaged: {reason}", self.path.display()),
        )
    }
}

/// What stands behind the first `-----BEGIN `.
fn label(text: &str) -> Option<&str> {
    text.trim_start()
        .strip_prefix("-----BEGIN ")?
        .split_once("-----")
        .map(|(label, _)| label)
}

/// What stands before the token in the comment of a private key that opsh made.
const MARK: &str = "opsh-token=";

/// The comment of a private key that was made with `token`.
#[must_use]
pub fn marked(comment: &str, token: Option<&str>) -> String {
    match token {
        None => comment.to_owned(),
        Some(token) => format!("{comment} {MARK}{token}").trim_start().to_owned(),
    }
}

/// The comment of a private key as its maker gave it, and the token that it was made with.
#[must_use]
pub fn unmarked(comment: &str) -> (&str, Option<&str>) {
    let (before, last) = comment.rsplit_once(' ').unwrap_or(("", comment));
    match last.strip_prefix(MARK) {
        Some(token) => (before, Some(token)),
        None => (comment, None),
    }
}

/// `~/…` below `home`.
#[must_use]
pub fn expand_home(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::{marked, unmarked};

    #[test]
    fn a_mark_comes_off_again() {
        for comment in ["", "me", "made by opsh"] {
            assert_eq!(unmarked(&marked(comment, None)), (comment, None));
            assert_eq!(unmarked(&marked(comment, Some("t"))), (comment, Some("t")));
        }
    }
}
