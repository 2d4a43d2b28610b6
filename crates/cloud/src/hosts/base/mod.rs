//! The file systems that the images bring, one shared tree per flavour.

mod accounts;
mod release;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use super::boot::Flavour;
use super::content::Content;
use super::disk::{Kind, Node};

/// A tree by absolute path.
pub type Tree = BTreeMap<Arc<str>, Node>;

/// The tree of a flavour's image.
#[must_use]
pub fn tree(flavour: Flavour) -> &'static Tree {
    static AMAZON: OnceLock<Tree> = OnceLock::new();
    static UBUNTU: OnceLock<Tree> = OnceLock::new();
    match flavour {
        Flavour::AmazonLinux2023 => AMAZON.get_or_init(|| build(flavour)),
        Flavour::Ubuntu2404 => UBUNTU.get_or_init(|| build(flavour)),
    }
}

/// When the images were made: what `ls -l` shows for what nobody has touched.
fn made() -> Timestamp {
    Timestamp::constant(1_767_225_600, 0)
}

/// A file of the superuser.
#[must_use]
pub fn file(content: impl Into<Content>, mode: u32, modified: Timestamp) -> Node {
    Node {
        kind: Kind::File(content.into()),
        mode,
        uid: 0,
        gid: 0,
        modified,
    }
}

/// A directory of the superuser.
#[must_use]
pub fn directory(mode: u32, modified: Timestamp) -> Node {
    Node {
        kind: Kind::Directory,
        mode,
        uid: 0,
        gid: 0,
        modified,
    }
}

/// What an installed program's file holds: a script that names the program.
///
/// The shell knows this first line and runs the program that has been registered
/// under the name, so `/usr/bin/env`, `#!/usr/bin/env` and `sudo /usr/sbin/httpd` work.
#[must_use]
pub fn program(name: &str) -> String {
    format!("#!/bin/sh\n# bashkit builtin: {name}\nexec {name} \"$@\"\n")
}

fn build(flavour: Flavour) -> Tree {
    let at = made();
    let mut tree = Tree::new();
    for (path, mode) in DIRECTORIES {
        tree.insert((*path).into(), directory(*mode, at));
    }
    let home = format!("/home/{}", flavour.default_user());
    tree.insert(
        home.into(),
        Node {
            uid: 1000,
            gid: 1000,
            ..directory(0o700, at)
        },
    );
    for (link, target) in [
        ("/bin", "usr/bin"),
        ("/sbin", "usr/sbin"),
        ("/lib", "usr/lib"),
        ("/lib64", "usr/lib64"),
        ("/var/run", "/run"),
        ("/var/lock", "/run/lock"),
    ] {
        tree.insert(
            link.into(),
            Node {
                kind: Kind::Link(target.to_owned()),
                ..directory(0o777, at)
            },
        );
    }
    for name in PROGRAMS {
        tree.insert(
            format!("/usr/bin/{name}").into(),
            file(program(name), 0o755, at),
        );
    }
    for name in ADMINISTRATION {
        tree.insert(
            format!("/usr/sbin/{name}").into(),
            file(program(name), 0o755, at),
        );
    }
    for (path, mode, content) in accounts::files(flavour)
        .into_iter()
        .chain(release::files(flavour))
    {
        tree.insert(path.into(), file(content, mode, at));
    }
    for (name, mode) in [
        ("null", 0o666),
        ("zero", 0o666),
        ("urandom", 0o666),
        ("random", 0o666),
    ] {
        tree.insert(format!("/dev/{name}").into(), file("", mode, at));
    }
    for name in [
        "uptime", "loadavg", "meminfo", "cpuinfo", "version", "mounts",
    ] {
        tree.insert(format!("/proc/{name}").into(), file("", 0o444, at));
    }
    let own: &[&str] = match flavour {
        Flavour::AmazonLinux2023 => &["dnf", "yum", "rpm", "ec2-metadata"],
        Flavour::Ubuntu2404 => &[
            "crontab",
            "apt",
            "apt-get",
            "apt-cache",
            "dpkg",
            "dpkg-query",
            "ec2metadata",
        ],
    };
    for name in own {
        tree.insert(
            format!("/usr/bin/{name}").into(),
            file(program(name), 0o755, at),
        );
    }
    tree
}

