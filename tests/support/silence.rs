//! A server that takes every connection, reads what comes and never answers.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The server; it lasts as long as the test process.
pub struct Silence {
    /// Its port on 127.0.0.1.
    pub port: u16,
    visits: Receiver<TcpStream>,
}

impl Silence {
    /// Listens on a loopback port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, visits) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = sender.send(stream);
            }
        });
        Self { port, visits }
    }

    /// Waits until somebody has connected, and gives the connection.
    pub fn visited(&self) -> TcpStream {
        self.visits.recv_timeout(Duration::from_secs(90)).unwrap()
    }

    /// Waits until somebody has connected and asked for something.
    pub fn asked(&self) -> TcpStream {
        let mut stream = self.visited();
        let mut first = [0; 1];
        stream.read_exact(&mut first).unwrap();
        stream
    }
}
