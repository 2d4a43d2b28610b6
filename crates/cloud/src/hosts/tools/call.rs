//! One run of a program: what it was given, and what it may do.

use std::sync::{MutexGuard, PoisonError};

use jiff::SignedDuration;

use crate::hosts::disk::absolute;
use crate::hosts::host::{Answered, Unreachable};
use crate::hosts::shell::{Outcome, Session};
use crate::hosts::timeline::Timeline;
use crate::hosts::vfs::lock;
use crate::hosts::web::{self, Via};

/// What a program was given.
pub struct Call<'a> {
    /// The name it was called by.
    pub name: &'static str,
    /// Its arguments.
    pub args: &'a [String],
    /// What it reads.
    pub stdin: &'a [u8],
    /// Its environment, in order.
    pub env: &'a [(String, String)],
    /// Where it was started.
    pub cwd: &'a str,
    /// On which machine, by whom.
    pub session: &'a Session,
}

/// Why a program did not come to its end.
#[derive(Debug)]
pub enum Stop {
    /// It ended itself with this.
    Reply(Outcome),
    /// `timeout` ended it.
    Deadline,
}

/// What a program comes to.
pub type Reply = Result<Outcome, Stop>;

/// It succeeded and wrote this.
pub fn done(text: impl Into<Vec<u8>>) -> Reply {
    Ok(Outcome {
        exit_code: 0,
        stdout: text.into(),
        stderr: Vec::new(),
    })
}

/// It failed with this status and complaint.
pub fn fail(exit_code: i32, complaint: impl Into<String>) -> Reply {
    Err(failure(exit_code, complaint))
}

/// As [`fail`], for `ok_or_else`.
pub fn failure(exit_code: i32, complaint: impl Into<String>) -> Stop {
    Stop::Reply(Outcome {
        exit_code,
        stdout: Vec::new(),
        stderr: complaint.into().into_bytes(),
    })
}

impl Call<'_> {
    /// The machine. Must not be held while time passes.
    pub fn machine(&self) -> MutexGuard<'_, Timeline> {
        lock(&self.session.machine)
    }

    /// A path as an absolute one.
    pub fn path(&self, path: &str) -> String {
        absolute(self.cwd, path)
    }

    /// Refuses what the embedded cloud does not model.
    pub fn not_modelled(&self, what: &str) -> Stop {
        failure(
            64,
            format!(
                "opsh local: {}: {what} is not modelled by the embedded cloud\n",
                self.name
            ),
        )
    }

    /// What a web server or a program of the machine answers; nothing if none listens.
    /// Where a program has to be asked first, the command line is to be
    /// [broken off](Call::unless_broken_off).
    pub fn ask(&self, via: &Via) -> Option<Answered> {
        let facts = &self.session.facts;
        let reply = web::answer(&mut self.machine().present, facts, via, None)?;
        let forward = match reply {
            web::Reply::Answer(answer) => return Some(Ok(answer)),
            web::Reply::Forward(forward) => forward,
        };
        let talk = &self.session.talk;
        let mut talk = talk.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = talk.known.pop_front().filter(|_| talk.asks.is_none()) {
            let machine = &mut self.machine().present;
            Some(web::relay(machine, facts, &forward.via, answer))
        } else {
            talk.asks.get_or_insert_with(|| Box::new(forward));
            Some(Err(Unreachable::Silent))
        }
    }

    /// Goes on unless a program of the machine has to be asked first.
    ///
    /// # Errors
    /// All of the command line is run again with the answer.
    pub fn unless_broken_off(&self) -> Result<(), Stop> {
        let talk = self.session.talk.lock();
        let talk = talk.unwrap_or_else(PoisonError::into_inner);
        if talk.asks.is_some() {
            return Err(Stop::Deadline);
        }
        Ok(())
    }

    /// Whether the superuser calls.
    pub fn is_root(&self) -> bool {
        self.session.user.uid == 0
    }

    /// Lets time pass, with `cores` processors busy.
    ///
    /// # Errors
    /// The command's deadline comes first.
    pub fn pass(&self, time: SignedDuration, cores: f64) -> Result<(), Stop> {
        let mut timeline = self.machine();
        let now = timeline.present.clock;
        let left = self
            .session
            .deadline
            .map_or(time, |deadline| deadline.duration_since(now).min(time));
        if cores > 0.0 {
            let command = format!("{} {}", self.name, self.args.join(" "));
            timeline
                .present
                .activity
                .work(now, left, cores, command.trim());
        }
        timeline.pass(left);
        if left < time {
            Err(Stop::Deadline)
        } else {
            Ok(())
        }
    }
}
