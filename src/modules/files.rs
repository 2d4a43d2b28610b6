//! Where a playbook's local files may be.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opsh_operation::{Fault, FaultKind};

/// The folder that a playbook's local files are confined to.
///
/// The gate resolves every [`opsh_operation::Shape::Path`], every
/// [`opsh_operation::Shape::Output`] and every `#{ file: … }` body of an input
/// with it; a handler sees real, absolute paths only.
///
/// In a dry run nothing below the folder changes: what is written is
/// [diverted](Files::diverted) to a folder that is thrown away, and read from
/// there afterwards. (A folder that exists is listed as it really is.)
#[derive(Debug, Clone)]
pub struct Files {
    root: PathBuf,
    diversion: Option<Arc<Diversion>>,
}

#[derive(Debug)]
struct Diversion {
    folder: tempfile::TempDir,
    /// Real paths that the diverted ones stand for, whatever is there.
    paths: Mutex<BTreeSet<PathBuf>>,
}

impl Diversion {
    fn paths(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    /// Confines to `root`, which must exist.
    ///
    /// # Errors
    /// The root cannot be resolved.
    pub fn new(root: &Path) -> std::io::Result<Self> {
        Ok(Self {
            root: root.canonicalize()?,
            diversion: None,
        })
    }

    /// The same for a dry run: what is written goes to a temporary folder.
    ///
    /// # Errors
    /// The temporary folder cannot be made.
    pub fn diverted(self) -> std::io::Result<Self> {
        let diversion = Diversion {
            folder: tempfile::tempdir()?,
            paths: Mutex::default(),
        };
        Ok(Self {
            diversion: Some(Arc::new(diversion)),
            ..self
        })
    }

    /// The real path of `path`, which may not exist, to look at.
    ///
    /// # Errors
    /// `denied` if it leads outside of the root, also through a symbolic link.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, Fault> {
        let real = self.confined(path)?;
        let Some(diversion) = &self.diversion else {
            return Ok(real);
        };
        let target = self.target(diversion, &real);
        let paths = diversion.paths();
        Ok(
            if paths.contains(&real) || (!real.exists() && target.exists()) {
                target
            } else {
                real
            },
        )
    }

    /// The real path of `path`, which may not exist, to change.
    ///
    /// # Errors
    /// As [`Files::resolve`]; `failed` if it cannot be diverted.
    pub fn resolve_output(&self, path: &str) -> Result<PathBuf, Fault> {
        let real = self.confined(path)?;
        let Some(diversion) = &self.diversion else {
            return Ok(real);
        };
        let target = self.target(diversion, &real);
        let divert = || {
            // A folder that is missing for the real file is missing here too.
            if let Some(folder) = real.parent().filter(|folder| folder.is_dir()) {
                std::fs::create_dir_all(self.target(diversion, folder))?;
            }
            if real.is_file() {
                std::fs::copy(&real, &target).map(drop)
            } else if real.is_dir() {
                std::fs::create_dir_all(&target)
            } else {
                Ok(())
            }
        };
        if diversion.paths().insert(real.clone()) && !target.exists() {
            divert().map_err(|error| {
                Fault::new(
                    FaultKind::Failed,
                    format!("cannot write the file '{path}' elsewhere for the dry run: {error}"),
                )
            })?;
        }
        Ok(target)
    }

    /// `text` with the real paths in it as the playbook knows them.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if let Some(diversion) = &self.diversion {
            text = text.replace(&format!("{}/", diversion.folder.path().display()), "");
        }
        text.replace(&format!("{}/", self.root.display()), "")
    }

    /// What stands for `real` in a dry run.
    fn target(&self, diversion: &Diversion, real: &Path) -> PathBuf {
        let name = real.strip_prefix(&self.root).unwrap_or(real);
        diversion.folder.path().join(name)
    }

    fn confined(&self, path: &str) -> Result<PathBuf, Fault> {
        let outside = || {
            Fault::new(
                FaultKind::Denied,
                format!("the file '{path}' is outside of the working directory"),
            )
            .hint("playbooks read and write files below the directory that opsh was started in")
        };
        let mut resolved = self.root.clone();
        for part in Path::new(path).components() {
            match part {
                std::path::Component::CurDir => {}
                std::path::Component::Normal(name) => resolved.push(name),
                std::path::Component::ParentDir => {
                    resolved.pop();
                }
                std::path::Component::RootDir | std::path::Component::Prefix(_) => {
                    resolved = PathBuf::from(part.as_os_str());
                }
            }
            if let Ok(real) = resolved.canonicalize() {
                resolved = real;
            }
        }
        if resolved.starts_with(&self.root) {
            Ok(resolved)
        } else {
            Err(outside())
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_lead_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("in");
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(folder.path().join("outside.txt"), "x").unwrap();
        let files = Files::new(&inside).unwrap();
        let root = inside.canonicalize().unwrap();
        assert_eq!(files.resolve("a/b.txt").unwrap(), root.join("a/b.txt"));
        assert_eq!(files.resolve("a/../c").unwrap(), root.join("c"));
        for path in ["../outside.txt", "/etc/passwd", "a/../../outside.txt"] {
            assert_eq!(files.resolve(path).unwrap_err().kind, FaultKind::Denied);
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("../outside.txt", inside.join("link")).unwrap();
            assert_eq!(files.resolve("link").unwrap_err().kind, FaultKind::Denied);
            assert_eq!(
                files.resolve_output("link").unwrap_err().kind,
                FaultKind::Denied
            );
        }
    }

    #[test]
    fn a_dry_run_writes_elsewhere_and_reads_it_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "real").unwrap();
        let files = Files::new(folder.path()).unwrap().diverted().unwrap();
        let real = folder.path().canonicalize().unwrap().join("a.txt");
        assert_eq!(files.resolve("a.txt").unwrap(), real);
        let target = files.resolve_output("a.txt").unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "real");
        std::fs::write(&target, "changed").unwrap();
        assert_eq!(files.resolve("./a.txt").unwrap(), target);
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "real");
        let message = format!("cannot read {}", target.display());
        assert_eq!(files.shown(&message), "cannot read a.txt");
        // What an operation makes beside it, e.g. the public half of a key.
        let beside = target.with_extension("txt.pub");
        std::fs::write(&beside, "pub").unwrap();
        assert_eq!(files.resolve("a.txt.pub").unwrap(), beside);
        // What is removed there is gone for the dry run only.
        std::fs::remove_file(&target).unwrap();
        assert!(!files.resolve("a.txt").unwrap().exists());
    }
}
