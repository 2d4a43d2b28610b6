//! What an earlier process of the run has done, and what a person says of it.

use std::sync::Arc;

use opsh_operation::{Fault, Map, Value};

use super::Journal;
use crate::gate::branch::{self, StepPath};
use crate::gate::event::{Made, Step};
use crate::gate::fresh::Fresh;
use crate::gate::replay::{Recall, Replay};
use crate::ledger::RunId;
use crate::lock::lock;

/// A run that is gone on with.
#[derive(Debug)]
pub struct Resumes {
    /// Which.
    pub run: RunId,
    /// What a person says of steps of which nobody knows whether they were done.
    pub assumptions: Vec<Assumption>,
}

/// What a person says of a step of which nobody knows whether it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// Which step; any if it is not said.
    pub step: Option<StepPath>,
    /// Whether it was done.
    pub done: bool,
}

impl Journal {
    fn replay(&self) -> Option<Arc<Replay>> {
        lock(&self.replay).clone()
    }

    /// What an earlier part of this run says of `step`.
    ///
    /// # Errors
    /// The playbook is not the one that ran.
    pub fn recall(&self, step: &Step, sent: &Map, controls: &Map) -> Result<Recall, Fault> {
        match self.replay() {
            None => Ok(Recall::New),
            Some(replay) => replay.recall(step, sent, controls),
        }
    }

    /// What an earlier part of this run says of `step`, whose work is calls below it.
    ///
    /// # Errors
    /// The playbook is not the one that ran.
    pub fn recall_whole(&self, step: &Step) -> Result<Option<Result<Value, Fault>>, Fault> {
        match self.replay() {
            None => Ok(None),
            Some(replay) => replay.recall_whole(step),
        }
    }

    /// Whether the calling thread's branch repeats what has been done already.
    #[must_use]
    pub fn replays(&self) -> bool {
        self.replay()
            .is_some_and(|replay| replay.ahead(&branch::coming_step()))
    }

    /// A recorded write that the playbook, now at its end, did not ask for again.
    #[must_use]
    pub fn missed(&self) -> Option<String> {
        self.replay().and_then(|replay| replay.missed())
    }

    /// What a person says of `step`.
    #[must_use]
    pub fn assumption(&self, step: &StepPath) -> Option<bool> {
        let resumes = lock(&self.resumes);
        let assumptions = &resumes.as_ref()?.assumptions;
        assumptions
            .iter()
            .find(|assumption| assumption.step.as_ref().is_none_or(|named| named == step))
            .map(|assumption| assumption.done)
    }

    /// What a person says of steps of which nobody knows whether they were done.
    #[must_use]
    pub fn assumptions(&self) -> Vec<Assumption> {
        let resumes = lock(&self.resumes);
        resumes
            .as_ref()
            .map_or_else(Vec::new, |resumes| resumes.assumptions.clone())
    }

    /// Takes what was found for `step`, unless another step has it.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn claim(&self, step: &StepPath, found: &[Made]) -> Result<bool, Fault> {
        if !self.is_free(step, found)? {
            return Ok(false);
        }
        let mut claims = lock(&self.claims);
        let name = |made: &Made| (made.kind.to_owned(), made.id.clone());
        let taken = |made: &Made| claims.get(&name(made)).is_some_and(|owner| owner != step);
        if found.iter().any(taken) {
            return Ok(false);
        }
        claims.extend(found.iter().map(|made| (name(made), step.clone())));
        Ok(true)
    }

    /// Whether no other step has what was found for `step`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn is_free(&self, step: &StepPath, found: &[Made]) -> Result<bool, Fault> {
        let known = self.resources()?;
        let run = self.run();
        let path = step.to_string();
        let others = |made: &Made| {
            known.iter().any(|other| {
                let own = other.path == path && run.as_deref() == Some(other.run.as_str());
                other.kind == made.kind && other.id == made.id && !own
            })
        };
        if found.iter().any(others) {
            return Ok(false);
        }
        let claims = lock(&self.claims);
        let taken = |made: &Made| {
            let owner = claims.get(&(made.kind.to_owned(), made.id.clone()));
            owner.is_some_and(|owner| owner != step)
        };
        Ok(!found.iter().any(taken))
    }

    /// What this run has made a moment ago.
    #[must_use]
    pub(in crate::gate) fn fresh(&self) -> &Fresh {
        &self.fresh
    }
}
