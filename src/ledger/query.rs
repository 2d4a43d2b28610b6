//! What the ledger knows: for `opsh ls`, `opsh history`, teardown, resume and undo.

use std::collections::BTreeMap;

use rusqlite::{Params, ToSql};

use super::chain::{self, Broken, Stored};
use super::codec::Reader;
use super::record::{RunId, StepEffect, StepId};
use super::recorded::{Resource, Run, RunEnd, Stack, Step, StepEnd};
use super::schema::{INTENTS, OUTCOMES, RESOURCES, RESUMES, RUN_ENDS, RUNS};
use super::{Error, Ledger};

/// Whether sealed secrets are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// They stay closed: an empty secret stands for each. Needs no key.
    Hidden,
    /// They are opened, for replay and undo.
    Opened,
}

/// A run that is no event of a service.
const NO_EVENT: &str = "id NOT IN (SELECT run FROM events)";

/// A resource that is still there.
const UNREMOVED: &str = "seq NOT IN (SELECT resource FROM removals)";

impl Ledger {
    /// The resources of `stack` that are still there, in the order in which they were made.
    ///
    /// # Errors
    /// Damage, or a busy ledger.
    pub fn resources(&mut self, stack: &str) -> Result<Vec<Resource>, Error> {
        self.select_resources(
            &format!("WHERE stack = ? AND {UNREMOVED} ORDER BY seq"),
            &[&stack],
        )
    }

    /// The resources of all stacks that are still there, in the order in which they were made.
    ///
    /// # Errors
    /// As [`Ledger::resources`].
    pub fn all_resources(&mut self) -> Result<Vec<Resource>, Error> {
        self.select_resources(&format!("WHERE {UNREMOVED} ORDER BY seq"), &[])
    }

    /// What `run` made that is still there.
    ///
    /// # Errors
    /// As [`Ledger::resources`].
    pub fn made_by(&mut self, run: &RunId) -> Result<Vec<Resource>, Error> {
        self.select_resources(
            &format!("WHERE run = ? AND {UNREMOVED} ORDER BY seq"),
            &[&run.as_str()],
        )
    }

    /// How many writes `run` has begun, those that were tried again counted once.
    ///
    /// # Errors
    /// A busy ledger.
    pub fn writes_of(&mut self, run: &RunId) -> Result<i64, Error> {
        self.connection
            .query_row(
                "SELECT count(DISTINCT path) FROM intents WHERE run = ? AND effect = 'write'",
                [run.as_str()],
                |row| row.get(0),
            )
            .map_err(|error| self.broken(error.into()))
    }

    /// Every stack with its resources and its last run, by name.
    ///
    /// # Errors
    /// As [`Ledger::resources`].
    pub fn stacks(&mut self) -> Result<Vec<Stack>, Error> {
        let mut stacks: BTreeMap<String, Stack> = BTreeMap::new();
        let runs = format!("WHERE {NO_EVENT} ORDER BY seq");
        for run in self.select_runs(&runs, &[], Secrets::Hidden)? {
            let stack = stacks.entry(run.stack.clone()).or_insert_with(|| Stack {
                name: run.stack.clone(),
                resources: 0,
                runs: 0,
                last: run.clone(),
            });
            stack.runs += 1;
            stack.last = run;
        }
        for resource in self.all_resources()? {
            if let Some(stack) = stacks.get_mut(&resource.stack) {
                stack.resources += 1;
            }
        }
        Ok(stacks.into_values().collect())
    }

