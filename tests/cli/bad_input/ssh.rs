//! Hosts that cannot be logged in to; `e2e::login` has those with a real server behind them.

use super::super::user;
use crate::support::closed::ClosedPort;
use crate::support::silence::Silence;

/// What running a command on the host at `port` says, with `PORT` for the port.
fn said(port: u16) -> (i32, String) {
    let text = format!(
        "ssh::run(#{{ host: \"127.0.0.1\", port: {port}, user: \"ops\" }}, \"true\", #{{ connect_timeout: \"1s\" }});\n"
    );
    let ended = user(&text).opsh(["run", "p.rhai"]);
    let err = ended.err.replace(&port.to_string(), "PORT");
    // Without the seconds that the report of the failed write names.
    let (report, error) = err.split_once('\n').unwrap();
    let reason = report.split_once(": ").unwrap().1;
    let run = error.split('`').nth(1).unwrap().rsplit(' ').next().unwrap();
    let error = error.replace(run, "RUN");
    (ended.code, format!("ssh::run failed: {reason}\n{error}"))
}

fn message(what: &str, next: &str) -> (i32, String) {
    let message = format!(
        "\
ssh::run failed: {what}
error: p.rhai:1:1: ssh::run: {what}
   |
 1 | ssh::run(#{{ host: \"127.0.0.1\", port: PORT, user: \"ops\" }}, \"true\", #{{ connect_timeout: \"1s\" }});
   | ^^^^^^^^
  next: {next}
  next: `opsh resume RUN` goes on with it
"
    );
    (1, message)
}

#[test]
fn a_connection_that_is_refused() {
    let nobody = ClosedPort::take();
    assert_eq!(
        said(nobody.port),
        message(
            "ops@127.0.0.1 (127.0.0.1:PORT): the connection was refused: no SSH server listens there",
            "check the address and port, that the host is up, and what its security group and firewall let through; ssh::wait waits for a host that is still booting"
        )
    );
}

#[test]
fn a_host_that_does_not_answer_in_time() {
    let silence = Silence::start();
    assert_eq!(
        said(silence.port),
        message(
            "ops@127.0.0.1 (127.0.0.1:PORT): setting the session up took too long",
            "raise the timeout, or check the host's load and network"
        )
    );
}
