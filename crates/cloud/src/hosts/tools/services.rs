//! `systemctl`, `service`, `journalctl`, `logger`.

use jiff::SignedDuration;

use super::call::{Call, Reply, Stop, done, fail, failure};
use super::options::Options;
use crate::hosts::machine::{Machine, Unit};
use crate::hosts::services::{self, OwnUnit, UnitKind, stem};
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

/// A unit of one's own: what it starts has to exist; a program that goes on running is
/// more than the embedded cloud models.
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
    let description = services::find(name).map_or("", |known| known.description);
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

fn active_word(machine: &Machine, name: &str) -> String {
    match machine.units.get(name) {
        _ if machine.running(name) => "active",
        Some(unit) if unit.failed => "failed",
        _ => "inactive",
    }
    .to_owned()
}

fn enabled_word(machine: &Machine, name: &str) -> String {
    match machine.units.get(name) {
        Some(unit) if unit.masked => "masked",
        Some(unit) if unit.enabled => "enabled",
        _ => "disabled",
    }
    .to_owned()
}

fn is(
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

fn description(machine: &Machine, name: &str) -> String {
    match services::unit(machine, name) {
        Some(UnitKind::Known(known)) => known.description.to_owned(),
        Some(UnitKind::Own(unit)) => unit.description,
        None => String::new(),
    }
}

fn status(call: &Call<'_>, names: &[&str]) -> Reply {
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

fn show(call: &Call<'_>, options: &Options, names: &[&str]) -> Reply {
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

fn cat(call: &Call<'_>, names: &[&str]) -> Reply {
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

fn list(call: &Call<'_>, verb: &str) -> Reply {
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

/// `service NAME ACTION`.
pub fn service(call: &Call<'_>) -> Reply {
    let words: Vec<String> = call.args.to_vec();
    let [name, action] = words.as_slice() else {
        return fail(
            1,
            "Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]\n",
        );
    };
    let args = [action.clone(), name.clone()];
    let inner = Call {
        name: "systemctl",
        args: &args,
        stdin: call.stdin,
        env: call.env,
        cwd: call.cwd,
        session: call.session,
    };
    let mut outcome = systemctl(&inner)?;
    let redirected = format!("Redirecting to /bin/systemctl {action} {name}.service\n");
    outcome.stderr = [redirected.into_bytes(), outcome.stderr].concat();
    Ok(outcome)
}

fn journal(call: &Call<'_>, machine: &Machine, unit: Option<&str>) -> Vec<String> {
    let host = call.session.facts.addresses.host_name();
    machine
        .journal
        .iter()
        .filter(|entry| unit.is_none_or(|unit| entry.unit == unit))
        .map(|entry| {
            format!(
                "{} {host} {}: {}\n",
                entry.at.strftime("%b %d %H:%M:%S"),
                entry.source,
                entry.text
            )
        })
        .collect()
}

fn last(lines: &[String], count: usize) -> String {
    lines[lines.len().saturating_sub(count)..].concat()
}

/// `journalctl`.
pub fn journalctl(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "u|unit= n|lines= e|pager-end x|catalog |no-pager q|quiet b|boot r|reverse t|identifier=",
    )?;
    let timeline = call.machine();
    let machine = &timeline.present;
    let mut lines = journal(call, machine, options.value("unit").map(stem));
    if let Some(identifier) = options.value("identifier") {
        lines.retain(|line| line.contains(&format!(" {identifier}: ")));
    }
    if let Some(count) = options.value("lines") {
        let count: usize = count
            .parse()
            .map_err(|_| failure(1, format!("Failed to parse lines '{count}'\n")))?;
        lines = lines.split_off(lines.len().saturating_sub(count));
    }
    if options.has("reverse") {
        lines.reverse();
    }
    if lines.is_empty() && !options.has("quiet") {
        return done("-- No entries --\n");
    }
    done(lines.concat())
}

/// `logger`.
pub fn logger(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "t|tag= p|priority= i| s|stderr")?;
    let tag = options
        .value("tag")
        .unwrap_or(&call.session.user.name)
        .to_owned();
    let text = if options.operands.is_empty() {
        String::from_utf8_lossy(call.stdin).into_owned()
    } else {
        options.operands.join(" ")
    };
    let mut timeline = call.machine();
    for line in text.lines() {
        timeline.present.note("user", &tag, line);
    }
    done("")
}
