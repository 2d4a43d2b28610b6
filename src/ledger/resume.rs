//! What going on with a run needs: how it was started, that it was gone on with,
//! and what has happened to its stack since.

use jiff::Timestamp;

use super::chain::{self, Broken};
use super::codec::{self, Reader};
use super::query::Secrets;
use super::record::{Former, RunId, RunSettings, StepId};
use super::recorded::Run;
use super::schema::{FORMERS, INTENTS, REMOVALS, RESOURCES, RESUMES, SETTINGS};
use super::{Error, Ledger};

/// A run that worked on a stack after another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Later {
    /// The later run.
    pub run: Run,
    /// Kind and id of something that the earlier one had made and that is removed since.
    pub removed: Option<(String, String)>,
}

impl Ledger {
    /// How `run` was started; nothing if that was not recorded.
    ///
    /// # Errors
    /// Damage, or a busy ledger.
    pub fn settings(&mut self, run: &RunId) -> Result<Option<RunSettings>, Error> {
        let read = || {
            chain::rows(
                &self.connection,
                &SETTINGS,
                "WHERE run = ? ORDER BY seq DESC LIMIT 1",
                [run.as_str()],
            )?
            .pop()
            .map(|row| {
                let mut cells = Reader::new(row.cells, &self.seal, Secrets::Opened);
                let _run = cells.text()?;
                Ok(RunSettings {
                    folder: cells.text()?,
                    settings: cells.map()?,
                })
            })
            .transpose()
        };
        read().map_err(|broken| self.broken(broken))
    }

    /// What the write at `step` changes that was there before it, with its secrets; nothing
    /// if it makes what was not there.
    ///
    /// # Errors
    /// Damage, or a busy ledger.
    pub fn former(&mut self, step: StepId) -> Result<Option<Former>, Error> {
        let read = || {
            chain::rows(
                &self.connection,
                &FORMERS,
                "WHERE intent = ? ORDER BY seq DESC LIMIT 1",
                [step.0],
            )?
            .pop()
            .map(|row| {
                let mut cells = Reader::new(row.cells, &self.seal, Secrets::Opened);
                let _intent = cells.int()?;
                let _run = cells.text()?;
                Ok(Former {
                    found: Some(cells.value()?).filter(|found| !found.is_null()),
                })
            })
            .transpose()
        };
        read().map_err(|broken| self.broken(broken))
    }

    /// Records that `run` is gone on with.
    ///
    /// # Errors
    /// As [`Ledger::begin_run`].
    pub fn resumed(&mut self, run: &RunId, started: Timestamp, version: &str) -> Result<(), Error> {
        let cells = vec![
            codec::text(run.as_str()),
            codec::time(started),
            codec::text(version),
        ];
        self.commit(|transaction, head| chain::append(transaction, head, &RESUMES, cells).map(drop))
    }

    /// The newest run that has not ended `done` and whose settings are known: the
    /// one that somebody means who names none.
    ///
    /// # Errors
    /// Damage, or a busy ledger.
    pub fn unfinished(&mut self) -> Result<Option<Run>, Error> {
        let runs = self.select_runs(
            "WHERE id IN (SELECT run FROM settings) ORDER BY seq DESC",
            &[],
            Secrets::Hidden,
        )?;
        Ok(runs.into_iter().find(|run| !run.is_done()))
    }

    /// The last run after `run` that changed something on the same stack.
    ///
    /// # Errors
    /// Damage, or a busy ledger.
    pub fn later(&mut self, run: &Run) -> Result<Option<Later>, Error> {
        let later = self
            .select_runs(
                "WHERE stack = ?1 AND seq > (SELECT seq FROM runs WHERE id = ?2)
                 AND id NOT IN (SELECT run FROM events WHERE parent = ?2) ORDER BY seq DESC",
                &[&run.stack, &run.id.as_str()],
                Secrets::Hidden,
            )?
            .into_iter();
        for other in later {
            let look = || -> Result<Option<Later>, Broken> {
                let writes = chain::rows(
                    &self.connection,
                    &INTENTS,
                    "WHERE run = ? AND effect = 'write' LIMIT 1",
                    [other.id.as_str()],
                )?;
                if writes.is_empty() {
                    return Ok(None);
                }
                Ok(Some(Later {
                    removed: self.removed_of(&run.id)?,
                    run: other.clone(),
                }))
            };
            if let Some(later) = look().map_err(|broken| self.broken(broken))? {
                return Ok(Some(later));
            }
        }
        Ok(None)
    }

    /// Something that `maker` made and another run removed.
    fn removed_of(&self, maker: &RunId) -> Result<Option<(String, String)>, Broken> {
        let removals = chain::rows(
            &self.connection,
            &REMOVALS,
            "WHERE run <> ?1 AND run NOT IN (SELECT run FROM events WHERE parent = ?1)
             AND resource IN (SELECT seq FROM resources WHERE run = ?1) ORDER BY seq LIMIT 1",
            [maker.as_str()],
        )?;
        let Some(removal) = removals.into_iter().next() else {
            return Ok(None);
        };
        let resource = Reader::new(removal.cells, &self.seal, Secrets::Hidden).int()?;
        chain::rows(&self.connection, &RESOURCES, "WHERE seq = ?", [resource])?
            .into_iter()
            .next()
            .map(|row| {
                let mut cells = Reader::new(row.cells, &self.seal, Secrets::Hidden);
                let _stack = cells.text()?;
                Ok((cells.text()?, cells.text()?))
            })
            .transpose()
    }
}
