//! Programs about accounts; what they change is `/etc/passwd` and `/etc/group`.

use super::call::{Call, Reply, Stop, done, fail, failure};
use super::options::Options;
use crate::hosts::base;
use crate::hosts::disk::Node;
use crate::hosts::machine::Machine;
use crate::hosts::users::{self, User};

/// `id`, `whoami` and `groups`.
pub fn id(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "u|user g|group G|groups n|name r|real")?;
    let timeline = call.machine();
    let disk = &timeline.present.disk;
    let user = match options.operands.first() {
        Some(name) => users::by_name(disk, name)
            .ok_or_else(|| failure(1, format!("{}: '{name}': no such user\n", call.name)))?,
        None => (*call.session.user).clone(),
    };
    let group = |gid: u32| users::group_name(disk, gid);
    let names: Vec<String> = user.groups.iter().map(|gid| group(*gid)).collect();
    let numbers: Vec<String> = user.groups.iter().map(u32::to_string).collect();
    let by_name = options.has("name");
    let text = match call.name {
        "whoami" => user.name,
        "groups" => names.join(" "),
        _ if options.has("user") => {
            if by_name {
                user.name
            } else {
                user.uid.to_string()
            }
        }
        _ if options.has("group") => {
            if by_name {
                group(user.gid)
            } else {
                user.gid.to_string()
            }
        }
        _ if options.has("groups") => if by_name { names } else { numbers }.join(" "),
        _ => {
            let all: Vec<String> = user
                .groups
                .iter()
                .map(|gid| format!("{gid}({})", group(*gid)))
                .collect();
            format!(
                "uid={}({}) gid={}({}) groups={}",
                user.uid,
                user.name,
                user.gid,
                group(user.gid),
                all.join(",")
            )
        }
    };
    done(format!("{text}\n"))
}

/// `getent passwd` and `getent group`.
pub fn getent(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "")?;
    let [database, keys @ ..] = options.operands.as_slice() else {
        return fail(1, "getent: wrong number of arguments\n");
    };
    let file = match database.as_str() {
        "passwd" => "/etc/passwd",
        "group" => "/etc/group",
        other => return Err(call.not_modelled(&format!("database {other}"))),
    };
    let text = read(&call.machine().present, file);
    let found: Vec<&str> = text
        .lines()
        .filter(|line| {
            let mut fields = line.split(':');
            let name = fields.next().unwrap_or_default();
            let number = fields.nth(1).unwrap_or_default();
            keys.is_empty() || keys.iter().any(|key| key == name || key == number)
        })
        .collect();
    if found.len() < keys.len() {
        return fail(2, "");
    }
    done(format!("{}\n", found.join("\n")))
}

fn read(machine: &Machine, path: &str) -> String {
    machine
        .disk
        .read(&User::root(), path)
        .map(|content| String::from_utf8_lossy(&content).into_owned())
        .unwrap_or_default()
}

fn write(machine: &mut Machine, path: &str, text: String) {
    let at = machine.clock;
    machine.disk.put(path, base::file(text, 0o644, at));
}

fn need_root(call: &Call<'_>) -> Result<(), Stop> {
    if call.is_root() {
        return Ok(());
    }
    Err(failure(
        1,
        format!(
            "{}: Permission denied.\n{}: cannot lock /etc/passwd; try again later.\n",
            call.name, call.name
        ),
    ))
}

fn free_number(taken: &[u32], system: bool) -> u32 {
    let mut candidates: Box<dyn Iterator<Item = u32>> = if system {
        Box::new((201..=999).rev())
    } else {
        Box::new(1001..60000)
    };
    candidates
        .find(|number| !taken.contains(number))
        .unwrap_or(60000)
}

/// Adds an account that a package needs or somebody asked for; does nothing if it exists.
pub fn add_account(machine: &mut Machine, name: &str, uid: u32, home: &str, shell: &str) {
    if users::by_name(&machine.disk, name).is_some() {
        return;
    }
    let mut passwd = read(machine, "/etc/passwd");
    passwd.push_str(&format!("{name}:x:{uid}:{uid}:{name}:{home}:{shell}\n"));
    write(machine, "/etc/passwd", passwd);
    if !users::groups(&machine.disk)
        .iter()
        .any(|group| group.name == name)
    {
        let mut group = read(machine, "/etc/group");
        group.push_str(&format!("{name}:x:{uid}:\n"));
        write(machine, "/etc/group", group);
    }
}

