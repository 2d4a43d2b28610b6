//! `--log-file`: everything that happens, one line each, with the world's time.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::harmless::harmless;
use crate::world::World;

/// A file that messages and steps are appended to.
pub struct LogFile {
    file: Mutex<File>,
    world: Arc<dyn World>,
}

impl LogFile {
    /// Appends to the file at `path`, which is made if need be.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path, world: Arc<dyn World>) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self {
            file: Mutex::new(file),
            world,
        })
    }

    /// Writes one line; line breaks inside are indented below it.
    pub fn write(&self, level: tracing::Level, text: &str) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let time = self.world.now();
        // A full disk must not stop a run: the ledger, not this file, is its record.
        let _ = writeln!(
            file,
            "{time} {level:5} {}",
            harmless(text.trim_end()).replace('\n', "\n    ")
        );
    }
}
