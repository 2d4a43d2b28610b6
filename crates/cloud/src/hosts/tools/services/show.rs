//! What `systemctl` tells: states, status, properties, unit files, lists.

use super::super::call::{Call, Reply, done, fail, failure};
use super::super::options::Options;
use super::journal::{journal, last};
use crate::hosts::machine::Machine;
use crate::hosts::services::{self, UnitKind, stem};
use crate::hosts::shell::Outcome;

pub fn active_word(machine: &Machine, name: &str) -> String {
    match machine.units.get(name) {
        _ if machine.running(name) => "active",
        Some(unit) if unit.failed => "failed",
        _ => "inactive",
    }
    .to_owned()
}

pub fn enabled_word(machine: &Machine, name: &str) -> String {
    match machine.units.get(name) {
        Some(unit) if unit.masked => "masked",
        Some(unit) if unit.enabled => "enabled",
        _ => "disabled",
    }
    .to_owned()
}

pub fn is(
    call: &Call<'_>,
    options: &Options,
    names: &[&str],
    word: fn(&Machine, &str) -> String,
    wanted: &str,
) -> Reply {
    let timeline = call.machine();
    let machine = &timeline.present;
    let mut out = String::new();
    let mut any = false;
    for name in names {
        let name = stem(name);
        if wanted == "enabled" && !services::on_machine(machine, name) {
            return fail(
                1,
                format!(
                    "Failed to get unit file state for {name}.service: No such file or directory\n"
                ),
            );
        }
        let state = word(machine, name);
        any |= state == wanted;
        out.push_str(&state);
        out.push('\n');
    }
    Ok(Outcome {
        exit_code: match (any, wanted) {
            (true, _) => 0,
            (false, "active") => 3,
            (false, _) => 1,
        },
        stdout: if options.has("quiet") {
            Vec::new()
        } else {
            out.into_bytes()
        },
        stderr: Vec::new(),
    })
}

pub fn description(machine: &Machine, name: &str) -> String {
    match services::unit(machine, name) {
        Some(UnitKind::Known(known)) => known.description.to_owned(),
        Some(UnitKind::Own(unit)) => unit.description,
        None => String::new(),
    }
}

pub fn status(call: &Call<'_>, names: &[&str]) -> Reply {
    let timeline = call.machine();
    let machine = &timeline.present;
    let [name] = names else {
        return Err(call.not_modelled("the status of anything but one unit"));
    };
    let name = stem(name);
    if !services::on_machine(machine, name) {
        return fail(4, format!("Unit {name}.service could not be found.\n"));
    }
    let state = active_word(machine, name);
    let since = machine.units.get(name).and_then(|unit| unit.since);
    let mark = match state.as_str() {
        "active" => "●",
        "failed" => "×",
        _ => "○",
    };
    let mut out = format!(
        "{mark} {name}.service - {}\n     Loaded: loaded (/usr/lib/systemd/system/{name}.service; {}; preset: disabled)\n",
        description(machine, name),
        enabled_word(machine, name)
    );
    match since {
        Some(since) if state == "active" => {
            out.push_str(&format!(
                "     Active: active (running) since {}; {}s ago\n   Main PID: {} ({name})\n",
                since.strftime("%a %Y-%m-%d %H:%M:%S UTC"),
                machine.clock.duration_since(since).as_secs(),
                services::pid(name)
            ));
        }
        _ if state == "failed" => out.push_str("     Active: failed (Result: exit-code)\n"),
        _ => out.push_str("     Active: inactive (dead)\n"),
    }
    let lines = journal(call, machine, Some(name));
    if !lines.is_empty() {
        out.push('\n');
        out.push_str(&last(&lines, 10));
    }
    Ok(Outcome {
        exit_code: if state == "active" { 0 } else { 3 },
        stdout: out.into_bytes(),
        stderr: Vec::new(),
    })
}

pub fn show(call: &Call<'_>, options: &Options, names: &[&str]) -> Reply {
    let [name] = names else {
        return Err(call.not_modelled("showing anything but one unit"));
    };
    let name = stem(name);
    let timeline = call.machine();
    let machine = &timeline.present;
    let mut out = String::new();
    for property in options
        .all("property")
        .iter()
        .flat_map(|list| list.split(','))
    {
        let value = match property {
            "ActiveState" => active_word(machine, name),
            "SubState" => if machine.running(name) {
                "running"
            } else {
                "dead"
            }
            .to_owned(),
            "UnitFileState" => enabled_word(machine, name),
            "LoadState" => if services::on_machine(machine, name) {
                "loaded"
            } else {
                "not-found"
            }
            .to_owned(),
            "MainPID" => if machine.running(name) {
                services::pid(name)
            } else {
                0
            }
            .to_string(),
            "Description" => description(machine, name),
            other => return Err(call.not_modelled(&format!("property {other}"))),
        };
        if options.has("value") {
            out.push_str(&format!("{value}\n"));
        } else {
            out.push_str(&format!("{property}={value}\n"));
        }
    }
    if out.is_empty() {
        return Err(call.not_modelled("showing all properties"));
    }
    done(out)
}

pub fn cat(call: &Call<'_>, names: &[&str]) -> Reply {
    let mut out = Vec::new();
    for name in names {
        let path = format!("/etc/systemd/system/{}.service", stem(name));
        let content = call
            .machine()
            .present
            .disk
            .read(&call.session.user, &path)
            .map_err(|_| failure(1, format!("No files found for {name}.service.\n")))?;
        out.extend_from_slice(format!("# {path}\n").as_bytes());
        out.extend_from_slice(&content);
    }
    done(out)
}

pub fn list(call: &Call<'_>, verb: &str) -> Reply {
    let timeline = call.machine();
    let machine = &timeline.present;
    let mut out = String::new();
    for name in machine.units.keys() {
        if verb == "list-units" {
            if machine.running(name) {
                out.push_str(&format!(
                    "{:<32} loaded active running {}\n",
                    format!("{name}.service"),
                    description(machine, name)
                ));
            }
        } else {
            out.push_str(&format!(
                "{:<32} {}\n",
                format!("{name}.service"),
                enabled_word(machine, name)
            ));
        }
    }
    done(out)
}
