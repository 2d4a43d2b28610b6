//! The files of the caller's machine, as a playbook's operations reach them.
//!
//! Live and Local are the disk itself. A dry run reads the disk and writes to a
//! folder that is thrown away: later steps see it, the working directory does not.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tempfile::{NamedTempFile, PersistError, TempDir};

/// Reads and writes files; every path is absolute or relative to the working directory.
pub trait Files: Send + Sync {
    /// Where to look at `path`, for who needs a path of the disk.
    ///
    /// # Errors
    /// As the system says.
    fn to_read(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_owned())
    }

    /// Where to write, change or remove `path`; what is there now is there too.
    ///
    /// # Errors
    /// As the system says.
    fn to_write(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_owned())
    }

    /// `text` without the difference that this makes.
    fn shown(&self, text: &str) -> String {
        text.to_owned()
    }

    /// The content of a file.
    ///
    /// # Errors
    /// As the system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(self.to_read(path)?)
    }

    /// Writes a file, whole or not at all, with the permission bits `mode`;
    /// folders that are missing on the way are made.
    ///
    /// # Errors
    /// As the system says.
    fn write(&self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        replace(&self.to_write(path)?, content, mode)
    }

    /// The same for a file that is not there yet: nothing is ever replaced.
    ///
    /// # Errors
    /// As the system says; `AlreadyExists`.
    fn create(&self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        create(&self.to_write(path)?, content, mode)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// As the system says.
    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(self.to_write(path)?)
    }

    /// Whether there is a file or directory.
    fn exists(&self, path: &Path) -> bool {
        self.to_read(path).is_ok_and(|path| path.exists())
    }
}

/// The disk itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {}

fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    fill(path, mode, |file| file.write_all(content))
}

fn create(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let all = |file: &mut File| file.write_all(content);
    put(path, mode, all, |new| new.persist_noclobber(path))
}

/// Writes a file of the disk, whole or not at all, as `pour` gives what is in it; folders that
/// are missing on the way are made.
///
/// # Errors
/// As the system says, and those of `pour`.
pub fn fill<E: From<io::Error>>(
    path: &Path,
    mode: u32,
    pour: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    put(path, mode, pour, |new| new.persist(path))
}

/// Writes a file beside `path` and lets `place` put it there.
fn put<E: From<io::Error>>(
    path: &Path,
    mode: u32,
    pour: impl FnOnce(&mut File) -> Result<(), E>,
    place: impl FnOnce(NamedTempFile) -> Result<File, PersistError>,
) -> Result<(), E> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if path.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
    }
    std::fs::create_dir_all(folder)?;
    // Under a name of its own: others may be writing the same file.
    let mut new = tempfile::Builder::new()
        .prefix(".opsh-")
        .suffix(".part")
        .tempfile_in(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = std::fs::Permissions::from_mode(mode);
        new.as_file().set_permissions(permissions)?;
    }
    #[cfg(not(unix))]
    let _ = mode;
    pour(new.as_file_mut())?;
    new.as_file().sync_all()?;
    place(new).map_err(|refused| refused.error)?;
    Ok(())
}

/// The disk, but what is written goes to a temporary folder, under its own path.
///
/// A folder that exists is listed as it really is.
#[derive(Debug, Default)]
pub struct Diverted {
    folder: OnceLock<TempDir>,
    /// Real paths that the diverted ones stand for, whatever is there.
    changed: Mutex<BTreeSet<PathBuf>>,
}

