//! Programs about names, addresses and ports.

use super::call::{Call, Reply, done};
use super::options::Options;
use crate::hosts::boot::Flavour;
use crate::hosts::{base, procfs, services};

/// `hostname`.
pub fn hostname(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "f|fqdn s|short i|ip-address I|all-ip-addresses d|domain",
    )?;
    if !options.operands.is_empty() {
        return Err(call.not_modelled("setting the name"));
    }
    let own = &call.session.facts.addresses;
    done(
        if options.has("all-ip-addresses") || options.has("ip-address") {
            format!("{} \n", own.private)
        } else if options.has("short") {
            format!("{}\n", own.host_name())
        } else if options.has("domain") {
            let domain = own.private_dns.split_once('.').map_or("", |(_, rest)| rest);
            format!("{domain}\n")
        } else if options.has("fqdn") || call.session.facts.flavour == Flavour::AmazonLinux2023 {
            format!("{}\n", own.private_dns)
        } else {
            format!("{}\n", own.host_name())
        },
    )
}

/// `hostnamectl`: shows, and sets `/etc/hostname`.
pub fn hostnamectl(call: &Call<'_>) -> Reply {
    let words: Vec<&str> = call.args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["set-hostname" | "hostname", name] => {
            if !call.is_root() {
                return Err(call.not_modelled("asking for authentication"));
            }
            let mut timeline = call.machine();
            let at = timeline.present.clock;
            timeline
                .present
                .disk
                .put("/etc/hostname", base::file(format!("{name}\n"), 0o644, at));
            done("")
        }
        [] | ["status"] => done(format!(
            " Static hostname: {}\n          Kernel: Linux {}\n    Architecture: {}\n",
            call.session.facts.addresses.private_dns,
            procfs::kernel(&call.machine().present),
            if call.session.facts.architecture == "arm64" {
                "arm64"
            } else {
                "x86-64"
            },
        )),
        _ => Err(call.not_modelled(&words.join(" "))),
    }
}

/// `uname`.
pub fn uname(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "a|all s|kernel-name n|nodename r|kernel-release v|kernel-version m|machine p|processor i|hardware-platform o|operating-system",
    )?;
    let timeline = call.machine();
    let facts = &call.session.facts;
    let machine = if facts.architecture == "arm64" {
        "aarch64"
    } else {
        "x86_64"
    };
    let all = options.has("all");
    let node = match facts.flavour {
        Flavour::AmazonLinux2023 => facts.addresses.private_dns.as_str(),
        Flavour::Ubuntu2404 => facts.addresses.host_name(),
    };
    let parts = [
        ("kernel-name", "Linux"),
        ("nodename", node),
        ("kernel-release", procfs::kernel(&timeline.present)),
        ("kernel-version", "#1 SMP PREEMPT_DYNAMIC"),
        ("machine", machine),
        ("processor", machine),
        ("hardware-platform", machine),
        ("operating-system", "GNU/Linux"),
    ];
    let chosen: Vec<&str> = parts
        .iter()
        .filter(|(key, _)| {
            all || options.has(key) || (call.args.is_empty() && *key == "kernel-name")
        })
        .map(|(_, value)| *value)
        .collect();
    done(format!("{}\n", chosen.join(" ")))
}

/// `ip addr` and `ip route`, reading only.
pub fn ip(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "4| o| j| b|brief")?;
    let facts = &call.session.facts;
    let prefix = facts.subnet_cidr.rsplit('/').next().unwrap_or("20");
    let device = "ens5";
    match options.words().as_slice() {
        ["a" | "addr" | "address", ..] if options.has("brief") => done(format!(
            "lo               UNKNOWN        127.0.0.1/8\n{device}             UP             {}/{prefix}\n",
            facts.addresses.private
        )),
        ["a" | "addr" | "address", ..] if !options.has("j") && !options.has("o") => done(format!(
            "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    inet 127.0.0.1/8 scope host lo\n2: {device}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9001 qdisc mq state UP group default qlen 1000\n    link/ether {} brd ff:ff:ff:ff:ff:ff\n    inet {}/{prefix} metric 512 scope global dynamic {device}\n",
            facts.mac, facts.addresses.private
        )),
        ["r" | "route", ..] if !options.has("j") => done(format!(
            "{} dev {device} proto kernel scope link src {} metric 512\n",
            facts.subnet_cidr, facts.addresses.private
        )),
        words => Err(call.not_modelled(&words.join(" "))),
    }
}

/// `ss -tln` and `netstat -tln`: who listens.
pub fn ss(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "t|tcp l|listening n|numeric p|processes H|no-header 4|ipv4 a|all",
    )?;
    if !options.operands.is_empty() {
        return Err(call.not_modelled("filtering"));
    }
    let timeline = call.machine();
    let mut text = String::new();
    let netstat = call.name == "netstat";
    if netstat {
        text.push_str("Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State\n");
    } else if !options.has("no-header") {
        text.push_str("State  Recv-Q Send-Q Local Address:Port  Peer Address:Port Process\n");
    }
    for listener in services::listeners(&timeline.present) {
        let local = format!("{}:{}", listener.address, listener.port);
        let process = if options.has("processes") && call.is_root() {
            format!(
                "users:((\"{}\",pid={},fd=4))",
                listener.process, listener.pid
            )
        } else {
            String::new()
        };
        let line = if netstat {
            format!("tcp        0      0 {local:<23} 0.0.0.0:*               LISTEN      {process}")
        } else {
            format!("LISTEN 0      511    {local:>17}       0.0.0.0:*    {process}")
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    done(text)
}
