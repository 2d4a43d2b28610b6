//! Changing a disk, as the kernel lets a user do it.

use std::io::{Error, ErrorKind};

use jiff::Timestamp;

use crate::hosts::content::Content;
use crate::hosts::users::User;

use super::{
    Disk, ENTER, Kind, Node, Result, WRITE, denied, is_directory, may, not_directory, not_found,
    parent, refused,
};

/// What a machine's disk may hold beyond its base, in bytes.
const MAX_BYTES: usize = 64 << 20;

fn not_permitted() -> Error {
    refused(ErrorKind::PermissionDenied, "Operation not permitted")
}

fn exists() -> Error {
    refused(ErrorKind::AlreadyExists, "File exists")
}

impl Disk {
    /// Where a new or existing entry at `path` is changed: checks the directory.
    fn target(&self, user: &User, path: &str, follow_last: bool) -> Result<String> {
        let path = self.resolve(path, follow_last)?;
        self.enter(user, &path)?;
        match self.node(parent(&path)) {
            None => Err(not_found()),
            Some(node) if !node.is_directory() => Err(not_directory()),
            Some(_) => Ok(path),
        }
    }

    /// Whether `user` may add, replace or take away the entry at `path`.
    fn may_change_entry(&self, user: &User, path: &str) -> Result<()> {
        let directory = self.node(parent(path)).ok_or_else(not_found)?;
        if !may(directory, user, WRITE | ENTER) {
            return Err(denied());
        }
        let sticky = directory.mode & 0o1000 != 0 && user.uid != 0 && user.uid != directory.uid;
        if sticky && self.node(path).is_some_and(|node| node.uid != user.uid) {
            return Err(not_permitted());
        }
        Ok(())
    }

    fn room(&self, more: usize) -> Result<()> {
        let used: usize = self
            .changed
            .values()
            .filter_map(|node| match &node.as_ref()?.kind {
                Kind::File(content) => Some(content.0.len()),
                _ => None,
            })
            .sum();
        if used + more > MAX_BYTES {
            return Err(refused(ErrorKind::StorageFull, "No space left on device"));
        }
        Ok(())
    }

    /// Writes a file, keeping owner and mode of an existing one.
    ///
    /// # Errors
    /// As the kernel's `open` for writing.
    pub fn write(
        &mut self,
        user: &User,
        path: &str,
        content: impl Into<Content>,
        at: Timestamp,
    ) -> Result<()> {
        let content = content.into();
        let path = self.target(user, path, true)?;
        let node = match self.node(&path) {
            Some(node) if node.is_directory() => return Err(is_directory()),
            Some(node) if !may(node, user, WRITE) => return Err(denied()),
            Some(node) => Node {
                kind: Kind::File(content),
                modified: at,
                ..node.clone()
            },
            None => {
                self.may_change_entry(user, &path)?;
                Node {
                    kind: Kind::File(content),
                    mode: 0o644,
                    uid: user.uid,
                    gid: user.gid,
                    modified: at,
                }
            }
        };
        if let Kind::File(content) = &node.kind {
            self.room(content.0.len())?;
        }
        self.changed.insert(path, Some(node));
        Ok(())
    }

    /// Adds to the end of a file, which is made if there is none.
    ///
    /// # Errors
    /// As the kernel's `open` for appending.
    pub fn append(&mut self, user: &User, path: &str, more: &[u8], at: Timestamp) -> Result<()> {
        let resolved = self.resolve(path, true)?;
        let mut content = match self.node(&resolved).map(|node| &node.kind) {
            Some(Kind::File(content)) => content.0.to_vec(),
            _ => Vec::new(),
        };
        content.extend_from_slice(more);
        self.write(user, path, content.as_slice(), at)
    }

    /// Makes a directory, and with `parents` those above it; then an existing one is fine.
    ///
    /// # Errors
    /// As the kernel's `mkdir`.
    pub fn make_directory(
        &mut self,
        user: &User,
        path: &str,
        parents: bool,
        at: Timestamp,
    ) -> Result<()> {
        let path = self.resolve(path, true)?;
        if let Some(node) = self.node(&path) {
            return if parents && node.is_directory() {
                Ok(())
            } else {
                Err(exists())
            };
        }
        let above = parent(&path).to_owned();
        if parents && self.node(&above).is_none() {
            self.make_directory(user, &above, true, at)?;
        }
        let path = self.target(user, &path, false)?;
        self.may_change_entry(user, &path)?;
        self.changed.insert(
            path,
            Some(Node {
                kind: Kind::Directory,
                mode: 0o755,
                uid: user.uid,
                gid: user.gid,
                modified: at,
            }),
        );
        Ok(())
    }

