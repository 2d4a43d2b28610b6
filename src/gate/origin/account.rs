//! Whose account something was made in.
//!
//! A run does not ask for its account: what was answered to its writes says it, in ARNs
//! and as owner.

use std::collections::BTreeSet;

use opsh_operation::{Fault, FaultKind, Map, Value};

use crate::gate::event::Site;
use crate::gate::{Gate, settle};
use crate::ledger::Step;
use crate::world::Kind;

/// Refuses to go on with `steps` in another account than theirs, as far as that is known.
///
/// # Errors
/// They were in another account; STS does not say which this one is.
pub fn must_be_that_of(gate: &Gate, steps: &[&Step], site: &Site) -> Result<(), Fault> {
    let mut known = BTreeSet::new();
    // Where a step chose a profile, what undoes it does, too.
    for step in steps
        .iter()
        .filter(|step| !step.controls.contains_key("profile"))
    {
        if let Some(Ok(answer)) = step.end.as_ref().map(|end| &end.result) {
            note(answer, &mut known);
        }
    }
    // The embedded cloud has one account.
    if gate.world.kind() != Kind::Live || known.is_empty() {
        return Ok(());
    }
    let who = "sts::get_caller_identity";
    let identity = settle::ask(gate, site, &Map::new(), who, Map::new())?;
    let here = identity
        .get("account")
        .and_then(Value::as_text)
        .unwrap_or_default();
    if known.contains(here) {
        return Ok(());
    }
    let known: Vec<&str> = known.into_iter().collect();
    let message = format!(
        "it was made in the account {}, and these are credentials of {here}",
        known.join(" or ")
    );
    Err(Fault::new(FaultKind::Invalid, message)
        .hint("use keys of that account, or its profile with --profile"))
}

fn note<'a>(value: &'a Value, known: &mut BTreeSet<&'a str>) {
    match value {
        Value::Text(text) if text.starts_with("arn:") => {
            known.extend(text.split(':').nth(4).filter(|part| is_account(part)));
        }
        Value::List(items) => items.iter().for_each(|item| note(item, known)),
        Value::Map(map) => {
            for (name, item) in map {
                let owner = item.as_text().filter(|_| name == "owner_id");
                known.extend(owner.filter(|owner| is_account(owner)));
                note(item, known);
            }
        }
        _ => {}
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
