//! Removing what a stack has by the inverses of what made it.

use std::collections::{BTreeMap, BTreeSet};

use opsh_operation::{Fault, FaultKind};

use super::event::Site;
use super::inverse::Inverse;
use super::origin::account;
use super::waves::{self, Ended, Patience, Thing};
use super::{Failure, Gate, tagged};
use crate::ledger::{Resource, Step, StepId};
use crate::modules::registry::registry;

/// What came of a resource.
#[derive(Debug)]
pub struct Removed {
    /// The resource.
    pub resource: Resource,
    /// Whether something else had removed it.
    pub already_gone: bool,
    /// Why it is still there, if it is.
    pub problem: Option<String>,
}

/// Resources that one step made: they go together, by that step's inverse.
struct Lot {
    resources: Vec<Resource>,
    thing: Thing,
}

/// Removes everything that the run's stack has, what does not depend on each other
/// at the same time; tells of each resource, the last made first.
///
/// # Errors
/// The ledger cannot be used; the run was interrupted.
pub fn all(gate: &Gate, site: &Site) -> Result<Vec<Removed>, Failure> {
    let resources = gate.journal.resources()?;
    remove(gate, resources, site)
}

/// Removes one resource, and what was made with it.
///
/// # Errors
/// As [`all`]; what its inverse says.
pub fn one(gate: &Gate, resource: Resource, site: &Site) -> Result<Removed, Failure> {
    makers(gate, std::slice::from_ref(&resource), site)?;
    let already_gone = if resource.inverse.is_empty() {
        false
    } else {
        inverse(&resource, site).call(gate, Patience::Now)?
    };
    let problem = resource.inverse.is_empty().then(|| UNKNOWN.to_owned());
    if problem.is_none() {
        forget(gate, std::slice::from_ref(&resource))?;
    }
    Ok(Removed {
        resource,
        already_gone,
        problem,
    })
}

const UNKNOWN: &str = "the ledger knows no way to remove it";

fn inverse<'a>(resource: &'a Resource, site: &'a Site) -> Inverse<'a> {
    Inverse {
        calls: &resource.inverse,
        step: None,
        done: BTreeSet::new(),
        site,
    }
}

fn remove(gate: &Gate, resources: Vec<Resource>, site: &Site) -> Result<Vec<Removed>, Failure> {
    let makers = makers(gate, &resources, site)?;
    let lots = lots(resources, makers);
    let things: Vec<Thing> = lots.iter().map(|lot| lot.thing.clone()).collect();
    let ended = waves::carry_out(gate, &things, |index, patience| {
        let lot = &lots[index];
        let first = &lot.resources[0];
        if first.inverse.is_empty() {
            return Err(Fault::new(FaultKind::Failed, UNKNOWN).into());
        }
        let gone = inverse(first, site).call(gate, patience)?;
        forget(gate, &lot.resources)?;
        Ok(gone)
    })?;
    let names: Vec<String> = lots.iter().map(|lot| named(&lot.resources[0])).collect();
    let mut removed: Vec<Removed> = lots
        .into_iter()
        .zip(ended)
        .flat_map(|(lot, ended)| {
            let (already_gone, problem) = match ended {
                Ended::Gone(gone) => (gone, None),
                Ended::Failed(fault) => (false, Some(fault.to_string())),
                Ended::Waits(other) => (false, Some(format!("{} is still there", names[other]))),
            };
            lot.resources.into_iter().map(move |resource| Removed {
                resource,
                already_gone,
                problem: problem.clone(),
            })
        })
        .collect();
    removed.sort_by_key(|removed| std::cmp::Reverse(removed.resource.seq));
    Ok(removed)
}

fn named(resource: &Resource) -> String {
    format!("{} {}", resource.kind, resource.id)
}

/// Notes that resources are gone whose inverse's calls did not name them.
fn forget(gate: &Gate, resources: &[Resource]) -> Result<(), Fault> {
    let now = gate.world.now();
    let gone: Vec<&Resource> = resources.iter().collect();
    gate.journal
        .with_ledger(|ledger, run| ledger.forget(run, &gone, now))
}

/// The step that made each resource; nothing for what was adopted.
///
/// # Errors
/// Another account is looked at than theirs; the ledger cannot be read.
fn makers(gate: &Gate, resources: &[Resource], site: &Site) -> Result<Vec<Option<Step>>, Fault> {
    let makers = gate.journal.with_ledger(|ledger, _| {
        let making = |resource: &Resource| ledger.write_at(&resource.run, &resource.path);
        resources.iter().map(making).collect::<Result<Vec<_>, _>>()
    })?;
    let known: Vec<&Step> = makers.iter().flatten().collect();
    account::must_be_that_of(gate, &known, site)?;
    Ok(makers)
}

/// What one step made stands together.
fn lots(resources: Vec<Resource>, makers: Vec<Option<Step>>) -> Vec<Lot> {
    let mut by_step: BTreeMap<StepId, (Step, Vec<Resource>)> = BTreeMap::new();
    let mut lots = Vec::new();
    for (resource, making) in resources.into_iter().zip(makers) {
        match making {
            Some(step) => {
                let (_, made) = by_step.entry(step.id).or_insert((step, Vec::new()));
                made.push(resource);
            }
            // Adopted: nothing is known of what made it.
            None => lots.push(lot(vec![resource], None)),
        }
    }
    let made = by_step.into_values();
    lots.extend(made.map(|(step, resources)| lot(resources, Some(&step))));
    lots.sort_by_key(|lot| std::cmp::Reverse(lot.thing.order));
    lots
}

fn lot(resources: Vec<Resource>, making: Option<&Step>) -> Lot {
    let mut names: Vec<String> = resources
        .iter()
        .map(|resource| resource.id.clone())
        .collect();
    if let Some(step) = making {
        names.extend(aliases(step));
    }
    Lot {
        thing: Thing {
            order: resources[0].seq,
            names,
            mentions: making.map(|step| waves::texts(&step.input)),
            rank: tagged::rank(&resources[0].kind),
        },
        resources,
    }
}

/// Names of what a step made, where its id is another: those that it gave (a key
/// pair's, a template's), and the public half of a key. Others may know it by those.
#[must_use]
pub fn aliases(step: &Step) -> Vec<String> {
    let makes = registry()
        .get(&step.operation)
        .and_then(|entry| entry.operation.write())
        .map_or(&[][..], |write| write.makes);
    if !makes.iter().any(|makes| makes.id.starts_with("result.")) {
        return Vec::new();
    }
    let given = step
        .input
        .iter()
        .filter(|(name, _)| name.ends_with("name"))
        .map(|(_, value)| value);
    let result = step.end.as_ref().and_then(|end| end.result.as_ref().ok());
    let public_half = result.and_then(|result| result.get("public_key"));
    given
        .chain(public_half)
        .filter_map(|value| value.as_text().map(str::to_owned))
        .collect()
}
