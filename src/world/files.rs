//! The files of the caller's machine, as a playbook's operations reach them.
//!
//! Live and Local are the disk itself. A dry run reads the disk and keeps what
//! it writes to itself: later steps see it, the disk does not.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Reads and writes files; every path is absolute or relative to the working directory.
pub trait Files: Send + Sync {
    /// The content of a file.
    ///
    /// # Errors
    /// As the system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Writes a file, whole or not at all, with the permission bits `mode`.
    ///
    /// # Errors
    /// As the system says.
    fn write(&self, path: &Path, content: &[u8], mode: u32) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Whether there is a file or directory.
    fn exists(&self, path: &Path) -> bool;
}

/// The disk itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn write(&self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let temporary = folder.join(format!(
            ".{}.{}.part",
            name.to_string_lossy(),
            std::process::id()
        ));
        let written =
            write_new(&temporary, content, mode).and_then(|()| std::fs::rename(&temporary, path));
        if written.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        written
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        options.mode(mode);
        let mut file = options.open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        file.write_all(content)?;
        file.sync_all()
    }
    #[cfg(not(unix))]
    {
        let _ = mode;
        let mut file = options.open(path)?;
        file.write_all(content)?;
        file.sync_all()
    }
}

/// The disk with changes on top that never reach it.
#[derive(Debug, Default)]
pub struct Overlay {
    /// What was written; `None` for what was removed.
    changes: Mutex<BTreeMap<PathBuf, Option<Vec<u8>>>>,
}

impl Overlay {
    fn changes(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Option<Vec<u8>>>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one name of a path here: absolute, without `.` and `..`.
fn name(path: &Path) -> io::Result<PathBuf> {
    let mut name = PathBuf::new();
    for part in std::path::absolute(path)?.components() {
        match part {
            std::path::Component::ParentDir => {
                name.pop();
            }
            part => name.push(part),
        }
    }
    Ok(name)
}

impl Files for Overlay {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.changes().get(&name(path)?) {
            Some(Some(content)) => Ok(content.clone()),
            Some(None) => Err(io::ErrorKind::NotFound.into()),
            None => Disk.read(path),
        }
    }

    fn write(&self, path: &Path, content: &[u8], _mode: u32) -> io::Result<()> {
        let name = name(path)?;
        let mut changes = self.changes();
        let folder = name.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let has_folder = folder.is_dir() || changes.keys().any(|known| known.starts_with(folder));
        if !has_folder {
            return Err(io::ErrorKind::NotFound.into());
        }
        if name.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        changes.insert(name, Some(content.to_vec()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if !self.exists(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.changes().insert(name(path)?, None);
        Ok(())
    }

    fn exists(&self, path: &Path) -> bool {
        let Ok(name) = name(path) else { return false };
        match self.changes().get(&name) {
            Some(change) => change.is_some(),
            None => path.exists(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Disk, Files, Overlay};

    #[test]
    fn an_overlay_keeps_its_changes_to_itself() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        Disk.write(&old, b"disk", 0o600).unwrap();
        let overlay = Overlay::default();
        assert_eq!(overlay.read(&old).unwrap(), b"disk");
        overlay.write(&new, b"dry", 0o600).unwrap();
        overlay.remove(&old).unwrap();
        assert_eq!(
            overlay.read(&folder.path().join("./x/../new")).unwrap(),
            b"dry"
        );
        assert!(overlay.exists(&new) && !overlay.exists(&old));
        assert!(!new.exists() && old.exists());
        assert!(
            overlay
                .write(&folder.path().join("no/where"), b"", 0o600)
                .is_err()
        );
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
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
