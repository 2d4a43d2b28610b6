//! Nothing that was committed is ever lost silently, and nothing panics.

use std::fmt::Write as _;

use super::*;

#[test]
fn a_changed_row_is_noticed() {
    let folder = Folder::new();
    let run = fill(&mut folder.open().unwrap());
    let raw = rusqlite::Connection::open(folder.db()).unwrap();
    raw.execute(
        "UPDATE intents SET place = 'web.rhai:9:9' WHERE path = '0'",
        [],
    )
    .unwrap();
    let mut ledger = folder.open().unwrap();
    let expected = format!(
        "the ledger {path} is damaged: row 2 of intents is not what was written (its hash differs); \
         restore it from a backup, or move it and {path}-head away to begin a new one \
         (its stacks can be found again by their tags)",
        path = folder.db().display()
    );
    assert_eq!(
        ledger.steps(&run, Secrets::Hidden).unwrap_err().to_string(),
        expected
    );
    assert_eq!(ledger.verify().unwrap_err().to_string(), expected);
}

#[test]
fn missing_rows_are_noticed() {
    for (sql, complaint) in [
        ("DELETE FROM resources WHERE id = 'i-1'", "row 4 is missing"),
        (
            "DELETE FROM run_ends",
            "it ends at row 10, but 11 were written",
        ),
    ] {
        let folder = Folder::new();
        fill(&mut folder.open().unwrap());
        let raw = rusqlite::Connection::open(folder.db()).unwrap();
        raw.execute(sql, []).unwrap();
        let error = folder.open().unwrap().verify().unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
}

#[test]
fn a_lost_ledger_or_log_is_noticed() {
    let folder = Folder::new();
    fill(&mut folder.open().unwrap());
    // As if the write-ahead log of a process that died had been lost: rows that
    // were committed are not in the file.
    let earlier = std::fs::read(folder.db()).unwrap();
    folder.open().unwrap().begin_run(&new_run("web")).unwrap();
    std::fs::write(folder.db(), earlier).unwrap();
    let lost = |expected| {
        let error = folder.open().unwrap_err();
        assert!(
            matches!(error, Error::Lost { kept: 12, found, .. } if found == expected),
            "{error}"
        );
    };
    lost(11);
    std::fs::remove_file(folder.db()).unwrap();
    lost(0);
    assert!(matches!(
        Ledger::open_existing(&folder.db()),
        Err(Error::Lost { .. })
    ));
    std::fs::remove_file(folder.db().with_extension("db-head")).unwrap();
    fill(&mut folder.open().unwrap());
}

#[test]
fn a_newer_ledger_is_refused() {
    let folder = Folder::new();
    fill(&mut folder.open().unwrap());
    let raw = rusqlite::Connection::open(folder.db()).unwrap();
    raw.execute_batch("PRAGMA user_version = 99").unwrap();
    let expected = format!(
        "the ledger {} has schema 99, this opsh knows up to {}; use the newer opsh that wrote it",
        folder.db().display(),
        schema::VERSION
    );
    assert_eq!(folder.open().unwrap_err().to_string(), expected);
    assert_eq!(
        Ledger::copy_of(&folder.db()).unwrap_err().to_string(),
        expected
    );
}

#[test]
fn a_full_disk_refuses_the_intent() {
    let folder = Folder::new();
    let mut ledger = folder.open().unwrap();
    let run = ledger.begin_run(&new_run("web")).unwrap();
    ledger
        .connection
        .execute_batch("PRAGMA max_page_count = 1")
        .unwrap();
    let mut large = intent(&run, "0", StepEffect::Write);
    large
        .input
        .insert("data".into(), "x".repeat(100_000).into());
    assert!(matches!(ledger.intent(&large), Err(Error::Full { .. })));
    ledger
        .connection
        .execute_batch("PRAGMA max_page_count = 100000")
        .unwrap();
    ledger.intent(&large).unwrap();
    assert_eq!(ledger.verify().unwrap(), 2);
}

/// All that can be asked of a ledger, as text.
fn everything(ledger: &mut Ledger) -> Result<String, Error> {
    ledger.verify()?;
    let mut text = format!("{:?}\n{:?}\n", ledger.stacks()?, ledger.all_resources()?);
    for run in ledger.runs(None, usize::MAX)? {
        let steps = ledger.steps(&run.id, Secrets::Opened)?;
        writeln!(text, "{run:?}\n{steps:?}").unwrap();
        for step in steps {
            writeln!(text, "{:?}", ledger.former(step.id)?).unwrap();
        }
    }
    Ok(text)
}

/// A ledger of some runs, and what is in it.
fn some_runs(folder: &Folder) -> String {
    let mut ledger = folder.open().unwrap();
    for _ in 0..3 {
        fill(&mut ledger);
    }
    everything(&mut ledger).unwrap()
}

/// Positions from `0` to `length`: the beginning, the pages' borders, and some between;
/// every one with `OPSH_DAMAGE=all` (some 20 minutes of one core).
fn positions(length: usize) -> impl Iterator<Item = usize> {
    let all = std::env::var("OPSH_DAMAGE").is_ok_and(|which| which == "all");
    let stride = if all { 1 } else { (length / 150) | 1 };
    (0..length).filter(move |at| at % stride == 0 || at % 4096 == 0 || *at < 30 || at + 1 == length)
}

#[test]
fn a_truncated_ledger_is_refused_or_complete() {
    let folder = Folder::new();
    let before = some_runs(&folder);
    let whole = std::fs::read(folder.db()).unwrap();
    for length in positions(whole.len()) {
        std::fs::write(folder.db(), &whole[..length]).unwrap();
        match folder.open().and_then(|mut ledger| everything(&mut ledger)) {
            // SQLite reads a missing end as zeros, and it was zeros.
            Ok(after) => assert_eq!(after, before, "{length}"),
            Err(Error::Damaged { .. } | Error::Lost { .. }) => {}
            Err(error) => panic!("{length}: {error:?}"),
        }
    }
}

#[test]
fn a_flipped_bit_is_noticed_or_harmless() {
    let folder = Folder::new();
    let before = some_runs(&folder);
    let whole = std::fs::read(folder.db()).unwrap();
    let mut harmless = 0;
    let mut noticed = 0;
    for at in positions(whole.len()) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(folder.db(), &bytes).unwrap();
        match folder.open().and_then(|mut ledger| everything(&mut ledger)) {
            Ok(after) => {
                assert_eq!(after, before, "{at}");
                harmless += 1;
            }
            Err(_) => noticed += 1,
        }
    }
    assert!(
        noticed > harmless / 4,
        "{noticed} of {}",
        noticed + harmless
    );
}

