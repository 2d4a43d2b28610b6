//! A machine's file system: owners, modes, times and links over a shared base.
//!
//! The base tree of a [`Flavour`] exists once in the process; a disk keeps what
//! differs from it, so a freshly booted machine costs almost nothing. Every
//! operation is done on behalf of a [`User`] and refused as the kernel would.

mod change;

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::ops::Bound::{Included, Unbounded};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::base;
use super::boot::Flavour;
use super::content::Content;
use super::users::User;

/// Links followed before a lookup is given up (Linux's `MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// A result of the file system.
pub type Result<T> = std::result::Result<T, Error>;

/// One entry of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Permission bits, with set-uid, set-gid and sticky.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// When it was last written.
    pub modified: Timestamp,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A file.
    File(Content),
    /// A directory.
    Directory,
    /// A symbolic link and its target.
    Link(String),
}

impl Node {
    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    /// Its size as `stat` tells it.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.kind {
            Kind::File(content) => content.0.len() as u64,
            Kind::Directory => 4096,
            Kind::Link(target) => target.len() as u64,
        }
    }
}

/// What a machine's disk holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    flavour: Flavour,
    /// What differs from the base; `None` where an entry of the base was removed.
    pub(super) changed: BTreeMap<String, Option<Node>>,
}

fn refused(kind: ErrorKind, text: &str) -> Error {
    Error::new(kind, text)
}

/// The entry does not exist.
#[must_use]
pub fn not_found() -> Error {
    refused(ErrorKind::NotFound, "No such file or directory")
}

fn denied() -> Error {
    refused(ErrorKind::PermissionDenied, "Permission denied")
}

fn is_directory() -> Error {
    refused(ErrorKind::IsADirectory, "Is a directory")
}

fn not_directory() -> Error {
    refused(ErrorKind::NotADirectory, "Not a directory")
}

/// The directory that holds `path`.
fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(slash) => &path[..slash],
    }
}

