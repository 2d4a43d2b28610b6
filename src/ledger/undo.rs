//! Which steps undo which, and what was found again by its tags.
//!
//! That a step undoes another is committed with its intent, so that after a
//! crash at any instant it is known which calls of an inverse were begun, and
//! from their outcomes what became of them.

use std::collections::BTreeMap;

use rusqlite::Transaction;
use rusqlite::types::Value as Cell;

use super::chain::{self, Broken, Head};
use super::codec::{self, Reader, Writer};
use super::query::Secrets;
use super::record::{Adopted, RunId, StepId, Undoes};
use super::recorded::{Life, Resource, Undo};
use super::schema::{OUTCOMES, REMOVALS, RESOURCES, UNDOS};
use super::{Error, Ledger, write};

/// Records that `step` of `run` undoes.
pub(super) fn append(
    transaction: &Transaction<'_>,
    head: &mut Head,
    step: StepId,
    run: &RunId,
    undoes: &Undoes,
) -> rusqlite::Result<()> {
    let cells = vec![
        Cell::Integer(step.0),
        codec::text(run.as_str()),
        Cell::Integer(undoes.step.0),
        codec::text(undoes.run.as_str()),
        Cell::Integer(undoes.call.into()),
    ];
    chain::append(transaction, head, &UNDOS, cells).map(drop)
}

impl Ledger {
    /// The calls that undo steps of `run`, in the order in which they were begun.
    ///
    /// # Errors
    /// Damage, or a busy ledger.
    pub fn undos_of(&mut self, run: &RunId) -> Result<Vec<Undo>, Error> {
        self.flush()?;
        self.undos("WHERE undone_run = ? ORDER BY seq", run)
            .map_err(|broken| self.broken(broken))
    }

    /// The run that `run` undoes steps of, if it is an undo.
    ///
    /// # Errors
    /// As [`Ledger::undos_of`].
    pub fn undone_by(&mut self, run: &RunId) -> Result<Option<RunId>, Error> {
        self.flush()?;
        let undos = self
            .undos("WHERE run = ? ORDER BY seq LIMIT 1", run)
            .map_err(|broken| self.broken(broken))?;
        Ok(undos.into_iter().next().map(|undo| undo.undoes.run))
    }

    fn undos(&self, condition: &str, run: &RunId) -> Result<Vec<Undo>, Broken> {
        chain::rows(&self.connection, &UNDOS, condition, [run.as_str()])?
            .into_iter()
            .map(|row| {
                let mut cells = Reader::new(row.cells, &self.seal, Secrets::Hidden);
                let step = cells.int()?;
                let by = cells.text()?;
                let undone = StepId(cells.int()?);
                let run = RunId(cells.text()?);
                let call = u32::try_from(cells.int()?)
                    .map_err(|_| Broken::Damaged("a call has no number".to_owned()))?;
                Ok(Undo {
                    undoes: Undoes {
                        run,
                        step: undone,
                        call,
                    },
                    result: self.became(&by, step)?,
                    by: RunId(by),
                    step: StepId(step),
                })
            })
            .collect()
    }

    /// What became of the step of `run` at `intent`.
    fn became(
        &self,
        run: &str,
        intent: i64,
    ) -> Result<Option<Result<(), opsh_operation::Fault>>, Broken> {
        let rows = chain::rows(
            &self.connection,
            &OUTCOMES,
            "WHERE run = ? AND intent = ? ORDER BY seq DESC LIMIT 1",
            (run, intent),
        )?;
        rows.into_iter()
            .map(|row| {
                let (_, end) = self.step_end(row, Secrets::Hidden)?;
                Ok(end.result.map(drop))
            })
            .next()
            .transpose()
    }

    /// Everything that `stack` ever had, in the order in which it was made.
    ///
    /// # Errors
    /// As [`Ledger::undos_of`].
    pub fn lives(&mut self, stack: &str) -> Result<Vec<Life>, Error> {
        self.lives_with("stack", stack)
    }

    /// Everything with this id that any stack ever had, in the order in which it was made.
    ///
    /// # Errors
    /// As [`Ledger::undos_of`].
    pub fn lives_of(&mut self, id: &str) -> Result<Vec<Life>, Error> {
        self.lives_with("id", id)
    }

    fn lives_with(&mut self, column: &str, value: &str) -> Result<Vec<Life>, Error> {
        let which = format!("WHERE {column} = ? ORDER BY seq");
        let resources = self.select_resources(&which, &[&value])?;
        let removals = chain::rows(
            &self.connection,
            &REMOVALS,
            &format!(
                "WHERE resource IN (SELECT seq FROM resources WHERE {column} = ?) ORDER BY seq"
            ),
            [value],
        )
        .map_err(|broken| self.broken(broken))?;
        let mut removed = BTreeMap::new();
        for row in removals {
            let resource = Reader::new(row.cells, &self.seal, Secrets::Hidden)
                .int()
                .map_err(|broken| self.broken(broken))?;
            removed.entry(resource).or_insert(StepId(row.seq));
        }
        Ok(resources
            .into_iter()
            .map(|resource| Life {
                removed: removed.get(&resource.seq).copied(),
                resource,
            })
            .collect())
    }

    /// Records that `run` removed those of `resources` that are still known as there:
    /// it did so by calls that did not name them.
    ///
    /// # Errors
    /// As [`Ledger::begin_run`].
    pub fn forget(
        &mut self,
        run: &RunId,
        resources: &[&Resource],
        now: jiff::Timestamp,
    ) -> Result<(), Error> {
        let mut there = Vec::new();
        for resource in resources {
            let removed = self
                .connection
                .prepare_cached("SELECT 1 FROM removals WHERE resource = ?")
                .and_then(|mut statement| statement.exists([resource.seq]))
                .map_err(|error| Error::sqlite(&self.path, error))?;
            if !removed {
                there.push(vec![
                    Cell::Integer(resource.seq),
                    codec::text(run.as_str()),
                    codec::text(&resource.path),
                    codec::time(now),
                ]);
            }
        }
        if there.is_empty() {
            return Ok(());
        }
        self.commit(|transaction, head| {
            for cells in there {
                chain::append(transaction, head, &REMOVALS, cells)?;
            }
            Ok(())
        })
    }

    /// Records what `run` found of `stack` by its tags; says which of it was not known yet.
    ///
    /// # Errors
    /// As [`Ledger::begin_run`].
    pub fn adopt(
        &mut self,
        run: &RunId,
        stack: &str,
        found: &[Adopted],
        now: jiff::Timestamp,
    ) -> Result<Vec<bool>, Error> {
        let writer = Writer::new(&self.seal);
        let inverses: Vec<Cell> = found.iter().map(|one| writer.calls(&one.inverse)).collect();
        let inverses = writer.finish(inverses)?;
        self.commit(|transaction, head| {
            found
                .iter()
                .zip(inverses)
                .map(|(one, inverse)| {
                    let known = write::present(transaction, &one.kind, &one.id, "")?
                        .into_iter()
                        .any(|(_, of)| of == stack);
                    if known {
                        return Ok(false);
                    }
                    let cells = vec![
                        codec::text(stack),
                        codec::text(&one.kind),
                        codec::text(&one.id),
                        codec::optional(one.name.as_deref()),
                        codec::text(""),
                        codec::text(run.as_str()),
                        codec::text(ADOPTED),
                        codec::time(now),
                        inverse,
                    ];
                    chain::append(transaction, head, &RESOURCES, cells)?;
                    Ok(true)
                })
                .collect()
        })
    }
}

/// Stands for the step that made a resource where that is not known.
const ADOPTED: &str = "adopted";
