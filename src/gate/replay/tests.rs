#![allow(clippy::unwrap_used)]

use opsh_operation::Operation;

use super::*;
use crate::gate::event::{Passage, Site};
use crate::ledger::RunId;
use crate::modules::registry::registry;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// A recorded step; `end` is `None` for one that was in flight.
fn recorded(
    id: i64,
    path: &str,
    operation: &str,
    end: Option<Result<Value, Fault>>,
) -> ledger::Step {
    let write = registry().get(operation).unwrap().operation.write();
    ledger::Step {
        id: StepId::of(id),
        run: RunId::of("r"),
        path: path.into(),
        operation: operation.into(),
        action: String::new(),
        effect: if write.is_some() {
            StepEffect::Write
        } else {
            StepEffect::Read
        },
        input: Map::from([("name".to_owned(), "n".into())]),
        controls: Map::new(),
        token: None,
        place: "p.rhai:3:1".into(),
        started: at(id),
        end: end.map(|result| StepEnd {
            result,
            inverse: Vec::new(),
            ended: at(id),
        }),
    }
}

fn done(id: i64, path: &str) -> ledger::Step {
    recorded(id, path, WRITE, Some(Ok(id.into())))
}

fn failed(id: i64, path: &str, fault: Fault) -> ledger::Step {
    recorded(id, path, WRITE, Some(Err(fault)))
}

const WRITE: &str = "sns::create_topic";
const READ: &str = "ssm::get_parameter";

fn refused() -> Fault {
    Fault::new(FaultKind::Denied, "no")
}

fn asked(path: &str, operation: &str) -> Step {
    let operation: &'static Operation = registry().get(operation).unwrap().operation;
    Step {
        path: path.parse().unwrap(),
        operation,
        input: Map::from([("name".to_owned(), "n".into())]),
        site: Site {
            source: "p.rhai".into(),
            line: 4,
            column: 1,
        },
        undoes: None,
        started: at(100),
        seconds: 0.0,
        passage: Passage::Sent,
        outcome: Ok(Value::Null),
        made: Vec::new(),
    }
}

/// What `replay` says of a write at `path`, in a word.
fn recall(replay: &Replay, path: &str) -> String {
    let step = asked(path, WRITE);
    match replay.recall(&step, &step.input, &Map::new()) {
        Ok(Recall::New) => "new".into(),
        Ok(Recall::Answered(outcome)) => match *outcome {
            Ok(value) => format!("answered {}", value.to_json()),
            Err(fault) => format!("failed {}", fault.message),
        },
        Ok(Recall::Begun(begun)) => format!("begun at {}", begun.since.as_second() - 1_800_000_000),
        Err(fault) => fault.message,
    }
}

#[test]
fn what_is_done_is_answered_and_what_is_not_is_done() {
    let replay = Replay::of(
        vec![done(1, "0"), done(2, "1"), recorded(3, "2", WRITE, None)],
        false,
    );
    assert_eq!(recall(&replay, "0"), "answered 1");
    assert_eq!(recall(&replay, "1"), "answered 2");
    assert_eq!(recall(&replay, "2"), "begun at 3");
    assert_eq!(recall(&replay, "3"), "new");
    assert_eq!(replay.last(), Some(at(3)));
}

#[test]
fn a_failure_counts_if_the_playbook_went_on_after_it() {
    let steps = |later: &str| vec![failed(1, "3.7.1", refused()), done(2, later)];
    // In the same branch, in a fork of it, and in the branch that the fork is part of.
    for later in ["3.7.2", "3.7.2.0.0", "4"] {
        let replay = Replay::of(steps(later), false);
        assert_eq!(recall(&replay, "3.7.1"), "failed no", "{later}");
    }
    // Another branch of the same fork does not come after it, nor does what was before.
    for beside in ["3.8.0", "3.8.5", "2", "3.6.9"] {
        let replay = Replay::of(steps(beside), false);
        assert_eq!(recall(&replay, "3.7.1"), "new", "{beside}");
    }
}