/// `useradd`.
pub fn useradd(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "m|create-home M|no-create-home r|system s|shell= d|home-dir= u|uid= G|groups= c|comment= U|user-group",
    )?;
    need_root(call)?;
    let [name] = options.operands.as_slice() else {
        return fail(2, "Usage: useradd [options] LOGIN\n");
    };
    let mut timeline = call.machine();
    let machine = &mut timeline.present;
    if users::by_name(&machine.disk, name).is_some() {
        return fail(9, format!("useradd: user '{name}' already exists\n"));
    }
    let taken: Vec<u32> = users::all(&machine.disk)
        .iter()
        .map(|user| user.uid)
        .collect();
    let uid = match options.value("uid") {
        Some(text) => text
            .parse()
            .map_err(|_| failure(3, format!("useradd: invalid user ID '{text}'\n")))?,
        None => free_number(&taken, options.has("system")),
    };
    let home = options
        .value("home-dir")
        .map_or_else(|| format!("/home/{name}"), str::to_owned);
    add_account(
        machine,
        name,
        uid,
        &home,
        options.value("shell").unwrap_or("/bin/bash"),
    );
    for group in options.value("groups").unwrap_or_default().split(',') {
        if !group.is_empty() && !join(machine, name, group) {
            return fail(6, format!("useradd: group '{group}' does not exist\n"));
        }
    }
    let made =
        options.has("create-home") || (!options.has("system") && !options.has("no-create-home"));
    if made {
        let at = machine.clock;
        machine.disk.put(
            &home,
            Node {
                uid,
                gid: uid,
                ..base::directory(0o700, at)
            },
        );
    }
    done("")
}

fn join(machine: &mut Machine, user: &str, group: &str) -> bool {
    let text = read(machine, "/etc/group");
    let mut found = false;
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            if line.split(':').next() != Some(group) {
                return line.to_owned();
            }
            found = true;
            let members = line.rsplit(':').next().unwrap_or_default();
            if members.split(',').any(|member| member == user) {
                line.to_owned()
            } else if members.is_empty() {
                format!("{line}{user}")
            } else {
                format!("{line},{user}")
            }
        })
        .collect();
    write(machine, "/etc/group", format!("{}\n", lines.join("\n")));
    found
}

/// `usermod -aG GROUPS USER`.
pub fn usermod(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "a|append G|groups=")?;
    need_root(call)?;
    let [name] = options.operands.as_slice() else {
        return fail(2, "Usage: usermod [options] LOGIN\n");
    };
    if !options.has("append") {
        return Err(call.not_modelled("changing an account otherwise than with -aG"));
    }
    let mut timeline = call.machine();
    let machine = &mut timeline.present;
    if users::by_name(&machine.disk, name).is_none() {
        return fail(6, format!("usermod: user '{name}' does not exist\n"));
    }
    for group in options.value("groups").unwrap_or_default().split(',') {
        if !join(machine, name, group) {
            return fail(6, format!("usermod: group '{group}' does not exist\n"));
        }
    }
    done("")
}

/// `userdel`.
pub fn userdel(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "r|remove f|force")?;
    need_root(call)?;
    let [name] = options.operands.as_slice() else {
        return fail(2, "Usage: userdel [options] LOGIN\n");
    };
    let mut timeline = call.machine();
    let machine = &mut timeline.present;
    let Some(user) = users::by_name(&machine.disk, name) else {
        return fail(6, format!("userdel: user '{name}' does not exist\n"));
    };
    for path in ["/etc/passwd", "/etc/group"] {
        let kept: Vec<String> = read(machine, path)
            .lines()
            .filter(|line| line.split(':').next() != Some(name))
            .map(str::to_owned)
            .collect();
        write(machine, path, format!("{}\n", kept.join("\n")));
    }
    if options.has("remove") {
        machine.disk.erase(&user.home);
    }
    done("")
}

/// `groupadd`.
pub fn groupadd(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "r|system g|gid= f|force")?;
    need_root(call)?;
    let [name] = options.operands.as_slice() else {
        return fail(2, "Usage: groupadd [options] GROUP\n");
    };
    let mut timeline = call.machine();
    let machine = &mut timeline.present;
    let groups = users::groups(&machine.disk);
    if groups.iter().any(|group| group.name == *name) {
        if options.has("force") {
            return done("");
        }
        return fail(9, format!("groupadd: group '{name}' already exists\n"));
    }
    let taken: Vec<u32> = groups.iter().map(|group| group.gid).collect();
    let gid = match options.value("gid") {
        Some(text) => text
            .parse()
            .map_err(|_| failure(3, format!("groupadd: invalid group ID '{text}'\n")))?,
        None => free_number(&taken, options.has("system")),
    };
    let mut text = read(machine, "/etc/group");
    text.push_str(&format!("{name}:x:{gid}:\n"));
    write(machine, "/etc/group", text);
    done("")
}

/// `chpasswd`: nobody logs in with a password here, so only the accounts are checked.
pub fn chpasswd(call: &Call<'_>) -> Reply {
    Options::parse(call, "")?;
    need_root(call)?;
    let timeline = call.machine();
    for (number, line) in String::from_utf8_lossy(call.stdin).lines().enumerate() {
        let name = line.split(':').next().unwrap_or_default();
        if users::by_name(&timeline.present.disk, name).is_none() {
            return fail(
                1,
                format!(
                    "chpasswd: line {}: user '{name}' does not exist\n",
                    number + 1
                ),
            );
        }
    }
    done("")
}