/// What a crash leaves: a ledger whose log has not been written back, and what is in it.
struct Crashed {
    folder: Folder,
    file: Vec<u8>,
    log: Vec<u8>,
    head: Vec<u8>,
    before: String,
}

impl Crashed {
    fn new() -> Self {
        let folder = Folder::new();
        // Without a last connection that closes, the log stays as a crash leaves it.
        let mut ledger = folder.open().unwrap();
        fill(&mut ledger);
        let before = everything(&mut ledger).unwrap();
        let read = |ending: &str| std::fs::read(folder.db().with_extension(ending)).unwrap();
        Self {
            file: read("db"),
            log: read("db-wal"),
            head: read("db-head"),
            folder,
            before,
        }
    }

    /// What a ledger with this log instead says.
    fn with_log(&self, log: &[u8]) -> Result<String, Error> {
        let copy = Folder::new();
        std::fs::create_dir_all(copy.db().parent().unwrap()).unwrap();
        std::fs::write(copy.db(), &self.file).unwrap();
        std::fs::write(copy.db().with_extension("db-wal"), log).unwrap();
        std::fs::write(copy.db().with_extension("db-head"), &self.head).unwrap();
        let seal = Seal::file(self.folder.0.path().join("state/ledger.key"));
        Ledger::open_with(&copy.db(), seal).and_then(|mut ledger| everything(&mut ledger))
    }
}

#[test]
fn a_truncated_log_is_noticed_or_complete() {
    let crashed = Crashed::new();
    let mut lost = 0;
    for length in positions(crashed.log.len()).chain([crashed.log.len()]) {
        match crashed.with_log(&crashed.log[..length]) {
            Ok(after) => assert_eq!(after, crashed.before, "{length}"),
            Err(Error::Lost { kept: 11, .. }) => lost += 1,
            Err(error) => panic!("{length}: {error:?}"),
        }
    }
    assert!(lost > 50, "{lost}");
}

#[test]
fn a_flipped_bit_in_the_log_is_noticed_or_harmless() {
    let crashed = Crashed::new();
    let mut noticed = 0;
    for at in positions(crashed.log.len()) {
        let mut log = crashed.log.clone();
        log[at] ^= 1 << (at % 8);
        match crashed.with_log(&log) {
            Ok(after) => assert_eq!(after, crashed.before, "{at}"),
            Err(Error::Lost { kept: 11, .. } | Error::Damaged { .. }) => noticed += 1,
            Err(error) => panic!("{at}: {error:?}"),
        }
    }
    assert!(noticed > 50, "{noticed}");
}
