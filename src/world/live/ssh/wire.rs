//! A session in non-blocking mode, driven with patience: whatever libssh2 is
//! waiting for, the flag and the deadline are looked at every few milliseconds.

use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use opsh_operation::{Fault, FaultKind};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{BlockDirections, ErrorCode};

use crate::world::Cancel;

/// `LIBSSH2_ERROR_EAGAIN`.
pub(super) const AGAIN: ErrorCode = ErrorCode::Session(-37);
/// How long libssh2 may block where it cannot be stopped: when handles are dropped.
const DROP_MILLISECONDS: u32 = 500;

/// How long to wait, and for what.
#[derive(Debug, Clone)]
pub(super) struct Patience<'a> {
    pub cancel: &'a Cancel,
    pub end: Instant,
}

/// Why a step did not come to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The protocol or the other side.
    Ssh(ssh2::Error),
    /// The patience's end.
    Late,
    /// The run's deadline, or an interruption.
    Cancelled(Fault),
}

impl From<ssh2::Error> for Stop {
    fn from(error: ssh2::Error) -> Self {
        Self::Ssh(error)
    }
}

impl<'a> Patience<'a> {
    pub fn new(cancel: &'a Cancel, limit: Duration) -> Self {
        let now = Instant::now();
        Self {
            cancel,
            // A limit beyond what the clock can say is no limit; a century is.
            end: now
                .checked_add(limit)
                .unwrap_or(now + Duration::from_hours(876_000)),
        }
    }

    pub fn check(&self) -> Result<(), Stop> {
        self.cancel.check().map_err(Stop::Cancelled)?;
        if Instant::now() >= self.end {
            return Err(Stop::Late);
        }
        Ok(())
    }

    pub fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }
}

/// A session and its socket.
pub(super) struct Wire {
    pub session: ssh2::Session,
    socket: TcpStream,
}

impl Wire {
    pub fn new(socket: TcpStream) -> Result<Self, Fault> {
        let failed = |reason: String| Fault::new(FaultKind::Failed, format!("ssh: {reason}"));
        let mut session = ssh2::Session::new().map_err(|error| failed(error.to_string()))?;
        let own = socket
            .try_clone()
            .map_err(|error| failed(error.to_string()))?;
        session.set_tcp_stream(own);
        session.set_blocking(false);
        session.set_timeout(DROP_MILLISECONDS);
        Ok(Self { session, socket })
    }

    /// Repeats `step` until it has its result.
    ///
    /// libssh2 remembers where it was; a step that would block must be repeated
    /// as it was before anything else is sent.
    pub fn wait<T>(
        &self,
        patience: &Patience<'_>,
        mut step: impl FnMut() -> Result<T, ssh2::Error>,
    ) -> Result<T, Stop> {
        loop {
            match step() {
                Err(error) if error.code() == AGAIN => {
                    patience.check()?;
                    self.settle(patience);
                }
                done => return Ok(done?),
            }
        }
    }

    /// Whether a packet is half sent: then the same step must be repeated first.
    pub fn sending(&self) -> bool {
        matches!(
            self.session.block_directions(),
            BlockDirections::Outbound | BlockDirections::Both
        )
    }

    /// Waits a moment for the socket.
    pub fn settle(&self, patience: &Patience<'_>) {
        let flags = match self.session.block_directions() {
            BlockDirections::Outbound => PollFlags::OUT,
            BlockDirections::Both => PollFlags::IN | PollFlags::OUT,
            BlockDirections::Inbound | BlockDirections::None => PollFlags::IN,
        };
        let slice = Cancel::PATIENCE.min(patience.left());
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: slice.subsec_nanos().into(),
        };
        let mut sockets = [PollFd::new(&self.socket, flags)];
        // An interrupted or failed poll is a shorter wait; the step will tell.
        let _ = poll(&mut sockets, Some(&timeout));
    }

    /// Ends the connection without a word, so that nothing can wait for it.
    pub fn cut(&self) {
        // It may be closed already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}
