//! Programs about files that have to know owners, which the shell's own do not.

use super::call::{Call, Reply, Stop, done, fail, failure};
use super::options::Options;
use crate::hosts::disk::{Disk, Kind, Node};
use crate::hosts::shell::Outcome;
use crate::hosts::users;

fn user_number(disk: &Disk, name: &str) -> Option<u32> {
    name.parse()
        .ok()
        .or_else(|| users::by_name(disk, name).map(|user| user.uid))
}

fn group_number(disk: &Disk, name: &str) -> Option<u32> {
    name.parse().ok().or_else(|| {
        users::groups(disk)
            .into_iter()
            .find(|group| group.name == name)
            .map(|group| group.gid)
    })
}

/// Owner and group of `user`, `user:`, `user:group` and `:group`.
fn owner(call: &Call<'_>, disk: &Disk, text: &str) -> Result<(Option<u32>, Option<u32>), Stop> {
    let (user, group) = match text.split_once([':', '.']) {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let invalid =
        |kind: &str, name: &str| failure(1, format!("{}: invalid {kind}: '{name}'\n", call.name));
    let uid = if user.is_empty() {
        None
    } else {
        Some(user_number(disk, user).ok_or_else(|| invalid("user", text))?)
    };
    let gid = match group {
        None => None,
        Some("") => users::by_name(disk, user).map(|user| user.gid),
        Some(group) => Some(group_number(disk, group).ok_or_else(|| invalid("group", text))?),
    };
    Ok((uid, gid))
}

/// `chown` and `chgrp`.
pub fn chown(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "R|recursive v|verbose c|changes f|silent h|no-dereference |reference=",
    )?;
    let mut operands = options.words();
    let mut timeline = call.machine();
    let disk = &mut timeline.present.disk;
    let (uid, gid) = if let Some(file) = options.value("reference") {
        let path = call.path(file);
        let node = disk
            .stat(&call.session.user, &path, true)
            .map_err(|reason| failure(1, format!("{}: {file}: {reason}\n", call.name)))?;
        (Some(node.uid), Some(node.gid))
    } else if operands.len() < 2 {
        return fail(1, format!("{}: missing operand\n", call.name));
    } else {
        let text = operands.remove(0);
        if call.name == "chgrp" {
            owner(call, disk, &format!(":{text}"))?
        } else {
            owner(call, disk, text)?
        }
    };
    let mut complaints = String::new();
    for operand in operands {
        let top = call.path(operand);
        let paths = if options.has("recursive") {
            disk.subtree(&top)
                .into_iter()
                .map(|(path, _)| path)
                .collect()
        } else {
            Vec::new()
        };
        let paths = if paths.is_empty() { vec![top] } else { paths };
        for path in paths {
            if let Err(reason) = disk.set_owner(&call.session.user, &path, uid, gid) {
                let what = if reason.kind() == std::io::ErrorKind::NotFound {
                    "cannot access"
                } else {
                    "changing ownership of"
                };
                complaints.push_str(&format!("{}: {what} '{operand}': {reason}\n", call.name));
            }
        }
    }
    if complaints.is_empty() {
        done("")
    } else {
        fail(1, complaints)
    }
}

