//! What can be wrong with a ledger, each with the next step.

use std::path::{Path, PathBuf};

use opsh_operation::{Fault, FaultKind};
use rusqlite::ErrorCode;

use super::lock::Holder;

/// A failure of the ledger; its text is what people read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Written by a later opsh.
    #[error(
        "the ledger {path} has schema {found}, this opsh knows up to {known}; use the newer opsh that wrote it",
        path = .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest schema that this build reads.
        known: i64,
    },
    /// Something in it is not what was written.
    #[error(
        "the ledger {path} is damaged: {what}; restore it from a backup, or move it and {path}-head away to begin a new one (its stacks can be found again by their tags)",
        path = .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was noticed.
        what: String,
    },
    /// Rows that were committed are no longer there.
    #[error(
        "the ledger {path} has lost rows: {kept} were committed, {found} are there; restore it from a backup, or move it and {path}-head away to begin a new one (its stacks can be found again by their tags)",
        path = .path.display()
    )]
    Lost {
        /// The file.
        path: PathBuf,
        /// How many rows were committed.
        kept: i64,
        /// How many there are.
        found: i64,
    },
    /// The file of a ledger whose rows were counted is not there.
    #[error(
        "the ledger {path} is gone, though {kept} rows were committed to it ({path}-head counts them)",
        path = .path.display()
    )]
    Gone {
        /// The file.
        path: PathBuf,
        /// How many rows were committed.
        kept: i64,
    },
    /// The disk is full; nothing was written.
    #[error(
        "the disk is full: the ledger {path} cannot record the step, so it was not sent; free some space and run again",
        path = .path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Another process keeps it busy.
    #[error(
        "the ledger {path} is busy: another process has been writing to it for {seconds} seconds; wait for it, then run again",
        path = .path.display()
    )]
    Busy {
        /// The file.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Another run holds the stack.
    #[error("the stack '{stack}' is in use: {holder}; wait for it to end, or stop it")]
    Locked {
        /// The stack.
        stack: String,
        /// Who holds it, as far as it is known.
        holder: Holder,
    },
    /// A file beside or behind the ledger cannot be used.
    #[error("cannot {what} {path}: {source}", path = .path.display())]
    File {
        /// E.g. `create`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A sealed secret cannot be opened with the key that is there.
    #[error(
        "the ledger holds a secret that was sealed with the key {wanted}, which is not in {path}; set OPSH_STATE_DIR to the folder that has it",
        path = .path.display()
    )]
    WrongKey {
        /// Fingerprint of the key that is needed.
        wanted: String,
        /// Where the key was looked for.
        path: PathBuf,
    },
    /// There is nowhere to keep the key.
    #[error(
        "there is no home directory to keep the ledger's key in; set OPSH_STATE_DIR to a private folder"
    )]
    NoState,
    /// No such run.
    #[error("there is no run '{run}' in the ledger")]
    UnknownRun {
        /// What was asked for.
        run: String,
    },
    /// Several runs begin like that.
    #[error("'{run}' is the beginning of several runs: {candidates}; write more of it")]
    AmbiguousRun {
        /// What was asked for.
        run: String,
        /// What it could be.
        candidates: String,
    },
    /// Anything else that SQLite says.
    #[error("the ledger {path} cannot be used: {source}", path = .path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// SQLite's code for a file of shared memory that cannot grow (`SQLITE_IOERR_SHMSIZE`).
const SHARED_SIZE: i32 = 4874;

fn extended(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().map_or(0, |error| error.extended_code)
}

/// How long a busy ledger is waited for.
pub(super) const BUSY_SECONDS: u64 = 10;

impl Error {
    /// As a fault with the next step, where the text does not say it already; `flags` are
    /// those with which `opsh` finds the ledger and its world.
    #[must_use]
    pub fn told(self, flags: &str) -> Fault {
        let next = match &self {
            Self::UnknownRun { .. } => Some(format!("`opsh history{flags}` lists the runs")),
            Self::Gone { .. } => Some(format!(
                "restore it from a backup; or `opsh adopt --stack NAME{flags}` begins a new one \
                 and finds a stack again by its tags"
            )),
            _ => None,
        };
        let fault = Fault::new(FaultKind::Failed, self.to_string());
        match next {
            Some(next) => fault.hint(next),
            None => fault,
        }
    }

    /// What SQLite's `source` means for the ledger at `path`.
    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path },
            // What it shares with other processes has no place, which SQLite has no code for.
            Some(ErrorCode::SystemIoFailure) if extended(&source) == SHARED_SIZE => {
                Self::Full { path }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy {
                path,
                seconds: BUSY_SECONDS,
            },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged {
                path,
                what: source.to_string(),
            },
            _ => Self::Sqlite { path, source },
        }
    }

    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    pub(super) fn file(what: &'static str, path: &Path, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::StorageFull {
            return Self::Full {
                path: path.to_owned(),
            };
        }
        Self::File {
            what,
            path: path.to_owned(),
            source,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        error.told("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_where_sqlite_says_no_more_than_input_or_output() {
        let source = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let path = Path::new("ledger.db");
        let full = Error::sqlite(path, source(SHARED_SIZE));
        assert!(matches!(full, Error::Full { .. }), "{full}");
        let other = Error::sqlite(path, source(rusqlite::ffi::SQLITE_IOERR_READ));
        assert!(matches!(other, Error::Sqlite { .. }), "{other}");
    }
}
