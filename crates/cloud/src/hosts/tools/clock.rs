//! Programs about time: the machine's, never the real one's.

use jiff::{SignedDuration, Timestamp};

use super::call::{Call, Reply, done, fail, failure};
use super::options::Options;
use crate::hosts::procfs;

/// An interval as `sleep` and `timeout` take it: a number and `s`, `m`, `h` or `d`.
pub fn interval(text: &str) -> Option<SignedDuration> {
    let (number, unit) = match text.char_indices().last()? {
        (at, 's') => (&text[..at], 1.0),
        (at, 'm') => (&text[..at], 60.0),
        (at, 'h') => (&text[..at], 3600.0),
        (at, 'd') => (&text[..at], 86400.0),
        _ => (text, 1.0),
    };
    let seconds: f64 = number.parse().ok()?;
    if !(0.0..=1e9).contains(&seconds) {
        return None;
    }
    SignedDuration::try_from_secs_f64(seconds * unit).ok()
}

/// `sleep`.
pub fn sleep(call: &Call<'_>) -> Reply {
    if call.args.is_empty() {
        return fail(1, "sleep: missing operand\n");
    }
    let mut total = SignedDuration::ZERO;
    for arg in call.args {
        total += interval(arg)
            .ok_or_else(|| failure(1, format!("sleep: invalid time interval '{arg}'\n")))?;
    }
    call.pass(total, 0.0)?;
    done("")
}

/// `date`, reading only, in UTC.
pub fn date(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "u|utc d|date= R|rfc-email |iso-8601 |rfc-3339= r|reference=",
    )?;
    let now = call.machine().present.clock;
    let at = match (options.value("date"), options.value("reference")) {
        (Some(text), _) => {
            moment(text, now).ok_or_else(|| call.not_modelled(&format!("the date '{text}'")))?
        }
        (None, Some(file)) => {
            let path = call.path(file);
            call.machine()
                .present
                .disk
                .stat(&call.session.user, &path, true)
                .map_err(|reason| failure(1, format!("date: {file}: {reason}\n")))?
                .modified
        }
        (None, None) => now,
    };
    let format = match options.operands.as_slice() {
        [] if options.has("rfc-email") => "%a, %d %b %Y %H:%M:%S +0000".to_owned(),
        [] if options.value("rfc-3339").is_some() => "%Y-%m-%d %H:%M:%S+00:00".to_owned(),
        [] => match call
            .args
            .iter()
            .find_map(|arg| arg.strip_prefix("--iso-8601"))
        {
            Some("" | "=date") => "%Y-%m-%d".to_owned(),
            Some("=seconds") => "%Y-%m-%dT%H:%M:%S+00:00".to_owned(),
            Some(_) => return Err(call.not_modelled("this precision of --iso-8601")),
            None => "%a %b %e %H:%M:%S UTC %Y".to_owned(),
        },
        [format] if format.starts_with('+') => format[1..].to_owned(),
        _ => return Err(call.not_modelled("setting the clock")),
    };
    let format = format.replace("%z", "+0000").replace("%Z", "UTC");
    let text = jiff::fmt::strtime::format(&format, &at.to_zoned(jiff::tz::TimeZone::UTC))
        .map_err(|_| call.not_modelled(&format!("the format '{format}'")))?;
    done(format!("{text}\n"))
}

fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(seconds) = text.strip_prefix('@') {
        return Timestamp::from_second(seconds.parse().ok()?).ok();
    }
    match text {
        "now" | "today" => return Some(now),
        "yesterday" => return now.checked_sub(SignedDuration::from_hours(24)).ok(),
        "tomorrow" => return now.checked_add(SignedDuration::from_hours(24)).ok(),
        _ => {}
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    if let [count, unit, rest @ ..] = words.as_slice()
        && let Ok(count) = count.parse::<i64>()
    {
        let unit = match unit.trim_end_matches('s') {
            "second" | "sec" => 1,
            "minute" | "min" => 60,
            "hour" => 3600,
            "day" => 86400,
            "week" => 604_800,
            _ => return None,
        };
        let sign = match rest {
            [] => 1,
            ["ago"] => -1,
            _ => return None,
        };
        return now
            .checked_add(SignedDuration::from_secs(sign * count * unit))
            .ok();
    }
    let with_zone = if text.ends_with('Z') || text.contains('+') {
        text.replace(' ', "T")
    } else if text.contains(':') {
        format!("{}Z", text.replace(' ', "T"))
    } else {
        format!("{text}T00:00:00Z")
    };
    with_zone.parse().ok()
}

/// `uptime`.
pub fn uptime(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "p|pretty s|since")?;
    let timeline = call.machine();
    let machine = &timeline.present;
    let minutes = procfs::uptime(machine) / 60;
    if options.has("since") {
        return done(format!(
            "{}\n",
            machine.booted.strftime("%Y-%m-%d %H:%M:%S")
        ));
    }
    if options.has("pretty") {
        return done(match (minutes / 60, minutes % 60) {
            (0, minutes) => format!("up {minutes} minutes\n"),
            (hours, minutes) => format!("up {hours} hours, {minutes} minutes\n"),
        });
    }
    let up = if minutes < 60 {
        format!("{minutes} min")
    } else {
        format!("{:2}:{:02}", minutes / 60, minutes % 60)
    };
    let load = procfs::load_average(machine);
    done(format!(
        " {} up {up},  1 user,  load average: {load:.2}, {load:.2}, {load:.2}\n",
        machine.clock.strftime("%H:%M:%S")
    ))
}

/// `timedatectl`, reading only.
pub fn timedatectl(call: &Call<'_>) -> Reply {
    if !call.args.is_empty() && call.args[0] != "status" {
        return Err(call.not_modelled(&call.args[0]));
    }
    let now = call.machine().present.clock;
    done(format!(
        "               Local time: {0} UTC\n           Universal time: {0} UTC\n                Time zone: UTC (UTC, +0000)\nSystem clock synchronized: yes\n              NTP service: active\n",
        now.strftime("%a %Y-%m-%d %H:%M:%S")
    ))
}