    /// The last `limit` runs, of `stack` or of all, the newest first; events of services
    /// are not among them.
    ///
    /// # Errors
    /// As [`Ledger::resources`].
    pub fn runs(&mut self, stack: Option<&str>, limit: usize) -> Result<Vec<Run>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        match stack {
            Some(stack) => self.select_runs(
                &format!("WHERE stack = ? AND {NO_EVENT} ORDER BY seq DESC LIMIT ?"),
                &[&stack, &limit],
                Secrets::Hidden,
            ),
            None => self.select_runs(
                &format!("WHERE {NO_EVENT} ORDER BY seq DESC LIMIT ?"),
                &[&limit],
                Secrets::Hidden,
            ),
        }
    }

    /// The run whose id is or begins with `name`.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::AmbiguousRun`], damage.
    pub fn run(&mut self, name: &str, secrets: Secrets) -> Result<Run, Error> {
        let length = i64::try_from(name.chars().count()).unwrap_or(i64::MAX);
        // Where no event is named, its service is meant.
        let which = if name.contains('.') { "TRUE" } else { NO_EVENT };
        let mut found = self.select_runs(
            &format!("WHERE substr(id, 1, ?) = ? AND {which} ORDER BY seq"),
            &[&length, &name],
            secrets,
        )?;
        if let Some(exact) = found.iter().position(|run| run.id.as_str() == name) {
            return Ok(found.swap_remove(exact));
        }
        match found.len() {
            0 => Err(Error::UnknownRun {
                run: name.to_owned(),
            }),
            1 => Ok(found.swap_remove(0)),
            _ => Err(Error::AmbiguousRun {
                run: name.to_owned(),
                candidates: found
                    .iter()
                    .map(|run| run.id.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }

    /// The steps of `run` in the order in which they were begun. A step that was
    /// tried again after a resume is there once for each try.
    ///
    /// # Errors
    /// Damage; [`Error::WrongKey`] if secrets are to be opened.
    pub fn steps(&mut self, run: &RunId, secrets: Secrets) -> Result<Vec<Step>, Error> {
        self.flush()?;
        self.selected("run = ?1", "true", [run.as_str()], secrets)
            .map_err(|broken| self.broken(broken))
    }

    /// The writes of `run` in the order in which they were begun.
    ///
    /// # Errors
    /// As [`Ledger::steps`].
    pub fn writes(&mut self, run: &RunId, secrets: Secrets) -> Result<Vec<Step>, Error> {
        self.flush()?;
        self.selected("run = ?1", "effect = 'write'", [run.as_str()], secrets)
            .map_err(|broken| self.broken(broken))
    }

    /// The writes by `operations` that were begun after `step` and undo nothing, in order;
    /// without their secrets.
    ///
    /// # Errors
    /// As [`Ledger::steps`].
    pub fn writes_since(
        &mut self,
        step: StepId,
        operations: &[String],
    ) -> Result<Vec<Step>, Error> {
        self.flush()?;
        let names: Vec<String> = operations.iter().map(|name| format!("'{name}'")).collect();
        let which = format!(
            "seq > ?1 AND effect = 'write' AND operation IN ({})
             AND seq NOT IN (SELECT intent FROM undos)",
            names.join(", ")
        );
        self.selected("true", &which, [step.0], Secrets::Hidden)
            .map_err(|broken| self.broken(broken))
    }

    /// The write at `path` of `run`, the last if it was tried again; without its secrets.
    ///
    /// # Errors
    /// Damage, or a busy ledger.
    pub fn write_at(&mut self, run: &RunId, path: &str) -> Result<Option<Step>, Error> {
        self.flush()?;
        let tries = "path = ?2 AND effect = 'write'";
        self.selected("run = ?1", tries, [run.as_str(), path], Secrets::Hidden)
            .map(|mut tries| tries.pop())
            .map_err(|broken| self.broken(broken))
    }

    /// The steps `of` which intents and outcomes tell alike, and whose intents are `such`,
    /// in the order in which they were begun.
    fn selected(
        &self,
        of: &str,
        such: &str,
        parameters: impl Params + Copy,
        secrets: Secrets,
    ) -> Result<Vec<Step>, Broken> {
        let mut ends = BTreeMap::new();
        for row in chain::rows(
            &self.connection,
            &OUTCOMES,
            &format!(
                "WHERE {of} AND intent IN (SELECT seq FROM intents WHERE {of} AND {such}) ORDER BY seq"
            ),
            parameters,
        )? {
            let (intent, end) = self.step_end(row, secrets)?;
            ends.insert(intent, end);
        }
        chain::rows(
            &self.connection,
            &INTENTS,
            &format!("WHERE {of} AND {such} ORDER BY seq"),
            parameters,
        )?
        .into_iter()
        .map(|row| self.step(row, &mut ends, secrets))
        .collect()
    }

    pub(super) fn step_end(&self, row: Stored, secrets: Secrets) -> Result<(i64, StepEnd), Broken> {
        let mut cells = Reader::new(row.cells, &self.seal, secrets);
        let intent = cells.int()?;
        let _run = cells.text()?;
        let result = if cells.text()? == "done" {
            let value = cells.value()?;
            cells.optional()?;
            Ok(value)
        } else {
            cells.optional()?;
            Err(cells.fault()?)
        };
        let end = StepEnd {
            result,
            inverse: cells.calls()?,
            ended: cells.time()?,
        };
        Ok((intent, end))
    }

    fn step(
        &self,
        row: Stored,
        ends: &mut BTreeMap<i64, StepEnd>,
        secrets: Secrets,
    ) -> Result<Step, Broken> {
        let mut cells = Reader::new(row.cells, &self.seal, secrets);
        Ok(Step {
            id: StepId(row.seq),
            run: RunId(cells.text()?),
            path: cells.text()?,
            operation: cells.text()?,
            action: cells.text()?,
            effect: if cells.text()? == "read" {
                StepEffect::Read
            } else {
                StepEffect::Write
            },
            input: cells.map()?,
            controls: cells.map()?,
            token: cells.optional()?,
            place: cells.text()?,
            started: cells.time()?,
            end: ends.remove(&row.seq),
        })
    }

    pub(super) fn select_runs(
        &mut self,
        condition: &str,
        parameters: &[&dyn ToSql],
        secrets: Secrets,
    ) -> Result<Vec<Run>, Error> {
        self.flush()?;
        chain::rows(&self.connection, &RUNS, condition, parameters)
            .and_then(|rows| {
                rows.into_iter()
                    .map(|row| self.recorded_run(row, secrets))
                    .collect()
            })
            .map_err(|broken| self.broken(broken))
    }

    fn recorded_run(&self, row: Stored, secrets: Secrets) -> Result<Run, Broken> {
        let mut cells = Reader::new(row.cells, &self.seal, secrets);
        let id = cells.text()?;
        let continuations = chain::rows(
            &self.connection,
            &RESUMES,
            "WHERE run = ? ORDER BY seq",
            [&id],
        )?;
        let resumed = continuations.last().map_or(0, |row| row.seq);
        let end = chain::rows(
            &self.connection,
            &RUN_ENDS,
            "WHERE run = ? ORDER BY seq DESC LIMIT 1",
            [&id],
        )?
        .pop()
        // What it ended with before it was gone on with is not how it ended.
        .filter(|row| row.seq > resumed)
        .map(|row| {
            let mut cells = Reader::new(row.cells, &self.seal, secrets);
            let _run = cells.text()?;
            Ok::<_, Broken>(RunEnd {
                outcome: cells.run_outcome()?,
                ended: cells.time()?,
            })
        })
        .transpose()?;
        Ok(Run {
            id: RunId(id),
            stack: cells.text()?,
            playbook: cells.text()?,
            params: cells.map()?,
            world: cells.world()?,
            started: cells.time()?,
            version: cells.text()?,
            resumes: continuations.len(),
            end,
        })
    }

    pub(super) fn select_resources(
        &mut self,
        condition: &str,
        parameters: &[&dyn ToSql],
    ) -> Result<Vec<Resource>, Error> {
        self.flush()?;
        chain::rows(&self.connection, &RESOURCES, condition, parameters)
            .and_then(|rows| rows.into_iter().map(|row| self.resource(row)).collect())
            .map_err(|broken| self.broken(broken))
    }

    fn resource(&self, row: Stored) -> Result<Resource, Broken> {
        let mut cells = Reader::new(row.cells, &self.seal, Secrets::Opened);
        Ok(Resource {
            seq: row.seq,
            stack: cells.text()?,
            kind: cells.text()?,
            id: cells.text()?,
            name: cells.optional()?,
            region: cells.text()?,
            run: RunId(cells.text()?),
            path: cells.text()?,
            made: cells.time()?,
            inverse: cells.calls()?,
        })
    }
}
