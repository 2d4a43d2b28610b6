//! Writing: each function is one durable commit, reads excepted.

use opsh_operation::Value;
use rusqlite::types::Value as Cell;
use rusqlite::{Transaction, TransactionBehavior};

use super::chain::{self, Head};
use super::codec::{self, Writer};
use super::record::{
    NewRun, Outcome, ResourceChange, RunId, RunOutcome, StepEffect, StepId, StepIntent,
};
use super::schema::{
    FORMERS, INTENTS, OUTCOMES, REMOVALS, RESOURCES, RUN_ENDS, RUNS, SETTINGS, Table,
};
use super::{Error, Ledger};

/// What is recorded and not committed yet: losing it costs little.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    rows: Vec<Row>,
    bytes: usize,
}

#[derive(Debug)]
enum Row {
    /// A read: its intent's columns, and its outcome's behind the intent's number.
    Read(Vec<Cell>, Vec<Cell>),
    /// A row of this table.
    Of(&'static Table, Vec<Cell>),
}

/// Reads are committed when there are this many, …
const MOST_READS: usize = 256;
/// … or when they are this large.
const MOST_BYTES: usize = 1 << 20;

impl Ledger {
    /// Records that a run begins, and how it was started.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Busy`], [`Error::Sqlite`]; a key that cannot be made.
    pub fn begin_run(&mut self, new: &NewRun) -> Result<RunId, Error> {
        let writer = Writer::new(&self.seal);
        let params = writer.map(&new.params);
        let settings = new.settings.as_ref().map(|started| {
            let folder = codec::text(&started.folder);
            (folder, writer.map(&started.settings))
        });
        let (params, settings) = writer.finish((params, settings))?;
        let wanted = RunId::new(new.started, new.random);
        self.commit(|transaction, head| {
            let mut id = wanted.clone();
            let mut taken = transaction.prepare_cached("SELECT 1 FROM runs WHERE id = ?")?;
            // A seeded world can begin two runs at the same instant with the same randomness.
            for again in 2.. {
                if !taken.exists([id.as_str()])? {
                    break;
                }
                id = RunId(format!("{wanted}-{again}"));
            }
            let cells = vec![
                codec::text(id.as_str()),
                codec::text(&new.stack),
                codec::text(&new.playbook),
                params,
                codec::text(new.world.word()),
                codec::time(new.started),
                codec::text(&new.version),
            ];
            chain::append(transaction, head, &RUNS, cells)?;
            if let Some((folder, settings)) = settings {
                let cells = vec![codec::text(id.as_str()), folder, settings];
                chain::append(transaction, head, &SETTINGS, cells)?;
            }
            Ok(id)
        })
    }

    /// Records what a step is about to do, and what it would change; durable when this
    /// returns.
    ///
    /// # Errors
    /// As [`Ledger::begin_run`]. The step must not be sent then.
    pub fn intent(&mut self, intent: &StepIntent) -> Result<StepId, Error> {
        let cells = self.intent_cells(intent)?;
        let writer = Writer::new(&self.seal);
        let former = intent.former.as_ref();
        let found =
            former.map(|former| writer.value(former.found.as_ref().unwrap_or(&Value::Null)));
        let found = writer.finish(found)?;
        self.commit(|transaction, head| {
            let step = chain::append(transaction, head, &INTENTS, cells).map(StepId)?;
            if let Some(found) = found {
                let cells = vec![
                    Cell::Integer(step.0),
                    codec::text(intent.run.as_str()),
                    found,
                ];
                chain::append(transaction, head, &FORMERS, cells)?;
            }
            if let Some(undoes) = &intent.undoes {
                super::undo::append(transaction, head, step, &intent.run, undoes)?;
            }
            Ok(step)
        })
    }

