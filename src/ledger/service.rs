//! Events of a service: small runs that are part of another, and what lasts between them.
//!
//! An event that writes nothing leaves nothing here. One that writes is recorded
//! with its first write; its id is that of its service with its number behind it.

use jiff::Timestamp;
use opsh_operation::{Map, Value};
use rusqlite::types::Value as Cell;

use super::chain::{self, Broken};
use super::codec::{self, Reader, Writer};
use super::query::Secrets;
use super::record::{NewRun, RunId, RunOutcome};
use super::recorded::Run;
use super::schema::{DELIVERIES, EVENTS, RUN_ENDS, RUNS, STATES};
use super::{Error, Ledger};

/// A message that has come from elsewhere and must be taken once only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Where it came from, e.g. the topic's ARN.
    pub source: String,
    /// Its id there.
    pub message: String,
    /// When it was sent.
    pub sent: Timestamp,
    /// Until when it could be taken again.
    pub expires: Timestamp,
}

/// An event of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The service's run.
    pub parent: RunId,
    /// Its number there, from 1.
    pub number: u32,
    /// The handler's name, by which it is found when the event is gone on with.
    pub handler: String,
    /// What it is about, e.g. `POST /alarms`.
    pub label: String,
    /// What the handler was called with.
    pub input: Vec<Value>,
}

/// How many events of a service there are in the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventCount {
    /// All.
    pub events: i64,
    /// Those that did not come to their end well.
    pub failed: i64,
}

/// A recorded event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRun {
    /// Its run.
    pub run: Run,
    /// What it was about.
    pub event: NewEvent,
}

impl EventRun {
    /// For `--output json`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = self.run.to_json();
        json["service"] = self.event.parent.as_str().into();
        json["number"] = self.event.number.into();
        json["label"] = self.event.label.as_str().into();
        json
    }
}

impl RunId {
    /// The id of an event of this run.
    #[must_use]
    pub fn event(&self, number: u32) -> Self {
        Self(format!("{self}.{number}"))
    }
}

impl Ledger {
    /// Records that an event has begun; durable with the next commit.
    ///
    /// # Errors
    /// As [`Ledger::begin_run`].
    pub fn begin_event(&mut self, new: &NewRun, event: &NewEvent) -> Result<RunId, Error> {
        let (run, of) = self.event_cells(new, event)?;
        self.put_by(&RUNS, run)?;
        self.put_by(&EVENTS, of)?;
        Ok(event.parent.event(event.number))
    }

    /// Records that an event has begun because of a message that came; durable when this
    /// returns, the event and the message together.
    ///
    /// # Errors
    /// As [`Ledger::begin_run`]. Whoever sent the message must not be told that it was taken.
    pub fn take_delivery(
        &mut self,
        new: &NewRun,
        event: &NewEvent,
        delivery: &Delivery,
    ) -> Result<RunId, Error> {
        let (run, of) = self.event_cells(new, event)?;
        let id = event.parent.event(event.number);
        let came = vec![
            codec::text(&new.stack),
            codec::text(&delivery.source),
            codec::text(&delivery.message),
            codec::time(delivery.sent),
            codec::time(delivery.expires),
            codec::text(id.as_str()),
        ];
        self.commit(|transaction, head| {
            chain::append(transaction, head, &RUNS, run)?;
            chain::append(transaction, head, &EVENTS, of)?;
            chain::append(transaction, head, &DELIVERIES, came)?;
            Ok(id)
        })
    }

    /// The messages that have come to `stack` from `source`, in order: id, and when it was sent.
    ///
    /// # Errors
    /// Damage, or a busy ledger.
    pub fn deliveries(
        &mut self,
        stack: &str,
        source: &str,
    ) -> Result<Vec<(String, Timestamp)>, Error> {
        self.flush()?;
        let read = || {
            chain::rows(
                &self.connection,
                &DELIVERIES,
                "WHERE stack = ? AND source = ? ORDER BY seq",
                [stack, source],
            )?
            .into_iter()
            .map(|row| {
                let mut cells = Reader::new(row.cells, &self.seal, Secrets::Hidden);
                let (_stack, _source) = (cells.text()?, cells.text()?);
                Ok((cells.text()?, cells.time()?))
            })
            .collect::<Result<_, Broken>>()
        };
        read().map_err(|broken| self.broken(broken))
    }

