//! A port that nobody listens at, and that nobody can come to listen at meanwhile.

use std::net::{TcpListener, TcpStream};

/// The port, for as long as this lives.
///
/// A port that was free a moment ago is given to the next test that asks for one. This one is
/// kept by the calling end of a connection: it refuses whoever connects, and is not free.
pub struct ClosedPort {
    /// Its number on 127.0.0.1.
    pub port: u16,
    _ends: (TcpListener, TcpStream),
}

impl ClosedPort {
    /// Takes a loopback port.
    pub fn take() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        Self {
            port: caller.local_addr().unwrap().port(),
            _ends: (listener, caller),
        }
    }
}