    /// Records what a step did, with what it made and removed, in one commit.
    ///
    /// # Errors
    /// As [`Ledger::begin_run`].
    pub fn outcome(
        &mut self,
        step: StepId,
        outcome: &Outcome,
        changes: &[ResourceChange],
    ) -> Result<(), Error> {
        let cells = self.outcome_cells(outcome)?;
        let inverses = self.inverses(changes)?;
        self.commit(|transaction, head| {
            let origin = Origin::of(transaction, step)?;
            let row = [Cell::Integer(step.0), codec::text(&origin.run)]
                .into_iter()
                .chain(cells)
                .collect();
            chain::append(transaction, head, &OUTCOMES, row)?;
            for (change, inverse) in changes.iter().zip(inverses) {
                origin.change(transaction, head, change, inverse, outcome)?;
            }
            Ok(())
        })
    }

    /// Records a read with its result; durable with the next commit.
    ///
    /// # Errors
    /// As [`Ledger::begin_run`].
    pub fn read(&mut self, intent: &StepIntent, outcome: &Outcome) -> Result<(), Error> {
        debug_assert_eq!(intent.effect, StepEffect::Read);
        let intended = self.intent_cells(intent)?;
        let mut done = self.outcome_cells(outcome)?;
        done.insert(0, codec::text(intent.run.as_str()));
        self.waiting.bytes += size(&intended) + size(&done);
        self.waiting.rows.push(Row::Read(intended, done));
        self.flush_if_much()
    }

    /// Records a row of `table`; durable with the next commit.
    pub(super) fn put_by(&mut self, table: &'static Table, cells: Vec<Cell>) -> Result<(), Error> {
        self.waiting.bytes += size(&cells);
        self.waiting.rows.push(Row::Of(table, cells));
        self.flush_if_much()
    }

    fn flush_if_much(&mut self) -> Result<(), Error> {
        if self.waiting.rows.len() >= MOST_READS || self.waiting.bytes >= MOST_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Records that a run has ended.
    ///
    /// # Errors
    /// As [`Ledger::begin_run`].
    pub fn end_run(
        &mut self,
        run: &RunId,
        outcome: &RunOutcome,
        ended: jiff::Timestamp,
    ) -> Result<(), Error> {
        let cells = vec![
            codec::text(run.as_str()),
            codec::text(outcome.word()),
            codec::optional(outcome.error()),
            codec::time(ended),
        ];
        self.commit(|transaction, head| {
            chain::append(transaction, head, &RUN_ENDS, cells).map(drop)
        })
    }

    /// Commits what is still in memory.
    ///
    /// # Errors
    /// As [`Ledger::begin_run`].
    pub fn flush(&mut self) -> Result<(), Error> {
        if self.waiting.rows.is_empty() {
            return Ok(());
        }
        self.commit(|_, _| Ok(()))
    }

    /// One transaction: what waits, then `work`, then the chain's end.
    pub(super) fn commit<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &mut Head) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let waiting = &self.waiting.rows;
        let transact = |connection: &mut rusqlite::Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut head = chain::head(&transaction)?;
            for row in waiting {
                let (intent, outcome) = match row {
                    Row::Read(intent, outcome) => (intent, outcome),
                    Row::Of(table, cells) => {
                        chain::append(&transaction, &mut head, table, cells.clone())?;
                        continue;
                    }
                };
                let seq = chain::append(&transaction, &mut head, &INTENTS, intent.clone())?;
                let row = std::iter::once(Cell::Integer(seq))
                    .chain(outcome.iter().cloned())
                    .collect();
                chain::append(&transaction, &mut head, &OUTCOMES, row)?;
            }
            let value = work(&transaction, &mut head)?;
            chain::finish(&transaction, &head)?;
            transaction.commit()?;
            Ok((value, head.seq))
        };
        let (value, rows) =
            transact(&mut self.connection).map_err(|error| Error::sqlite(&self.path, error))?;
        self.waiting = Waiting::default();
        if let Some(watch) = &mut self.watch {
            watch.note(rows);
        }
        Ok(value)
    }

    fn intent_cells(&self, intent: &StepIntent) -> Result<Vec<Cell>, Error> {
        let writer = Writer::new(&self.seal);
        let cells = vec![
            codec::text(intent.run.as_str()),
            codec::text(&intent.path),
            codec::text(&intent.operation),
            codec::text(&intent.action),
            codec::text(intent.effect.word()),
            writer.map(&intent.input),
            writer.map(&intent.controls),
            codec::optional(intent.token.as_deref()),
            codec::text(&intent.place),
            codec::time(intent.started),
        ];
        writer.finish(cells)
    }

    fn outcome_cells(&self, outcome: &Outcome) -> Result<Vec<Cell>, Error> {
        let writer = Writer::new(&self.seal);
        let (state, result, error) = match &outcome.result {
            Ok(value) => ("done", writer.value(value), Cell::Null),
            Err(fault) => ("failed", Cell::Null, writer.fault(fault)),
        };
        let cells = vec![
            codec::text(state),
            result,
            error,
            writer.calls(&outcome.inverse),
            codec::time(outcome.ended),
        ];
        writer.finish(cells)
    }

    fn inverses(&self, changes: &[ResourceChange]) -> Result<Vec<Cell>, Error> {
        let writer = Writer::new(&self.seal);
        let cells = changes
            .iter()
            .map(|change| match change {
                ResourceChange::Made { inverse, .. } => writer.calls(inverse),
                ResourceChange::Removed { .. } => Cell::Null,
            })
            .collect();
        writer.finish(cells)
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        // Reads without a later write: losing them costs a resumed run only the reading again.
        self.flush().ok();
    }
}

