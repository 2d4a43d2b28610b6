//! One delivery after the other, each asked the same questions in the same order.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::certificate::Trust;
use crate::memory::{Memory, Window};
use crate::message::{Kind, Message, shortened};
use crate::place::Place;
use crate::refusal::Refusal;
use crate::shelf::{Certificates, Shelf};

/// What is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The ARNs of the topics that are listened to.
    pub topics: BTreeSet<String>,
    /// Whether signatures of version 1, which use SHA-1, are accepted.
    pub sha1: bool,
    /// The most bytes that are read of a delivery.
    pub size: usize,
    /// How old and how far ahead of the clock a message may be.
    pub window: Window,
    /// How many messages are remembered.
    pub memory: usize,
}

impl Rules {
    /// Version 2 only; 512 KiB, for messages of at most 256 KiB whose quotes are escaped; up
    /// to an hour old, as long as SNS tries; five minutes ahead; a hundred thousand messages.
    #[must_use]
    pub fn of(topics: impl IntoIterator<Item = String>) -> Self {
        Self {
            topics: topics.into_iter().collect(),
            sha1: false,
            size: 512 * 1024,
            window: Window {
                age: SignedDuration::from_hours(1),
                ahead: SignedDuration::from_mins(5),
            },
            memory: 100_000,
        }
    }
}

/// A message that SNS sent, and of it only what was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// The topic's ARN: one of those that are listened to.
    pub topic: String,
    /// The subject, if it has one.
    pub subject: Option<String>,
    /// What it says.
    pub text: String,
    /// When it was sent.
    pub sent: Timestamp,
    /// The token by which a confirmation is answered, through the API.
    pub token: Option<String>,
}

/// Asks each delivery whether SNS sent it.
pub struct Verifier {
    rules: Rules,
    shelf: Shelf,
    memory: Mutex<Memory>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter
            .debug_struct("Verifier")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    /// A verifier that has seen nothing yet.
    #[must_use]
    pub fn new(rules: Rules, trust: Trust, source: Box<dyn Certificates>) -> Self {
        let memory = Mutex::new(Memory::new(rules.window, rules.memory));
        Self {
            rules,
            shelf: Shelf::new(source, trust),
            memory,
        }
    }

    /// Proves the body of a delivery; what is returned is returned only once, and is then to
    /// be [kept](Verifier::keep) or [released](Verifier::release).
    ///
    /// # Errors
    /// The first check that it does not pass.
    pub fn verify(&self, body: &[u8], now: Timestamp) -> Result<Verified, Refusal> {
        let limit = self.rules.size;
        if body.len() > limit {
            return Err(Refusal::Size {
                size: body.len(),
                limit,
            });
        }
        let message = Message::read(body)?;
        if !self.rules.topics.contains(&message.topic) {
            return Err(Refusal::Topic(shortened(&message.topic)));
        }
        self.version(&message.version)?;
        let place = Place::read(&message.certificate, &message.topic)?;
        self.shelf.key(&place, now)?.verify(&message)?;
        let sent = message.sent()?;
        self.memory().take(&message.id, sent, now)?;
        Ok(Verified {
            kind: message.kind,
            id: message.id,
            topic: message.topic,
            subject: message.subject,
            text: message.text,
            sent,
            token: message.token,
        })
    }

    /// Says that a message has been dealt with: whoever brings it again is told so.
    pub fn keep(&self, message: &Verified) {
        self.memory().keep(&message.id);
    }

    /// Remembers a message that was dealt with before this verifier was made.
    pub fn remember(&self, id: &str, sent: Timestamp, now: Timestamp) {
        self.memory().remember(id, sent, now);
    }

    /// Says that a message could not be dealt with, so that it is taken when it comes again.
    pub fn release(&self, message: &Verified) {
        self.memory().release(&message.id);
    }

    /// How old and how far ahead of the clock a message may be.
    #[must_use]
    pub fn window(&self) -> Window {
        self.rules.window
    }

    fn version(&self, version: &str) -> Result<(), Refusal> {
        let hint = match version {
            "2" => return Ok(()),
            "1" if self.rules.sha1 => return Ok(()),
            "1" => ": set the topic's attribute SignatureVersion to 2, or accept SHA-1",
            _ => "",
        };
        Err(Refusal::Version(shortened(version), hint))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
