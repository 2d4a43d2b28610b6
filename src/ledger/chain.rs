//! The hash chain through all rows: each carries the hash of its predecessor
//! and of itself, so that a changed, missing or foreign row is noticed.
//!
//! A hash is SHA-256 over the predecessor's hash, the table's name, the row's
//! number and every column with its type and length. `head` has the last row's
//! number and hash, so that rows missing at the end are noticed too. Over rows that
//! have left on purpose leads a row that names them ([`super::prune`]).

use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, Row, Transaction};
use sha2::{Digest, Sha256};

use super::prune;
use super::schema::{TABLES, Table};

/// A row as it is stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub seq: i64,
    pub cells: Vec<Cell>,
}

/// Why a row cannot be read.
#[derive(Debug)]
pub(super) enum Broken {
    /// SQLite says so.
    Sqlite(rusqlite::Error),
    /// What is there is not what was written.
    Damaged(String),
    /// A secret cannot be opened.
    Key(super::Error),
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// A row's number and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub seq: i64,
    pub hash: Vec<u8>,
}

/// The last row.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<Head> {
    connection
        .prepare_cached("SELECT seq, hash FROM head WHERE id = 1")?
        .query_row([], |row| {
            Ok(Head {
                seq: row.get(0)?,
                hash: row.get(1)?,
            })
        })
}

/// Adds a row behind `head` and moves `head` on; [`finish`] stores it.
pub(super) fn append(
    transaction: &Transaction<'_>,
    head: &mut Head,
    table: &Table,
    cells: Vec<Cell>,
) -> rusqlite::Result<i64> {
    debug_assert_eq!(cells.len(), table.columns.len(), "{}", table.name);
    let seq = head.seq + 1;
    let hash = hash(&head.hash, table, seq, &cells);
    let sql = format!(
        "INSERT INTO {} (seq, {}, prev, hash) VALUES (?{})",
        table.name,
        table.columns.join(", "),
        ", ?".repeat(table.columns.len() + 2)
    );
    let previous = std::mem::replace(&mut head.hash, hash);
    let row = std::iter::once(Cell::Integer(seq))
        .chain(cells)
        .chain([Cell::Blob(previous), Cell::Blob(head.hash.clone())]);
    transaction
        .prepare_cached(&sql)?
        .execute(rusqlite::params_from_iter(row))?;
    head.seq = seq;
    Ok(seq)
}

/// Stores where the chain ends.
pub(super) fn finish(transaction: &Transaction<'_>, head: &Head) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE head SET seq = ?, hash = ? WHERE id = 1")?
        .execute((head.seq, &head.hash))
        .map(drop)
}

/// The rows of `table` that `condition` selects, each checked against its own hash.
pub(super) fn rows(
    connection: &Connection,
    table: &Table,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Stored>, Broken> {
    let sql = format!(
        "SELECT seq, prev, hash, {} FROM {} {condition}",
        table.columns.join(", "),
        table.name
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(parameters)?;
    let mut stored = Vec::new();
    while let Some(row) = found.next()? {
        stored.push(checked(table, row)?.0);
    }
    Ok(stored)
}

/// Checks every row, every link between rows, the end, and SQLite's own structure.
pub(super) fn verify(connection: &Connection) -> Result<i64, Broken> {
    let structure: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if structure != "ok" {
        return Err(Broken::Damaged(structure));
    }
    let end = head(connection)?;
    let gaps = prune::gaps(connection)?;
    let mut last = Head {
        seq: 0,
        hash: vec![0; 32],
    };
    let numbers: Vec<String> = TABLES
        .iter()
        .enumerate()
        .map(|(index, table)| format!("SELECT seq, {index} FROM {}", table.name))
        .collect();
    let mut order = connection.prepare(&format!("{} ORDER BY seq", numbers.join(" UNION ALL ")))?;
    let mut order = order.query([])?;
    while let Some(row) = order.next()? {
        let (seq, index): (i64, u16) = (row.get(0)?, row.get(1)?);
        let table = TABLES[usize::from(index)];
        if let Some((to, hash)) = gaps.get(&(last.seq + 1)).filter(|(to, _)| *to == seq - 1) {
            last = Head {
                seq: *to,
                hash: hash.clone(),
            };
        }
        if seq != last.seq + 1 {
            return Err(Broken::Damaged(format!(
                "row {} is missing (row {seq} of {} follows)",
                last.seq + 1,
                table.name
            )));
        }
        last = follow(connection, table, seq, &last)?;
    }
    if last == end {
        Ok(end.seq)
    } else {
        Err(Broken::Damaged(format!(
            "it ends at row {}, but {} were written",
            last.seq, end.seq
        )))
    }
}

fn follow(connection: &Connection, table: &Table, seq: i64, last: &Head) -> Result<Head, Broken> {
    let sql = format!(
        "SELECT seq, prev, hash, {} FROM {} WHERE seq = ?",
        table.columns.join(", "),
        table.name
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query([seq])?;
    let Some(row) = found.next()? else {
        return Err(Broken::Damaged(format!("row {seq} cannot be read")));
    };
    let (_, previous, hash) = checked(table, row)?;
    if previous == last.hash {
        Ok(Head { seq, hash })
    } else {
        Err(Broken::Damaged(format!(
            "row {seq} of {} does not follow row {}",
            table.name, last.seq
        )))
    }
}

/// The row with its predecessor's and its own hash, if the latter is right.
fn checked(table: &Table, row: &Row<'_>) -> Result<(Stored, Vec<u8>, Vec<u8>), Broken> {
    let seq = row.get(0)?;
    let previous: Vec<u8> = row.get(1)?;
    let stored: Vec<u8> = row.get(2)?;
    let mut cells = Vec::with_capacity(table.columns.len());
    for index in 0..table.columns.len() {
        let cell = row.get_ref(index + 3)?;
        if let ValueRef::Text(bytes) = cell
            && std::str::from_utf8(bytes).is_err()
        {
            return Err(Broken::Damaged(format!(
                "row {seq} of {} is not text any more",
                table.name
            )));
        }
        cells.push(Cell::try_from(cell).map_err(rusqlite::Error::from)?);
    }
    if hash(&previous, table, seq, &cells) == stored {
        Ok((Stored { seq, cells }, previous, stored))
    } else {
        Err(Broken::Damaged(format!(
            "row {seq} of {} is not what was written (its hash differs)",
            table.name
        )))
    }
}

fn hash(previous: &[u8], table: &Table, seq: i64, cells: &[Cell]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(table.name);
    hasher.update(seq.to_be_bytes());
    for cell in cells {
        let (tag, bytes): (u8, &[u8]) = match cell {
            Cell::Null => (0, &[]),
            Cell::Integer(number) => (1, &number.to_be_bytes()),
            Cell::Real(number) => (2, &number.to_bits().to_be_bytes()),
            Cell::Text(text) => (3, text.as_bytes()),
            Cell::Blob(bytes) => (4, bytes),
        };
        hasher.update([tag]);
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    }
    hasher.finalize().to_vec()
}
