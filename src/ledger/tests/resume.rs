//! Going on with a run, and ledgers of older versions.

use super::*;

/// A ledger of version 1 with a run in it, as it was before runs could be gone on with.
fn old(folder: &Folder) -> RunId {
    let run = fill_with(&mut folder.open().unwrap(), None);
    let raw = rusqlite::Connection::open(folder.db()).unwrap();
    raw.execute_batch(
        "DROP TABLE undos; DROP TABLE settings; DROP TABLE resumes; DROP TABLE events;
         DROP TABLE states; DROP TABLE prunes; DROP INDEX resources_by_run;
         DROP TABLE deliveries; DROP TABLE formers;
         PRAGMA user_version = 1",
    )
    .unwrap();
    run
}

#[test]
fn a_ledger_of_version_1_is_migrated_and_stays_whole() {
    let folder = Folder::new();
    let run = old(&folder);
    let mut ledger = folder.open().unwrap();
    assert_eq!(ledger.verify().unwrap(), 10);
    assert_eq!(ledger.settings(&run).unwrap(), None);
    assert_eq!(ledger.steps(&run, Secrets::Opened).unwrap().len(), 3);
    // What cannot be gone on with is not what somebody means who names no run.
    assert_eq!(ledger.unfinished().unwrap(), None);
    ledger.resumed(&run, at(9), "0.2.0").unwrap();
    assert_eq!(ledger.verify().unwrap(), 11);
}

#[test]
fn every_version_becomes_the_current_one() {
    for version in 1..usize::try_from(schema::VERSION).unwrap() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        schema::migrate_to(&mut connection, version).unwrap();
        schema::migrate(&mut connection).unwrap();
        assert_eq!(schema::version(&connection).unwrap(), schema::VERSION);
        for table in schema::TABLES {
            let sql = format!("SELECT {} FROM {}", table.columns.join(", "), table.name);
            connection.prepare(&sql).unwrap();
        }
    }
}

#[test]
fn a_run_that_is_gone_on_with_runs_until_it_ends_again() {
    let folder = Folder::new();
    let mut ledger = folder.open().unwrap();
    let settings = RunSettings {
        folder: "/home/me".into(),
        settings: Map::from([("region".into(), "eu-west-1".into())]),
    };
    let run = ledger
        .begin_run(&NewRun {
            settings: Some(settings.clone()),
            ..new_run("web")
        })
        .unwrap();
    let failed = RunOutcome::Failed("no more".into());
    ledger.end_run(&run, &failed, at(8)).unwrap();
    let look = |ledger: &mut Ledger| {
        let run = ledger.unfinished().unwrap();
        run.map(|run| (run.outcome().to_owned(), run.resumes))
    };
    assert_eq!(look(&mut ledger), Some(("failed".into(), 0)));
    ledger.resumed(&run, at(9), "0.1.0").unwrap();
    assert_eq!(look(&mut ledger), Some(("running".into(), 1)));
    ledger.end_run(&run, &RunOutcome::Done, at(10)).unwrap();
    assert_eq!(look(&mut ledger), None);
    assert_eq!(
        folder.open().unwrap().settings(&run).unwrap(),
        Some(settings)
    );
}

#[test]
fn what_came_after_a_run_is_known() {
    let folder = Folder::new();
    let mut ledger = folder.open().unwrap();
    let first = fill(&mut ledger);
    let run = ledger.run(first.as_str(), Secrets::Hidden).unwrap();
    // A run that only looks does not count.
    let look = ledger.begin_run(&new_run("web")).unwrap();
    ledger
        .read(&intent(&look, "0", StepEffect::Read), &done("x"))
        .unwrap();
    assert_eq!(ledger.later(&run).unwrap(), None);
    let second = ledger.begin_run(&new_run("web")).unwrap();
    let step = ledger
        .intent(&intent(&second, "0", StepEffect::Write))
        .unwrap();
    let later = ledger.later(&run).unwrap().unwrap();
    assert_eq!((later.run.id, later.removed), (second, None));
    ledger.outcome(step, &done("x"), &[removed("i-2")]).unwrap();
    let later = ledger.later(&run).unwrap().unwrap();
    assert_eq!(
        later.removed,
        Some(("ec2:instance".to_owned(), "i-2".to_owned()))
    );
}