impl Diverted {
    fn changed(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder; made when something is written for the first time.
    fn folder(&self) -> io::Result<&Path> {
        if self.folder.get().is_none() {
            let new = TempDir::new()?;
            return Ok(self.folder.get_or_init(|| new).path());
        }
        self.folder
            .get()
            .map(TempDir::path)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// What stands for `path`; nothing if it is in the folder already.
    fn target(folder: &Path, path: &Path) -> Option<PathBuf> {
        if path.starts_with(folder) {
            return None;
        }
        let parts = path
            .components()
            .filter(|part| matches!(part, Component::Normal(_)));
        Some(folder.join(parts.collect::<PathBuf>()))
    }
}

/// The one name of a path here: absolute, without `.` and `..`.
fn name(path: &Path) -> io::Result<PathBuf> {
    let mut name = PathBuf::new();
    for part in std::path::absolute(path)?.components() {
        match part {
            Component::ParentDir => {
                name.pop();
            }
            part => name.push(part),
        }
    }
    Ok(name)
}

impl Files for Diverted {
    fn to_read(&self, path: &Path) -> io::Result<PathBuf> {
        let path = name(path)?;
        let target = match self.folder.get() {
            Some(folder) => Self::target(folder.path(), &path),
            None => None,
        };
        Ok(match target {
            Some(target)
                if self.changed().contains(&path) || (!path.exists() && target.exists()) =>
            {
                target
            }
            _ => path,
        })
    }

    fn to_write(&self, path: &Path) -> io::Result<PathBuf> {
        let path = name(path)?;
        let folder = self.folder()?;
        let Some(target) = Self::target(folder, &path) else {
            return Ok(path);
        };
        if self.changed().insert(path.clone()) && !target.exists() {
            // Not every operation makes the folders that are missing; the real ones are there.
            if let Some(real) = path.parent().filter(|real| real.is_dir())
                && let Some(here) = Self::target(folder, real)
            {
                std::fs::create_dir_all(here)?;
            }
            if path.is_file() {
                std::fs::copy(&path, &target)?;
            } else if path.is_dir() {
                std::fs::create_dir_all(&target)?;
            }
        }
        Ok(target)
    }

    fn shown(&self, text: &str) -> String {
        match self.folder.get() {
            Some(folder) => text.replace(&*folder.path().to_string_lossy(), ""),
            None => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_dry_run_keeps_its_changes_to_itself() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        Disk.write(&old, b"disk", 0o600).unwrap();
        let files = Diverted::default();
        assert_eq!(files.read(&old).unwrap(), b"disk");
        assert_eq!(files.to_read(&old).unwrap(), old);
        files.write(&new, b"dry", 0o600).unwrap();
        let same = folder.path().join("./x/../new");
        assert_eq!(files.read(&same).unwrap(), b"dry");
        let target = files.to_write(&old).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"disk");
        files.remove(&old).unwrap();
        assert!(files.exists(&new) && !files.exists(&old));
        assert!(!new.exists() && old.exists());
        let deep = folder.path().join("no/where");
        files.write(&deep, b"x", 0o600).unwrap();
        assert!(files.exists(&deep) && !deep.exists());
        // Who has a diverted path already means just that.
        assert_eq!(files.to_write(&target).unwrap(), target);
        let message = format!("cannot read {}", target.display());
        assert_eq!(
            files.shown(&message),
            format!("cannot read {}", old.display())
        );
    }

    #[test]
    fn what_is_made_beside_a_file_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let files = Diverted::default();
        let key = files.to_write(&folder.path().join("key")).unwrap();
        std::fs::write(key.with_extension("pub"), "public").unwrap();
        assert_eq!(
            files.read(&folder.path().join("key.pub")).unwrap(),
            b"public"
        );
    }

    #[test]
    fn writers_of_one_file_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let all = |file: &mut File| -> io::Result<()> {
            file.write_all(b"one, ")?;
            Disk.write(&path, b"another", 0o644)?;
            assert_eq!(Disk.read(&path)?, b"another");
            file.write_all(b"and whole")
        };
        fill(&path, 0o644, all).unwrap();
        assert_eq!(Disk.read(&path).unwrap(), b"one, and whole");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn the_disk_gets_the_mode() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        Disk.write(&path, b"one", 0o644).unwrap();
        Disk.write(&path, b"two", 0o600).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let refused = Disk.create(&path, b"three", 0o600).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        Disk.create(&folder.path().join("new"), b"four", 0o600)
            .unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
