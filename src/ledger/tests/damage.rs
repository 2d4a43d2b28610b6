//! Nothing that was committed is ever lost silently, and nothing panics.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    let head = folder.db().with_extension("db-head");
    for opened in [
        Ledger::open(&folder.db()).map(Some),
        Ledger::open_existing(&folder.db()),
    ] {
        assert_eq!(
            opened.unwrap_err().to_string(),
            format!(
                "the ledger {} is gone, though 12 rows were committed to it ({} counts them)",
                folder.db().display(),
                head.display()
            )
        );
    }
    // A log that is left belongs to what is gone.
    std::fs::write(folder.db().with_extension("db-wal"), "left").unwrap();
    let aside = head.with_extension("db-head.lost");
    assert_eq!(
        Ledger::put_aside(&folder.db()).unwrap(),
        Some(aside.clone())
    );
    assert!(aside.exists() && !head.exists());
    assert!(folder.db().with_extension("db-wal.lost").exists());
    fill(&mut folder.open().unwrap());
    assert_eq!(Ledger::put_aside(&folder.db()).unwrap(), None);
    std::fs::remove_file(folder.db()).unwrap();
    let second = head.with_extension("db-head.lost2");
    assert_eq!(Ledger::put_aside(&folder.db()).unwrap(), Some(second));
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

/// A ledger's files as they were written, and what is in it.
struct Written {
    /// Where its key is.
    folder: Folder,
    file: Vec<u8>,
    log: Vec<u8>,
    head: Vec<u8>,
    before: String,
}

impl Written {
    /// After some runs that came to their end: the log has been written back.
    fn whole() -> Self {
        let folder = Folder::new();
        let before = {
            let mut ledger = folder.open().unwrap();
            for _ in 0..3 {
                fill(&mut ledger);
            }
            everything(&mut ledger).unwrap()
        };
        Self::read(folder, before)
    }

    /// What a crash leaves: the log has not been written back.
    fn by_a_crash() -> Self {
        let folder = Folder::new();
        let mut ledger = folder.open().unwrap();
        fill(&mut ledger);
        let before = everything(&mut ledger).unwrap();
        // Read while the connection is there: its end would write the log back.
        let written = Self::read(folder, before);
        drop(ledger);
        written
    }

    fn read(folder: Folder, before: String) -> Self {
        let read = |ending: &str| std::fs::read(folder.db().with_extension(ending));
        Self {
            file: read("db").unwrap(),
            log: read("db-wal").unwrap_or_default(),
            head: read("db-head").unwrap(),
            folder,
            before,
        }
    }

    /// What a ledger of these files says.
    fn with(&self, file: &[u8], log: &[u8]) -> Result<String, Error> {
        let copy = Folder::new();
        std::fs::create_dir_all(copy.db().parent().unwrap()).unwrap();
        std::fs::write(copy.db(), file).unwrap();
        std::fs::write(copy.db().with_extension("db-wal"), log).unwrap();
        std::fs::write(copy.db().with_extension("db-head"), &self.head).unwrap();
        let seal = Seal::file(self.folder.0.path().join("state/ledger.key"));
        Ledger::open_with(&copy.db(), seal).and_then(|mut ledger| everything(&mut ledger))
    }
}

/// Positions from `0` to `length`: the beginning, the pages' borders, and some between;
/// every one with `OPSH_DAMAGE=all`.
fn positions(length: usize) -> Vec<usize> {
    let all = std::env::var("OPSH_DAMAGE").is_ok_and(|which| which == "all");
    let stride = if all { 1 } else { (length / 150) | 1 };
    let taken = |at: &usize| {
        at.is_multiple_of(stride) || at.is_multiple_of(4096) || *at < 30 || at + 1 == length
    };
    (0..length).filter(taken).collect()
}

/// How many are tried at once: where rows are missing, a ledger is looked at a few times
/// more, since another process may just be writing.
const AT_ONCE: usize = 16;

/// At how many of `positions` the damage is noticed, as `is_noticed` says.
fn noticed(positions: &[usize], is_noticed: impl Fn(usize) -> bool + Sync) -> usize {
    let next = AtomicUsize::new(0);
    let count = || {
        let mine = std::iter::from_fn(|| positions.get(next.fetch_add(1, Ordering::Relaxed)));
        mine.filter(|at| is_noticed(**at)).count()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(count)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    })
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1 << (at % 8);
    bytes
}

#[test]
fn a_truncated_ledger_is_refused_or_complete() {
    let whole = Written::whole();
    noticed(&positions(whole.file.len()), |length| {
        match whole.with(&whole.file[..length], &whole.log) {
            // SQLite reads a missing end as zeros, and it was zeros.
            Ok(after) => assert_eq!(after, whole.before, "{length}"),
            Err(Error::Damaged { .. } | Error::Lost { .. }) => return true,
            Err(error) => panic!("{length}: {error:?}"),
        }
        false
    });
}

#[test]
fn a_flipped_bit_is_noticed_or_harmless() {
    let whole = Written::whole();
    let positions = positions(whole.file.len());
    let noticed = noticed(&positions, |at| {
        let after = whole.with(&flipped(&whole.file, at), &whole.log);
        if let Ok(after) = &after {
            assert_eq!(*after, whole.before, "{at}");
        }
        after.is_err()
    });
    // What is not zero is in use, mostly: the rest is free space of pages.
    let used = positions.iter().filter(|at| whole.file[**at] != 0).count();
    assert!(noticed > used * 2 / 3, "{noticed} of {used}");
}

#[test]
fn a_truncated_log_is_noticed_or_complete() {
    let crashed = Written::by_a_crash();
    let mut positions = positions(crashed.log.len());
    positions.push(crashed.log.len());
    let lost = noticed(&positions, |length| {
        match crashed.with(&crashed.file, &crashed.log[..length]) {
            Ok(after) => assert_eq!(after, crashed.before, "{length}"),
            Err(Error::Lost { kept: 11, .. }) => return true,
            Err(error) => panic!("{length}: {error:?}"),
        }
        false
    });
    assert!(lost > 50, "{lost}");
}

#[test]
fn a_flipped_bit_in_the_log_is_noticed_or_harmless() {
    let crashed = Written::by_a_crash();
    let noticed = noticed(&positions(crashed.log.len()), |at| {
        match crashed.with(&crashed.file, &flipped(&crashed.log, at)) {
            Ok(after) => assert_eq!(after, crashed.before, "{at}"),
            Err(Error::Lost { kept: 11, .. } | Error::Damaged { .. }) => return true,
            Err(error) => panic!("{at}: {error:?}"),
        }
        false
    });
    assert!(noticed > 50, "{noticed}");
}
