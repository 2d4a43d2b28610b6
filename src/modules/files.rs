//! Where a playbook's local files may be.

use std::path::{Component, Path, PathBuf};

use opsh_operation::{Fault, FaultKind};

use crate::world::files;

/// Symbolic links that may be behind one another; Linux follows as many.
const LINKS: usize = 40;

/// The folder that a playbook's local files are confined to.
///
/// The gate resolves every [`opsh_operation::Shape::Path`], every
/// [`opsh_operation::Shape::Output`] and every `#{ file: … }` body of an input
/// with it; a handler sees real, absolute paths only, in a dry run those that
/// the world diverts changes to.
#[derive(Debug, Clone)]
pub struct Files {
    root: PathBuf,
    program: PathBuf,
    /// What opsh keeps for itself.
    own: Vec<PathBuf>,
}

impl Files {
    /// Confines to `root`, which must exist.
    ///
    /// # Errors
    /// The root cannot be resolved.
    pub fn new(root: &Path) -> std::io::Result<Self> {
        let root = root.canonicalize()?;
        Ok(Self {
            program: root.clone(),
            root,
            own: Vec::new(),
        })
    }

    /// The same for a playbook in `folder`, which is taken from the root on.
    #[must_use]
    pub fn of_program_in(mut self, folder: &Path) -> Self {
        self.program = self.root.join(folder);
        self
    }

    /// The same without the files and folders that opsh keeps for itself, and without what
    /// is beside them under their name and more behind a `-`.
    #[must_use]
    pub fn sparing(mut self, own: &[PathBuf]) -> Self {
        let real = own
            .iter()
            .filter_map(|path| follow(&self.root, path, LINKS));
        self.own = real.collect();
        self
    }

    /// The folder of the playbook: what is part of the program is beside it.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The real path of `path`, which may not exist, to look at in `world`.
    ///
    /// # Errors
    /// `denied` if it leads outside of the root, also through a symbolic link.
    pub fn resolve(&self, path: &str, world: &dyn files::Files) -> Result<PathBuf, Fault> {
        let real = self.confined(path)?;
        world.to_read(&real).map_err(|error| failed(path, &error))
    }

    /// The real path of `path`, which may not exist, to change in `world`.
    ///
    /// # Errors
    /// As [`Files::resolve`]; also `denied` if it is one of those that opsh keeps for itself.
    pub fn resolve_output(&self, path: &str, world: &dyn files::Files) -> Result<PathBuf, Fault> {
        let real = self.confined(path)?;
        if self.own.iter().any(|own| belongs(&real, own)) {
            return Err(Fault::new(
                FaultKind::Denied,
                format!("the file '{path}' is opsh's own"),
            )
            .hint("what has been done is recorded there; give the file another name"));
        }
        world.to_write(&real).map_err(|error| failed(path, &error))
    }

    /// `path` from the root on, wherever it leads: keys need not be below it.
    #[must_use]
    pub fn anywhere(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    /// `text` with the real paths in it as the playbook knows them.
    #[must_use]
    pub fn shown(&self, text: &str, world: &dyn files::Files) -> String {
        world
            .shown(text)
            .replace(&format!("{}/", self.root.display()), "")
    }

    /// The real path of `path` on the disk, which may not exist.
    ///
    /// # Errors
    /// `denied` if it leads outside of the root, also through a symbolic link.
    pub fn confined(&self, path: &str) -> Result<PathBuf, Fault> {
        let outside = || {
            Fault::new(
                FaultKind::Denied,
                format!("the file '{path}' is outside of the working directory"),
            )
            .hint("playbooks read and write files below the directory that opsh was started in")
        };
        let resolved = follow(&self.root, Path::new(path), LINKS).ok_or_else(|| {
            Fault::new(
                FaultKind::Denied,
                format!("the file '{path}' is behind symbolic links that lead nowhere"),
            )
            .hint("remove the link, or name the file itself")
        })?;
        if resolved.starts_with(&self.root) {
            Ok(resolved)
        } else {
            Err(outside())
        }
    }
}

/// The real path of `path` from `folder` on; nothing if more than so many `links` are behind
/// one another.
fn follow(folder: &Path, path: &Path, links: usize) -> Option<PathBuf> {
    let mut resolved = folder.to_owned();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => resolved.push(name),
            Component::ParentDir => {
                resolved.pop();
            }
            Component::RootDir | Component::Prefix(_) => {
                resolved = PathBuf::from(part.as_os_str());
            }
        }
        if let Ok(real) = resolved.canonicalize() {
            resolved = real;
        } else if let Ok(target) = resolved.read_link() {
            // Whoever makes the file makes it where the link leads to.
            resolved.pop();
            resolved = follow(&resolved, &target, links.checked_sub(1)?)?;
        }
    }
    Some(resolved)
}

