//! `systemctl`: the verbs that change something.

use jiff::SignedDuration;

use super::super::call::{Call, Reply, Stop, done, fail, failure};
use super::super::options::Options;
use super::show::{active_word, cat, enabled_word, is, list, show, status};
use crate::hosts::machine::{Machine, Unit};
use crate::hosts::own_unit::{self, OwnUnit};
use crate::hosts::services::{self, UnitKind, stem};
use crate::hosts::shell::Outcome;
use crate::hosts::web;

const STARTING: SignedDuration = SignedDuration::from_millis(400);

/// `systemctl`.
pub fn systemctl(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "q|quiet |now |no-pager l|full f|force |no-block t|type= |state= n|lines= p|property= |value a|all |plain |no-legend",
    )?;
    let words = options.words();
    let [verb, names @ ..] = words.as_slice() else {
        return Err(call.not_modelled("no subcommand"));
    };
    for name in names {
        if let Some((_, kind)) = name.rsplit_once('.')
            && matches!(kind, "timer" | "socket" | "target" | "mount" | "path")
        {
            return Err(call.not_modelled(&format!("unit {name}")));
        }
    }
    let one_by_one: fn(&Call<'_>, &str) -> Result<(), Stop> = match *verb {
        "start" => start,
        "stop" => stop,
        "restart" | "reload-or-restart" | "force-reload" => restart,
        "try-restart" | "condrestart" => try_restart,
        "reload" => reload,
        "enable" => enable,
        "disable" => disable,
        "mask" => |call, name| mask(call, name, true),
        "unmask" => |call, name| mask(call, name, false),
        "reset-failed" => |_, _| Ok(()),
        "daemon-reload" => {
            need_root(call, "reload daemon")?;
            return done("");
        }
        "is-active" => return is(call, &options, names, active_word, "active"),
        "is-enabled" => return is(call, &options, names, enabled_word, "enabled"),
        "is-failed" => return is(call, &options, names, active_word, "failed"),
        "is-system-running" => return done("running\n"),
        "status" => return status(call, names),
        "show" => return show(call, &options, names),
        "cat" => return cat(call, names),
        "list-units" | "list-unit-files" => return list(call, verb),
        other => return Err(call.not_modelled(&format!("'{other}'"))),
    };
    if names.is_empty() {
        return fail(1, "Too few arguments.\n");
    }
    need_root(call, &format!("{verb} {}", names[0]))?;
    let mut complaints = String::new();
    for name in names {
        let name = stem(name);
        {
            let timeline = call.machine();
            if !services::on_machine(&timeline.present, name) {
                return fail(
                    if *verb == "enable" || *verb == "disable" {
                        1
                    } else {
                        5
                    },
                    match *verb {
                        "enable" | "disable" | "mask" | "unmask" => format!(
                            "Failed to {verb} unit: Unit file {name}.service does not exist.\n"
                        ),
                        _ => format!(
                            "Failed to {verb} {name}.service: Unit {name}.service not found.\n"
                        ),
                    },
                );
            }
        }
        if *verb == "enable" && !enabled(&call.machine().present, name) && !options.has("quiet") {
            complaints.push_str(&format!(
                "Created symlink /etc/systemd/system/multi-user.target.wants/{name}.service → /usr/lib/systemd/system/{name}.service.\n"
            ));
        }
        one_by_one(call, name)?;
        match *verb {
            "enable" if options.has("now") => start(call, name)?,
            "disable" if options.has("now") => stop(call, name)?,
            _ => {}
        }
    }
    Ok(Outcome {
        exit_code: 0,
        stdout: Vec::new(),
        stderr: complaints.into_bytes(),
    })
}

fn need_root(call: &Call<'_>, what: &str) -> Result<(), Stop> {
    if call.is_root() {
        return Ok(());
    }
    Err(failure(
        1,
        format!(
            "Failed to {what}: Interactive authentication required.\nSee system logs and 'systemctl status' for details.\n"
        ),
    ))
}

fn entry<'a>(machine: &'a mut Machine, name: &str) -> &'a mut Unit {
    machine.units.entry(name.to_owned()).or_default()
}

