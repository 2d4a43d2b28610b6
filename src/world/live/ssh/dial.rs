//! A TCP connection, made on a thread of its own because name look-ups cannot be stopped.

use std::io::{Error, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Instant;

use opsh_operation::{Fault, FaultKind};

use super::faults::{self, Peer};
use super::wire::Patience;
use crate::world::Cancel;

/// Connects to the first address of `host` that answers.
pub(super) fn dial(
    host: &str,
    port: u16,
    peer: &Peer,
    patience: &Patience<'_>,
) -> Result<TcpStream, Fault> {
    let (answer, answered) = sync_channel(1);
    let (name, end) = (host.to_owned(), patience.end);
    std::thread::Builder::new()
        .name("opsh-dial".into())
        .spawn(move || answer.send(connect(&name, port, end)))
        .map_err(|error| {
            Fault::new(FaultKind::Failed, format!("cannot start a thread: {error}"))
        })?;
    loop {
        match answered.recv_timeout(Cancel::PATIENCE / 2) {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => return Err(faults::not_connected(peer, &error)),
            Err(RecvTimeoutError::Timeout) => patience
                .check()
                .map_err(|stop| faults::stopped(peer, stop, "connecting"))?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(faults::not_connected(peer, &Error::other("no result")));
            }
        }
    }
}

fn connect(host: &str, port: u16, end: Instant) -> Result<TcpStream, Error> {
    let mut last = Error::new(ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
