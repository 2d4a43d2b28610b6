//! What is there after a run: the same, if a crash has made no difference.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use super::attempt::Ran;
use super::stage;
use crate::gate::event::Site;
use crate::gate::tagged;
use crate::script::error::{Class, ScriptError};

/// How many there are of each kind and name, in the cloud and in the ledger.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Left(BTreeMap<String, usize>);

impl Left {
    /// What carries the tag of the run's stack, and what the ledger has of it.
    ///
    /// # Errors
    /// It cannot be looked for.
    pub fn by(ran: &Ran) -> Result<Self, ScriptError> {
        let runtime = ran.look();
        let failed = |why: String| ScriptError::plain(Class::Failed, why);
        let gate = &runtime.gate;
        let tagged = stage::on_branch(&runtime, || {
            gate.journal.begin(gate.world.as_ref())?;
            tagged::search(gate, &ran.stack, &Site::default())
        })
        .map_err(|failure| failed(failure.into_fault().message))?;
        let mut counts = BTreeMap::new();
        for found in &tagged.found {
            let name = found.name.as_deref().unwrap_or_default();
            *counts
                .entry(format!("{} {name}", found.kind).trim_end().to_owned())
                .or_default() += 1;
        }
        let mut ledger = ran.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ledger
            .resources(&ran.stack)
            .map_err(|error| failed(error.to_string()))?;
        for resource in known {
            *counts
                .entry(format!("{} in the ledger", resource.kind))
                .or_default() += 1;
        }
        Ok(Self(counts))
    }

    /// What differs from `other`, a line each.
    pub fn unlike(&self, other: &Self) -> Vec<String> {
        let kinds: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let count = |left: &Self, kind: &String| left.0.get(kind).copied().unwrap_or_default();
        kinds
            .into_iter()
            .map(|kind| (kind, count(self, kind), count(other, kind)))
            .filter(|(_, here, there)| here != there)
            .map(|(kind, here, there)| format!("{kind}: {here} instead of {there}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_and_what_is_twice_is_said() {
        let left = |counts: &[(&str, usize)]| {
            Left(
                counts
                    .iter()
                    .map(|(kind, count)| ((*kind).to_owned(), *count))
                    .collect(),
            )
        };
        let whole = left(&[("ec2:instance web", 1), ("sns:topic", 1)]);
        assert_eq!(whole.unlike(&whole), Vec::<String>::new());
        assert_eq!(
            left(&[("ec2:instance web", 2)]).unlike(&whole),
            [
                "ec2:instance web: 2 instead of 1",
                "sns:topic: 0 instead of 1"
            ]
        );
    }
}
