//! What listens on a machine, and the web servers among it.

use bytes::Bytes;

use super::boot::Boot;
use super::machine::Machine;

/// The service that listens at `port`.
pub fn listener(_machine: &Machine, _port: u16) -> Option<&'static str> {
    None
}

/// Answers a request that reached `port`; nothing if nobody listens there.
pub fn answer(
    machine: &mut Machine,
    _facts: &Boot,
    port: u16,
    _request: &http::Request<Bytes>,
    _client: &str,
) -> Option<http::Response<Bytes>> {
    listener(machine, port)?;
    None
}
