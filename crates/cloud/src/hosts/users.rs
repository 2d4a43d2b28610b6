//! Accounts, as `/etc/passwd` and `/etc/group` have them.

use super::disk::{Disk, Kind};

/// Somebody who runs commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The login name.
    pub name: String,
    /// The number; 0 may everything.
    pub uid: u32,
    /// The primary group.
    pub gid: u32,
    /// All groups, the primary one first.
    pub groups: Vec<u32>,
    /// The home directory.
    pub home: String,
    /// The login shell.
    pub shell: String,
}

impl User {
    /// The superuser.
    #[must_use]
    pub fn root() -> Self {
        Self {
            name: "root".to_owned(),
            uid: 0,
            gid: 0,
            groups: vec![0],
            home: "/root".to_owned(),
            shell: "/bin/bash".to_owned(),
        }
    }
}

fn lines(disk: &Disk, path: &str) -> Vec<Vec<String>> {
    let text = match disk.node(path).map(|node| &node.kind) {
        Some(Kind::File(content)) => String::from_utf8_lossy(&content.0).into_owned(),
        _ => String::new(),
    };
    text.lines()
        .map(|line| line.split(':').map(str::to_owned).collect())
        .collect()
}

/// The account called `name`.
#[must_use]
pub fn by_name(disk: &Disk, name: &str) -> Option<User> {
    all(disk).into_iter().find(|user| user.name == name)
}

/// All accounts in the file's order.
#[must_use]
pub fn all(disk: &Disk) -> Vec<User> {
    let groups = groups(disk);
    lines(disk, "/etc/passwd")
        .into_iter()
        .filter_map(|fields| {
            let [name, _, uid, gid, _, home, shell] = <[String; 7]>::try_from(fields).ok()?;
            let gid = gid.parse().ok()?;
            let mut all = vec![gid];
            all.extend(
                groups
                    .iter()
                    .filter(|group| group.members.contains(&name) && group.gid != gid)
                    .map(|group| group.gid),
            );
            Some(User {
                uid: uid.parse().ok()?,
                gid,
                groups: all,
                name,
                home,
                shell,
            })
        })
        .collect()
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its number.
    pub gid: u32,
    /// Those who have it as a further group.
    pub members: Vec<String>,
}

/// All groups in the file's order.
#[must_use]
pub fn groups(disk: &Disk) -> Vec<Group> {
    lines(disk, "/etc/group")
        .into_iter()
        .filter_map(|fields| {
            let [name, _, gid, members] = <[String; 4]>::try_from(fields).ok()?;
            Some(Group {
                name,
                gid: gid.parse().ok()?,
                members: members
                    .split(',')
                    .filter(|member| !member.is_empty())
                    .map(str::to_owned)
                    .collect(),
            })
        })
        .collect()
}

/// The name of an owner, or its number.
#[must_use]
pub fn owner_name(disk: &Disk, uid: u32) -> String {
    all(disk)
        .into_iter()
        .find(|user| user.uid == uid)
        .map_or_else(|| uid.to_string(), |user| user.name)
}

/// The name of a group, or its number.
#[must_use]
pub fn group_name(disk: &Disk, gid: u32) -> String {
    groups(disk)
        .into_iter()
        .find(|group| group.gid == gid)
        .map_or_else(|| gid.to_string(), |group| group.name)
}

/// Whether `sudo` lets this account become root: the groups `wheel`, `sudo` and
/// `admin`, and the image's own user, as the images' sudoers files say.
#[must_use]
pub fn may_sudo(disk: &Disk, user: &User) -> bool {
    user.uid == 0
        || groups(disk).iter().any(|group| {
            matches!(group.name.as_str(), "wheel" | "sudo" | "admin")
                && (user.groups.contains(&group.gid) || group.members.contains(&user.name))
        })
}
