//! A login, and the commands that run on it.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::time::Duration;

use opsh_operation::{Fault, FaultKind};
use ssh2::Channel;

use super::faults::{self, Peer};
use super::wire::{Patience, Stop, Wire};
use crate::world::Cancel;
use crate::world::ssh::{Command, Output};

/// A silent connection is asked for a sign of life this often, so that firewalls keep it.
const KEEPALIVE_SECONDS: u32 = 15;
/// What one write may take: libssh2 sends no larger packets anyway.
const PACKET: usize = 32 * 1024;
/// How long a login that lay idle has to show that it is alive.
const PROBE: Duration = Duration::from_secs(5);

/// A connection that is logged in; one thing at a time.
pub(super) struct Login {
    pub wire: Wire,
    pub peer: Peer,
    pub host_key: String,
    /// A channel that was opened to see whether the connection is alive.
    ready: Option<Channel>,
    /// Whether the connection is in a state that nobody may use.
    pub broken: bool,
}

impl Login {
    pub fn new(wire: Wire, peer: Peer, host_key: String) -> Self {
        wire.session.set_keepalive(true, KEEPALIVE_SECONDS);
        Self {
            wire,
            peer,
            host_key,
            ready: None,
            broken: false,
        }
    }

    /// Whether the other side still answers.
    pub fn is_alive(&mut self, cancel: &Cancel) -> bool {
        let patience = Patience::new(cancel, PROBE);
        match self.open(&patience) {
            Ok(channel) => {
                self.ready = Some(channel);
                true
            }
            Err(_) => false,
        }
    }

    fn open(&self, patience: &Patience<'_>) -> Result<Channel, Stop> {
        self.wire
            .wait(patience, || self.wire.session.channel_session())
    }

