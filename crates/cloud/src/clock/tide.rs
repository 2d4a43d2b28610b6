//! What happens while the time moves, and the branches that it begins.

use std::collections::BTreeSet;
use std::sync::Weak;
use std::time::Duration;

use jiff::Timestamp;

use super::{BACKGROUND, Clock, DETACHED, Phase, later};

/// How far the time has moved, and what begins there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Where the time is now.
    pub at: Timestamp,
    /// The detached branches that begin there, from [`Clock::detach`]; their threads
    /// have been started.
    pub begins: Vec<Vec<u32>>,
}

/// Who lets things happen when the time moves.
pub trait Tide: Send + Sync {
    /// Lets everything happen until `to`, or until something begins a branch.
    ///
    /// Nobody holds the baton meanwhile, so nothing in here may wait for a branch.
    fn flow(&self, to: Timestamp) -> Flow;
}

impl std::fmt::Debug for dyn Tide {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tide")
    }
}

impl Clock {
    /// Asks `tide` from now on, as long as it is there; only the first that is given counts.
    pub fn attend(&self, tide: Weak<dyn Tide>) {
        let _ = self.shared.tide.set(tide);
    }

    /// The path of a new detached branch.
    #[must_use]
    pub fn detach(&self) -> Vec<u32> {
        let mut table = self.table();
        table.detached += 1;
        vec![DETACHED, table.detached]
    }

    /// The path of a new branch in the background.
    #[must_use]
    pub fn background(&self) -> Vec<u32> {
        let mut table = self.table();
        table.backgrounds += 1;
        vec![BACKGROUND, table.backgrounds]
    }

    /// Whether detached branches take part.
    #[must_use]
    pub fn has_detached(&self) -> bool {
        self.table()
            .branches
            .keys()
            .any(|path| path.first() == Some(&DETACHED))
    }

    /// Whether a branch in the background runs or could run.
    #[must_use]
    pub fn background_is_awake(&self) -> bool {
        let table = self.settle();
        table.branches.iter().any(|(path, phase)| {
            path.first() == Some(&BACKGROUND)
                && !matches!(phase, Phase::Until(at) if *at > table.now)
                && !table.has_children(path)
        })
    }

    /// From now on time passes on account of the branches in the background, too, and at no
    /// pace but theirs: they are to come to their end, at the latest `patience` from now,
    /// which is their [limit](Clock::limit). Those who sleep look again whether they are to
    /// stop.
    pub fn let_background_end(&self, patience: Duration) {
        let mut table = self.table();
        table.ending = true;
        table.ahead = None;
        let limit = later(table.now, patience);
        let mut tops = BTreeSet::new();
        for (path, phase) in &mut table.branches {
            if let [BACKGROUND, number, ..] = path[..] {
                tops.insert(vec![BACKGROUND, number]);
                if matches!(phase, Phase::Until(_)) {
                    *phase = Phase::Ready;
                }
            }
        }
        table
            .limits
            .extend(tops.into_iter().map(|top| (top, limit)));
        drop(table);
        drop(self.settle());
        self.nudge();
    }

    pub(super) fn flow(&self, to: Timestamp) -> Flow {
        match self.shared.tide.get().and_then(Weak::upgrade) {
            Some(tide) => tide.flow(to),
            None => Flow {
                at: to,
                begins: Vec::new(),
            },
        }
    }
}
