//! In which region a write was, so that what undoes it goes there from any shell.
//!
//! The embedded cloud has one region.

use opsh_operation::Map;

use crate::gate::Gate;
use crate::ledger::Call;
use crate::modules::{Entry, Handler};
use crate::world::{Kind, Scope};

/// Kinds whose ids mean the same in every region.
const EVERYWHERE: [&str; 2] = ["iam:", "s3:"];

/// `controls` with the region that a write by `entry` goes to; a read is compared with what
/// was asked, and keeps its own.
pub fn placed(gate: &Gate, entry: &Entry, scope: &Scope, controls: &Map) -> Map {
    let mut placed = controls.clone();
    let asks = matches!(entry.handler, Handler::Aws(_)) && entry.operation.write().is_some();
    if asks && !placed.contains_key("region") {
        let region = region(gate, scope).map(|region| ("region".to_owned(), region.into()));
        placed.extend(region);
    }
    placed
}

/// `calls` with the region that they go to now, where they say none.
pub fn kept(gate: &Gate, calls: &[Call]) -> Vec<Call> {
    let mut calls = calls.to_vec();
    let Some(here) = region(gate, &Scope::default()) else {
        return calls;
    };
    for call in &mut calls {
        let region = call.controls.entry("region".to_owned());
        region.or_insert_with(|| here.as_str().into());
    }
    calls
}

/// The region of a resource whose making was called with `controls`; empty where the id
/// means the same in every one.
#[must_use]
pub fn of_resource(kind: &str, controls: &Map) -> String {
    let everywhere = EVERYWHERE.iter().any(|prefix| kind.starts_with(prefix));
    let region = controls.get("region").filter(|_| !everywhere);
    let region = region.and_then(|region| region.as_text());
    region.unwrap_or_default().to_owned()
}

/// Without credentials nothing was sent anywhere.
fn region(gate: &Gate, scope: &Scope) -> Option<String> {
    if gate.world.kind() != Kind::Live {
        return None;
    }
    let session = gate.world.aws(scope, &gate.cancel).ok()?;
    Some(session.config().region()?.as_ref().to_owned())
}