    /// The rows of an event: of its run, and of what it is about.
    fn event_cells(&self, new: &NewRun, event: &NewEvent) -> Result<(Vec<Cell>, Vec<Cell>), Error> {
        let writer = Writer::new(&self.seal);
        let input = writer.value(&Value::List(event.input.clone()));
        let params = writer.map(&new.params);
        let (input, params) = writer.finish((input, params))?;
        let id = event.parent.event(event.number);
        let run = vec![
            codec::text(id.as_str()),
            codec::text(&new.stack),
            codec::text(&new.playbook),
            params,
            codec::text(new.world.word()),
            codec::time(new.started),
            codec::text(&new.version),
        ];
        let of = vec![
            codec::text(id.as_str()),
            codec::text(event.parent.as_str()),
            Cell::Integer(event.number.into()),
            codec::text(&event.handler),
            codec::text(&event.label),
            input,
        ];
        Ok((run, of))
    }

    /// Records that an event has ended; durable with the next commit. If that is lost, the
    /// event is gone on with, and all its steps are answered.
    ///
    /// # Errors
    /// As [`Ledger::begin_run`].
    pub fn end_event(
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
        self.put_by(&RUN_ENDS, cells)
    }

    /// The recorded events of the service `parent`, in order.
    ///
    /// # Errors
    /// Damage, or a busy ledger.
    pub fn events(&mut self, parent: &RunId, secrets: Secrets) -> Result<Vec<EventRun>, Error> {
        self.select_events("WHERE parent = ? ORDER BY seq", parent.as_str(), secrets)
    }

    /// The events of all services of `stack` that were under way when their processes ended.
    ///
    /// # Errors
    /// Damage, or a busy ledger; [`Error::WrongKey`].
    pub fn open_events(&mut self, stack: &str) -> Result<Vec<EventRun>, Error> {
        let found = self.select_events(
            "WHERE run IN (SELECT id FROM runs WHERE stack = ?)
             AND run NOT IN (SELECT run FROM run_ends WHERE seq > ifnull(
                 (SELECT max(seq) FROM resumes WHERE resumes.run = run_ends.run), 0))
             ORDER BY seq",
            stack,
            Secrets::Opened,
        )?;
        Ok(found)
    }