/// `path` made absolute from `cwd`, without `.`, `..` and doubled slashes.
#[must_use]
pub fn absolute(cwd: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let start = if path.starts_with('/') { "" } else { cwd };
    for part in start.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

const READ: u32 = 4;
const WRITE: u32 = 2;
const ENTER: u32 = 1;

fn may(node: &Node, user: &User, want: u32) -> bool {
    if user.uid == 0 {
        return want != ENTER || node.is_directory() || node.mode & 0o111 != 0;
    }
    let bits = if node.uid == user.uid {
        node.mode >> 6
    } else if user.groups.contains(&node.gid) {
        node.mode >> 3
    } else {
        node.mode
    };
    bits & want == want
}

impl Disk {
    /// A disk as the image has it.
    #[must_use]
    pub fn new(flavour: Flavour) -> Self {
        Self {
            flavour,
            changed: BTreeMap::new(),
        }
    }

    /// The entry at exactly this path, links not followed, nobody's permission asked.
    #[must_use]
    pub fn node(&self, path: &str) -> Option<&Node> {
        match self.changed.get(path) {
            Some(node) => node.as_ref(),
            None => base::tree(self.flavour).get(path),
        }
    }

    /// Follows links; the last component only if `follow_last`.
    ///
    /// # Errors
    /// A loop of links.
    pub fn resolve(&self, path: &str, follow_last: bool) -> Result<String> {
        let mut pending: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .rev()
            .map(str::to_owned)
            .collect();
        let mut done = String::new();
        let mut links = 0;
        while let Some(part) = pending.pop() {
            let here = format!("{done}/{part}");
            let link = match self.node(&here) {
                Some(Node {
                    kind: Kind::Link(target),
                    ..
                }) if follow_last || !pending.is_empty() => Some(target),
                _ => None,
            };
            let Some(target) = link else {
                done = here;
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return Err(refused(
                    ErrorKind::Other,
                    "Too many levels of symbolic links",
                ));
            }
            let target = absolute(if done.is_empty() { "/" } else { &done }, target);
            done.clear();
            pending.extend(
                target
                    .split('/')
                    .filter(|part| !part.is_empty())
                    .rev()
                    .map(str::to_owned),
            );
        }
        Ok(if done.is_empty() {
            "/".to_owned()
        } else {
            done
        })
    }

    /// Checks that `user` may pass through every directory above `path`.
    fn enter(&self, user: &User, path: &str) -> Result<()> {
        let mut end = 0;
        while let Some(slash) = path[end + 1..].find('/') {
            end += slash + 1;
            match self.node(&path[..end]) {
                None => return Err(not_found()),
                Some(node) if !node.is_directory() => return Err(not_directory()),
                Some(node) if !may(node, user, ENTER) => return Err(denied()),
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The entry at `path` as `user` sees it.
    ///
    /// # Errors
    /// It does not exist, or a directory above it is closed to `user`.
    pub fn stat(&self, user: &User, path: &str, follow: bool) -> Result<&Node> {
        let path = self.resolve(path, follow)?;
        self.enter(user, &path)?;
        self.node(&path).ok_or_else(not_found)
    }

    /// What a file holds.
    ///
    /// # Errors
    /// As the kernel's `open` for reading.
    pub fn read(&self, user: &User, path: &str) -> Result<Bytes> {
        let node = self.stat(user, path, true)?;
        match &node.kind {
            Kind::File(content) if may(node, user, READ) => Ok(content.0.clone()),
            Kind::Directory => Err(is_directory()),
            _ => Err(denied()),
        }
    }

    /// Whether `user` may run a file.
    #[must_use]
    pub fn may_execute(&self, user: &User, path: &str) -> bool {
        // Root needs some permission bit, too.
        self.stat(user, path, true)
            .is_ok_and(|node| node.mode & 0o111 != 0 && may(node, user, ENTER))
    }

    /// The names in a directory and what they are, in order.
    ///
    /// # Errors
    /// As the kernel's `opendir`.
    pub fn list(&self, user: &User, path: &str) -> Result<Vec<(String, &Node)>> {
        let path = self.resolve(path, true)?;
        let node = self.stat(user, &path, false)?;
        if !node.is_directory() {
            return Err(not_directory());
        }
        if !may(node, user, READ) {
            return Err(denied());
        }
        Ok(self.children(&path).collect())
    }

    /// The entries directly below a directory.
    pub(super) fn children<'a>(
        &'a self,
        path: &str,
    ) -> impl Iterator<Item = (String, &'a Node)> + use<'a> {
        let prefix = if path == "/" {
            "/".to_owned()
        } else {
            format!("{path}/")
        };
        let mut found: BTreeMap<String, Option<&'a Node>> = BTreeMap::new();
        let below = |name: &str| -> Option<String> {
            let rest = name.strip_prefix(&prefix)?;
            (!rest.is_empty() && !rest.contains('/')).then(|| rest.to_owned())
        };
        for (name, node) in base::tree(self.flavour)
            .range::<str, _>((Included(prefix.as_str()), Unbounded))
            .take_while(|(name, _)| name.starts_with(&prefix))
        {
            if let Some(name) = below(name) {
                found.insert(name, Some(node));
            }
        }
        for (name, node) in self
            .changed
            .range::<str, _>((Included(prefix.as_str()), Unbounded))
            .take_while(|(name, _)| name.starts_with(&prefix))
        {
            if let Some(name) = below(name) {
                found.insert(name, node.as_ref());
            }
        }
        found
            .into_iter()
            .filter_map(|(name, node)| node.map(|node| (name, node)))
    }

    /// Puts an entry at `path`, nobody's permission asked; directories above it are made.
    pub fn put(&mut self, path: &str, node: Node) {
        let mut above = parent(path);
        let mut missing = Vec::new();
        while above != "/" && self.node(above).is_none() {
            missing.push(above.to_owned());
            above = parent(above);
        }
        for directory in missing {
            self.changed.insert(
                directory,
                Some(Node {
                    kind: Kind::Directory,
                    mode: 0o755,
                    uid: 0,
                    gid: 0,
                    modified: node.modified,
                }),
            );
        }
        self.changed.insert(path.to_owned(), Some(node));
    }

    /// Takes the entry at `path` away with all below it, nobody's permission asked.
    pub fn erase(&mut self, path: &str) {
        let prefix = format!("{path}/");
        let tree = base::tree(self.flavour);
        self.changed
            .retain(|name, _| &**name != path && !name.starts_with(&prefix));
        if tree.contains_key(path) {
            self.changed.insert(path.to_owned(), None);
        }
        for (name, _) in tree
            .range::<str, _>((Included(prefix.as_str()), Unbounded))
            .take_while(|(name, _)| name.starts_with(&prefix))
        {
            self.changed.insert(name.to_string(), None);
        }
    }

    /// An entry and all below it.
    pub(super) fn subtree(&self, path: &str) -> Vec<(String, Node)> {
        let mut found = Vec::new();
        let mut pending = vec![path.to_owned()];
        while let Some(path) = pending.pop() {
            let Some(node) = self.node(&path) else {
                continue;
            };
            found.push((path.clone(), node.clone()));
            if node.is_directory() {
                pending.extend(self.children(&path).map(|(name, _)| absolute(&path, &name)));
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }
}
