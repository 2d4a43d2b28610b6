//! Connections, and how long a slow client may take.
//!
//! The head of a request must have come within [`Pace::head`] of its first byte, the next
//! request within [`Pace::idle`], and what is sent must be taken within [`Pace::idle`] of
//! each other. How long a body may take is seen to where it is read.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};

/// What a client is told that took too long with the head of its request.
const TOO_SLOW: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// How long a connection may take.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From the first byte of a request to the end of its head.
    pub head: Duration,
    /// From one request to the next, and from one taken piece of an answer to the next.
    pub idle: Duration,
}

/// Accepts so many connections at once; more wait.
pub struct Door {
    listener: TcpListener,
    pace: Pace,
    seats: Arc<Semaphore>,
}

impl Door {
    /// A door with so many `seats`.
    #[must_use]
    pub fn new(listener: TcpListener, pace: Pace, seats: usize) -> Self {
        Self {
            listener,
            pace,
            seats: Arc::new(Semaphore::new(seats)),
        }
    }
}

impl Listener for Door {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let seat = Arc::clone(&self.seats).acquire_owned().await.ok();
        let (stream, remote) = Listener::accept(&mut self.listener).await;
        // Small answers are not held back; where that cannot be said they are only later.
        let _ = stream.set_nodelay(true);
        (Connection::new(stream, self.pace, seat), remote)
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// What a connection is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing of a request has come.
    Idle(Instant),
    /// Some of a request's head has come.
    Head(Instant),
    /// A request is being read or handled.
    Busy,
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub remote: SocketAddr,
    phase: Arc<Mutex<Phase>>,
    pace: Pace,
}

impl Peer {
    /// A request has come whole, but for its body.
    pub fn asks(&self) {
        *lock(&self.phase) = Phase::Busy;
    }

    /// Its answer is on its way.
    pub fn is_answered(&self) {
        *lock(&self.phase) = Phase::Idle(Instant::now() + self.pace.idle);
    }
}

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        let connection = stream.io();
        Self {
            remote: *stream.remote_addr(),
            phase: Arc::clone(&connection.phase),
            pace: connection.pace,
        }
    }
}

/// A connection that ends where its client is too slow.
pub struct Connection {
    stream: TcpStream,
    pace: Pace,
    phase: Arc<Mutex<Phase>>,
    reads: Pin<Box<Sleep>>,
    writes: Option<Pin<Box<Sleep>>>,
    _seat: Option<OwnedSemaphorePermit>,
}

impl Connection {
    fn new(stream: TcpStream, pace: Pace, seat: Option<OwnedSemaphorePermit>) -> Self {
        let due = Instant::now() + pace.idle;
        Self {
            stream,
            pace,
            phase: Arc::new(Mutex::new(Phase::Idle(due))),
            reads: Box::pin(sleep_until(due)),
            writes: None,
            _seat: seat,
        }
    }

    /// Whether the client has taken too long to ask.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let phase = *lock(&self.phase);
        let (Phase::Idle(due) | Phase::Head(due)) = phase else {
            return false;
        };
        if self.reads.deadline() != due {
            self.reads.as_mut().reset(due);
        }
        if self.reads.as_mut().poll(cx).is_pending() {
            return false;
        }
        if matches!(phase, Phase::Head(_)) {
            // A socket that cannot take this at once belongs to nobody who would read it.
            let _ = self.stream.try_write(TOO_SLOW);
        }
        true
    }

    fn noted(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<std::io::Result<usize>>,
    ) -> Poll<std::io::Result<usize>> {
        match &written {
            Poll::Ready(_) => {
                self.writes = None;
                let mut phase = lock(&self.phase);
                if let Phase::Idle(due) = &mut *phase {
                    *due = Instant::now() + self.pace.idle;
                }
            }
            Poll::Pending => {
                let due = Instant::now() + self.pace.idle;
                let timer = self
                    .writes
                    .get_or_insert_with(|| Box::pin(sleep_until(due)));
                if timer.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Err(ErrorKind::TimedOut.into()));
                }
            }
        }
        written
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.is_late(cx) {
            return Poll::Ready(Err(Error::from(ErrorKind::TimedOut)));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if matches!(read, Poll::Ready(Ok(()))) && buffer.filled().len() > before {
            let mut phase = lock(&self.phase);
            if matches!(*phase, Phase::Idle(_)) {
                *phase = Phase::Head(Instant::now() + self.pace.head);
            }
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.noted(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.noted(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

fn lock(phase: &Mutex<Phase>) -> MutexGuard<'_, Phase> {
    phase.lock().unwrap_or_else(PoisonError::into_inner)
}
