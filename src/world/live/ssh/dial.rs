//! A TCP connection, made on a thread of its own because name look-ups cannot be stopped.

use std::io::{Error, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
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
    let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    first(&addresses, end)
}

/// The first of `addresses` that answers. Each has its share of the time that is left, so
/// that one that is silent leaves some for those behind it.
fn first(addresses: &[SocketAddr], end: Instant) -> Result<TcpStream, Error> {
    let mut last = Error::new(ErrorKind::NotFound, "the name has no address");
    for (address, waiting) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let left = end.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(waiting).unwrap_or(u32::MAX);
        if share.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_silent_address_leaves_time_for_the_next() {
        let listener = || TcpListener::bind("127.0.0.1:0").unwrap();
        let (silent, open) = (listener(), listener());
        let address = silent.local_addr().unwrap();
        // Nobody takes these: when no more may wait, whoever comes hears nothing.
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
            waiting.push(stream);
        }
        let addresses = [address, open.local_addr().unwrap()];
        let end = Instant::now() + Duration::from_secs(6);
        let stream = first(&addresses, end).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), addresses[1]);
        let alone = first(&addresses[..1], Instant::now() + Duration::from_millis(300));
        assert_eq!(alone.unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
