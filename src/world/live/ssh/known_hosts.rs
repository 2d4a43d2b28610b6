//! `known_hosts`: looking a host's key up, and writing a new one down.
//!
//! The format is that of `sshd(8)`, `SSH_KNOWN_HOSTS FILE FORMAT`: patterns,
//! hashed names (`|1|salt|HMAC-SHA1`), `[host]:port` for other ports than 22,
//! `@revoked`. Lines of `@cert-authority` say nothing about plain keys.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use opsh_operation::{Fault, FaultKind};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::config;

/// A public key as SSH sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    blob: Vec<u8>,
}

impl Key {
    /// The key in SSH's wire format.
    #[must_use]
    pub fn new(blob: &[u8]) -> Self {
        Self {
            blob: blob.to_vec(),
        }
    }

    /// `ssh-ed25519 AAAA… comment`, the comment optional.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let kind = words.next()?;
        let blob = BASE64.decode(words.next()?).ok()?;
        let key = Self { blob };
        (key.kind() == kind).then_some(key)
    }

    /// E.g. `ssh-ed25519`; the first string in the wire format.
    #[must_use]
    pub fn kind(&self) -> String {
        let length = self
            .blob
            .first_chunk::<4>()
            .map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize);
        self.blob
            .get(4..4 + length)
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .unwrap_or_default()
    }

    /// As `known_hosts` writes it.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.kind(), BASE64.encode(&self.blob))
    }

    /// As `ssh-keygen -l` prints it: `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!(
            "SHA256:{}",
            STANDARD_NO_PAD.encode(Sha256::digest(&self.blob))
        )
    }
}

/// One line about a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key there.
    pub key: Key,
    /// Whether it is marked `@revoked`.
    pub revoked: bool,
    /// The file.
    pub path: PathBuf,
    /// The line in it, from 1.
    pub line: usize,
}

/// Everything that `files` say about `name` (`host` or `[host]:port`).
///
/// # Errors
/// A file exists but cannot be read.
pub fn lookup(files: &[PathBuf], name: &str) -> Result<Vec<Entry>, Fault> {
    let mut found = Vec::new();
    for path in files {
        let text = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(Fault::new(
                    FaultKind::Invalid,
                    format!("cannot read {}: {error}", path.display()),
                ));
            }
        };
        for (index, line) in text.lines().enumerate() {
            if let Some((key, revoked)) = parse(line, name) {
                found.push(Entry {
                    key,
                    revoked,
                    path: path.clone(),
                    line: index + 1,
                });
            }
        }
    }
    Ok(found)
}

/// The key on `line` if it is about `name`.
fn parse(line: &str, name: &str) -> Option<(Key, bool)> {
    let line = line.trim();
    let (revoked, rest) = match line.strip_prefix("@revoked") {
        Some(rest) => (true, rest.trim_start()),
        None => (false, line),
    };
    if rest.starts_with(['#', '@']) {
        return None;
    }
    let (hosts, key) = rest.split_once(char::is_whitespace)?;
    let about = if let Some(hashed) = hosts.strip_prefix("|1|") {
        is_hash_of(hashed, name)
    } else {
        let patterns: Vec<String> = hosts.split(',').map(str::to_owned).collect();
        config::matches(&patterns, name)
    };
    about
        .then(|| Key::parse(key))
        .flatten()
        .map(|key| (key, revoked))
}

fn is_hash_of(hashed: &str, name: &str) -> bool {
    let parts = hashed
        .split_once('|')
        .and_then(|(salt, hash)| Some((BASE64.decode(salt).ok()?, BASE64.decode(hash).ok()?)));
    let Some((salt, hash)) = parts else {
        return false;
    };
    Hmac::<Sha1>::new_from_slice(&salt).is_ok_and(|mut mac| {
        mac.update(name.to_ascii_lowercase().as_bytes());
        mac.verify_slice(&hash).is_ok()
    })
}

/// How a host is called in `known_hosts`.
#[must_use]
pub fn name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 {
        host
    } else {
        format!("[{host}]:{port}")
    }
}

/// Writes a line for a new host; the folder is made with mode 0700 and the file with 0600.
///
/// # Errors
/// The file cannot be written.
pub fn append(path: &Path, name: &str, key: &Key) -> Result<(), Fault> {
    write(path, &format!("{name} {}\n", key.line())).map_err(|error| {
        Fault::new(
            FaultKind::Invalid,
            format!("cannot write the host's key to {}: {error}", path.display()),
        )
        .hint("make the file writable, or pin the key with 'host_key'")
    })
}

fn write(path: &Path, line: &str) -> std::io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let ended = ends_with_newline(&mut file)?;
    let text = if ended {
        line.to_owned()
    } else {
        format!("\n{line}")
    };
    // One call, so that two processes never mix their lines.
    file.write_all(text.as_bytes())
}

fn ends_with_newline(file: &mut std::fs::File) -> std::io::Result<bool> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    if !file.metadata()?.is_file() || file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIS6AMGlK3pGHWYA6RpcEvxuIL3fDWGpWjZpcS+qYA1f";

    fn about(text: &str, name: &str) -> Vec<(usize, bool)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        std::fs::write(&path, text).unwrap();
        lookup(&[path, folder.path().join("none")], name)
            .unwrap()
            .into_iter()
            .map(|entry| {
                assert_eq!(entry.key.line(), KEY);
                (entry.line, entry.revoked)
            })
            .collect()
    }

    #[test]
    fn patterns_ports_and_marks() {
        let text = format!(
            "# comment\nexample.com,10.0.0.* {KEY} me\n[example.com]:2222 {KEY}\n\
             *.example.com,!bad.example.com {KEY}\n@revoked example.com {KEY}\n\
             @cert-authority example.com {KEY}\nexample.com ssh-rsa broken\n"
        );
        assert_eq!(about(&text, "example.com"), [(2, false), (5, true)]);
        assert_eq!(about(&text, "10.0.0.7"), [(2, false)]);
        assert_eq!(about(&text, &name("Example.com", 2222)), [(3, false)]);
        assert_eq!(about(&text, "a.example.com"), [(4, false)]);
        assert_eq!(about(&text, "bad.example.com"), []);
    }

    #[test]
    fn hashed_names_are_found() {
        // As ssh-keygen -H writes them: HMAC-SHA1 of the name, keyed with the salt.
        let mut mac = Hmac::<Sha1>::new_from_slice(b"01234567890123456789").unwrap();
        mac.update(b"[example.com]:2222");
        let hashed = format!(
            "|1|{}|{} {KEY}\n",
            BASE64.encode(b"01234567890123456789"),
            BASE64.encode(mac.finalize().into_bytes())
        );
        assert_eq!(about(&hashed, "[example.com]:2222"), [(1, false)]);
        assert_eq!(about(&hashed, "example.com"), []);
    }

    #[test]
    fn new_hosts_get_a_line_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/known_hosts");
        let key = Key::parse(KEY).unwrap();
        append(&path, "a", &key).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.trim_end()).unwrap();
        append(&path, "b", &key).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            format!("a {KEY}\nb {KEY}\n")
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(path.parent().unwrap()), 0o700);
            assert_eq!(mode(&path), 0o600);
        }
    }

    #[test]
    fn keys_are_shown_as_openssh_does() {
        let key = Key::parse(KEY).unwrap();
        assert_eq!(key.kind(), "ssh-ed25519");
        assert!(key.fingerprint().starts_with("SHA256:"));
        assert_eq!(Key::parse("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA"), None);
    }
}
