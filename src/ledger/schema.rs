//! The tables, and how older ledgers become current ones.
//!
//! Rows are only ever added: a step's end is a row of its own, as is a
//! resource's removal. So nothing that was once committed changes, and one
//! hash chain ([`super::chain`]) can run through all tables in order of `seq`.

use rusqlite::Connection;

/// A table of the chain: its name and the columns that its rows' hashes cover.
#[derive(Debug)]
pub(super) struct Table {
    pub name: &'static str,
    pub columns: &'static [&'static str],
}

pub(super) const RUNS: Table = Table {
    name: "runs",
    columns: &[
        "id", "stack", "playbook", "params", "world", "started", "version",
    ],
};
pub(super) const RUN_ENDS: Table = Table {
    name: "run_ends",
    columns: &["run", "outcome", "error", "ended"],
};
pub(super) const INTENTS: Table = Table {
    name: "intents",
    columns: &[
        "run",
        "path",
        "operation",
        "action",
        "effect",
        "input",
        "controls",
        "token",
        "place",
        "started",
    ],
};
pub(super) const OUTCOMES: Table = Table {
    name: "outcomes",
    columns: &[
        "intent", "run", "state", "result", "error", "inverse", "ended",
    ],
};
pub(super) const RESOURCES: Table = Table {
    name: "resources",
    columns: &[
        "stack", "kind", "id", "name", "region", "run", "path", "made", "inverse",
    ],
};
pub(super) const REMOVALS: Table = Table {
    name: "removals",
    columns: &["resource", "run", "path", "removed"],
};
/// Which step which call undoes: `intent` is the step that undoes, `undone` the undone one.
pub(super) const UNDOS: Table = Table {
    name: "undos",
    columns: &["intent", "run", "undone", "undone_run", "call"],
};

/// What a write changes that was there before it, or that nobody knows whether it was.
pub(super) const FORMERS: Table = Table {
    name: "formers",
    columns: &["intent", "run", "found"],
};

/// How a run was started, so that it can be gone on with in the same way.
pub(super) const SETTINGS: Table = Table {
    name: "settings",
    columns: &["run", "folder", "settings"],
};
/// That a run was gone on with.
pub(super) const RESUMES: Table = Table {
    name: "resumes",
    columns: &["run", "started", "version"],
};

/// That a run is an event of a service: which one, of which run, what it was about.
pub(super) const EVENTS: Table = Table {
    name: "events",
    columns: &["run", "parent", "number", "handler", "label", "input"],
};
/// What a stack's service keeps from event to event; the last row of a key counts.
pub(super) const STATES: Table = Table {
    name: "states",
    columns: &["stack", "key", "value", "run"],
};
/// The gaps that old events have left in the chain, with the hashes that lead over
/// them; the last row counts.
pub(super) const PRUNES: Table = Table {
    name: "prunes",
    columns: &["gaps"],
};

/// That a message has come from elsewhere, which must not be taken twice before `expires`;
/// `run` is the event that it became.
pub(super) const DELIVERIES: Table = Table {
    name: "deliveries",
    columns: &["stack", "source", "message", "sent", "expires", "run"],
};

/// Every table of the chain.
pub(super) const TABLES: [&Table; 14] = [
    &RUNS,
    &RUN_ENDS,
    &INTENTS,
    &OUTCOMES,
    &RESOURCES,
    &REMOVALS,
    &UNDOS,
    &SETTINGS,
    &RESUMES,
    &EVENTS,
    &STATES,
    &PRUNES,
    &DELIVERIES,
    &FORMERS,
];

/// What brings a ledger from each version to the next; the first makes a new one.
const MIGRATIONS: [&str; 6] = [FIRST, UNDOING, RESUMING, SERVING, DELIVERING, CHANGING];

