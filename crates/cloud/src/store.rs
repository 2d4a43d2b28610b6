//! The cloud on disk: a folder with the state, the bodies of objects, and a lock.
//!
//! `state.json` is replaced by a rename, after the bodies that it names have been
//! written; so whenever the process ends, the folder holds a whole state. Bodies
//! are named by their SHA-256 and removed once no state names them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::state::State;

/// The file that holds the state.
const STATE: &str = "state.json";
/// The file that whoever uses the folder has locked.
const LOCK: &str = "lock";
/// The format of `state.json`.
const FORMAT: u32 = 1;

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refuses.
    #[error("{path}: {error}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Somebody else uses it.
    #[error("the embedded cloud in {} is in use by another opsh command", .0.display())]
    Busy(PathBuf),
    /// It holds another region than the one that is asked for.
    #[error("the embedded cloud in {path} is in {has}, not in {wanted}", path = path.display())]
    Region {
        /// The folder.
        path: PathBuf,
        /// Its region.
        has: String,
        /// The region that is asked for.
        wanted: String,
    },
    /// The state cannot be understood.
    #[error("the embedded cloud in {path} cannot be read: {reason}", path = path.display())]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl StoreError {
    /// The next step.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => "check that the folder can be written",
            Self::Busy(_) => "wait until the other command has ended",
            Self::Region { .. } => {
                "name its region with --region, or start afresh with: opsh local reset"
            }
            Self::Damaged { .. } => "start afresh with: opsh local reset",
        }
    }
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Serialize)]
struct Saved<'s> {
    format: u32,
    state: &'s State,
}

#[derive(Deserialize)]
struct Loaded {
    state: State,
}

/// A folder that this process holds.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// Held, not read: the lock ends with the process.
    _lock: File,
}

impl Store {
    /// Takes `folder` (made if it is missing) and reads what it holds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(folder: &Path) -> Result<(Self, Option<State>), StoreError> {
        let objects = folder.join("objects");
        fs::create_dir_all(&objects).map_err(at(&objects))?;
        let lock = lock(folder)?;
        let state = read(folder)?;
        let store = Self {
            folder: folder.to_owned(),
            _lock: lock,
        };
        Ok((store, state))
    }

    /// Makes the folder hold `state`.
    ///
    /// # Errors
    /// [`StoreError`]; the folder then holds what it held before.
    pub fn save(&self, state: &State) -> Result<(), StoreError> {
        let objects = self.folder.join("objects");
        let bodies = state.bodies();
        for (digest, content) in &bodies {
            let path = objects.join(digest);
            if !path.exists() {
                replace(&path, content)?;
            }
        }
        let path = self.folder.join(STATE);
        let json = serde_json::to_vec(&Saved {
            format: FORMAT,
            state,
        })
        .map_err(|error| at(&path)(error.into()))?;
        replace(&path, &json)?;
        for entry in fs::read_dir(&objects).map_err(at(&objects))?.flatten() {
            let known = entry
                .file_name()
                .to_str()
                .is_some_and(|name| bodies.contains_key(name));
            if !known {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

/// Makes the process the only one that uses `folder`.
fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK);
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StoreError::Busy(folder.to_owned())),
        Err(fs::TryLockError::Error(error)) => Err(at(&path)(error)),
    }
}

/// Whether `folder` holds a cloud.
#[must_use]
pub fn exists(folder: &Path) -> bool {
    folder.join(STATE).exists()
}

/// Empties `folder`, whatever of opsh is in it, and says whether there was a cloud.
///
/// The lock stays: a file that somebody waits for must not be another one later.
///
/// # Errors
/// [`StoreError::Busy`] while somebody uses it; [`StoreError::Io`].
pub fn clear(folder: &Path) -> Result<bool, StoreError> {
    if !folder.exists() {
        return Ok(false);
    }
    let _lock = lock(folder)?;
    let existed = exists(folder);
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        let path = entry.path();
        if entry.file_name() == LOCK {
            continue;
        }
        let removed = if entry.file_type().map_err(at(&path))?.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.map_err(at(&path))?;
    }
    Ok(existed)
}

/// What a folder holds, without taking it.
///
/// # Errors
/// [`StoreError`].
pub fn read(folder: &Path) -> Result<Option<State>, StoreError> {
    let path = folder.join(STATE);
    let json = match fs::read(&path) {
        Ok(json) => json,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(&path)(error)),
    };
    let damaged = |reason: String| StoreError::Damaged {
        path: folder.to_owned(),
        reason,
    };
    let Format { format } =
        serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
    if format != FORMAT {
        return Err(damaged(format!(
            "it has format {format}, and this opsh knows format {FORMAT}"
        )));
    }
    let Loaded { mut state } =
        serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
    let mut bodies = BTreeMap::new();
    for digest in state.bodies().into_keys() {
        let path = folder.join("objects").join(&digest);
        bodies.insert(digest, Bytes::from(fs::read(&path).map_err(at(&path))?));
    }
    state.fill(&bodies);
    Ok(Some(state))
}

/// Writes a file whole or not at all; parameters may be secret, so only its owner may read it.
fn replace(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let temporary = path.with_extension("part");
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_ok()
        && let Some(Ok(folder)) = path.parent().map(File::open)
    {
        let _ = folder.sync_all();
    }
    written.map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    |error| StoreError::Io { path, error }
}
