//! What is to go wrong at which step of a run on the embedded cloud.

use std::collections::{BTreeMap, BTreeSet};

use opsh_cloud::faults::Fault;

/// Faults by the paths of steps.
#[derive(Debug, Default)]
pub(super) struct Strikes {
    due: BTreeMap<Vec<u32>, Fault>,
    /// The step that is under way, if something is to go wrong at it.
    at: Option<Vec<u32>>,
    met: BTreeSet<Vec<u32>>,
}

impl Strikes {
    pub fn add(&mut self, path: &[u32], fault: Fault) {
        self.due.insert(path.to_vec(), fault);
    }

    /// The step at this path is about to be sent, or has been; `arm` lets the cloud's next
    /// request meet a fault, and says whether the one before was met.
    pub fn attend(&mut self, step: Option<&[u32]>, arm: &dyn Fn(Option<Fault>) -> bool) {
        if let Some(path) = self.at.take()
            && arm(None)
        {
            self.met.insert(path);
        }
        let due = step.and_then(|step| self.due.get_key_value(step));
        if let Some((path, fault)) = due {
            arm(Some(fault.clone()));
            self.at = Some(path.clone());
        }
    }

    /// Those whose fault never struck.
    pub fn unmet(&self) -> Vec<Vec<u32>> {
        let unmet = self.due.keys().filter(|path| !self.met.contains(*path));
        unmet.cloned().collect()
    }
}
