//! Old events leave, and the chain of hashes still leads over the gaps.
//!
//! What leaves: events of services that have ended, beyond the newest in number or in
//! bytes, none of whose resources is still there and that no undo is about; what was kept
//! under a key before its last value; and messages that are too old to come again. One row at the chain's end names all gaps with the hash of each
//! gap's last row, so that every row that is left is checked as before. That row is part
//! of the chain, and replaces the one before it: a service that runs for a year has a
//! ledger as long as what it keeps.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, Transaction};
use serde_json::{Value as Json, json};

use super::chain::{self, Broken};
use super::codec;
use super::schema::{
    DELIVERIES, EVENTS, FORMERS, INTENTS, OUTCOMES, PRUNES, REMOVALS, RESOURCES, RESUMES, RUN_ENDS,
    RUNS, SETTINGS, STATES, Table,
};
use super::{Error, Ledger};

/// Rows that have left: the last one's number and hash, by the first one's number.
pub(super) type Gaps = BTreeMap<i64, (i64, Vec<u8>)>;

/// The gaps that the chain's rows name.
pub(super) fn gaps(connection: &Connection) -> Result<Gaps, Broken> {
    let Some(row) = chain::rows(connection, &PRUNES, "ORDER BY seq DESC LIMIT 1", [])?.pop() else {
        return Ok(Gaps::new());
    };
    let text = match row.cells.first() {
        Some(Cell::Text(text)) => text.as_str(),
        _ => "",
    };
    read(text).ok_or_else(|| Broken::Damaged(format!("row {} of prunes is unreadable", row.seq)))
}

fn read(text: &str) -> Option<Gaps> {
    let Json::Array(gaps) = serde_json::from_str(text).ok()? else {
        return None;
    };
    gaps.iter()
        .map(|gap| {
            let hash = hex::decode(gap[2].as_str()?).ok()?;
            Some((gap[0].as_i64()?, (gap[1].as_i64()?, hash)))
        })
        .collect()
}

fn write(gaps: &Gaps) -> String {
    let gaps = gaps
        .iter()
        .map(|(from, (to, hash))| json!([from, to, hex::encode(hash)]));
    Json::Array(gaps.collect()).to_string()
}

/// What is kept of a stack's events, beside what is still needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// So many of the newest, …
    pub events: usize,
    /// … as long as they take no more bytes than this; the newest is always kept.
    pub bytes: i64,
}

impl Ledger {
    /// Lets the old events of `stack`'s services leave, all but what is to be kept, and
    /// the messages that are too old at `now` to come again; says how many events have.
    ///
    /// # Errors
    /// As [`Ledger::begin_run`]; damage.
    pub fn prune_events(
        &mut self,
        stack: &str,
        keep: Keep,
        now: Timestamp,
    ) -> Result<usize, Error> {
        self.flush()?;
        let old = gaps(&self.connection).map_err(|broken| self.broken(broken))?;
        self.commit(|transaction, head| {
            let events = leaving(transaction, stack, keep)?;
            let mut rows = BTreeMap::new();
            for event in &events {
                leave(transaction, &mut rows, event)?;
            }
            let expired = "stack = ?1 AND expires < ?2";
            let expiry = now.to_string();
            take(
                transaction,
                &mut rows,
                &DELIVERIES,
                expired,
                (stack, expiry),
            )?;
            if rows.is_empty() {
                return Ok(0);
            }
            take(
                transaction,
                &mut rows,
                &STATES,
                "stack = ? AND seq < (SELECT max(seq) FROM states AS later
                 WHERE later.stack = states.stack AND later.key = states.key)",
                [stack],
            )?;
            take(transaction, &mut rows, &PRUNES, "seq > ?", [0])?;
            let gaps = merged(old, rows);
            let cells = vec![codec::text(write(&gaps))];
            chain::append(transaction, head, &PRUNES, cells)?;
            Ok(events.len())
        })
    }

    /// How many bytes of the file are in use.
    ///
    /// # Errors
    /// A busy ledger.
    pub fn used_bytes(&self) -> Result<i64, Error> {
        let pragma = |name: &str| {
            self.connection
                .query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0))
                .map_err(|error| Error::sqlite(&self.path, error))
        };
        let used = pragma("page_count")? - pragma("freelist_count")?;
        Ok(used * pragma("page_size")?)
    }
}