    /// Runs a command; the login is broken if that does not come to an orderly end.
    pub fn run(&mut self, command: &Command, cancel: &Cancel) -> Result<Output, Fault> {
        let patience = Patience::new(cancel, command.timeout);
        let mut output = Output {
            exit_code: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        let ready = self.ready.take();
        let result = self.exchange(ready, command, &patience, &mut output);
        result.map_err(|end| {
            self.broken = true;
            self.wire.cut();
            let mut fault = match end {
                End::TooMuch => Fault::new(
                    FaultKind::Limit,
                    format!(
                        "{}: the command wrote more than {} bytes",
                        self.peer, command.limit
                    ),
                )
                .hint("let it write to a file there, or raise 'limit'"),
                // The command has got some of it.
                End::Unreadable(fault) => fault.open(),
                End::Stop(Stop::Late) => {
                    let limit = humantime::format_duration(command.timeout);
                    let mut fault = Fault::new(
                        FaultKind::Timeout,
                        format!("{}: the command did not end within {limit}", self.peer),
                    )
                    .hint("it may still be running there; raise 'timeout' if it needs longer");
                    fault.retryable = true;
                    fault.open()
                }
                End::Stop(stop) => faults::stopped(&self.peer, stop, "running the command").open(),
            };
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned().into();
            fault
                .details
                .insert("host".into(), self.peer.host.clone().into());
            fault.details.insert("stdout".into(), text(&output.stdout));
            fault.details.insert("stderr".into(), text(&output.stderr));
            fault
        })?;
        Ok(output)
    }

    fn exchange(
        &self,
        ready: Option<Channel>,
        command: &Command,
        patience: &Patience<'_>,
        output: &mut Output,
    ) -> Result<(), End> {
        let mut channel = match ready {
            Some(channel) => channel,
            None => self.open(patience)?,
        };
        self.wire.wait(patience, || channel.exec(&command.line))?;
        self.pump(&mut channel, command, patience, output)?;
        self.wire.wait(patience, || channel.close())?;
        self.wire.wait(patience, || channel.wait_close())?;
        let killed = channel.exit_signal()?.exit_signal;
        output.exit_code = match killed {
            Some(signal) => 128 + signal_number(&signal),
            None => channel.exit_status()?,
        };
        Ok(())
    }

    /// Feeds the command and drains it, all three streams side by side: a
    /// command that fills one of them while we wait for another would never end.
    fn pump(
        &self,
        channel: &mut Channel,
        command: &Command,
        patience: &Patience<'_>,
        output: &mut Output,
    ) -> Result<(), End> {
        let unreadable = |error: &std::io::Error| End::Unreadable(command.stdin.unreadable(error));
        let source = command.stdin.open().map_err(End::Unreadable)?;
        let mut source = BufReader::with_capacity(PACKET, source);
        let mut feeding = true;
        let mut buffer = vec![0; PACKET];
        loop {
            patience.check()?;
            let mut moved = false;
            if feeding {
                let rest = source.fill_buf().map_err(|error| unreadable(&error))?;
                match self.feed(channel, rest, patience)? {
                    Fed::All => feeding = false,
                    Fed::So(count) => {
                        source.consume(count);
                        moved = count > 0;
                    }
                }
                moved |= !feeding;
            }
            for (stream, sink) in [(0, &mut output.stdout), (1, &mut output.stderr)] {
                let count = self.once(patience, || channel.stream(stream).read(&mut buffer))?;
                sink.extend_from_slice(&buffer[..count.unwrap_or(0)]);
                moved |= count.is_some_and(|count| count > 0);
            }
            if output.stdout.len() + output.stderr.len() > command.limit {
                return Err(End::TooMuch);
            }
            if moved {
                continue;
            }
            if channel.eof() {
                return Ok(());
            }
            self.wire
                .wait(patience, || self.wire.session.keepalive_send())?;
            self.wire.settle(patience);
        }
    }

    /// Writes some of what is left of the input, or its end.
    fn feed(
        &self,
        channel: &mut Channel,
        rest: &[u8],
        patience: &Patience<'_>,
    ) -> Result<Fed, End> {
        if rest.is_empty() {
            self.wire.wait(patience, || channel.send_eof())?;
            return Ok(Fed::All);
        }
        match self.once(patience, || channel.write(rest)) {
            Ok(count) => Ok(Fed::So(count.unwrap_or(0))),
            // It ended without reading all of its input, as `head` does.
            Err(End::Stop(Stop::Ssh(_))) if channel.eof() => Ok(Fed::All),
            Err(end) => Err(end),
        }
    }

    /// One read or write; `None` if there is nothing to move right now.
    fn once(
        &self,
        patience: &Patience<'_>,
        mut step: impl FnMut() -> std::io::Result<usize>,
    ) -> Result<Option<usize>, End> {
        loop {
            match step() {
                Ok(count) => return Ok(Some(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !self.wire.sending() {
                        return Ok(None);
                    }
                    // Half a packet is on its way: libssh2 wants the same step again.
                    patience.check()?;
                    self.wire.settle(patience);
                }
                Err(error) => return Err(End::Stop(Stop::Ssh(into_ssh(error)))),
            }
        }
    }
}

/// How far the input of a command has gone out.
enum Fed {
    /// By so many bytes more.
    So(usize),
    /// To its end, or nobody reads it any more.
    All,
}

/// How a command's exchange can end early.
#[derive(Debug)]
enum End {
    TooMuch,
    Unreadable(Fault),
    Stop(Stop),
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<ssh2::Error> for End {
    fn from(error: ssh2::Error) -> Self {
        Self::Stop(Stop::Ssh(error))
    }
}

/// What a stream's error was before it became one of I/O.
pub(super) fn into_ssh(error: std::io::Error) -> ssh2::Error {
    let inner = error
        .into_inner()
        .map(<dyn std::error::Error + Send + Sync>::downcast::<ssh2::Error>);
    match inner {
        Some(Ok(inner)) => *inner,
        _ => ssh2::Error::new(ssh2::ErrorCode::Session(-43), "the stream failed"),
    }
}

/// The numbers of the signals that RFC 4254 names, as a shell reports them.
fn signal_number(name: &str) -> i32 {
    match name {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "ILL" => 4,
        "ABRT" => 6,
        "FPE" => 8,
        "KILL" => 9,
        "USR1" => 10,
        "SEGV" => 11,
        "USR2" => 12,
        "PIPE" => 13,
        "ALRM" => 14,
        "TERM" => 15,
        _ => 127,
    }
}
