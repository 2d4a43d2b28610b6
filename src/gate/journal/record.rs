//! Intents and outcomes, and what of them the ledger keeps as made and removed.

use opsh_operation::select::{self, Roots};
use opsh_operation::{
    Effect, Fault, FaultKind, Inverse, InverseCall, Map, Operation, Settle, Value,
};

use super::{Journal, Open, fault, opened};
use crate::gate::before;
use crate::gate::event::{Made, Step};
use crate::gate::origin::region;
use crate::gate::prepare::CONTROLS_OF_PLACE;
use crate::gate::replay::Begun;
use crate::ledger::{
    Call, Former, Outcome, ResourceChange, RunOutcome, StepEffect, StepId, StepIntent,
};
use crate::lock::lock;

/// An event that has read this often is recorded although it has written nothing.
const MOST_UNRECORDED: usize = 256;

impl Journal {
    /// Makes the intent of `step` durable; for a read there is nothing to wait for.
    ///
    /// # Errors
    /// It could not be recorded: the step must not be sent.
    pub fn intent(
        &self,
        step: &Step,
        sent: &Map,
        controls: &Map,
        former: Option<&Former>,
    ) -> Result<Option<StepId>, Fault> {
        if !matches!(step.operation.effect, Effect::Write(_)) {
            return Ok(None);
        }
        let mut slot = self.slot();
        let open = opened(&mut slot)?;
        self.record(open, step.started).map_err(fault)?;
        let intent = StepIntent {
            former: former.cloned(),
            ..intent(open, step, sent, controls)
        };
        lock(&open.ledger).intent(&intent).map(Some).map_err(fault)
    }

    /// What a write that an earlier process began changes that was there before it.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn former(&self, begun: &Begun) -> Result<Option<Former>, Fault> {
        match begun.intent.or(begun.earlier) {
            Some(step) => self.with_ledger(|ledger, _| ledger.former(step)),
            None => Ok(None),
        }
    }

    /// Records what came of `step`, which changed `former` if it did not make anything.
    ///
    /// # Errors
    /// It could not be recorded.
    pub fn outcome(
        &self,
        id: Option<StepId>,
        step: &Step,
        sent: &Map,
        controls: &Map,
        former: Option<&Former>,
        ended: jiff::Timestamp,
    ) -> Result<(), Fault> {
        let mut slot = self.slot();
        let open = opened(&mut slot)?;
        let null = Value::Null;
        let roots = Roots {
            input: sent,
            result: step.outcome.as_ref().unwrap_or(&null),
        };
        let succeeded = step.outcome.is_ok();
        let inverse = match former {
            _ if !succeeded => Vec::new(),
            None => inverse(step.operation, roots, controls),
            Some(former) => restore(step.operation, sent, former, controls),
        };
        let outcome = Outcome {
            result: step.outcome.clone(),
            inverse: inverse.clone(),
            ended,
        };
        let Some(id) = id else {
            let intent = intent(open, step, sent, controls);
            if let Some(reads) = &mut open.unrecorded {
                reads.push((intent, outcome));
                if reads.len() > MOST_UNRECORDED {
                    self.record(open, step.started).map_err(fault)?;
                }
                return Ok(());
            }
            return lock(&open.ledger).read(&intent, &outcome).map_err(fault);
        };
        let mut changes = Vec::new();
        if succeeded && former.is_none() {
            changes.extend(made(step, roots.input, &inverse, controls));
        }
        // What is not there any more has been removed, by whomever.
        let gone = step
            .outcome
            .as_ref()
            .is_err_and(|fault| fault.kind == FaultKind::NotFound);
        if succeeded || gone {
            changes.extend(removed(step.operation, roots, controls));
        }
        self.fresh.note(&changes, ended);
        lock(&open.ledger)
            .outcome(id, &outcome, &changes)
            .map_err(fault)
    }

    /// Records how the run ended, if it ever began.
    ///
    /// # Errors
    /// It could not be recorded.
    pub fn end(&self, outcome: &RunOutcome, ended: jiff::Timestamp) -> Result<(), Fault> {
        match self.slot().as_mut() {
            None => Ok(()),
            Some(open) if open.unrecorded.is_some() => Ok(()),
            Some(open) if lock(&self.event).is_some() => lock(&open.ledger)
                .end_event(&open.run, outcome, ended)
                .map_err(fault),
            Some(open) => lock(&open.ledger)
                .end_run(&open.run, outcome, ended)
                .map_err(fault),
        }
    }
}

fn intent(open: &Open, step: &Step, sent: &Map, controls: &Map) -> StepIntent {
    let token = match step.operation.write().map(|write| write.settle) {
        Some(Settle::Token(name)) => sent.get(name).and_then(Value::as_text).map(str::to_owned),
        _ => None,
    };
    StepIntent {
        run: open.run.clone(),
        path: step.path.to_string(),
        operation: step.operation.full_name(),
        action: step.operation.action.to_owned(),
        effect: match step.operation.effect {
            Effect::Write(_) => StepEffect::Write,
            Effect::Read | Effect::Pure => StepEffect::Read,
        },
        input: sent.clone(),
        controls: controls.clone(),
        token,
        place: step.site.to_string(),
        started: step.started,
        undoes: step.undoes.clone(),
        former: None,
    }
}

