//! What the ledger knows of the stack, and how its resources are removed.

use opsh_operation::{Fault, FaultKind, Map, Operation, Value};

use super::event::Site;
use super::{Call, Failure, Gate};
use crate::ledger::Resource;
use crate::modules::registry::registry;
use crate::world::{Kind, Scope};

/// Does `stack::current`, `stack::resources` and `stack::remove`.
///
/// # Errors
/// The ledger cannot be read; the resource is unknown; what the inverse says.
pub fn perform(
    gate: &Gate,
    operation: &Operation,
    input: &Map,
    site: &Site,
) -> Result<Value, Failure> {
    if operation.name == "current" {
        return current(gate);
    }
    let resources = gate.journal.resources()?;
    if operation.name == "resources" {
        return Ok(Value::List(resources.iter().map(describe).collect()));
    }
    let text = |name: &str| input.get(name).and_then(Value::as_text).unwrap_or_default();
    let (kind, id) = (text("kind"), text("id"));
    let resource = resources
        .into_iter()
        .find(|resource| resource.kind == kind && resource.id == id)
        .ok_or_else(|| {
            Fault::new(
                FaultKind::NotFound,
                format!("the stack '{}' has no {kind} '{id}'", gate.journal.stack()),
            )
            .hint("stack::resources() lists what it has")
        })?;
    remove(gate, &resource, site)
}

fn current(gate: &Gate) -> Result<Value, Failure> {
    let config = gate.world.aws(&Scope::default(), &gate.cancel)?;
    let world = match gate.world.kind() {
        Kind::Live => "live",
        Kind::Local => "local",
        Kind::DryRun => "dry-run",
    };
    Ok(Value::Map(Map::from([
        ("name".to_owned(), gate.journal.stack().into()),
        ("run".to_owned(), gate.journal.run().into()),
        ("world".to_owned(), world.into()),
        ("writes".to_owned(), gate.journal.writes()?.into()),
        (
            "region".to_owned(),
            config
                .region()
                .map(|region| region.as_ref().to_owned())
                .into(),
        ),
    ])))
}

/// Calls the resource's inverse; what is gone already counts as removed.
fn remove(gate: &Gate, resource: &Resource, site: &Site) -> Result<Value, Failure> {
    let mut gone = false;
    for call in &resource.inverse {
        let entry = registry().get(&call.operation).ok_or_else(|| {
            Fault::new(
                FaultKind::Failed,
                format!(
                    "the ledger asks for {}, which this opsh does not have",
                    call.operation
                ),
            )
            .hint("use the opsh version that made the stack, or a newer one")
        })?;
        let result = gate.call(Call {
            entry,
            input: call.input.clone(),
            controls: call.controls.clone(),
            site: site.clone(),
        });
        match result {
            Ok(_) => {}
            Err(Failure::Fault(fault)) if fault.kind == FaultKind::NotFound => gone = true,
            Err(failure) => return Err(failure),
        }
    }
    let mut answer = Map::from([
        ("kind".to_owned(), resource.kind.as_str().into()),
        ("id".to_owned(), resource.id.as_str().into()),
    ]);
    answer.insert("already_gone".to_owned(), gone.into());
    answer.insert("removed".to_owned(), (!resource.inverse.is_empty()).into());
    Ok(Value::Map(answer))
}

fn describe(resource: &Resource) -> Value {
    Value::Map(Map::from([
        ("kind".to_owned(), resource.kind.as_str().into()),
        ("id".to_owned(), resource.id.as_str().into()),
        ("name".to_owned(), resource.name.clone().into()),
        ("made".to_owned(), resource.made.into()),
        ("run".to_owned(), resource.run.as_str().into()),
        (
            "removable".to_owned(),
            (!resource.inverse.is_empty()).into(),
        ),
    ]))
}