fn size(cells: &[Cell]) -> usize {
    cells
        .iter()
        .map(|cell| match cell {
            Cell::Text(text) => text.len(),
            _ => 8,
        })
        .sum()
}

/// The step that a resource's change belongs to.
struct Origin {
    run: String,
    path: String,
    stack: String,
}

impl Origin {
    fn of(transaction: &Transaction<'_>, step: StepId) -> rusqlite::Result<Self> {
        transaction
            .prepare_cached(
                "SELECT intents.run, intents.path, runs.stack
                 FROM intents JOIN runs ON runs.id = intents.run WHERE intents.seq = ?",
            )?
            .query_row([step.0], |row| {
                Ok(Self {
                    run: row.get(0)?,
                    path: row.get(1)?,
                    stack: row.get(2)?,
                })
            })
    }

    fn change(
        &self,
        transaction: &Transaction<'_>,
        head: &mut Head,
        change: &ResourceChange,
        inverse: Cell,
        outcome: &Outcome,
    ) -> rusqlite::Result<()> {
        match change {
            ResourceChange::Made {
                kind,
                id,
                name,
                region,
                ..
            } => {
                let known = present(transaction, kind, id, region)?
                    .into_iter()
                    .any(|(_, stack)| stack == self.stack);
                if known {
                    return Ok(());
                }
                let cells = vec![
                    codec::text(&self.stack),
                    codec::text(kind),
                    codec::text(id),
                    codec::optional(name.as_deref()),
                    codec::text(region),
                    codec::text(&self.run),
                    codec::text(&self.path),
                    codec::time(outcome.ended),
                    inverse,
                ];
                chain::append(transaction, head, &RESOURCES, cells).map(drop)
            }
            ResourceChange::Removed { kind, id, region } => {
                for (resource, _) in present(transaction, kind, id, region)? {
                    let cells = vec![
                        Cell::Integer(resource),
                        codec::text(&self.run),
                        codec::text(&self.path),
                        codec::time(outcome.ended),
                    ];
                    chain::append(transaction, head, &REMOVALS, cells)?;
                }
                Ok(())
            }
        }
    }
}

/// Rows and stacks of the unremoved resources with this id; an empty region means any.
pub(super) fn present(
    transaction: &Transaction<'_>,
    kind: &str,
    id: &str,
    region: &str,
) -> rusqlite::Result<Vec<(i64, String)>> {
    transaction
        .prepare_cached(
            "SELECT seq, stack FROM resources
             WHERE id = ?1 AND kind = ?2 AND (region = ?3 OR region = '' OR ?3 = '')
             AND NOT EXISTS (SELECT 1 FROM removals WHERE resource = resources.seq)
             ORDER BY seq",
        )?
        .query_map((id, kind, region), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