    /// How many events of `parent` there are.
    ///
    /// # Errors
    /// A busy ledger.
    pub fn count_events(&mut self, parent: &RunId) -> Result<EventCount, Error> {
        self.flush()?;
        self.connection
            .query_row(
                "SELECT count(*), count(*) FILTER (WHERE EXISTS (
                     SELECT 1 FROM run_ends WHERE run_ends.run = events.run
                     AND run_ends.outcome <> 'done'))
                 FROM events WHERE parent = ?",
                [parent.as_str()],
                |row| {
                    Ok(EventCount {
                        events: row.get(0)?,
                        failed: row.get(1)?,
                    })
                },
            )
            .map_err(|error| Error::sqlite(&self.path, error))
    }

    /// The highest number of an event of `parent`; 0 if it has none.
    ///
    /// # Errors
    /// A busy ledger.
    pub fn last_event(&mut self, parent: &RunId) -> Result<u32, Error> {
        self.flush()?;
        self.connection
            .query_row(
                "SELECT ifnull(max(number), 0) FROM events WHERE parent = ?",
                [parent.as_str()],
                |row| row.get(0),
            )
            .map_err(|error| Error::sqlite(&self.path, error))
    }

    /// The service whose event `run` is, if it is one.
    ///
    /// # Errors
    /// Damage, or a busy ledger.
    pub fn parent_of(&mut self, run: &RunId) -> Result<Option<RunId>, Error> {
        let found =
            self.select_events("WHERE run = ? ORDER BY seq", run.as_str(), Secrets::Hidden)?;
        Ok(found.into_iter().next().map(|found| found.event.parent))
    }

    fn select_events(
        &mut self,
        condition: &str,
        parameter: &str,
        secrets: Secrets,
    ) -> Result<Vec<EventRun>, Error> {
        self.flush()?;
        let rows = chain::rows(&self.connection, &EVENTS, condition, [parameter])
            .map_err(|broken| self.broken(broken))?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let mut cells = Reader::new(row.cells, &self.seal, secrets);
            found.push(event(&mut cells).map_err(|broken| self.broken(broken))?);
        }
        found
            .into_iter()
            .map(|(id, event)| {
                let run = self
                    .select_runs("WHERE id = ?", &[&id], secrets)?
                    .pop()
                    .ok_or_else(|| {
                        Error::damaged(&self.path, format!("the run of the event {id} is missing"))
                    })?;
                Ok(EventRun { run, event })
            })
            .collect()
    }

    /// What the stack's service keeps under `key`; nothing if it never was set, or was removed.
    ///
    /// # Errors
    /// Damage, or a busy ledger.
    pub fn state(&mut self, stack: &str, key: &str) -> Result<Option<Value>, Error> {
        let read = || {
            chain::rows(
                &self.connection,
                &STATES,
                "WHERE stack = ? AND key = ? ORDER BY seq DESC LIMIT 1",
                [stack, key],
            )?
            .pop()
            .map(|row| {
                let mut cells = Reader::new(row.cells, &self.seal, Secrets::Opened);
                let (_stack, _key) = (cells.text()?, cells.text()?);
                cells.value()
            })
            .transpose()
        };
        let value = read().map_err(|broken| self.broken(broken))?;
        Ok(value.filter(|value| !value.is_null()))
    }

    /// Everything that the stack's service keeps, by key.
    ///
    /// # Errors
    /// Damage, or a busy ledger.
    pub fn states(&mut self, stack: &str) -> Result<Map, Error> {
        let read = || {
            chain::rows(
                &self.connection,
                &STATES,
                "WHERE stack = ? ORDER BY seq",
                [stack],
            )?
            .into_iter()
            .map(|row| {
                let mut cells = Reader::new(row.cells, &self.seal, Secrets::Opened);
                let _stack = cells.text()?;
                Ok((cells.text()?, cells.value()?))
            })
            .collect::<Result<Map, Broken>>()
        };
        let mut states = read().map_err(|broken| self.broken(broken))?;
        states.retain(|_, value| !value.is_null());
        Ok(states)
    }

    /// Keeps `value` under `key`; nothing stands for removed.
    ///
    /// # Errors
    /// As [`Ledger::begin_run`].
    pub fn set_state(
        &mut self,
        run: &RunId,
        stack: &str,
        key: &str,
        value: &Value,
    ) -> Result<(), Error> {
        let writer = Writer::new(&self.seal);
        let value = writer.value(value);
        let cells = vec![
            codec::text(stack),
            codec::text(key),
            writer.finish(value)?,
            codec::text(run.as_str()),
        ];
        self.commit(|transaction, head| chain::append(transaction, head, &STATES, cells).map(drop))
    }
}

fn event(cells: &mut Reader<'_>) -> Result<(String, NewEvent), Broken> {
    Ok((
        cells.text()?,
        NewEvent {
            parent: RunId(cells.text()?),
            number: u32::try_from(cells.int()?).unwrap_or(u32::MAX),
            handler: cells.text()?,
            label: cells.text()?,
            input: match cells.value()? {
                Value::List(input) => input,
                other => vec![other],
            },
        },
    ))
}
