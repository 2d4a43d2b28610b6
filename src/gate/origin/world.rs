//! In which world a run was: on the embedded cloud, or not.

use opsh_operation::{Fault, FaultKind};

use super::Act;
use crate::ledger::Run;
use crate::world::Kind;

/// Refuses to `act` on a run in a world that it was not in.
///
/// # Errors
/// It was in another world; the fault says how to go there.
pub fn must_be_there(run: &Run, embedded: bool, act: Act) -> Result<(), Fault> {
    let (was, flag) = match (run.world, embedded) {
        (Kind::Live, true) => ("not on the embedded cloud", ""),
        (Kind::Local, false) => ("on the embedded cloud", " --local"),
        _ => return Ok(()),
    };
    let message = format!("the run {} was {was}", run.id);
    Err(Fault::new(FaultKind::Invalid, message).hint(format!("opsh {act} {}{flag}", run.id)))
}
