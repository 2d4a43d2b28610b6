//! What a run has made a moment ago: a service may not know of it yet.
//!
//! AWS is eventually consistent: a security group that has just been made may be
//! `InvalidGroup.NotFound` to the very next call. Such an answer is asked for again,
//! a bounded number of times; any other "not found" is an answer like others.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use opsh_operation::{Fault, FaultKind, Map};

use super::waves;
use crate::ledger::ResourceChange;

/// How long something is new.
const NEW: Duration = Duration::from_mins(2);

/// How long is waited before each time that is asked again.
pub const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// What was made when.
#[derive(Debug, Default)]
pub struct Fresh {
    /// Kind and id.
    made: Mutex<BTreeMap<(String, String), Timestamp>>,
}

impl Fresh {
    /// Takes note of what a step has made and removed.
    pub fn note(&self, changes: &[ResourceChange], now: Timestamp) {
        let mut made = self.made();
        made.retain(|_, since| is_new(*since, now));
        for change in changes {
            match change {
                ResourceChange::Made { kind, id, .. } => {
                    made.insert((kind.clone(), id.clone()), now);
                }
                ResourceChange::Removed { kind, id, .. } => {
                    made.remove(&(kind.clone(), id.clone()));
                }
            }
        }
    }

    /// Whether `fault`, the answer of `action`, says that something is not there which
    /// has just been made with the same service.
    #[must_use]
    pub fn is_missed(&self, fault: &Fault, action: &str, sent: &Map, now: Timestamp) -> bool {
        if fault.kind != FaultKind::NotFound {
            return false;
        }
        let mut made = self.made();
        made.retain(|_, since| is_new(*since, now));
        // EC2 names what it does not find by its code; others name it in words.
        let of_ec2 = fault
            .code
            .as_deref()
            .is_some_and(|code| code.starts_with("Invalid") && code.ends_with(".NotFound"));
        let asked = if of_ec2 {
            waves::texts(sent)
        } else {
            Vec::new()
        };
        let service = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
        made.keys()
            .filter(|(kind, _)| service(kind) == service(action))
            .any(|(_, id)| asked.contains(id) || names(&fault.message, id))
    }

    fn made(&self) -> MutexGuard<'_, BTreeMap<(String, String), Timestamp>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_new(since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(since).unsigned_abs() < NEW
}

/// Whether `id` stands in `text`, and not as a part of another name.
fn names(text: &str, id: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || "-_/:".contains(c);
    text.match_indices(id).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + id.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(kind: &str, id: &str) -> ResourceChange {
        ResourceChange::Made {
            kind: kind.into(),
            id: id.into(),
            name: None,
            region: String::new(),
            inverse: Vec::new(),
        }
    }

    fn missed(fresh: &Fresh, action: &str, code: &str, message: &str, now: Timestamp) -> bool {
        let mut fault = Fault::new(FaultKind::NotFound, message);
        fault.code = Some(code.to_owned());
        let sent = Map::from([("group_id".to_owned(), "sg-1".into())]);
        fresh.is_missed(&fault, action, &sent, now)
    }

    #[test]
    fn only_what_is_new_is_missed() {
        let now = Timestamp::UNIX_EPOCH;
        let fresh = Fresh::default();
        let rule = |now| {
            let action = "ec2:AuthorizeSecurityGroupIngress";
            missed(&fresh, action, "InvalidGroup.NotFound", "", now)
        };
        assert!(!rule(now));
        fresh.note(&[made("ec2:security-group", "sg-1")], now);
        assert!(rule(now));
        assert!(!rule(now + NEW));
        fresh.note(&[made("ec2:security-group", "sg-1")], now);
        let gone = ResourceChange::Removed {
            kind: "ec2:security-group".into(),
            id: "sg-1".into(),
            region: String::new(),
        };
        fresh.note(&[gone], now);
        assert!(!rule(now));
    }

    #[test]
    fn what_is_named_in_words_is_of_the_same_service() {
        let now = Timestamp::UNIX_EPOCH;
        let fresh = Fresh::default();
        fresh.note(&[made("iam:role", "web")], now);
        let missed = |action, message| missed(&fresh, action, "NoSuchEntity", message, now);
        assert!(missed("iam:GetRole", "The role web is not there."));
        assert!(!missed("iam:GetRolePolicy", "There is no policy web-read."));
        assert!(!missed(
            "scheduler:GetSchedule",
            "Schedule web does not exist."
        ));
    }
}