/// The calls that undo a write, with the controls that say where.
fn inverse(operation: &Operation, roots: Roots<'_>, controls: &Map) -> Vec<Call> {
    let Some(write) = operation.write() else {
        return Vec::new();
    };
    match &write.inverse {
        Inverse::Calls(calls) => resolved(calls, roots, controls),
        Inverse::Nothing(_) | Inverse::Impossible(_) => Vec::new(),
    }
}

/// The calls that put back what a write has changed; none if that cannot be.
fn restore(operation: &Operation, sent: &Map, former: &Former, controls: &Map) -> Vec<Call> {
    let before = operation.write().and_then(|write| write.before);
    let Some((before, found)) = before.zip(former.found.as_ref()) else {
        return Vec::new();
    };
    if before.every.is_some() && before::count(former) == Some(0) {
        return Vec::new();
    }
    let roots = Roots {
        input: sent,
        result: found,
    };
    let calls = resolved(before.restore, roots, controls);
    if in_part(before.restore) && !covers(&calls, sent) {
        return Vec::new();
    }
    calls
}

/// Whether the calls put back only what was sent: the service keeps what is not.
fn in_part(restore: &[InverseCall]) -> bool {
    let mut arguments = restore.iter().flat_map(|call| call.arguments);
    arguments.any(|(name, source)| select::sent(name, source).is_some())
}

/// Whether `calls` set all that was sent: what had no value before, or what is not kept of
/// it, would stay as it was sent.
fn covers(calls: &[Call], sent: &Map) -> bool {
    let is_set = |name: &String| calls.iter().any(|call| call.input.contains_key(name));
    sent.keys().all(is_set)
}

fn resolved(calls: &[InverseCall], roots: Roots<'_>, controls: &Map) -> Vec<Call> {
    let place: Map = controls
        .iter()
        .filter(|(name, _)| CONTROLS_OF_PLACE.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    calls
        .iter()
        .flat_map(|call| {
            let inputs = select::calls(roots, call.arguments);
            inputs.into_iter().map(|input| Call {
                operation: call.operation.to_owned(),
                input,
                controls: place.clone(),
            })
        })
        .collect()
}

fn made(step: &Step, sent: &Map, inverse: &[Call], controls: &Map) -> Vec<ResourceChange> {
    step.made
        .iter()
        .map(|Made { kind, id }| ResourceChange::Made {
            kind: (*kind).to_owned(),
            id: id.clone(),
            name: name(sent),
            region: region::of_resource(kind, controls),
            inverse: inverse.to_vec(),
        })
        .collect()
}

fn removed(operation: &Operation, roots: Roots<'_>, controls: &Map) -> Vec<ResourceChange> {
    let removes = operation.write().map_or(&[][..], |write| write.removes);
    removes
        .iter()
        .flat_map(|removes| {
            select::all(roots, removes.id).into_iter().filter_map(|id| {
                Some(ResourceChange::Removed {
                    kind: removes.kind.to_owned(),
                    id: id.as_text()?.to_owned(),
                    region: region::of_resource(removes.kind, controls),
                })
            })
        })
        .collect()
}

/// The Name tag that a write gives to what it makes.
fn name(input: &Map) -> Option<String> {
    input.get("tags")?.get("Name")?.as_text().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::modules::registry::registry;

    fn map<const N: usize>(fields: [(&str, Value); N]) -> Map {
        fields.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// What puts back a group that was as `found`, after `sent`, but for its name.
    fn group<const N: usize, const M: usize>(
        sent: [(&str, Value); N],
        found: [(&str, Value); M],
    ) -> Option<Map> {
        let entry = registry()
            .get("autoscaling::update_auto_scaling_group")
            .unwrap();
        let name = || ("auto_scaling_group_name".to_owned(), Value::from("web"));
        let (mut sent, mut found) = (map(sent), map(found));
        sent.extend([name()]);
        found.extend([name()]);
        let former = Former {
            found: Some(Value::Map(found)),
        };
        let calls = restore(entry.operation, &sent, &former, &Map::new());
        let mut input = calls.into_iter().next()?.input;
        input.remove("auto_scaling_group_name");
        Some(input)
    }

    #[test]
    fn what_was_not_sent_is_not_put_back() {
        let size = |name: &'static str, size: i64| (name, Value::Int(size));
        let was = [
            size("min_size", 1),
            size("max_size", 4),
            size("desired_capacity", 2),
            size("health_check_grace_period", 300),
        ];
        assert_eq!(
            group([size("health_check_grace_period", 60)], was.clone()),
            Some(map([size("health_check_grace_period", 300)]))
        );
        // A smaller group loses what it wanted to have, too.
        assert_eq!(
            group([size("max_size", 1)], was),
            Some(map([size("max_size", 4), size("desired_capacity", 2)]))
        );
    }

    #[test]
    fn what_had_no_value_before_cannot_be_put_back() {
        let lifetime = |seconds: i64| ("max_instance_lifetime", Value::Int(seconds));
        assert_eq!(group([lifetime(86_400)], []), None);
        assert_eq!(
            group([lifetime(86_400)], [lifetime(172_800)]),
            Some(map([lifetime(172_800)]))
        );
        let template = || map([("launch_template_id", "lt-1".into())]);
        let sent = [("launch_template", Value::Map(template()))];
        assert_eq!(group(sent, []), None);
    }
}