    /// Takes an entry away, and with `recursive` all below it.
    ///
    /// # Errors
    /// As the kernel's `unlink` and `rmdir`.
    pub fn remove(&mut self, user: &User, path: &str, recursive: bool) -> Result<()> {
        let path = self.target(user, path, false)?;
        let node = self.node(&path).ok_or_else(not_found)?;
        if node.is_directory() && self.children(&path).next().is_some() {
            if !recursive {
                return Err(refused(ErrorKind::DirectoryNotEmpty, "Directory not empty"));
            }
            if !may(node, user, WRITE | ENTER) {
                return Err(denied());
            }
        }
        self.may_change_entry(user, &path)?;
        self.erase(&path);
        Ok(())
    }

    /// Moves an entry with all below it.
    ///
    /// # Errors
    /// As the kernel's `rename`.
    pub fn rename(&mut self, user: &User, from: &str, to: &str) -> Result<()> {
        let from = self.target(user, from, false)?;
        let to = self.target(user, to, false)?;
        let node = self.node(&from).ok_or_else(not_found)?.clone();
        if from == to {
            return Ok(());
        }
        if to.starts_with(&format!("{from}/")) {
            return Err(refused(ErrorKind::InvalidInput, "Invalid argument"));
        }
        self.may_change_entry(user, &from)?;
        self.may_change_entry(user, &to)?;
        match self.node(&to) {
            Some(there) if there.is_directory() && !node.is_directory() => {
                return Err(is_directory());
            }
            Some(there) if there.is_directory() && self.children(&to).next().is_some() => {
                return Err(refused(ErrorKind::DirectoryNotEmpty, "Directory not empty"));
            }
            Some(there) if !there.is_directory() && node.is_directory() => {
                return Err(not_directory());
            }
            _ => {}
        }
        let moved = self.subtree(&from);
        self.erase(&from);
        for (path, node) in moved {
            let path = format!("{to}{}", &path[from.len()..]);
            self.changed.insert(path, Some(node));
        }
        Ok(())
    }

    /// Makes a symbolic link.
    ///
    /// # Errors
    /// As the kernel's `symlink`.
    pub fn link(&mut self, user: &User, target: &str, path: &str, at: Timestamp) -> Result<()> {
        let path = self.target(user, path, false)?;
        if self.node(&path).is_some() {
            return Err(exists());
        }
        self.may_change_entry(user, &path)?;
        self.changed.insert(
            path,
            Some(Node {
                kind: Kind::Link(target.to_owned()),
                mode: 0o777,
                uid: user.uid,
                gid: user.gid,
                modified: at,
            }),
        );
        Ok(())
    }

    /// Changes what `change` sets on an entry that `user` owns.
    fn amend(&mut self, user: &User, path: &str, change: impl FnOnce(&mut Node)) -> Result<()> {
        let path = self.resolve(path, true)?;
        let mut node = self.stat(user, &path, false)?.clone();
        if user.uid != 0 && node.uid != user.uid {
            return Err(not_permitted());
        }
        change(&mut node);
        self.changed.insert(path, Some(node));
        Ok(())
    }

    /// Sets permission bits.
    ///
    /// # Errors
    /// As the kernel's `chmod`.
    pub fn set_mode(&mut self, user: &User, path: &str, mode: u32) -> Result<()> {
        self.amend(user, path, |node| node.mode = mode & 0o7777)
    }

    /// Sets the time of the last change.
    ///
    /// # Errors
    /// As the kernel's `utimensat`.
    pub fn set_modified(&mut self, user: &User, path: &str, at: Timestamp) -> Result<()> {
        self.amend(user, path, |node| node.modified = at)
    }

    /// Gives an entry to another owner or group; only root may give files away.
    ///
    /// # Errors
    /// As the kernel's `chown`.
    pub fn set_owner(
        &mut self,
        user: &User,
        path: &str,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> Result<()> {
        let own_group = gid.is_none_or(|gid| user.groups.contains(&gid));
        if user.uid != 0 && (uid.is_some_and(|uid| uid != user.uid) || !own_group) {
            return Err(not_permitted());
        }
        self.amend(user, path, |node| {
            node.uid = uid.unwrap_or(node.uid);
            node.gid = gid.unwrap_or(node.gid);
        })
    }
}
