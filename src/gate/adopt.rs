//! Finding a stack again whose ledger is lost.

use super::event::Site;
use super::origin::region;
use super::tagged::{self, Found, Unseen};
use super::{Failure, Gate};
use crate::ledger::Adopted;

/// What was found of a stack.
#[derive(Debug)]
pub struct Adoption {
    /// Each resource, and whether the ledger did not know it yet.
    pub found: Vec<(Found, bool)>,
    /// What could not be looked for.
    pub unseen: Vec<Unseen>,
}

/// Looks for what carries the stack's tag and records it with what removes it.
///
/// What something else removes when it goes (an instance of a group) stays its.
///
/// # Errors
/// The ledger cannot be written; the run was interrupted.
pub fn adopt(gate: &Gate, site: &Site) -> Result<Adoption, Failure> {
    gate.journal.begin(gate.world.as_ref())?;
    let stack = gate.journal.stack();
    let tagged = tagged::search(gate, &stack, site)?;
    let found: Vec<Found> = tagged
        .found
        .into_iter()
        .filter(|found| !found.owned)
        .collect();
    let adopted: Vec<Adopted> = found
        .iter()
        .map(|found| Adopted {
            kind: found.kind.to_owned(),
            id: found.id.clone(),
            name: found.name.clone(),
            inverse: region::kept(gate, &found.inverse),
        })
        .collect();
    let now = gate.world.now();
    let new = gate
        .journal
        .with_ledger(|ledger, run| ledger.adopt(run, &stack, &adopted, now))?;
    Ok(Adoption {
        found: found.into_iter().zip(new).collect(),
        unseen: tagged.unseen,
    })
}
