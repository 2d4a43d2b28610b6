//! Which host keys the world has seen: like OpenSSH's file, one a world.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use opsh_operation::{Fault, FaultKind};

use crate::world::files::{Disk, Files as _};

/// Keys by host, in memory and, for a cloud that persists, in a file.
#[derive(Debug)]
pub(super) struct KnownHosts {
    keys: Mutex<BTreeMap<String, String>>,
    file: Option<PathBuf>,
}

impl KnownHosts {
    /// None, and none are kept.
    pub fn empty() -> Self {
        Self {
            keys: Mutex::default(),
            file: None,
        }
    }

    /// Those of a file, to which new ones are added.
    pub fn at(file: &Path) -> Result<Self, Fault> {
        Ok(Self {
            file: Some(file.to_owned()),
            ..Self::copy_of(file)?
        })
    }

    /// Those of a file, which stays as it is.
    pub fn copy_of(file: &Path) -> Result<Self, Fault> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(Fault::new(
                    FaultKind::Invalid,
                    format!("{}: {error}", file.display()),
                ));
            }
        };
        let keys = text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(host, key)| (host.to_owned(), key.trim().to_owned()))
            .collect();
        Ok(Self {
            keys: Mutex::new(keys),
            file: None,
        })
    }

    /// The key that a host had.
    pub fn key(&self, host: &str) -> Option<String> {
        self.keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(host)
            .cloned()
    }

    /// Remembers a host's key.
    pub fn learn(&self, host: &str, key: &str) -> Result<(), Fault> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(host.to_owned(), key.to_owned());
        let Some(file) = &self.file else {
            return Ok(());
        };
        let text: String = keys
            .iter()
            .map(|(host, key)| format!("{host} {key}\n"))
            .collect();
        Disk.write(file, text.as_bytes(), 0o600)
            .map_err(|error| Fault::new(FaultKind::Failed, format!("{}: {error}", file.display())))
    }
}