/// Whether `real` is `own`, is in it, or goes with it (`ledger.db-wal`).
fn belongs(real: &Path, own: &Path) -> bool {
    let beside = || {
        let name = real.strip_prefix(own.parent()?).ok()?.to_str()?;
        let more = name.strip_prefix(own.file_name()?.to_str()?)?;
        Some(more.starts_with('-'))
    };
    real.starts_with(own) || beside() == Some(true)
}

fn failed(path: &str, error: &std::io::Error) -> Fault {
    Fault::new(
        FaultKind::Failed,
        format!("the file '{path}' cannot be used: {error}"),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::world::files::Diverted;

    #[test]
    fn paths_lead_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("in");
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(folder.path().join("outside.txt"), "x").unwrap();
        let files = Files::new(&inside).unwrap();
        let root = inside.canonicalize().unwrap();
        assert_eq!(files.confined("a/b.txt").unwrap(), root.join("a/b.txt"));
        assert_eq!(files.confined("a/../c").unwrap(), root.join("c"));
        for path in ["../outside.txt", "/etc/passwd", "a/../../outside.txt"] {
            assert_eq!(files.confined(path).unwrap_err().kind, FaultKind::Denied);
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("../outside.txt", inside.join("link")).unwrap();
            assert_eq!(files.confined("link").unwrap_err().kind, FaultKind::Denied);
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_to_what_is_not_there_lead_nowhere_else() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("in");
        std::fs::create_dir(&inside).unwrap();
        let files = Files::new(&inside).unwrap();
        let root = inside.canonicalize().unwrap();
        symlink("../none.txt", inside.join("out")).unwrap();
        symlink(folder.path().join("none.txt"), inside.join("far")).unwrap();
        symlink("out", inside.join("again")).unwrap();
        for path in ["out", "far", "again", "out/deep"] {
            let fault = files.confined(path).unwrap_err();
            assert_eq!(
                (fault.kind, fault.message),
                (
                    FaultKind::Denied,
                    format!("the file '{path}' is outside of the working directory")
                )
            );
        }
        symlink("new/b.txt", inside.join("near")).unwrap();
        symlink("./near", inside.join("nearer")).unwrap();
        for path in ["near", "nearer"] {
            assert_eq!(files.confined(path).unwrap(), root.join("new/b.txt"));
        }
        symlink("round", inside.join("round")).unwrap();
        assert_eq!(
            files.confined("round").unwrap_err().message,
            "the file 'round' is behind symbolic links that lead nowhere"
        );
    }

    #[test]
    fn what_opsh_keeps_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let own = ["state/ledger.db", "state/locks"].map(PathBuf::from);
        let files = Files::new(folder.path()).unwrap().sparing(&own);
        let world = Diverted::default();
        for path in [
            "state/ledger.db",
            "./state/../state/ledger.db-wal",
            "state/ledger.db-locks/p.lock",
            "state/locks/p.lock",
        ] {
            let fault = files.resolve_output(path, &world).unwrap_err();
            assert_eq!(
                (fault.kind, fault.message),
                (
                    FaultKind::Denied,
                    format!("the file '{path}' is opsh's own")
                )
            );
            files.resolve(path, &world).unwrap();
        }
        for path in [
            "state/keys/p",
            "state/ledger.dbx",
            "ledger.db",
            "state/locked",
        ] {
            files.resolve_output(path, &world).unwrap();
        }
    }

    #[test]
    fn a_dry_run_has_paths_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "real").unwrap();
        let files = Files::new(folder.path()).unwrap();
        let world = Diverted::default();
        let real = folder.path().canonicalize().unwrap().join("a.txt");
        assert_eq!(files.resolve("a.txt", &world).unwrap(), real);
        let target = files.resolve_output("a.txt", &world).unwrap();
        assert_ne!(target, real);
        assert_eq!(files.resolve("./a.txt", &world).unwrap(), target);
        let message = format!("cannot read {}", target.display());
        assert_eq!(files.shown(&message, &world), "cannot read a.txt");
    }
}