/// `install`: copies files, or makes directories, with mode and owner.
pub fn install(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "d|directory D| m|mode= o|owner= g|group= p|preserve-timestamps v|verbose t|target-directory= T|no-target-directory",
    )?;
    let mode = options.value("mode").unwrap_or("755");
    let mode = u32::from_str_radix(mode, 8)
        .map_err(|_| call.not_modelled(&format!("the mode '{mode}'")))?;
    let mut timeline = call.machine();
    let machine = &mut timeline.present;
    let at = machine.clock;
    let user = &call.session.user;
    let disk = &mut machine.disk;
    let uid = match options.value("owner") {
        Some(name) => Some(
            user_number(disk, name)
                .ok_or_else(|| failure(1, format!("install: invalid user '{name}'\n")))?,
        ),
        None => None,
    };
    let gid = match options.value("group") {
        Some(name) => Some(
            group_number(disk, name)
                .ok_or_else(|| failure(1, format!("install: invalid group '{name}'\n")))?,
        ),
        None => None,
    };
    let finish = |disk: &mut Disk, path: &str| {
        disk.set_mode(user, path, mode)?;
        if uid.is_some() || gid.is_some() {
            disk.set_owner(user, path, uid, gid)?;
        }
        Ok::<(), std::io::Error>(())
    };
    if options.has("directory") {
        for operand in &options.operands {
            let path = call.path(operand);
            disk.make_directory(user, &path, true, at)
                .and_then(|()| finish(disk, &path))
                .map_err(|reason| {
                    failure(
                        1,
                        format!("install: cannot create directory '{operand}': {reason}\n"),
                    )
                })?;
        }
        return done("");
    }
    let mut sources = options.words();
    let target = match options.value("target-directory") {
        Some(target) => target,
        None if sources.len() < 2 => return fail(1, "install: missing file operand\n"),
        None => sources.pop().unwrap_or_default(),
    };
    let target_path = call.path(target);
    if options.has("D") {
        let above = target_path.rsplit_once('/').map_or("/", |(above, _)| above);
        disk.make_directory(user, if above.is_empty() { "/" } else { above }, true, at)
            .map_err(|reason| {
                failure(
                    1,
                    format!("install: cannot create directory '{above}': {reason}\n"),
                )
            })?;
    }
    let into = disk
        .stat(user, &target_path, true)
        .is_ok_and(Node::is_directory);
    for source in sources {
        let content = if source == "/dev/stdin" {
            call.stdin.to_vec().into()
        } else {
            let path = call.path(source);
            disk.read(user, &path).map_err(|reason| {
                failure(1, format!("install: cannot stat '{source}': {reason}\n"))
            })?
        };
        let path = if into {
            let name = source.rsplit('/').next().unwrap_or(source);
            format!("{target_path}/{name}")
        } else {
            target_path.clone()
        };
        disk.write(user, &path, &content[..], at)
            .and_then(|()| finish(disk, &path))
            .map_err(|reason| {
                failure(
                    1,
                    format!("install: cannot create regular file '{target}': {reason}\n"),
                )
            })?;
    }
    done("")
}

/// `stat`.
pub fn stat(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "c|format= |printf= L|dereference")?;
    let timeline = call.machine();
    let disk = &timeline.present.disk;
    let mut text = String::new();
    for operand in &options.operands {
        let path = call.path(operand);
        let node = disk
            .stat(&call.session.user, &path, options.has("dereference"))
            .map_err(|reason| failure(1, format!("stat: cannot statx '{operand}': {reason}\n")))?;
        match (options.value("format"), options.value("printf")) {
            (Some(format), _) => {
                text.push_str(&fill(call, disk, node, operand, format)?);
                text.push('\n');
            }
            (None, Some(format)) => {
                let format = format.replace("\\n", "\n").replace("\\t", "\t");
                text.push_str(&fill(call, disk, node, operand, &format)?);
            }
            (None, None) => {
                let all = "  File: %n\n  Size: %s\t\tBlocks: %b\t%F\nAccess: (%04a/%A)  Uid: (%u/%U)   Gid: (%g/%G)\nModify: %y\n";
                text.push_str(&fill(
                    call,
                    disk,
                    node,
                    operand,
                    &all.replace("%04a", "0%a"),
                )?);
            }
        }
    }
    done(text)
}