#[test]
fn a_failure_that_says_nothing_is_settled() {
    let lost = Fault::new(FaultKind::Unreachable, "reset").open();
    let mut again = done(9, "0");
    again.end = None;
    let replay = Replay::of(vec![failed(1, "0", lost.clone())], false);
    assert_eq!(recall(&replay, "0"), "begun at 1");
    // Tried again and in flight again: it may have been done from the first try on.
    let replay = Replay::of(vec![failed(1, "0", lost), again], false);
    assert_eq!(recall(&replay, "0"), "begun at 1");
    let cut = Fault::new(FaultKind::Deadline, "late");
    let replay = Replay::of(vec![failed(1, "0", cut)], false);
    assert_eq!(recall(&replay, "0"), "begun at 1");
}

#[test]
fn reads_after_the_last_write_of_a_failed_run_are_asked_again() {
    let steps = || {
        vec![
            recorded(1, "0", READ, Some(Ok(1.into()))),
            done(2, "1"),
            recorded(3, "2", READ, Some(Ok(2.into()))),
        ]
    };
    let ahead = |failed| {
        let replay = Replay::of(steps(), failed);
        ["0", "2"].map(|next| replay.ahead(&next.parse().unwrap()))
    };
    assert_eq!(ahead(false), [true, true]);
    assert_eq!(ahead(true), [true, false]);
}

#[test]
fn another_playbook_is_noticed_before_anything_is_sent() {
    let lead = "the playbook changed in the part that already ran: ";
    let replay = Replay::of(
        vec![
            recorded(1, "0", READ, Some(Ok(1.into()))),
            done(2, "2"),
            done(3, "3.0.0"),
            done(4, "5"),
        ],
        false,
    );
    let now = |step| format!("; now step {step} is sns::create_topic (p.rhai:4:1)");
    assert_eq!(
        recall(&replay, "0"),
        format!(
            "{lead}step 0 was ssm::get_parameter (p.rhai:3:1){}",
            now("0")
        )
    );
    assert_eq!(
        recall(&replay, "1"),
        format!(
            "{lead}nothing was called there, and then step 2 was sns::create_topic (p.rhai:3:1){}",
            now("1")
        )
    );
    assert_eq!(
        recall(&replay, "3"),
        format!(
            "{lead}a parallel::map, which called step 3.0.0 was sns::create_topic (p.rhai:3:1){}",
            now("3")
        )
    );
    assert_eq!(
        recall(&replay, "2.0.0"),
        format!(
            "{lead}step 2 was sns::create_topic (p.rhai:3:1){}",
            now("2.0.0")
        )
    );
    let mut other = asked("5", WRITE);
    other.input.insert("name".into(), "m".into());
    let fault = replay
        .recall(&other, &other.input, &Map::new())
        .unwrap_err();
    assert_eq!(
        fault.message,
        format!(
            "{lead}step 5 was sns::create_topic (p.rhai:3:1) with name \"n\"{} with name \"m\"",
            now("5")
        )
    );
    assert!(crate::gate::is_fatal(&fault));
}

#[test]
fn what_was_not_asked_for_again_is_told_at_the_end() {
    let replay = Replay::of(vec![done(1, "0"), done(2, "1")], false);
    recall(&replay, "0");
    assert_eq!(
        replay.missed().unwrap(),
        "step 1 was sns::create_topic (p.rhai:3:1)"
    );
    recall(&replay, "1");
    assert_eq!(replay.missed(), None);
}

#[test]
fn a_whole_operation_that_was_cut_off_is_done_anew() {
    let replay = Replay::of(
        vec![done(1, "0"), done(2, "1.0.0"), done(3, "1.0.1")],
        false,
    );
    let whole = asked("1", WRITE);
    assert_eq!(replay.recall_whole(&whole), Ok(None));
    // Its calls are other ones now, and none of them is compared.
    assert_eq!(recall(&replay, "1.0.0"), "new");
    assert!(!replay.ahead(&"1.0.0".parse().unwrap()));
    assert_eq!(recall(&replay, "0"), "answered 1");
    assert_eq!(replay.missed(), None);
}
