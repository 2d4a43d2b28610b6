//! The operations of the module `stack`, which the gate does itself with the ledger.

use opsh_operation::{Fault, FaultKind, Map, Operation, Value};

use super::event::Site;
use super::removal::{self, Removed};
use super::tagged::{self, Tagged};
use super::{Failure, Gate};
use crate::ledger::Resource;
use crate::world::Scope;

/// Does the operation of `stack` that is asked for.
///
/// # Errors
/// The ledger cannot be read; the resource is unknown; what an inverse says.
pub fn perform(
    gate: &Gate,
    operation: &Operation,
    input: &Map,
    site: &Site,
) -> Result<Value, Failure> {
    match operation.name {
        "current" => current(gate),
        "resources" => {
            let resources = gate.journal.resources()?;
            Ok(Value::List(resources.iter().map(describe).collect()))
        }
        "remove_all" => {
            let removed = removal::all(gate, site)?;
            Ok(Value::List(removed.iter().map(report).collect()))
        }
        "tagged" => {
            let tagged = tagged::search(gate, &gate.journal.stack(), site)?;
            Ok(seen(&tagged))
        }
        _ => remove(gate, input, site),
    }
}

fn seen(tagged: &Tagged) -> Value {
    let found = tagged.found.iter().map(|found| {
        Value::Map(Map::from([
            ("kind".to_owned(), found.kind.into()),
            ("id".to_owned(), found.id.as_str().into()),
            ("name".to_owned(), found.name.clone().into()),
        ]))
    });
    let unseen = tagged.unseen.iter().map(|unseen| {
        Value::Map(Map::from([
            ("kind".to_owned(), unseen.kind.into()),
            ("why".to_owned(), unseen.why.as_str().into()),
        ]))
    });
    Value::Map(Map::from([
        ("found".to_owned(), Value::List(found.collect())),
        ("unseen".to_owned(), Value::List(unseen.collect())),
    ]))
}

fn current(gate: &Gate) -> Result<Value, Failure> {
    let session = gate.world.aws(&Scope::default(), &gate.cancel)?;
    Ok(Value::Map(Map::from([
        ("name".to_owned(), gate.journal.stack().into()),
        ("run".to_owned(), gate.journal.run().into()),
        ("world".to_owned(), gate.world.kind().word().into()),
        ("writes".to_owned(), gate.journal.writes()?.into()),
        (
            "region".to_owned(),
            session
                .config()
                .region()
                .map(|region| region.as_ref().to_owned())
                .into(),
        ),
    ])))
}

fn remove(gate: &Gate, input: &Map, site: &Site) -> Result<Value, Failure> {
    let text = |name: &str| input.get(name).and_then(Value::as_text).unwrap_or_default();
    let (kind, id) = (text("kind"), text("id"));
    let resource = gate
        .journal
        .resources()?
        .into_iter()
        .find(|resource| resource.kind == kind && resource.id == id)
        .ok_or_else(|| {
            Fault::new(
                FaultKind::NotFound,
                format!("the stack '{}' has no {kind} '{id}'", gate.journal.stack()),
            )
            .hint("stack::resources() lists what it has")
        })?;
    Ok(report(&removal::one(gate, resource, site)?))
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

fn report(removed: &Removed) -> Value {
    Value::Map(Map::from([
        ("kind".to_owned(), removed.resource.kind.as_str().into()),
        ("id".to_owned(), removed.resource.id.as_str().into()),
        ("removed".to_owned(), removed.problem.is_none().into()),
        ("already_gone".to_owned(), removed.already_gone.into()),
        ("problem".to_owned(), removed.problem.clone().into()),
    ]))
}
