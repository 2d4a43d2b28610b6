//! Events of services: folded into their service, and old ones leave.

use super::*;

fn event(parent: &RunId, number: u32) -> NewEvent {
    NewEvent {
        parent: parent.clone(),
        number,
        handler: "every 1m".into(),
        label: "every 1m".into(),
        input: vec![Value::Int(number.into())],
    }
}

/// An event with one write, which made these.
fn happen(ledger: &mut Ledger, parent: &RunId, number: u32, things: &[&str]) -> RunId {
    let run = ledger
        .begin_event(&new_run("web"), &event(parent, number))
        .unwrap();
    let path = format!("3.{number}.0");
    let step = ledger
        .intent(&intent(&run, &path, StepEffect::Write))
        .unwrap();
    let changes: Vec<_> = things.iter().map(|id| made(id)).collect();
    ledger.outcome(step, &done("x"), &changes).unwrap();
    run
}

fn end(ledger: &mut Ledger, run: &RunId) {
    ledger.end_event(run, &RunOutcome::Done, at(5)).unwrap();
}

fn prune(ledger: &mut Ledger, events: usize, bytes: i64) -> usize {
    let keep = Keep { events, bytes };
    ledger.prune_events("web", keep, at(9)).unwrap()
}

fn rows(ledger: &Ledger) -> i64 {
    let one = |table: &schema::Table| -> i64 {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        ledger
            .connection
            .query_row(&sql, [], |row| row.get(0))
            .unwrap()
    };
    schema::TABLES.into_iter().map(one).sum()
}

#[test]
fn events_are_folded_into_their_service() {
    let folder = Folder::new();
    let mut ledger = folder.open().unwrap();
    let service = ledger.begin_run(&new_run("web")).unwrap();
    let first = happen(&mut ledger, &service, 1, &[]);
    end(&mut ledger, &first);
    let second = happen(&mut ledger, &service, 2, &[]);
    assert_eq!(second.as_str(), format!("{service}.2"));

    let runs = ledger.runs(None, 10).unwrap();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!(ledger.run("2027", Secrets::Hidden).unwrap().id, service);
    assert_eq!(
        ledger.run(second.as_str(), Secrets::Hidden).unwrap().id,
        second
    );
    assert_eq!(ledger.last_event(&service).unwrap(), 2);
    let open = ledger.open_events("web").unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].event, event(&service, 2));
    assert_eq!(ledger.parent_of(&second).unwrap(), Some(service.clone()));
    assert_eq!(ledger.parent_of(&service).unwrap(), None);
    assert_eq!(
        ledger.count_events(&service).unwrap(),
        EventCount {
            events: 2,
            failed: 0
        }
    );
    // Its own events are no later runs that have worked on its stack.
    let run = ledger.run(service.as_str(), Secrets::Hidden).unwrap();
    assert_eq!(ledger.later(&run).unwrap(), None);
}

#[test]
fn what_is_kept_lasts_and_is_the_stack_s_own() {
    let folder = Folder::new();
    let run = fill(&mut folder.open().unwrap());
    let mut ledger = folder.open().unwrap();
    assert_eq!(ledger.state("web", "n").unwrap(), None);
    for number in [1, 2] {
        ledger
            .set_state(&run, "web", "n", &Value::Int(number))
            .unwrap();
    }
    let token = Value::Secret(Secret::new("p4ssw0rd"));
    ledger.set_state(&run, "web", "token", &token).unwrap();
    ledger
        .set_state(&run, "web", "gone", &Value::Int(1))
        .unwrap();
    ledger.set_state(&run, "web", "gone", &Value::Null).unwrap();
    drop(ledger);
    let mut ledger = folder.open().unwrap();
    assert_eq!(ledger.state("web", "n").unwrap(), Some(Value::Int(2)));
    assert_eq!(ledger.state("api", "n").unwrap(), None);
    assert_eq!(
        ledger.states("web").unwrap(),
        Map::from([("n".into(), Value::Int(2)), ("token".into(), token)])
    );
    ledger.verify().unwrap();
    let raw = std::fs::read(folder.db()).unwrap();
    assert!(!raw.windows(8).any(|bytes| bytes == b"p4ssw0rd"));
}

