//! Pages that servers make up: errors, redirections, listings, status.

use std::fmt::Write as _;

use crate::hosts::disk::Node;
use crate::hosts::machine::Machine;
use crate::hosts::procfs;

use super::respond::Visit;

fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// An error as the server words it.
pub fn error(visit: &Visit<'_>, status: u16, path: &str) -> String {
    let reason = reason(status);
    if visit.is_nginx() {
        return format!(
            "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n<center><h1>{status} {reason}</h1></center>\r\n<hr><center>{}</center>\r\n</body>\r\n</html>\r\n",
            visit.site.software
        );
    }
    let text = match status {
        403 => "You don't have permission to access this resource.".to_owned(),
        404 => "The requested URL was not found on this server.".to_owned(),
        405 => format!(
            "The requested method {} is not allowed for this URL.",
            visit.request.method()
        ),
        _ => format!("The server could not answer for {}.", escape(path)),
    };
    format!(
        "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>{status} {reason}</title>\n</head><body>\n<h1>{reason}</h1>\n<p>{text}</p>\n</body></html>\n"
    )
}

/// What goes with a redirection.
pub fn moved(status: u16, target: &str) -> String {
    format!(
        "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>{status} {0}</title>\n</head><body>\n<h1>{0}</h1>\n<p>The document has moved <a href=\"{1}\">here</a>.</p>\n</body></html>\n",
        reason(status),
        escape(target)
    )
}

/// The entries of a directory.
pub fn listing(path: &str, entries: &[(String, &Node)]) -> String {
    let mut rows = String::new();
    for (name, node) in entries.iter().filter(|(name, _)| !name.starts_with('.')) {
        let slash = if node.is_directory() { "/" } else { "" };
        let _ = writeln!(
            rows,
            "<li><a href=\"{0}{slash}\"> {0}{slash}</a></li>",
            escape(name)
        );
    }
    format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">\n<html>\n <head>\n  <title>Index of {0}</title>\n </head>\n <body>\n<h1>Index of {0}</h1>\n<ul>{rows}</ul>\n</body></html>\n",
        escape(path)
    )
}

fn totals(machine: &Machine) -> (u64, u64) {
    let traffic = machine.activity.traffic.values();
    traffic.fold((0, 0), |(requests, bytes), minute| {
        (requests + minute.requests, bytes + minute.bytes_out)
    })
}

/// Apache's `mod_status`, for people or (`?auto`) for programs.
pub fn status(machine: &Machine, visit: &Visit<'_>, auto: bool) -> String {
    let (requests, bytes) = totals(machine);
    let since = machine
        .units
        .get(visit.unit)
        .and_then(|unit| unit.since)
        .unwrap_or(machine.booted);
    let uptime = machine.clock.duration_since(since).as_secs().max(1);
    let load = procfs::load_average(machine);
    let kib = bytes / 1024;
    #[allow(clippy::cast_precision_loss)] // A rate for people to read.
    let (per_second, bytes_per_second) = (
        requests as f64 / uptime as f64,
        bytes as f64 / uptime as f64,
    );
    let name = visit.name();
    let scoreboard = format!("W{}", "_".repeat(99));
    if auto {
        return format!(
            "{name}\nServerVersion: {}\nServerMPM: event\nCurrentTime: {}\nServerUptimeSeconds: {uptime}\nUptime: {uptime}\nLoad1: {load:.2}\nLoad5: {load:.2}\nLoad15: {load:.2}\nTotal Accesses: {requests}\nTotal kBytes: {kib}\nReqPerSec: {per_second:.6}\nBytesPerSec: {bytes_per_second:.3}\nBusyWorkers: 1\nIdleWorkers: 99\nScoreboard: {scoreboard}\n",
            visit.site.software,
            machine.clock.strftime("%A, %d-%b-%Y %H:%M:%S UTC"),
        );
    }
    format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">\n<html><head>\n<title>Apache Status</title>\n</head><body>\n<h1>Apache Server Status for {name}</h1>\n<dl><dt>Server Version: {}</dt>\n<dt>Server uptime: {uptime} seconds</dt>\n<dt>Total accesses: {requests} - Total Traffic: {kib} kB</dt>\n<dt>1 requests currently being processed, 99 idle workers</dt>\n</dl><pre>{scoreboard}</pre>\n</body></html>\n",
        visit.site.software
    )
}

/// nginx's `stub_status`.
pub fn stub_status(machine: &Machine) -> String {
    let (requests, _) = totals(machine);
    let requests = requests + 1;
    format!(
        "Active connections: 1 \nserver accepts handled requests\n {requests} {requests} {requests} \nReading: 0 Writing: 1 Waiting: 0 \n"
    )
}
