//! What people say on the embedded Discord, and the bots on simulated hosts that hear it.
//!
//! A bot hears what is said from the moment on that it listens, as on a new session of
//! Discord's gateway. It waits on its branch of the clock, so listening costs no time.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Cloud;
use crate::clock::Stopped;
use crate::discord::{Message, snowflake};
use crate::store::StoreError;

/// How long answers are waited for.
const PATIENCE: SignedDuration = SignedDuration::from_mins(1);

/// Something that somebody says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// When it is said.
    pub at: Timestamp,
    /// Its id.
    pub id: String,
    /// The channel's name.
    pub channel: String,
    /// Who says it.
    pub author: String,
    /// The roles of who says it.
    pub roles: Vec<String>,
    /// The roles that it mentions.
    pub mentions: Vec<String>,
    /// It mentions the bot.
    pub to_bot: bool,
    /// It is said to the bot alone, in no channel of a server.
    pub direct: bool,
    /// The words.
    pub content: String,
}

/// Why nobody answers.
#[derive(Debug, thiserror::Error)]
pub enum Unheard {
    /// There is no bot.
    #[error("nobody listens on the embedded Discord: no bot runs on any of its machines")]
    NoBot,
    /// What was said cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The branches that wait for something to be said.
#[derive(Debug, Default)]
pub(crate) struct Ears(Mutex<BTreeSet<Vec<u32>>>);

impl Ears {
    fn all(&self) -> MutexGuard<'_, BTreeSet<Vec<u32>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cloud {
    /// How much has been said so far: where a bot that comes in begins to listen.
    #[must_use]
    pub fn said(&self) -> usize {
        self.look(|state| state.discord.said.len())
    }

    /// Waits, on the calling thread's branch, for what is said after the first `known`.
    ///
    /// # Errors
    /// `stop` said so.
    pub fn hear(&self, known: usize, stop: &dyn Fn() -> bool) -> Result<Vec<Said>, Stopped> {
        self.clock().as_branch(|branch| {
            self.inner.ears.all().insert(branch.to_vec());
            let heard = loop {
                let new = self.look(|state| state.discord.said.get(known..).map(<[_]>::to_vec));
                match new {
                    Some(new) if !new.is_empty() => break Ok(new),
                    _ if stop() => break Err(Stopped),
                    _ => {}
                }
                if let Err(stopped) = self.clock().doze(Timestamp::MAX, stop) {
                    break Err(stopped);
                }
            };
            self.inner.ears.all().remove(branch);
            heard
        })
    }

    /// Says something, lets the time go on for a minute, and gives what bots say meanwhile.
    /// Where the clock follows the real one, the first answer is enough.
    ///
    /// # Errors
    /// [`Unheard`].
    pub fn say(&self, said: Said) -> Result<Vec<Message>, Unheard> {
        let after = |time| self.clock().now().checked_add(time);
        let after = |time| after(time).unwrap_or(Timestamp::MAX);
        self.let_programs_begin();
        let ears: Vec<Vec<u32>> = self.inner.ears.all().iter().cloned().collect();
        if ears.is_empty() {
            return Err(Unheard::NoBot);
        }
        let before = {
            let mut state = self.state();
            let said = Said {
                at: state.now,
                id: snowflake(&state),
                ..said
            };
            state.discord.said.push(said);
            self.keep(&state)?;
            state.discord.outbox.len()
        };
        for branch in &ears {
            self.clock().rouse(branch);
        }
        let answers = || self.look(|state| state.discord.outbox[before..].to_vec());
        let enough = || self.clock().follows() && !answers().is_empty();
        self.live_until(after(PATIENCE), &enough, &mut drop)?;
        Ok(answers())
    }
}
