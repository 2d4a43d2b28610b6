//! The access and error logs of a web server.

use crate::hosts::base;
use crate::hosts::machine::Machine;
use crate::hosts::users::User;

use super::respond::Visit;

fn add(machine: &mut Machine, file: &str, line: &str) {
    let at = machine.clock;
    let root = User::root();
    if machine.disk.node(file).is_none() {
        machine.disk.put(file, base::file("", 0o644, at));
    }
    // A full disk loses log lines, as it does on a real machine.
    let _ = machine.disk.append(&root, file, line.as_bytes(), at);
}

/// A line in the combined log format.
pub fn access(machine: &mut Machine, visit: &Visit<'_>, file: &str, status: u16, length: usize) {
    let header = |name: &str| {
        visit
            .request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("-")
            .to_owned()
    };
    let size = if length == 0 && !visit.is_nginx() {
        "-".to_owned()
    } else {
        length.to_string()
    };
    let uri = visit.request.uri();
    let target = uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    let line = format!(
        "{} - - [{}] \"{} {target} HTTP/1.1\" {status} {size} \"{}\" \"{}\"\n",
        visit.client,
        machine.clock.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        visit.request.method(),
        header("referer"),
        header("user-agent"),
    );
    add(machine, file, &line);
}

/// What Apache writes when it has started.
pub fn notice(machine: &mut Machine, unit: &str, file: &str, software: &str) {
    let pid = crate::hosts::services::pid(unit);
    let line = format!(
        "[{}] [mpm_event:notice] [pid {pid}:tid {pid}] AH00489: {software} configured -- resuming normal operations\n",
        machine.clock.strftime("%a %b %d %H:%M:%S.000000 %Y"),
    );
    add(machine, file, &line);
}

/// A line in the error log.
pub fn error(machine: &mut Machine, visit: &Visit<'_>, complaint: &str) {
    let file = visit.site.error_log.clone();
    let pid = crate::hosts::services::pid(visit.unit);
    let line = if visit.is_nginx() {
        format!(
            "{} [error] {pid}#{pid}: *1 {complaint}, client: {}, server: _, request: \"{} {} HTTP/1.1\", host: \"{}\"\n",
            machine.clock.strftime("%Y/%m/%d %H:%M:%S"),
            visit.client,
            visit.request.method(),
            visit.request.uri().path(),
            visit.name(),
        )
    } else {
        format!(
            "[{}] [core:error] [pid {pid}:tid {pid}] [client {}] {complaint}\n",
            machine.clock.strftime("%a %b %d %H:%M:%S.000000 %Y"),
            visit.client,
        )
    };
    add(machine, &file, &line);
}