#[test]
fn five_thousand_events_leave_a_ledger_of_a_hundred() {
    let mut ledger = Ledger::in_memory().unwrap();
    fill(&mut ledger);
    let service = ledger.begin_run(&new_run("web")).unwrap();
    let mut most = 0;
    for number in 1..=5000 {
        let run = happen(&mut ledger, &service, number, &[]);
        let value = Value::Int(number.into());
        ledger.set_state(&run, "web", "last", &value).unwrap();
        end(&mut ledger, &run);
        if number % 64 == 0 {
            prune(&mut ledger, 100, i64::MAX);
            most = most.max(rows(&ledger));
        }
        if number % 1000 == 0 {
            ledger.verify().unwrap();
            // Another run in between leaves the chain in pieces.
            fill(&mut ledger);
        }
    }
    // Each kept event has six rows.
    assert!(most < 100 * 6 + 200, "{most} rows");
    assert!(ledger.verify().unwrap() > 25_000);
    let events = ledger.events(&service, Secrets::Hidden).unwrap();
    assert_eq!(events.last().unwrap().event.number, 5000);
    assert_eq!(ledger.state("web", "last").unwrap(), Some(5000.into()));
    assert_eq!(ledger.last_event(&service).unwrap(), 5000);
}

#[test]
fn events_leave_for_their_size_too() {
    let folder = Folder::new();
    let mut ledger = folder.open().unwrap();
    let service = ledger.begin_run(&new_run("web")).unwrap();
    let large = "x".repeat(10_000);
    for number in 1..=100 {
        let of = NewEvent {
            input: vec![large.as_str().into()],
            ..event(&service, number)
        };
        let run = ledger.begin_event(&new_run("web"), &of).unwrap();
        let mut step = intent(&run, &format!("3.{number}.0"), StepEffect::Write);
        step.input.insert("body".into(), large.as_str().into());
        let step = ledger.intent(&step).unwrap();
        ledger.outcome(step, &done(large.as_str()), &[]).unwrap();
        end(&mut ledger, &run);
        if number % 10 == 0 {
            prune(&mut ledger, 1000, 200_000);
        }
    }
    // Input, step and result of each are counted: six of them fit.
    let left: Vec<_> = ledger.events(&service, Secrets::Hidden).unwrap();
    let numbers: Vec<_> = left.iter().map(|left| left.event.number).collect();
    assert_eq!(numbers, [95, 96, 97, 98, 99, 100]);
    assert!(ledger.used_bytes().unwrap() < 600_000);
    ledger.verify().unwrap();
    drop(ledger);
    // What has left is used again: the file has room for the ten between two prunings.
    let size = std::fs::metadata(folder.db()).unwrap().len();
    assert!(size < 1_500_000, "{size} bytes for 3 MB of events");

    // The newest stays, however large it is.
    let mut ledger = folder.open().unwrap();
    assert_eq!(prune(&mut ledger, 1000, 1), 5);
    assert_eq!(prune(&mut ledger, 1000, 1), 0);
}

