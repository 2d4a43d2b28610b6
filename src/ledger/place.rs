//! Where a ledger is: made whole or not at all, and watched for loss.
//!
//! Beside `ledger.db` stands `ledger.db-head`: how many rows were committed. It
//! is written after each commit and never waited for, so it may lag behind but
//! can never be ahead of what is on disk. A ledger that has fewer rows than
//! that has lost some (a truncated file, a lost write-ahead log), and is refused. Where the
//! whole file is gone a new one begins only once what is left has been put aside.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::BUSY_SECONDS;
use super::{Error, schema};

/// How many statements stay prepared: more than a run has.
const STATEMENTS: usize = 64;

/// Opens the ledger at `path`, and makes it if nothing is there and `create`.
pub(super) fn open(path: &Path, create: bool) -> Result<Option<(Connection, Watch)>, Error> {
    let mut watch = Watch::new(path);
    match std::fs::metadata(path) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let kept = watch.kept()?;
            if kept > 0 {
                return Err(Error::Gone {
                    path: path.to_owned(),
                    kept,
                });
            }
            if !create {
                return Ok(None);
            }
            make(path)?;
        }
        Err(error) => return Err(Error::file("open", path, error)),
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection =
        Connection::open_with_flags(path, flags).map_err(|error| Error::sqlite(path, error))?;
    prepare(&mut connection, path)?;
    // Another process may be committing: what is read of the count first is in
    // the ledger read after it, unless the count was just being written.
    for last in [false, false, true] {
        let kept = watch.kept()?;
        let found = super::chain::head(&connection)
            .map_err(|error| Error::sqlite(path, error))?
            .seq;
        if kept <= found {
            break;
        }
        if last {
            return Err(Error::Lost {
                path: path.to_owned(),
                kept,
                found,
            });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(Some((connection, watch)))
}

/// Removes the ledger at `path` with all that belongs to it.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    for tail in ["", "-wal", "-shm", "-head"] {
        let file = with(path, tail);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::file("remove", &file, error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Gives what is left of a ledger whose file is gone another name, and says which its count
/// of rows has; nothing if the file is there or nothing is left.
pub(super) fn put_aside(path: &Path) -> Result<Option<PathBuf>, Error> {
    if path.exists() {
        return Ok(None);
    }
    let mut kept = None;
    // The count last: as long as it is there, nobody begins a new ledger beside the rest.
    for tail in ["-wal", "-shm", "-head"] {
        let file = with(path, tail);
        if !file.exists() {
            continue;
        }
        let mut aside = with(&file, ".lost");
        let mut number = 1;
        while aside.exists() {
            number += 1;
            aside = with(&file, &format!(".lost{number}"));
        }
        std::fs::rename(&file, &aside).map_err(|error| Error::file("rename", &file, error))?;
        kept = Some(aside);
    }
    Ok(kept)
}

/// The file beside `path` whose name ends with `tail`, too.
fn with(path: &Path, tail: &str) -> PathBuf {
    let mut file = path.as_os_str().to_owned();
    file.push(tail);
    file.into()
}

/// Sets what every connection needs, and migrates.
fn prepare(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    let sqlite = |error| Error::sqlite(path, error);
    connection
        .busy_timeout(Duration::from_secs(BUSY_SECONDS))
        .map_err(sqlite)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Otherwise a statement is planned again each time that another value is bound to it.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(sqlite)?;
    let found = schema::version(connection).map_err(sqlite)?;
    check_version(path, found)?;
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
        .map_err(sqlite)?;
    if found < schema::VERSION {
        schema::migrate(connection).map_err(sqlite)?;
    }
    Ok(())
}

pub(super) fn check_version(path: &Path, found: i64) -> Result<(), Error> {
    if found > schema::VERSION {
        return Err(Error::Newer {
            path: path.to_owned(),
            found,
            known: schema::VERSION,
        });
    }
    if found < 1 {
        return Err(Error::damaged(path, "it is empty or no ledger at all"));
    }
    Ok(())
}

/// Makes a ledger beside `path` and links it there when it is complete.
fn make(path: &Path) -> Result<(), Error> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let file = |error| Error::file("create", path, error);
    std::fs::create_dir_all(folder).map_err(|error| Error::file("create", folder, error))?;
    let new = tempfile::NamedTempFile::new_in(folder).map_err(file)?;
    let mut connection =
        Connection::open(new.path()).map_err(|error| Error::sqlite(path, error))?;
    // Nobody sees it before it is whole and durable, so that it needs no journal of its own.
    connection
        .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
        .and_then(|()| schema::migrate(&mut connection))
        .and_then(|()| connection.execute_batch("PRAGMA journal_mode = WAL;"))
        .map_err(|error| Error::sqlite(path, error))?;
    connection
        .close()
        .map_err(|(_, error)| Error::sqlite(path, error))?;
    new.as_file().sync_all().map_err(file)?;
    match new.persist_noclobber(path) {
        Ok(_) => sync_folder(folder).map_err(file),
        // Another process made it in the meantime.
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(file(error.error)),
    }
}

/// Makes a new name in `folder` durable, where the system can.
pub(super) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// The count of committed rows beside a ledger.
#[derive(Debug)]
pub(super) struct Watch {
    path: PathBuf,
    file: Option<File>,
}

impl Watch {
    fn new(ledger: &Path) -> Self {
        Self {
            path: with(ledger, "-head"),
            file: None,
        }
    }

    /// How many rows were committed at least.
    fn kept(&mut self) -> Result<i64, Error> {
        let mut text = String::new();
        match File::open(&self.path) {
            Ok(mut file) => {
                // What is no text was torn while it was written: nothing is known then.
                file.read_to_string(&mut text).ok();
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::file("read", &self.path, error)),
        }
        Ok(text
            .strip_suffix('\n')
            .and_then(|number| number.trim().parse().ok())
            .unwrap_or(0))
    }

    /// Notes that `rows` are committed.
    pub(super) fn note(&mut self, rows: i64) {
        let mut write = || -> std::io::Result<()> {
            let file = match &mut self.file {
                Some(file) => file,
                None => self.file.insert(
                    OpenOptions::new()
                        .write(true)
                        .create(true)
                        .truncate(false)
                        .open(&self.path)?,
                ),
            };
            file.rewind()?;
            // A fixed width: a shorter number never leaves digits of a longer one behind.
            file.write_all(format!("{rows:>20}\n").as_bytes())
        };
        // Lagging behind is harmless, so a failure to write is too.
        write().ok();
    }
}