const DIRECTORIES: &[(&str, u32)] = &[
    ("/", 0o755),
    ("/boot", 0o755),
    ("/dev", 0o755),
    ("/etc", 0o755),
    ("/etc/cloud", 0o755),
    ("/etc/cron.d", 0o755),
    ("/etc/default", 0o755),
    ("/etc/logrotate.d", 0o755),
    ("/etc/profile.d", 0o755),
    ("/etc/ssh", 0o755),
    ("/etc/sudoers.d", 0o750),
    ("/etc/sysconfig", 0o755),
    ("/etc/systemd", 0o755),
    ("/etc/systemd/system", 0o755),
    ("/home", 0o755),
    ("/media", 0o755),
    ("/mnt", 0o755),
    ("/opt", 0o755),
    ("/proc", 0o555),
    ("/root", 0o700),
    ("/run", 0o755),
    ("/run/lock", 0o755),
    ("/srv", 0o755),
    ("/sys", 0o555),
    ("/tmp", 0o1777),
    ("/usr", 0o755),
    ("/usr/bin", 0o755),
    ("/usr/lib", 0o755),
    ("/usr/lib/systemd", 0o755),
    ("/usr/lib/systemd/system", 0o755),
    ("/usr/lib64", 0o755),
    ("/usr/local", 0o755),
    ("/usr/local/bin", 0o755),
    ("/usr/local/sbin", 0o755),
    ("/usr/sbin", 0o755),
    ("/usr/share", 0o755),
    ("/var", 0o755),
    ("/var/cache", 0o755),
    ("/var/lib", 0o755),
    ("/var/lib/cloud", 0o755),
    ("/var/lib/cloud/instance", 0o755),
    ("/var/lib/logrotate", 0o755),
    ("/var/log", 0o755),
    ("/var/spool", 0o755),
    ("/var/spool/cron", 0o700),
    ("/var/tmp", 0o1777),
];

/// Programs in `/usr/bin` on both images.
const PROGRAMS: &[&str] = &[
    "[",
    "arch",
    "awk",
    "base32",
    "base64",
    "basename",
    "bash",
    "bunzip2",
    "bzip2",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cksum",
    "cloud-init",
    "cmp",
    "comm",
    "cp",
    "curl",
    "cut",
    "date",
    "dd",
    "df",
    "diff",
    "dirname",
    "du",
    "echo",
    "env",
    "envsubst",
    "expand",
    "expr",
    "factor",
    "false",
    "file",
    "find",
    "flock",
    "fmt",
    "fold",
    "free",
    "getconf",
    "getent",
    "grep",
    "groups",
    "gunzip",
    "gzip",
    "head",
    "hostid",
    "hostname",
    "hostnamectl",
    "iconv",
    "id",
    "install",
    "join",
    "journalctl",
    "kill",
    "less",
    "link",
    "ln",
    "locale",
    "logger",
    "logname",
    "ls",
    "md5sum",
    "mkdir",
    "mkfifo",
    "mktemp",
    "more",
    "mv",
    "nice",
    "nl",
    "nohup",
    "nproc",
    "numfmt",
    "od",
    "openssl",
    "paste",
    "pgrep",
    "pkill",
    "pr",
    "printenv",
    "printf",
    "ps",
    "pwd",
    "python3",
    "readlink",
    "realpath",
    "rev",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "setsid",
    "sh",
    "sha1sum",
    "sha224sum",
    "sha256sum",
    "sha384sum",
    "sha512sum",
    "shuf",
    "sleep",
    "sort",
    "split",
    "ss",
    "stat",
    "strings",
    "su",
    "sudo",
    "sum",
    "sync",
    "systemctl",
    "tac",
    "tail",
    "tar",
    "tee",
    "test",
    "timedatectl",
    "timeout",
    "touch",
    "tr",
    "true",
    "truncate",
    "tsort",
    "tty",
    "uname",
    "unexpand",
    "uniq",
    "uptime",
    "users",
    "uuidgen",
    "vmstat",
    "w",
    "wc",
    "wget",
    "whereis",
    "which",
    "who",
    "whoami",
    "xargs",
    "yes",
];

/// Programs in `/usr/sbin` on both images.
const ADMINISTRATION: &[&str] = &[
    "chpasswd",
    "groupadd",
    "ip",
    "logrotate",
    "reboot",
    "runuser",
    "service",
    "shutdown",
    "sysctl",
    "useradd",
    "userdel",
    "usermod",
    "poweroff",
];