fn fill(
    call: &Call<'_>,
    disk: &Disk,
    node: &Node,
    name: &str,
    format: &str,
) -> Result<String, Stop> {
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let directive = letters.next().unwrap_or('%');
        match directive {
            '%' => text.push('%'),
            'n' => text.push_str(name),
            'N' => text.push_str(&format!("'{name}'")),
            's' => text.push_str(&node.size().to_string()),
            'b' => text.push_str(&node.size().div_ceil(512).to_string()),
            'a' => text.push_str(&format!("{:o}", node.mode)),
            'A' => text.push_str(&permissions(node)),
            'u' => text.push_str(&node.uid.to_string()),
            'g' => text.push_str(&node.gid.to_string()),
            'U' => text.push_str(&users::owner_name(disk, node.uid)),
            'G' => text.push_str(&users::group_name(disk, node.gid)),
            'Y' | 'Z' | 'X' => text.push_str(&node.modified.as_second().to_string()),
            'y' | 'z' | 'x' => text.push_str(
                &node
                    .modified
                    .strftime("%Y-%m-%d %H:%M:%S.000000000 +0000")
                    .to_string(),
            ),
            'F' => text.push_str(match &node.kind {
                Kind::File(content) if content.0.is_empty() => "regular empty file",
                Kind::File(_) => "regular file",
                Kind::Directory => "directory",
                Kind::Link(_) => "symbolic link",
            }),
            other => return Err(call.not_modelled(&format!("the directive %{other}"))),
        }
    }
    Ok(text)
}

/// Kind and permission bits as `ls -l` shows them.
fn permissions(node: &Node) -> String {
    let mut text = String::from(match node.kind {
        Kind::File(_) => "-",
        Kind::Directory => "d",
        Kind::Link(_) => "l",
    });
    for shift in [6, 3, 0] {
        let bits = node.mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(
            match (bits & 1 != 0, shift == 0 && node.mode & 0o1000 != 0) {
                (true, true) => 't',
                (false, true) => 'T',
                (true, false) => 'x',
                (false, false) => '-',
            },
        );
    }
    text
}

/// `tee`, byte for byte.
pub fn tee(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "a|append i|ignore-interrupts p|")?;
    let mut complaints = String::new();
    let mut timeline = call.machine();
    let machine = &mut timeline.present;
    let at = machine.clock;
    let user = &call.session.user;
    for operand in &options.operands {
        let path = call.path(operand);
        if crate::hosts::procfs::swallows(&path) {
            continue;
        }
        let written = if options.has("append") {
            machine.disk.append(user, &path, call.stdin, at)
        } else {
            machine.disk.write(user, &path, call.stdin, at)
        };
        if let Err(reason) = written {
            complaints.push_str(&format!("tee: {operand}: {reason}\n"));
        }
    }
    Ok(Outcome {
        exit_code: i32::from(!complaints.is_empty()),
        stdout: call.stdin.to_vec(),
        stderr: complaints.into_bytes(),
    })
}

/// `rm`.
pub fn rm(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "r|recursive R| f|force v|verbose d|dir")?;
    let force = options.has("force");
    let recursive = options.has("recursive") || options.has("R");
    if options.operands.is_empty() && !force {
        return fail(1, "rm: missing operand\n");
    }
    let mut outcome = Outcome::default();
    let mut complaints = String::new();
    let mut timeline = call.machine();
    let disk = &mut timeline.present.disk;
    let user = &call.session.user;
    for operand in &options.operands {
        let path = call.path(operand);
        if path == "/" {
            complaints.push_str("rm: it is dangerous to operate recursively on '/'\n");
            continue;
        }
        let refused = match disk.stat(user, &path, false) {
            Err(reason) if force && reason.kind() == std::io::ErrorKind::NotFound => None,
            Err(reason) => Some(reason.to_string()),
            Ok(node) if node.is_directory() && !recursive && !options.has("dir") => {
                Some("Is a directory".to_owned())
            }
            Ok(_) => disk
                .remove(user, &path, recursive)
                .err()
                .map(|reason| reason.to_string()),
        };
        match refused {
            Some(reason) => {
                complaints.push_str(&format!("rm: cannot remove '{operand}': {reason}\n"));
            }
            None if options.has("verbose") => outcome
                .stdout
                .extend_from_slice(format!("removed '{operand}'\n").as_bytes()),
            None => {}
        }
    }
    outcome.exit_code = i32::from(!complaints.is_empty());
    outcome.stderr = complaints.into_bytes();
    Ok(outcome)
}
