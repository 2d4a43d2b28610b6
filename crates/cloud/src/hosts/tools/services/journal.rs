//! `journalctl` and `logger`.

use super::super::call::{Call, Reply, done, failure};
use super::super::options::Options;
use crate::hosts::machine::Machine;
use crate::hosts::services::stem;

/// The journal's lines, of a unit or all.
pub fn journal(call: &Call<'_>, machine: &Machine, unit: Option<&str>) -> Vec<String> {
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

/// The last of some lines.
pub fn last(lines: &[String], count: usize) -> String {
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
