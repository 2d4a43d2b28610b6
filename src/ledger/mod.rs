//! What was meant and what was done: runs, steps and resources, by stack.
//!
//! An SQLite file (write-ahead log, synchronous FULL). Before a write leaves
//! the process its intent is committed, after it returned its outcome and the
//! resources that it made or removed are, in one transaction. Reads are
//! recorded too, because branches depend on them; a lost one costs a resumed run
//! only the reading again, so they wait in memory for the next commit.
//!
//! - [`record`]: what is recorded; `query`: what can be asked;
//! - `schema`: tables to which rows are only ever added; `chain`: the hashes through them;
//! - `undo`: which steps undo which, and what was adopted;
//! - `resume`: how a run was started, that it was gone on with, what came after it;
//! - `prune`: old events leave, and the chain leads over the gaps;
//! - `service`: events, which are runs of their own, and what lasts between them;
//! - `place`: the file, made whole or not at all, and watched for lost rows;
//! - [`seal`]: secrets, encrypted with a key that is elsewhere;
//! - [`lock`]: one run at a time on a stack.

mod chain;
mod codec;
mod error;
pub mod lock;
mod place;
mod prune;
mod query;
pub mod record;
pub mod recorded;
mod resume;
mod schema;
pub mod seal;
mod service;
#[cfg(test)]
mod tests;
mod undo;
mod write;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

pub use error::Error;
pub use lock::{Holder, StackLock};
pub use prune::Keep;
pub use query::Secrets;
pub use record::{
    Adopted, Call, Former, NewRun, Outcome, ResourceChange, RunId, RunOutcome, RunSettings,
    StepEffect, StepId, StepIntent, Undoes,
};
pub use recorded::{Life, Resource, Run, RunEnd, Stack, Step, StepEnd, Undo};
pub use resume::Later;
pub use seal::Seal;
pub use service::{Delivery, EventCount, EventRun, NewEvent};

use chain::Broken;

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    path: PathBuf,
    watch: Option<place::Watch>,
    seal: Seal,
    waiting: write::Waiting,
}

impl Ledger {
    /// Opens the ledger at `path` and makes it if it is not there.
    ///
    /// # Errors
    /// [`Error::Newer`], [`Error::Damaged`], [`Error::Lost`], [`Error::Gone`], [`Error::File`],
    /// [`Error::Busy`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_with(path, Seal::user())
    }

    /// The same with secrets sealed by `seal`.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_with(path: &Path, seal: Seal) -> Result<Self, Error> {
        let (connection, watch) = place::open(path, true)?
            .ok_or_else(|| Error::damaged(path, "it vanished while it was made"))?;
        Ok(Self::around(connection, path, Some(watch), seal))
    }

    /// A new one at `path`, whatever was there before; its secrets are sealed with a
    /// key that ends with the process.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn anew(path: &Path) -> Result<Self, Error> {
        place::remove(path)?;
        Self::open_with(path, Seal::passing(None))
    }

    /// Puts aside what is left of the ledger at `path` if its file is gone, so that a new one
    /// can begin there; says where its count of rows is then.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn put_aside(path: &Path) -> Result<Option<PathBuf>, Error> {
        place::put_aside(path)
    }

    /// Opens the ledger at `path` if it is there, to look at it.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_existing(path: &Path) -> Result<Option<Self>, Error> {
        Ok(place::open(path, false)?
            .map(|(connection, watch)| Self::around(connection, path, Some(watch), Seal::user())))
    }

    /// An empty one that ends with the process.
    ///
    /// # Errors
    /// No memory.
    pub fn in_memory() -> Result<Self, Error> {
        let path = PathBuf::from("in memory");
        let make = || {
            let mut connection = Connection::open_in_memory()?;
            schema::migrate(&mut connection)?;
            Ok(connection)
        };
        let connection = make().map_err(|error| Error::sqlite(&path, error))?;
        Ok(Self::around(connection, &path, None, Seal::passing(None)))
    }

    /// A copy of the ledger at `path` that ends with the process; empty if nothing is there.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn copy_of(path: &Path) -> Result<Self, Error> {
        if !path.exists() {
            return Self::in_memory();
        }
        let copy = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let original = Connection::open_with_flags(path, flags)?;
            original.busy_timeout(std::time::Duration::from_secs(error::BUSY_SECONDS))?;
            let mut connection = Connection::open_in_memory()?;
            rusqlite::backup::Backup::new(&original, &mut connection)?.run_to_completion(
                1000,
                std::time::Duration::ZERO,
                None,
            )?;
            Ok(connection)
        };
        let mut connection = copy().map_err(|error| Error::sqlite(path, error))?;
        let found = schema::version(&connection).map_err(|error| Error::sqlite(path, error))?;
        place::check_version(path, found)?;
        schema::migrate(&mut connection).map_err(|error| Error::sqlite(path, error))?;
        Ok(Self::around(connection, path, None, Seal::copy()))
    }

    fn around(
        connection: Connection,
        path: &Path,
        watch: Option<place::Watch>,
        seal: Seal,
    ) -> Self {
        connection.set_prepared_statement_cache_capacity(64);
        Self {
            connection,
            path: path.to_owned(),
            watch,
            seal,
            waiting: write::Waiting::default(),
        }
    }

    /// Loses what is not committed yet, as a process does that dies now.
    pub fn crash(&mut self) {
        self.waiting = write::Waiting::default();
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks every row, the chain through all of them, and the file's structure;
    /// says how many rows there are.
    ///
    /// # Errors
    /// [`Error::Damaged`] names the first thing that is wrong.
    pub fn verify(&mut self) -> Result<i64, Error> {
        self.flush()?;
        chain::verify(&self.connection).map_err(|broken| self.broken(broken))
    }

    fn broken(&self, broken: Broken) -> Error {
        match broken {
            Broken::Sqlite(error) => Error::sqlite(&self.path, error),
            Broken::Damaged(what) => Error::damaged(&self.path, what),
            Broken::Key(error) => error,
        }
    }
}
