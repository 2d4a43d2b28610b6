//! A machine's disk as the shell sees it, with one user's permissions.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bashkit::{
    DirEntry, FileSystem, FileSystemExt, FileType, FsLimits, FsUsage, Metadata, async_trait,
};
use jiff::Timestamp;

use super::disk::{Kind, Node, Result, absolute};
use super::machine::Machine;
use super::procfs;
use super::timeline::Timeline;
use super::users::User;

/// A machine that several parts of one command share.
pub type Shared = Arc<Mutex<Timeline>>;

/// Takes a shared machine; a panic elsewhere does not make it unusable.
pub fn lock(shared: &Shared) -> MutexGuard<'_, Timeline> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The disk with the permissions of `user`.
pub struct View {
    /// The machine.
    pub machine: Shared,
    /// Who looks.
    pub user: Arc<User>,
    /// Facts for what the kernel shows in `/proc`.
    pub facts: Arc<super::boot::Boot>,
}

fn text(path: &Path) -> String {
    absolute("/", &path.to_string_lossy())
}

fn metadata(node: &Node) -> Metadata {
    let modified = SystemTime::from(node.modified);
    Metadata {
        file_type: match node.kind {
            Kind::File(_) => FileType::File,
            Kind::Directory => FileType::Directory,
            Kind::Link(_) => FileType::Symlink,
        },
        size: node.size(),
        mode: node.mode,
        modified,
        created: modified,
    }
}

impl View {
    fn with<T>(
        &self,
        path: &Path,
        work: impl FnOnce(&mut Machine, &str) -> Result<T>,
    ) -> bashkit::Result<T> {
        let mut timeline = lock(&self.machine);
        Ok(work(&mut timeline.present, &text(path))?)
    }
}

#[async_trait]
impl FileSystemExt for View {
    fn usage(&self) -> FsUsage {
        FsUsage::default()
    }

    fn limits(&self) -> FsLimits {
        FsLimits::unlimited()
    }

    fn backend_kind(&self) -> &'static str {
        "opsh"
    }
}

#[async_trait]
impl FileSystem for View {
    async fn read_file(&self, path: &Path) -> bashkit::Result<Vec<u8>> {
        self.with(path, |machine, path| {
            let content = machine.disk.read(&self.user, path)?;
            Ok(match procfs::read(machine, &self.facts, path) {
                Some(content) => content,
                None => content.to_vec(),
            })
        })
    }

    async fn write_file(&self, path: &Path, content: &[u8]) -> bashkit::Result<()> {
        self.with(path, |machine, path| {
            if procfs::swallows(path) {
                return Ok(());
            }
            let at = machine.clock;
            machine.disk.write(&self.user, path, content, at)
        })
    }

    async fn append_file(&self, path: &Path, content: &[u8]) -> bashkit::Result<()> {
        self.with(path, |machine, path| {
            if procfs::swallows(path) {
                return Ok(());
            }
            let at = machine.clock;
            machine.disk.append(&self.user, path, content, at)
        })
    }

    async fn mkdir(&self, path: &Path, recursive: bool) -> bashkit::Result<()> {
        self.with(path, |machine, path| {
            let at = machine.clock;
            machine.disk.make_directory(&self.user, path, recursive, at)
        })
    }

    async fn remove(&self, path: &Path, recursive: bool) -> bashkit::Result<()> {
        self.with(path, |machine, path| {
            machine.disk.remove(&self.user, path, recursive)
        })
    }

    async fn stat(&self, path: &Path) -> bashkit::Result<Metadata> {
        // The shell's own layer follows links: it expects `lstat` here.
        self.with(path, |machine, path| {
            machine.disk.stat(&self.user, path, false).map(metadata)
        })
    }

    async fn lstat(&self, path: &Path) -> bashkit::Result<Metadata> {
        self.stat(path).await
    }

    async fn read_dir(&self, path: &Path) -> bashkit::Result<Vec<DirEntry>> {
        self.with(path, |machine, path| {
            Ok(machine
                .disk
                .list(&self.user, path)?
                .into_iter()
                .map(|(name, node)| DirEntry {
                    name,
                    metadata: metadata(node),
                })
                .collect())
        })
    }

    async fn exists(&self, path: &Path) -> bashkit::Result<bool> {
        Ok(self.stat(path).await.is_ok())
    }

    async fn rename(&self, from: &Path, to: &Path) -> bashkit::Result<()> {
        let to = text(to);
        self.with(from, |machine, from| {
            machine.disk.rename(&self.user, from, &to)
        })
    }

    async fn copy(&self, from: &Path, to: &Path) -> bashkit::Result<()> {
        let to = text(to);
        self.with(from, |machine, from| {
            let content = machine.disk.read(&self.user, from)?;
            let mode = machine.disk.stat(&self.user, from, true)?.mode;
            if procfs::swallows(&to) {
                return Ok(());
            }
            let new = machine.disk.stat(&self.user, &to, true).is_err();
            let at = machine.clock;
            machine.disk.write(&self.user, &to, &content[..], at)?;
            if new {
                machine.disk.set_mode(&self.user, &to, mode & 0o755)?;
            }
            Ok(())
        })
    }

    async fn symlink(&self, target: &Path, link: &Path) -> bashkit::Result<()> {
        let target = target.to_string_lossy().into_owned();
        self.with(link, |machine, link| {
            let at = machine.clock;
            machine.disk.link(&self.user, &target, link, at)
        })
    }

    async fn read_link(&self, path: &Path) -> bashkit::Result<PathBuf> {
        self.with(path, |machine, path| {
            match &machine.disk.stat(&self.user, path, false)?.kind {
                Kind::Link(target) => Ok(PathBuf::from(target)),
                _ => Err(std::io::Error::new(
                    std::io::ErrorKind::InvalidInput,
                    "Invalid argument",
                )),
            }
        })
    }

    async fn chmod(&self, path: &Path, mode: u32) -> bashkit::Result<()> {
        self.with(path, |machine, path| {
            machine.disk.set_mode(&self.user, path, mode)
        })
    }

    async fn set_modified_time(&self, path: &Path, time: SystemTime) -> bashkit::Result<()> {
        self.with(path, |machine, path| {
            let real_now = time.elapsed().is_ok_and(|since| since.as_secs() < 5);
            let at = if real_now {
                // `touch` without a date reads the real clock; the machine has its own.
                machine.clock
            } else {
                Timestamp::try_from(time).unwrap_or(machine.clock)
            };
            machine.disk.set_modified(&self.user, path, at)
        })
    }
}
