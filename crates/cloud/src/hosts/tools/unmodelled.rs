//! Programs that machines have and the embedded cloud does not model.

use super::call::{Call, Reply, done};
use crate::hosts::packages;

/// They are found by `command -v`, tell their version, and refuse everything else.
pub const NAMES: &[&str] = &[
    "ab",
    "amazon-cloudwatch-agent-ctl",
    "ansible",
    "aws",
    "bc",
    "blkid",
    "certbot",
    "chronyc",
    "composer",
    "dig",
    "docker",
    "fail2ban-client",
    "fdisk",
    "ffmpeg",
    "gcc",
    "git",
    "go",
    "haproxy",
    "host",
    "htop",
    "iostat",
    "java",
    "jq",
    "lsblk",
    "lsof",
    "make",
    "mariadb",
    "memcached-tool",
    "mkfs.ext4",
    "mkfs.xfs",
    "mount",
    "mpstat",
    "mysql",
    "mysqladmin",
    "nc",
    "ncat",
    "node",
    "npm",
    "nslookup",
    "patch",
    "perl",
    "php",
    "pip3",
    "psql",
    "python3",
    "redis-cli",
    "redis6-cli",
    "rsync",
    "ruby",
    "sar",
    "screen",
    "shuf",
    "socat",
    "squid",
    "strace",
    "sysctl",
    "tcpdump",
    "telnet",
    "tmux",
    "traceroute",
    "tree",
    "ufw",
    "umount",
    "unzip",
    "vim",
    "vmstat",
    "w",
    "xxd",
    "zip",
    "reboot",
    "shutdown",
    "poweroff",
    "snap",
];

/// Any of them.
pub fn program(call: &Call<'_>) -> Reply {
    if let [only] = call.args
        && matches!(only.as_str(), "--version" | "-v" | "-V" | "version")
    {
        let timeline = call.machine();
        if let Some(version) = packages::version_of_program(&timeline.present, call.name) {
            let number = version.split('-').next().unwrap_or(version);
            return done(match call.name {
                "git" => format!("git version {number}\n"),
                "python3" => format!("Python {number}\n"),
                name => format!("{name} {number}\n"),
            });
        }
    }
    Err(call.not_modelled("running it"))
}
