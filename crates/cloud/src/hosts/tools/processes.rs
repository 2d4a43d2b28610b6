//! Programs about what runs and what is left: processes, memory, disk, load.

use super::call::{Call, Reply, done, fail, failure};
use super::clock::interval;
use super::options::Options;
use crate::hosts::figures::{Memory, Volume};
use crate::hosts::machine::Machine;
use crate::hosts::services;

/// The size of a page of memory.
const PAGE_KIB: u64 = 4;

/// A process as `ps` and `pgrep` see it.
struct Process {
    pid: u32,
    user: &'static str,
    cpu: f64,
    command: String,
}

fn all(machine: &Machine) -> Vec<Process> {
    let mut found = vec![Process {
        pid: 1,
        user: "root",
        cpu: 0.0,
        command: "/usr/lib/systemd/systemd --switched-root --system".to_owned(),
    }];
    for (pid, process) in services::processes(machine) {
        found.push(Process {
            pid,
            user: "root",
            cpu: 0.0,
            command: process,
        });
    }
    for (number, work) in (0_u32..).zip(machine.activity.busy(machine.clock)) {
        found.push(Process {
            pid: 20_000 + number,
            user: "root",
            cpu: work.cores * 100.0,
            command: work.command.clone(),
        });
    }
    found
}

/// `ps`, in the forms `ps aux` and `ps -ef`.
pub fn ps(call: &Call<'_>) -> Reply {
    let words: Vec<&str> = call.args.iter().map(String::as_str).collect();
    let long = match words.as_slice() {
        ["aux" | "-aux" | "auxw" | "auxww"] => true,
        ["-ef" | "-e" | "-A" | "-eF"] => false,
        other => return Err(call.not_modelled(&format!("'{}'", other.join(" ")))),
    };
    let timeline = call.machine();
    let mut text = String::from(if long {
        "USER         PID %CPU %MEM COMMAND\n"
    } else {
        "UID          PID    PPID  C CMD\n"
    });
    for process in all(&timeline.present) {
        text.push_str(&if long {
            format!(
                "{:<8} {:>7} {:>4.1}  0.5 {}\n",
                process.user, process.pid, process.cpu, process.command
            )
        } else {
            format!(
                "{:<8} {:>7}       1 {:>2.0} {}\n",
                process.user, process.pid, process.cpu, process.command
            )
        });
    }
    done(text)
}

/// `pgrep` and `pidof`.
pub fn pgrep(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "f|full x|exact l|list-name a|list-full c|count o|oldest n|newest",
    )?;
    let [pattern] = options.operands.as_slice() else {
        return fail(
            2,
            format!("{}: no matching criteria specified\n", call.name),
        );
    };
    let timeline = call.machine();
    let found: Vec<Process> = all(&timeline.present)
        .into_iter()
        .filter(|process| {
            let program = process
                .command
                .split_whitespace()
                .next()
                .unwrap_or_default();
            let name = program.rsplit('/').next().unwrap_or(program);
            if options.has("full") {
                process.command.contains(pattern.as_str())
            } else if options.has("exact") || call.name == "pidof" {
                name == pattern
            } else {
                name.contains(pattern.as_str())
            }
        })
        .collect();
    if options.has("count") {
        let status = i32::from(found.is_empty());
        return Ok(crate::hosts::shell::Outcome {
            exit_code: status,
            stdout: format!("{}\n", found.len()).into_bytes(),
            stderr: Vec::new(),
        });
    }
    if found.is_empty() {
        return fail(1, "");
    }
    let lines: Vec<String> = found
        .iter()
        .map(|process| {
            if options.has("list-full") || options.has("list-name") {
                format!("{} {}", process.pid, process.command)
            } else {
                process.pid.to_string()
            }
        })
        .collect();
    let between = if call.name == "pidof" { " " } else { "\n" };
    done(format!("{}\n", lines.join(between)))
}

/// `pkill`: ends work; a service is stopped with `systemctl`.
pub fn pkill(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "f|full x|exact 9| s|signal=")?;
    let [pattern] = options.operands.as_slice() else {
        return fail(2, "pkill: no matching criteria specified\n");
    };
    let mut timeline = call.machine();
    let machine = &mut timeline.present;
    let now = machine.clock;
    let mut ended = false;
    for work in &mut machine.activity.work {
        if work.from <= now && now < work.until && work.command.contains(pattern.as_str()) {
            work.until = now;
            ended = true;
        }
    }
    if ended {
        return done("");
    }
    if services::processes(machine)
        .iter()
        .any(|(_, process)| process.contains(pattern.as_str()))
    {
        return Err(call.not_modelled("ending a service's processes"));
    }
    fail(1, "")
}

