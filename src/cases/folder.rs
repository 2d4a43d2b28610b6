//! The working directory of a case: a folder of its own, thrown away with it.
//!
//! It is a real one, so that a path is the same before a crash and behind it, and what is
//! on the disk elsewhere changes no plan.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A temporary folder.
pub(super) struct Folder {
    path: PathBuf,
    _temporary: TempDir,
}

impl Folder {
    /// A new one, with a copy of what is in `begin`, or empty.
    ///
    /// # Errors
    /// It cannot be made, or `begin` not be read.
    pub fn new(begin: Option<&Path>) -> io::Result<Self> {
        let temporary = tempfile::Builder::new().prefix("opsh-test-").tempdir()?;
        let path = temporary.path().canonicalize()?;
        if let Some(begin) = begin {
            copy(begin, &path)?;
        }
        Ok(Self {
            path,
            _temporary: temporary,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Copies what is in `from`. Symbolic links are left out: they may lead anywhere.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (kind, new) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            std::fs::create_dir(&new)?;
            copy(&entry.path(), &new)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), &new)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Folder;

    #[test]
    fn it_is_a_copy_that_goes_with_its_owner() {
        let begin = tempfile::tempdir().unwrap();
        std::fs::create_dir(begin.path().join("a")).unwrap();
        std::fs::write(begin.path().join("a/b"), "b").unwrap();
        std::os::unix::fs::symlink("/etc", begin.path().join("c")).unwrap();
        let folder = Folder::new(Some(begin.path())).unwrap();
        let path = folder.path().to_owned();
        assert_eq!(std::fs::read_to_string(path.join("a/b")).unwrap(), "b");
        assert!(!path.join("c").exists());
        std::fs::write(path.join("a/b"), "mine").unwrap();
        drop(folder);
        assert!(!path.exists());
        assert_eq!(
            std::fs::read_to_string(begin.path().join("a/b")).unwrap(),
            "b"
        );
    }
}
