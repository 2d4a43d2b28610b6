//! One run at a time on a stack.
//!
//! The lock is the operating system's on an open file, so the death of its
//! holder frees it, however it dies. The file's content only says who holds it.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Error;

/// What a stack's name may keep in the name of its lock file.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Held while a run works on a stack; freed when dropped.
#[derive(Debug)]
pub struct StackLock {
    file: File,
    path: PathBuf,
}

/// Who holds a lock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Holder {
    /// Its process; 0 if it is not known.
    pub pid: u32,
    /// The machine it runs on.
    pub host: String,
    /// Its playbook.
    pub playbook: String,
    /// Its run, once that has begun.
    pub run: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == 0 {
            return f.write_str("another opsh process holds it");
        }
        write!(
            f,
            "process {} on {} runs {}",
            self.pid, self.host, self.playbook
        )?;
        match &self.run {
            Some(run) => write!(f, " (run {run})"),
            None => Ok(()),
        }
    }
}

impl StackLock {
    /// Takes the lock of `stack` in `folder` (`.opsh/locks`), without waiting.
    ///
    /// # Errors
    /// [`Error::Locked`] names the holder; [`Error::File`] if the file cannot be used.
    pub fn take(folder: &Path, stack: &str, playbook: &str) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(|error| Error::file("create", folder, error))?;
        let path = file_of(folder, stack);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| Error::file("open", &path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&path);
                // Somebody may only have looked who holds it.
                if holder.pid != 0 || file.try_lock().is_err() {
                    return Err(Error::Locked {
                        stack: stack.to_owned(),
                        holder,
                    });
                }
            }
            Err(TryLockError::Error(error)) => return Err(Error::file("lock", &path, error)),
        }
        let mut lock = Self { file, path };
        lock.write(&Holder {
            pid: std::process::id(),
            host: host(),
            playbook: playbook.to_owned(),
            run: None,
        })?;
        Ok(lock)
    }

    /// Who holds the lock of `stack` in `folder`, if somebody does.
    #[must_use]
    pub fn holder(folder: &Path, stack: &str) -> Option<Holder> {
        let path = file_of(folder, stack);
        let file = File::open(&path).ok()?;
        match file.try_lock_shared() {
            Ok(()) => None,
            Err(_) => Some(holder(&path)),
        }
    }

    /// Says which run it is that holds the lock.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn name_run(&mut self, run: &str) -> Result<(), Error> {
        let holder = Holder {
            run: Some(run.to_owned()),
            ..holder(&self.path)
        };
        self.write(&holder)
    }

    fn write(&mut self, holder: &Holder) -> Result<(), Error> {
        let text = serde_json::to_string(holder).unwrap_or_default();
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(text.as_bytes())
        };
        write(&mut self.file).map_err(|error| Error::file("write", &self.path, error))
    }
}

impl Drop for StackLock {
    fn drop(&mut self) {
        // Best effort: closing the file frees the lock whatever its content is.
        let _ = self.file.set_len(0);
    }
}

/// The longest name of a lock's file that every file system takes, without its ending.
const LONGEST: usize = 200;

fn file_of(folder: &Path, stack: &str) -> PathBuf {
    let mut name = utf8_percent_encode(stack, KEPT).to_string();
    if name.len() > LONGEST {
        // Every letter that is not ASCII takes six or more of them.
        name.truncate(LONGEST - 64);
        name.push_str(&hex::encode(Sha256::digest(stack)));
    }
    folder.join(format!("{name}.lock"))
}

/// Who wrote the lock file; read again until what is there stands still, since
/// the holder may just be writing.
fn holder(path: &Path) -> Holder {
    let read = || {
        let mut text = String::new();
        File::open(path)
            .and_then(|mut file| file.read_to_string(&mut text))
            .ok();
        serde_json::from_str::<Holder>(&text).ok()
    };
    let mut last = read();
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(5));
        let now = read();
        if now.is_some() && now == last {
            break;
        }
        last = now;
    }
    last.unwrap_or_default()
}

/// This machine's name, as far as it can be known without asking a network.
fn host() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .map(|name| name.trim().to_owned())
        .or_else(|| std::env::var("HOSTNAME").ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "this machine".to_owned())
}