const FIRST: &str = "
CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
INSERT INTO head VALUES (1, 0, zeroblob(32));
CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    stack TEXT NOT NULL,
    playbook TEXT NOT NULL,
    params TEXT NOT NULL,
    world TEXT NOT NULL CHECK (world IN ('live', 'local', 'dry-run')),
    started TEXT NOT NULL,
    version TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE run_ends (
    seq INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    outcome TEXT NOT NULL,
    error TEXT,
    ended TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE intents (
    seq INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    path TEXT NOT NULL,
    operation TEXT NOT NULL,
    action TEXT NOT NULL,
    effect TEXT NOT NULL CHECK (effect IN ('read', 'write')),
    input TEXT NOT NULL,
    controls TEXT NOT NULL,
    token TEXT,
    place TEXT NOT NULL,
    started TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE outcomes (
    seq INTEGER PRIMARY KEY,
    intent INTEGER NOT NULL,
    run TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('done', 'failed')),
    result TEXT,
    error TEXT,
    inverse TEXT NOT NULL,
    ended TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE resources (
    seq INTEGER PRIMARY KEY,
    stack TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT,
    region TEXT NOT NULL,
    run TEXT NOT NULL,
    path TEXT NOT NULL,
    made TEXT NOT NULL,
    inverse TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE removals (
    seq INTEGER PRIMARY KEY,
    resource INTEGER NOT NULL,
    run TEXT NOT NULL,
    path TEXT NOT NULL,
    removed TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX runs_by_stack ON runs (stack);
CREATE INDEX run_ends_by_run ON run_ends (run);
CREATE INDEX intents_by_run ON intents (run);
CREATE INDEX outcomes_by_run ON outcomes (run);
CREATE INDEX resources_by_stack ON resources (stack);
CREATE INDEX resources_by_id ON resources (id);
CREATE INDEX removals_by_resource ON removals (resource);
";

const UNDOING: &str = "
CREATE TABLE undos (
    seq INTEGER PRIMARY KEY,
    intent INTEGER NOT NULL,
    run TEXT NOT NULL,
    undone INTEGER NOT NULL,
    undone_run TEXT NOT NULL,
    call INTEGER NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX undos_by_run ON undos (run);
CREATE INDEX undos_by_undone_run ON undos (undone_run);
";

const RESUMING: &str = "
CREATE TABLE settings (
    seq INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    folder TEXT NOT NULL,
    settings TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE resumes (
    seq INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    started TEXT NOT NULL,
    version TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX settings_by_run ON settings (run);
CREATE INDEX resumes_by_run ON resumes (run);
";

const SERVING: &str = "
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    parent TEXT NOT NULL,
    number INTEGER NOT NULL,
    handler TEXT NOT NULL,
    label TEXT NOT NULL,
    input TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE states (
    seq INTEGER PRIMARY KEY,
    stack TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    run TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE prunes (
    seq INTEGER PRIMARY KEY,
    gaps TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX events_by_run ON events (run);
CREATE INDEX events_by_parent ON events (parent, number);
CREATE INDEX states_by_key ON states (stack, key, seq);
CREATE INDEX undos_by_intent ON undos (intent);
CREATE INDEX resources_by_run ON resources (run);
";

const DELIVERING: &str = "
CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY,
    stack TEXT NOT NULL,
    source TEXT NOT NULL,
    message TEXT NOT NULL,
    sent TEXT NOT NULL,
    expires TEXT NOT NULL,
    run TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX deliveries_by_source ON deliveries (stack, source);
";

const CHANGING: &str = "
CREATE TABLE formers (
    seq INTEGER PRIMARY KEY,
    intent INTEGER NOT NULL,
    run TEXT NOT NULL,
    found TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX formers_by_intent ON formers (intent);
CREATE INDEX formers_by_run ON formers (run);
";

/// The version that this build writes.
#[allow(
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    reason = "there are few migrations"
)]
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// The version of the ledger behind `connection`; 0 for an empty file.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings the ledger behind `connection` to [`VERSION`], in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    migrate_to(connection, MIGRATIONS.len())
}

/// Brings the ledger behind `connection` to `version`, unless it is there already.
pub(super) fn migrate_to(connection: &mut Connection, version: usize) -> rusqlite::Result<()> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let from = usize::try_from(self::version(&transaction)?).unwrap_or(0);
    for sql in MIGRATIONS.iter().take(version).skip(from) {
        transaction.execute_batch(sql)?;
    }
    transaction.execute_batch(&format!("PRAGMA user_version = {}", version.max(from)))?;
    transaction.commit()
}