/// `stress` and `stress-ng`: keep processors busy for a while.
pub fn stress(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "c|cpu= t|timeout= q|quiet v|verbose l|cpu-load= |metrics-brief |metrics",
    )?;
    let cpus = call.session.facts.cpus;
    let workers: u32 = match options.value("cpu") {
        None => return Err(call.not_modelled("stressing anything but processors (--cpu)")),
        Some(text) => text
            .parse()
            .map_err(|_| failure(1, format!("{}: invalid number '{text}'\n", call.name)))?,
    };
    let workers = if workers == 0 { cpus } else { workers };
    let Some(time) = options.value("timeout") else {
        return Err(call.not_modelled("running without --timeout"));
    };
    let time = interval(time)
        .ok_or_else(|| failure(1, format!("{}: invalid time '{time}'\n", call.name)))?;
    let load: f64 = options
        .value("cpu-load")
        .map_or(Ok(100.0), str::parse)
        .map_err(|_| failure(1, format!("{}: invalid load\n", call.name)))?;
    let cores = f64::from(workers.min(cpus)) * load.clamp(0.0, 100.0) / 100.0;
    call.pass(time, cores)?;
    let text = format!(
        "{0}: info:  [1701] dispatching hogs: {workers} cpu\n{0}: info:  [1701] successful run completed in {1:.2} secs\n",
        call.name,
        time.as_secs_f64()
    );
    Ok(crate::hosts::shell::Outcome {
        exit_code: 0,
        stdout: Vec::new(),
        stderr: if options.has("quiet") {
            Vec::new()
        } else {
            text.into_bytes()
        },
    })
}

/// `nproc`.
pub fn nproc(call: &Call<'_>) -> Reply {
    Options::parse(call, "|all")?;
    done(format!("{}\n", call.session.facts.cpus))
}

/// `getconf`: what differs from machine to machine, and what programs ask for most.
pub fn getconf(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "")?;
    let [name] = options.operands.as_slice() else {
        return fail(2, "Usage: getconf variable_name [pathname]\n");
    };
    let facts = &call.session.facts;
    let memory = Memory::of(facts);
    done(match name.as_str() {
        "GNU_LIBC_VERSION" => format!("glibc {}\n", facts.flavour.glibc()),
        "GNU_LIBPTHREAD_VERSION" => format!("NPTL {}\n", facts.flavour.glibc()),
        "_NPROCESSORS_CONF" | "_NPROCESSORS_ONLN" => format!("{}\n", facts.cpus),
        "PAGESIZE" | "PAGE_SIZE" => format!("{}\n", PAGE_KIB * 1024),
        "_PHYS_PAGES" => format!("{}\n", memory.total / PAGE_KIB),
        "_AVPHYS_PAGES" => format!("{}\n", memory.free / PAGE_KIB),
        "LONG_BIT" => "64\n".to_owned(),
        "CLK_TCK" => "100\n".to_owned(),
        other => return Err(call.not_modelled(&format!("the variable {other}"))),
    })
}

/// `free`.
pub fn free(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "m|mebi h|human k|kibi g|gibi b|bytes t|total w|wide")?;
    let Memory {
        total,
        free,
        available,
    } = Memory::of(&call.session.facts);
    let cache = available - free;
    let used = total - available;
    let show = |kib: u64| -> String {
        if options.has("human") {
            format!("{}Mi", kib / 1024)
        } else if options.has("mebi") {
            (kib / 1024).to_string()
        } else if options.has("gibi") {
            (kib / 1024 / 1024).to_string()
        } else if options.has("bytes") {
            (kib * 1024).to_string()
        } else {
            kib.to_string()
        }
    };
    done(format!(
        "               total        used        free      shared  buff/cache   available\nMem:     {:>11} {:>11} {:>11} {:>11} {:>11} {:>11}\nSwap:    {:>11} {:>11} {:>11}\n",
        show(total),
        show(used),
        show(free),
        show(0),
        show(cache),
        show(available),
        show(0),
        show(0),
        show(0)
    ))
}

/// `df`.
pub fn df(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "h|human-readable k| m| T|print-type P|portability |output=",
    )?;
    if options.has("output") {
        return Err(call.not_modelled("option --output"));
    }
    for operand in &options.operands {
        let path = call.path(operand);
        call.machine()
            .present
            .disk
            .stat(&call.session.user, &path, true)
            .map_err(|reason| failure(1, format!("df: {operand}: {reason}\n")))?;
    }
    let Volume { total, used } = Volume::of(&call.machine().present);
    let percent = (used * 100).div_ceil(total);
    let show = |kib: u64| {
        if options.has("human-readable") {
            let tenths = kib * 10 / 1024 / 1024;
            format!("{}.{}G", tenths / 10, tenths % 10)
        } else if options.has("m") {
            kib.div_ceil(1024).to_string()
        } else {
            kib.to_string()
        }
    };
    let (kind_head, kind) = if options.has("print-type") {
        (" Type", " xfs ")
    } else {
        ("", "")
    };
    done(format!(
        "Filesystem    {kind_head} {} Used Available Use% Mounted on\n/dev/nvme0n1p1{kind} {} {} {} {percent}% /\n",
        if options.has("human-readable") {
            "Size"
        } else {
            "1K-blocks"
        },
        show(total),
        show(used),
        show(total - used),
    ))
}
