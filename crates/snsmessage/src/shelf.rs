//! Certificates that have been fetched: few, and looked at again as time goes by.
//!
//! A place that nobody vouched for is remembered by nobody, so somebody who sends messages
//! with ever other places of SNS could have each of them asked for: no more than
//! [`FETCHES`] are in [`WHILE`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::certificate::{Chain, Trust};
use crate::place::Place;
use crate::refusal::Refusal;
use crate::signing::Key;

/// The most certificates that are kept.
const KEPT: usize = 16;
/// For how long a chain that was verified is believed before it is verified again.
const BELIEVED: SignedDuration = SignedDuration::from_secs(60);
/// The most certificates that are fetched in a while.
const FETCHES: usize = 10;
const WHILE: SignedDuration = SignedDuration::from_secs(60);
/// The most bytes that are read of a certificate; SNS's have two thousand.
pub(crate) const LARGEST: usize = 64 * 1024;

/// What the place of a certificate answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; more than 64 KiB of it need not be read.
    pub body: Vec<u8>,
}

/// The place of a certificate did not answer, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub String);

/// Fetches certificates: the only connection that a message can cause.
pub trait Certificates: Send + Sync {
    /// Asks for what is at `place`: one `GET`, over TLS, of exactly that. A redirection is an
    /// answer like any other; whoever follows it breaks the promise of this crate.
    ///
    /// # Errors
    /// Nobody answers.
    fn fetch(&self, place: &Place) -> Result<Answer, Unreachable>;
}

struct Kept {
    chain: Chain,
    key: Arc<Key>,
    verified: Timestamp,
}

#[derive(Default)]
struct Held {
    kept: BTreeMap<Place, Kept>,
    fetched: VecDeque<Timestamp>,
}

/// The certificates that are at hand.
pub(crate) struct Shelf {
    source: Box<dyn Certificates>,
    trust: Trust,
    held: Mutex<Held>,
}

impl Shelf {
    pub(crate) fn new(source: Box<dyn Certificates>, trust: Trust) -> Self {
        Self {
            source,
            trust,
            held: Mutex::default(),
        }
    }

    /// The key of a place, as good as it is now.
    pub(crate) fn key(&self, place: &Place, now: Timestamp) -> Result<Arc<Key>, Refusal> {
        if let Some(key) = self.at_hand(place, now) {
            return Ok(key);
        }
        self.lock().allow(now)?;
        let answer = self
            .source
            .fetch(place)
            .map_err(|error| Refusal::Unreachable(error.0))?;
        match answer.status {
            200 => {}
            status @ 300..400 => return Err(Refusal::Redirected(status)),
            status => return Err(Refusal::Status(status)),
        }
        if answer.body.len() > LARGEST {
            return Err(Refusal::Certificate(format!(
                "{} bytes, more than {LARGEST}",
                answer.body.len()
            )));
        }
        let chain = Chain::read(&answer.body)?;
        let key = Arc::new(chain.key(place, &self.trust, now)?);
        let mut held = self.lock();
        if held.kept.len() >= KEPT {
            let oldest = held.kept.iter().min_by_key(|(_, kept)| kept.verified);
            if let Some(oldest) = oldest.map(|(place, _)| place.clone()) {
                held.kept.remove(&oldest);
            }
        }
        let kept = Kept {
            chain,
            key: Arc::clone(&key),
            verified: now,
        };
        held.kept.insert(place.clone(), kept);
        Ok(key)
    }

    /// A certificate that is kept, verified again if that was long ago; what no longer holds
    /// is thrown away, and fetched once more: there may be a new one.
    fn at_hand(&self, place: &Place, now: Timestamp) -> Option<Arc<Key>> {
        let mut held = self.lock();
        let kept = held.kept.get_mut(place)?;
        if now.duration_since(kept.verified).abs() < BELIEVED {
            return Some(Arc::clone(&kept.key));
        }
        if kept.chain.key(place, &self.trust, now).is_ok() {
            kept.verified = now;
            return Some(Arc::clone(&kept.key));
        }
        held.kept.remove(place);
        None
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Counts a fetch, if there have not been too many.
    fn allow(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.fetched
            .retain(|fetched| now.duration_since(*fetched).abs() < WHILE);
        if self.fetched.len() >= FETCHES {
            return Err(Refusal::Haste);
        }
        self.fetched.push_back(now);
        Ok(())
    }
}