fn start(call: &Call<'_>, name: &str) -> Result<(), Stop> {
    let unit = {
        let timeline = call.machine();
        let machine = &timeline.present;
        if machine.running(name) {
            return Ok(());
        }
        if machine.units.get(name).is_some_and(|unit| unit.masked) {
            return Err(failure(
                1,
                format!("Failed to start {name}.service: Unit {name}.service is masked.\n"),
            ));
        }
        services::unit(machine, name)
    };
    call.pass(STARTING, 0.3)?;
    match unit {
        Some(UnitKind::Own(unit)) => start_own(call, name, &unit),
        Some(UnitKind::Known(known)) => {
            let mut timeline = call.machine();
            services::start(&mut timeline.present, known).map_err(|_| failed(name))
        }
        None => Err(failure(
            5,
            format!("Failed to start {name}.service: Unit {name}.service not found.\n"),
        )),
    }
}

fn failed(name: &str) -> Stop {
    failure(
        1,
        format!(
            "Job for {name}.service failed because the control process exited with error code.\nSee \"systemctl status {name}.service\" and \"journalctl -xeu {name}.service\" for details.\n"
        ),
    )
}

/// A unit of one's own: what it starts has to exist. An opsh is run; any other program that
/// goes on running is more than the embedded cloud models.
fn start_own(call: &Call<'_>, name: &str, unit: &OwnUnit) -> Result<(), Stop> {
    let mut timeline = call.machine();
    let machine = &mut timeline.present;
    let Some(command) = unit.start.first() else {
        return Err(failure(
            1,
            format!(
                "Failed to start {name}.service: Unit {name}.service has a bad unit file setting.\n"
            ),
        ));
    };
    let program = command
        .trim_start_matches(['-', '@', '+', '!', ':'])
        .split_whitespace()
        .next()
        .unwrap_or_default();
    if !services::is_file(machine, program) {
        machine.note(
            name,
            "systemd[1]",
            format!("{name}.service: Main process exited, code=exited, status=203/EXEC"),
        );
        let unit = entry(machine, name);
        unit.failed = true;
        unit.since = None;
        return Err(failed(name));
    }
    if unit.is_hosted(machine) {
        let unit_of = machine.units.entry(name.to_owned()).or_default();
        unit_of.quick = 0;
        return own_unit::start(machine, name, unit).map_err(|_| failed(name));
    }
    Err(call.not_modelled(&format!(
        "starting {name}.service (Type={}, ExecStart={command})",
        unit.kind
    )))
}

fn stop(call: &Call<'_>, name: &str) -> Result<(), Stop> {
    call.pass(STARTING, 0.1)?;
    services::stop(&mut call.machine().present, name);
    Ok(())
}

fn restart(call: &Call<'_>, name: &str) -> Result<(), Stop> {
    services::stop(&mut call.machine().present, name);
    start(call, name)
}

fn try_restart(call: &Call<'_>, name: &str) -> Result<(), Stop> {
    if call.machine().present.running(name) {
        restart(call, name)
    } else {
        Ok(())
    }
}

fn reload(call: &Call<'_>, name: &str) -> Result<(), Stop> {
    let mut timeline = call.machine();
    let machine = &mut timeline.present;
    if !machine.running(name) {
        return Err(failure(
            1,
            format!("{name}.service is not active, cannot reload.\n"),
        ));
    }
    if web::is_server(name) {
        web::check(machine, name).map_err(|_| failed(name))?;
        web::reload(machine, name);
    }
    let description = super::show::description(machine, name);
    machine.note(
        name,
        "systemd[1]",
        format!("Reloaded {name}.service - {description}."),
    );
    Ok(())
}

fn enabled(machine: &Machine, name: &str) -> bool {
    machine.units.get(name).is_some_and(|unit| unit.enabled)
}

fn enable(call: &Call<'_>, name: &str) -> Result<(), Stop> {
    entry(&mut call.machine().present, name).enabled = true;
    Ok(())
}

fn disable(call: &Call<'_>, name: &str) -> Result<(), Stop> {
    entry(&mut call.machine().present, name).enabled = false;
    Ok(())
}

fn mask(call: &Call<'_>, name: &str, masked: bool) -> Result<(), Stop> {
    entry(&mut call.machine().present, name).masked = masked;
    Ok(())
}
