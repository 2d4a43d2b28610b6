//! A line from the person at the terminal, with an eye on Ctrl-C and the deadline.

use std::io::{BufRead as _, Stdin, stdin};

use opsh_operation::{Fault, FaultKind};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::world::Cancel;

/// Waits for a line and gives it without its end; a `secret` one is not echoed.
///
/// # Errors
/// The cancellation's; [`FaultKind::Interrupted`] at the end of the input (Ctrl-D).
pub(super) fn line(secret: bool, cancel: &Cancel) -> Result<String, Fault> {
    let input = stdin();
    let _silence = if secret { Some(Silence::on()?) } else { None };
    let mut line = Vec::new();
    loop {
        cancel.check()?;
        if !readable(&input) {
            continue;
        }
        let mut input = input.lock();
        let Ok(typed) = input.fill_buf() else {
            return Err(unanswered());
        };
        if typed.is_empty() {
            return Err(unanswered());
        }
        let end = typed.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(typed.len(), |end| end + 1);
        line.extend_from_slice(&typed[..taken]);
        input.consume(taken);
        if end.is_some() {
            let text = String::from_utf8_lossy(&line);
            return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
        }
    }
}

/// Whether there is something to read, after a moment's wait at most. A terminal
/// hands over a line at a time, so nothing is left over from the last one.
fn readable(input: &Stdin) -> bool {
    let moment = Timespec {
        tv_sec: 0,
        tv_nsec: Cancel::PATIENCE.subsec_nanos().into(),
    };
    let mut files = [PollFd::new(input, PollFlags::IN)];
    // A failed or interrupted wait is a shorter one.
    poll(&mut files, Some(&moment)).is_ok_and(|ready| ready > 0)
}

fn unanswered() -> Fault {
    Fault::new(FaultKind::Interrupted, "the question was not answered")
}

/// While it lives, the terminal shows no letters, only the end of the line.
struct Silence {
    before: Termios,
}

impl Silence {
    fn on() -> Result<Self, Fault> {
        let failed = |error: rustix::io::Errno| {
            Fault::new(
                FaultKind::Failed,
                format!("the terminal cannot hide what is typed: {error}"),
            )
        };
        let before = tcgetattr(stdin()).map_err(failed)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(stdin(), OptionalActions::Flush, &silent).map_err(failed)?;
        Ok(Self { before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // The terminal that it was set on may be gone.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
    }
}
