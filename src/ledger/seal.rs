//! Secrets at rest: encrypted with a key that is not in the ledger.
//!
//! A sealed secret is `{"key": "1f2e3d4c", "box": "base64…"}`: the fingerprint
//! of the key, and a 24-byte nonce with the XChaCha20-Poly1305 ciphertext.
//! The key is a file of its own, mode 0600, in the user's state directory; it
//! is made when the first secret is sealed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use etcetera::BaseStrategy as _;
use opsh_operation::Secret;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::Error;

const NONCE: usize = 24;

/// The name of the key file in [`state_dir`].
const KEY_FILE: &str = "ledger.key";

/// Seals and opens secrets.
#[derive(Debug)]
pub struct Seal {
    keeper: Keeper,
    own: OnceLock<Key>,
}

#[derive(Debug)]
enum Keeper {
    /// The key in this file, made if it is missing.
    File(PathBuf),
    /// There is nowhere to keep one: only what has no secrets can be recorded.
    Nowhere,
    /// A key that ends with the process; what an older key in this file sealed
    /// can be opened.
    Passing(Option<PathBuf>),
}

#[derive(Clone)]
struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.fingerprint())
    }
}

impl Key {
    fn random() -> Self {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes);
        Self(bytes)
    }

    fn fingerprint(&self) -> String {
        hex::encode(&Sha256::digest(self.0)[..4])
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }
}

/// The folder for the ledger's key: `OPSH_STATE_DIR`, or `opsh` in the user's state directory.
///
/// # Errors
/// [`Error::NoState`] if there is no home directory.
pub fn state_dir() -> Result<PathBuf, Error> {
    if let Some(folder) = std::env::var_os("OPSH_STATE_DIR").filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let base = etcetera::choose_base_strategy().map_err(|_| Error::NoState)?;
    Ok(base
        .state_dir()
        .unwrap_or_else(|| base.data_dir())
        .join("opsh"))
}

impl Seal {
    /// With the user's key, in [`state_dir`].
    #[must_use]
    pub fn user() -> Self {
        match state_dir() {
            Ok(folder) => Self::file(folder.join(KEY_FILE)),
            Err(_) => Self {
                keeper: Keeper::Nowhere,
                own: OnceLock::new(),
            },
        }
    }

    /// With a key that ends with the process; opens also what the user's key sealed.
    #[must_use]
    pub fn copy() -> Self {
        Self::passing(state_dir().ok().map(|folder| folder.join(KEY_FILE)))
    }

    /// With the key in `file`, which is made when it is first needed.
    #[must_use]
    pub fn file(file: PathBuf) -> Self {
        Self {
            keeper: Keeper::File(file),
            own: OnceLock::new(),
        }
    }

    /// With a key that is never written; opens also what the key in `older` sealed.
    #[must_use]
    pub fn passing(older: Option<PathBuf>) -> Self {
        Self {
            keeper: Keeper::Passing(older),
            own: OnceLock::new(),
        }
    }

    /// The file that the key is in.
    #[must_use]
    pub fn place(&self) -> Option<&Path> {
        match &self.keeper {
            Keeper::File(file) => Some(file),
            Keeper::Nowhere => None,
            Keeper::Passing(older) => older.as_deref(),
        }
    }

    /// The sealed form of `secret`.
    ///
    /// # Errors
    /// The key file cannot be read or made.
    pub fn seal(&self, secret: &Secret) -> Result<Json, Error> {
        let key = self.key()?;
        let mut sealed = [0; NONCE].to_vec();
        rand::fill(&mut sealed[..]);
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&sealed);
        let text = key
            .cipher()
            .encrypt(&XNonce::from(nonce), secret.reveal().as_bytes())
            .unwrap_or_else(|_| unreachable!("texts are far shorter than the cipher's 256 GiB"));
        sealed.extend(text);
        Ok(json!({ "key": key.fingerprint(), "box": BASE64.encode(sealed) }))
    }

    /// The secret in `sealed`.
    ///
    /// # Errors
    /// [`Error::WrongKey`], or the key file cannot be read.
    pub fn unseal(&self, sealed: &Json) -> Result<Secret, Error> {
        let wanted = sealed["key"].as_str().unwrap_or("(none)");
        let wrong = || Error::WrongKey {
            wanted: wanted.to_owned(),
            path: self.place().unwrap_or(Path::new("memory")).to_owned(),
        };
        let key = self.key_named(wanted)?.ok_or_else(wrong)?;
        let bytes = sealed["box"]
            .as_str()
            .and_then(|text| BASE64.decode(text).ok())
            .ok_or_else(wrong)?;
        let (nonce, text) = bytes.split_first_chunk::<NONCE>().ok_or_else(wrong)?;
        let plain = key
            .cipher()
            .decrypt(&XNonce::from(*nonce), text)
            .map_err(|_| wrong())?;
        String::from_utf8(plain)
            .map(Secret::new)
            .map_err(|_| wrong())
    }

    fn key_named(&self, fingerprint: &str) -> Result<Option<Key>, Error> {
        let own = self.own.get().cloned();
        let known = |key: &Key| key.fingerprint() == fingerprint;
        if own.as_ref().is_some_and(known) {
            return Ok(own);
        }
        match self.place() {
            Some(file) if file.exists() => Ok(Some(read(file)?).filter(known)),
            _ => Ok(None),
        }
    }

    fn key(&self) -> Result<&Key, Error> {
        if let Some(key) = self.own.get() {
            return Ok(key);
        }
        let key = match &self.keeper {
            Keeper::Nowhere => return Err(Error::NoState),
            Keeper::Passing(_) => Key::random(),
            Keeper::File(file) if file.exists() => read(file)?,
            Keeper::File(file) => make(file)?,
        };
        Ok(self.own.get_or_init(|| key))
    }
}

fn read(file: &Path) -> Result<Key, Error> {
    let text = std::fs::read_to_string(file).map_err(|error| Error::file("read", file, error))?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes).map_err(|error| {
        Error::file(
            "use the key in",
            file,
            std::io::Error::new(std::io::ErrorKind::InvalidData, error),
        )
    })?;
    Ok(Key(bytes))
}

/// Writes a new key beside `file` and links it there; if another process was
/// faster, its key is the one.
fn make(file: &Path) -> Result<Key, Error> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| Error::file("create", folder, error))?;
    let key = Key::random();
    let write = || -> std::io::Result<bool> {
        // `tempfile` makes its files with mode 0600.
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(new, "{}", hex::encode(key.0))?;
        new.as_file().sync_all()?;
        match new.persist_noclobber(file) {
            Ok(_) => {
                super::place::sync_folder(folder)?;
                Ok(true)
            }
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.error),
        }
    };
    match write() {
        Ok(true) => Ok(key),
        Ok(false) => read(file),
        Err(error) => Err(Error::file("create", file, error)),
    }
}