/// The events that may leave and are too many or too much, the oldest first.
fn leaving(
    transaction: &Transaction<'_>,
    stack: &str,
    keep: Keep,
) -> rusqlite::Result<Vec<String>> {
    let mut statement = transaction.prepare_cached(
        "SELECT old.run,
             octet_length(old.input)
             + (SELECT ifnull(sum(octet_length(input) + octet_length(controls)), 0)
                FROM intents WHERE run = old.run)
             + (SELECT ifnull(sum(ifnull(octet_length(result), octet_length(error))
                    + octet_length(inverse)), 0)
                FROM outcomes WHERE run = old.run),
             EXISTS (SELECT 1 FROM run_ends WHERE run_ends.run = old.run
                 AND run_ends.seq > ifnull(
                     (SELECT max(resumes.seq) FROM resumes WHERE resumes.run = old.run), 0))
             AND NOT EXISTS (SELECT 1 FROM resources WHERE resources.run = old.run
                 AND NOT EXISTS (SELECT 1 FROM removals WHERE resource = resources.seq))
             AND NOT EXISTS (SELECT 1 FROM undos WHERE undone_run = old.run)
         FROM events AS old JOIN runs ON runs.id = old.run WHERE runs.stack = ?
         ORDER BY old.seq DESC",
    )?;
    let mut found = statement.query([stack])?;
    let (mut count, mut bytes) = (0, 0);
    let mut leaving = Vec::new();
    while let Some(row) = found.next()? {
        count += 1;
        bytes += row.get::<_, i64>(1)?;
        let is_kept = count <= keep.events && (bytes <= keep.bytes || count == 1);
        let may_leave: bool = row.get(2)?;
        if !is_kept && may_leave {
            leaving.push(row.get(0)?);
        }
    }
    leaving.reverse();
    Ok(leaving)
}

/// Takes everything of an event away, and notes what has left.
fn leave(
    transaction: &Transaction<'_>,
    rows: &mut BTreeMap<i64, Vec<u8>>,
    event: &str,
) -> rusqlite::Result<()> {
    // The ends of its resources first: they are found by them.
    let ends = "resource IN (SELECT seq FROM resources WHERE run = ?)";
    take(transaction, rows, &REMOVALS, ends, [event])?;
    for table in [
        &RESOURCES, &OUTCOMES, &FORMERS, &INTENTS, &RUN_ENDS, &RESUMES, &SETTINGS, &EVENTS,
    ] {
        take(transaction, rows, table, "run = ?", [event])?;
    }
    take(transaction, rows, &RUNS, "id = ?", [event])
}

fn take(
    transaction: &Transaction<'_>,
    rows: &mut BTreeMap<i64, Vec<u8>>,
    table: &Table,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<()> {
    let sql = format!(
        "DELETE FROM {} WHERE {condition} RETURNING seq, hash",
        table.name
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    let mut gone = statement.query(parameters)?;
    while let Some(row) = gone.next()? {
        rows.insert(row.get(0)?, row.get(1)?);
    }
    Ok(())
}

/// The gaps when `rows` have left, too.
fn merged(old: Gaps, rows: BTreeMap<i64, Vec<u8>>) -> Gaps {
    let rows = rows.into_iter().map(|(seq, hash)| (seq, (seq, hash)));
    let all: Gaps = old.into_iter().chain(rows).collect();
    let mut merged = Gaps::new();
    for (from, (to, hash)) in all {
        match merged.last_entry() {
            Some(mut last) if last.get().0 + 1 == from => *last.get_mut() = (to, hash),
            _ => {
                merged.insert(from, (to, hash));
            }
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_that_touch_become_one() {
        let hash = |number: u8| vec![number];
        let old = Gaps::from([(3, (5, hash(5))), (9, (9, hash(9)))]);
        let rows = BTreeMap::from([(6, hash(6)), (7, hash(7)), (10, hash(10)), (12, hash(12))]);
        let gaps = merged(old, rows);
        let wanted = Gaps::from([(3, (7, hash(7))), (9, (10, hash(10))), (12, (12, hash(12)))]);
        assert_eq!(gaps, wanted);
        assert_eq!(read(&write(&gaps)), Some(gaps));
    }
}