#[test]
fn a_message_is_recorded_with_its_event_until_it_expires() {
    let folder = Folder::new();
    let mut ledger = folder.open().unwrap();
    let service = ledger.begin_run(&new_run("web")).unwrap();
    let came = |message: &str, sent: i64| Delivery {
        source: "arn:topic".into(),
        message: message.into(),
        sent: at(sent),
        expires: at(sent + 3600),
    };
    let take = |ledger: &mut Ledger, number, message: &str, sent| {
        ledger
            .take_delivery(
                &new_run("web"),
                &event(&service, number),
                &came(message, sent),
            )
            .unwrap()
    };
    let first = take(&mut ledger, 1, "a", 0);
    take(&mut ledger, 2, "b", 3000);
    drop(ledger);
    let mut ledger = folder.open().unwrap();
    // Whoever recorded it ended before it was handled: it is under way.
    assert_eq!(ledger.open_events("web").unwrap().len(), 2);
    let known = |ledger: &mut Ledger| ledger.deliveries("web", "arn:topic").unwrap();
    let both = [("a".to_owned(), at(0)), ("b".to_owned(), at(3000))];
    assert_eq!(known(&mut ledger), both);
    assert_eq!(ledger.deliveries("web", "arn:other").unwrap(), []);
    assert_eq!(ledger.deliveries("api", "arn:topic").unwrap(), []);
    end(&mut ledger, &first);
    let all = Keep {
        events: 1000,
        bytes: i64::MAX,
    };
    for (now, left) in [(3600, 2), (3601, 1), (6601, 0)] {
        assert_eq!(ledger.prune_events("web", all, at(now)).unwrap(), 0);
        assert_eq!(known(&mut ledger).len(), left, "at {now}");
    }
    ledger.verify().unwrap();
}

#[test]
fn what_is_still_needed_stays() {
    let folder = Folder::new();
    let mut ledger = folder.open().unwrap();
    let service = ledger.begin_run(&new_run("web")).unwrap();
    let makes = happen(&mut ledger, &service, 1, &["i-1"]);
    let made_and_removed = happen(&mut ledger, &service, 2, &["i-2"]);
    let step = ledger
        .intent(&intent(&made_and_removed, "3.2.1", StepEffect::Write))
        .unwrap();
    ledger.outcome(step, &done("x"), &[removed("i-2")]).unwrap();
    let under_way = happen(&mut ledger, &service, 3, &[]);
    let plain = happen(&mut ledger, &service, 4, &[]);
    let undone = happen(&mut ledger, &service, 5, &[]);
    for run in [&makes, &made_and_removed, &plain, &undone] {
        end(&mut ledger, run);
    }
    let mut undoing = intent(&service, "9", StepEffect::Write);
    undoing.undoes = Some(Undoes {
        run: undone.clone(),
        step,
        call: 0,
    });
    ledger.intent(&undoing).unwrap();

    let none = Keep {
        events: 0,
        bytes: i64::MAX,
    };
    assert_eq!(ledger.prune_events("api", none, at(9)).unwrap(), 0);
    assert_eq!(prune(&mut ledger, 0, i64::MAX), 2);
    assert_eq!(prune(&mut ledger, 0, i64::MAX), 0);
    let left: Vec<_> = ledger
        .events(&service, Secrets::Hidden)
        .unwrap()
        .into_iter()
        .map(|event| event.run.id)
        .collect();
    assert_eq!(left, [makes, under_way, undone]);
    let resources = ledger.resources("web").unwrap();
    assert_eq!(resources.len(), 1);
    drop(ledger);
    folder.open().unwrap().verify().unwrap();
}

#[test]
fn a_gap_that_nobody_made_is_noticed() {
    let folder = Folder::new();
    let mut ledger = folder.open().unwrap();
    let service = ledger.begin_run(&new_run("web")).unwrap();
    for number in 1..=3 {
        let run = happen(&mut ledger, &service, number, &[]);
        end(&mut ledger, &run);
    }
    prune(&mut ledger, 1, i64::MAX);
    ledger.verify().unwrap();
    drop(ledger);
    for (sql, complaint) in [
        ("DELETE FROM outcomes", "is missing"),
        ("UPDATE prunes SET gaps = '[]'", "is not what was written"),
        ("DELETE FROM prunes", "is missing"),
    ] {
        let copy = folder.0.path().join("copy.db");
        std::fs::copy(folder.db(), &copy).unwrap();
        let raw = rusqlite::Connection::open(&copy).unwrap();
        raw.execute(sql, []).unwrap();
        drop(raw);
        let error = Ledger::copy_of(&copy).unwrap().verify().unwrap_err();
        assert!(error.to_string().contains(complaint), "{sql}: {error}");
    }
}
