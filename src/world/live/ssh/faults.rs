//! What went wrong with a host, in words for people.

use std::fmt;
use std::io::ErrorKind;

use opsh_operation::{Fault, FaultKind};
use ssh2::ErrorCode;

use super::wire::Stop;

/// A host as messages name it: `deploy@web (127.0.0.1:2222)`.
#[derive(Debug, Clone)]
pub(in crate::world) struct Peer {
    /// As the playbook calls it.
    pub host: String,
    pub user: String,
    /// Where the connection goes.
    pub address: String,
    pub port: u16,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.host)?;
        if self.address != self.host || self.port != 22 {
            let bracketed = self.address.contains(':');
            let (open, close) = if bracketed { ("[", "]") } else { ("", "") };
            write!(f, " ({open}{}{close}:{})", self.address, self.port)?;
        }
        Ok(())
    }
}

const CONNECT_HINT: &str = "check the address and port, that the host is up, and what its \
                            security group and firewall let through; ssh::wait waits for a host \
                            that is still booting";

fn retryable(kind: FaultKind, message: String) -> Fault {
    let mut fault = Fault::new(kind, message);
    fault.retryable = true;
    fault
}

pub(in crate::world) fn not_connected(peer: &Peer, error: &std::io::Error) -> Fault {
    let text = error.to_string();
    let (kind, reason, hint) = match error.kind() {
        ErrorKind::ConnectionRefused => (
            FaultKind::Unreachable,
            "the connection was refused: no SSH server listens there",
            CONNECT_HINT,
        ),
        ErrorKind::TimedOut => (FaultKind::Timeout, "nothing answered in time", CONNECT_HINT),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => (
            FaultKind::Unreachable,
            "there is no route to it",
            CONNECT_HINT,
        ),
        _ if text.contains("lookup") || error.kind() == ErrorKind::NotFound => (
            FaultKind::Unreachable,
            "there is no such host",
            "check the spelling of the host name, and ~/.ssh/config for aliases",
        ),
        _ => (FaultKind::Unreachable, text.as_str(), CONNECT_HINT),
    };
    retryable(kind, format!("{peer}: {reason}")).hint(hint)
}

/// What ended a step of `doing` (`connecting`, `logging in`, …).
pub(super) fn stopped(peer: &Peer, stop: Stop, doing: &str) -> Fault {
    match stop {
        Stop::Cancelled(fault) => fault,
        Stop::Late => retryable(FaultKind::Timeout, format!("{peer}: {doing} took too long"))
            .hint("raise the timeout, or check the host's load and network"),
        Stop::Ssh(error) => lost(peer, &error, doing),
    }
}

pub(super) fn lost(peer: &Peer, error: &ssh2::Error, doing: &str) -> Fault {
    let refused = matches!(error.code(), ErrorCode::Session(-5 | -8));
    if refused {
        return Fault::new(
            FaultKind::Failed,
            format!(
                "{peer}: no common way to encrypt was found: {}",
                error.message()
            ),
        )
        .hint("the server allows only algorithms that libssh2 lacks; see its sshd_config");
    }
    retryable(
        FaultKind::Unreachable,
        format!(
            "{peer}: the connection was lost while {doing}: {}",
            error.message()
        ),
    )
    .hint("check that an SSH server listens there, and that the host is up")
}
