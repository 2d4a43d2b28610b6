#![allow(clippy::unwrap_used)]

use jiff::Timestamp;
use opsh_operation::{Fault, FaultKind, Map, Secret, Value};

use super::*;
use crate::world::Kind;

mod damage;
mod kill;
mod locks;
mod resume;
mod service;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn new_run(stack: &str) -> NewRun {
    NewRun {
        stack: stack.into(),
        playbook: "playbooks/web.rhai".into(),
        params: Map::from([
            ("count".into(), Value::Int(2)),
            ("token".into(), Secret::new("p4ssw0rd").into()),
        ]),
        world: Kind::Live,
        started: at(0),
        random: [0x9f, 0x3a, 0x7c],
        version: "0.1.0".into(),
        settings: None,
    }
}

fn intent(run: &RunId, path: &str, effect: StepEffect) -> StepIntent {
    StepIntent {
        run: run.clone(),
        path: path.into(),
        operation: "ec2::run_instances".into(),
        action: "ec2:RunInstances".into(),
        effect,
        input: Map::from([
            ("image_id".into(), "ami-1".into()),
            ("user_data".into(), Secret::new("p4ssw0rd").into()),
        ]),
        controls: Map::from([("region".into(), "eu-west-1".into())]),
        token: Some("tok".into()),
        place: "web.rhai:3:5".into(),
        started: at(1),
        undoes: None,
        former: None,
    }
}

fn call(id: &str) -> Call {
    Call {
        operation: "ec2::terminate_instances".into(),
        input: Map::from([("instance_ids".into(), vec![id].into())]),
        controls: Map::new(),
    }
}

fn made(id: &str) -> ResourceChange {
    ResourceChange::Made {
        kind: "ec2:instance".into(),
        id: id.into(),
        name: Some("web".into()),
        region: "eu-west-1".into(),
        inverse: vec![call(id)],
    }
}

fn removed(id: &str) -> ResourceChange {
    ResourceChange::Removed {
        kind: "ec2:instance".into(),
        id: id.into(),
        region: String::new(),
    }
}

fn done(value: impl Into<Value>) -> Outcome {
    Outcome {
        result: Ok(value.into()),
        inverse: vec![call("i-1")],
        ended: at(2),
    }
}

/// What was there before a write, a secret.
fn former() -> Former {
    Former {
        found: Some(Secret::new("p4ssw0rd").into()),
    }
}

/// A run with a write that made two instances, a read and a failed write that would have
/// changed something.
fn fill(ledger: &mut Ledger) -> RunId {
    fill_with(ledger, Some(former()))
}

/// The same with what was there before the failed write.
fn fill_with(ledger: &mut Ledger, former: Option<Former>) -> RunId {
    let run = ledger.begin_run(&new_run("web")).unwrap();
    let step = ledger
        .intent(&intent(&run, "0", StepEffect::Write))
        .unwrap();
    ledger
        .outcome(step, &done("i-1"), &[made("i-1"), made("i-2")])
        .unwrap();
    let result = Map::from([("key".into(), Secret::new("p4ssw0rd").into())]);
    ledger
        .read(&intent(&run, "1", StepEffect::Read), &done(result))
        .unwrap();
    let changing = StepIntent {
        former,
        ..intent(&run, "2", StepEffect::Write)
    };
    let step = ledger.intent(&changing).unwrap();
    let mut fault = Fault::new(FaultKind::Capacity, "no capacity").code("Insufficient");
    fault.details.insert("zone".into(), "a".into());
    let failed = Outcome {
        result: Err(fault),
        inverse: Vec::new(),
        ended: at(3),
    };
    ledger.outcome(step, &failed, &[]).unwrap();
    ledger
        .end_run(&run, &RunOutcome::Failed("no capacity".into()), at(4))
        .unwrap();
    run
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn db(&self) -> PathBuf {
        self.0.path().join(".opsh/ledger.db")
    }

    fn open(&self) -> Result<Ledger, Error> {
        Ledger::open_with(
            &self.db(),
            Seal::file(self.0.path().join("state/ledger.key")),
        )
    }
}

#[test]
fn what_is_recorded_comes_back() {
    let folder = Folder::new();
    let run = fill(&mut folder.open().unwrap());
    assert_eq!(run.as_str(), "20270115-080000000-9f3a7c");

    let mut ledger = folder.open().unwrap();
    let steps = ledger.steps(&run, Secrets::Opened).unwrap();
    let states: Vec<_> = steps
        .iter()
        .map(|step| (step.path.as_str(), step.effect.word(), step.state()))
        .collect();
    assert_eq!(
        states,
        [
            ("0", "write", "done"),
            ("1", "read", "done"),
            ("2", "write", "failed")
        ]
    );
    assert_eq!(ledger.former(steps[0].id).unwrap(), None);
    assert_eq!(ledger.former(steps[2].id).unwrap(), Some(former()));
    assert_eq!(steps[0].input, intent(&run, "0", StepEffect::Write).input);
    let end = steps[1].end.as_ref().unwrap();
    assert_eq!(
        end.result.as_ref().unwrap().get("key"),
        Some(&Secret::new("p4ssw0rd").into())
    );
    assert_eq!(end.inverse, [call("i-1")]);
    let fault = steps[2].end.as_ref().unwrap().result.as_ref().unwrap_err();
    assert_eq!(fault.kind, FaultKind::Capacity);
    assert_eq!(fault.code.as_deref(), Some("Insufficient"));
    assert_eq!(fault.details["zone"], "a".into());

    let again = ledger.run("20270115", Secrets::Opened).unwrap();
    assert_eq!(again.params, new_run("web").params);
    assert_eq!(again.outcome(), "failed");
    assert_eq!(ledger.runs(Some("web"), 10).unwrap().len(), 1);
    assert_eq!(ledger.runs(Some("other"), 10).unwrap(), []);
    assert_eq!(ledger.verify().unwrap(), 11);
}

#[test]
fn resources_stay_until_they_are_removed() {
    let mut ledger = Ledger::in_memory().unwrap();
    let run = fill(&mut ledger);
    let ids = |ledger: &mut Ledger| -> Vec<String> {
        let resources = ledger.resources("web").unwrap();
        resources.into_iter().map(|one| one.id).collect()
    };
    assert_eq!(ids(&mut ledger), ["i-1", "i-2"]);
    assert_eq!(ledger.made_by(&run).unwrap()[1].inverse, [call("i-2")]);

    // Another stack's run removes one, and makes the other "again".
    let other = ledger.begin_run(&new_run("teardown")).unwrap();
    assert_eq!(other.as_str(), format!("{run}-2"));
    let step = ledger
        .intent(&intent(&other, "0", StepEffect::Write))
        .unwrap();
    ledger
        .outcome(step, &done(Value::Null), &[removed("i-1"), removed("i-9")])
        .unwrap();
    assert_eq!(ids(&mut ledger), ["i-2"]);
    let mine = ledger.begin_run(&new_run("web")).unwrap();
    let step = ledger
        .intent(&intent(&mine, "0", StepEffect::Write))
        .unwrap();
    ledger
        .outcome(step, &done(Value::Null), &[made("i-2"), made("i-1")])
        .unwrap();
    assert_eq!(ids(&mut ledger), ["i-2", "i-1"]);
    assert_eq!(ledger.resources("web").unwrap()[0].run, run);

    let stacks = ledger.stacks().unwrap();
    let summary: Vec<_> = stacks
        .iter()
        .map(|stack| (stack.name.as_str(), stack.resources, stack.runs))
        .collect();
    assert_eq!(summary, [("teardown", 0, 1), ("web", 2, 2)]);
    let error = ledger.run("2027", Secrets::Hidden).unwrap_err();
    assert!(matches!(error, Error::AmbiguousRun { .. }), "{error}");
    assert_eq!(
        ledger.run("1999", Secrets::Hidden).unwrap_err().to_string(),
        "there is no run '1999' in the ledger"
    );
}

#[test]
fn an_intent_without_an_outcome_is_in_flight() {
    let folder = Folder::new();
    let mut ledger = folder.open().unwrap();
    let run = ledger.begin_run(&new_run("web")).unwrap();
    ledger
        .intent(&intent(&run, "0", StepEffect::Write))
        .unwrap();
    // The process dies here: nothing is closed.
    std::mem::forget(ledger);
    let mut ledger = folder.open().unwrap();
    let steps = ledger.steps(&run, Secrets::Hidden).unwrap();
    assert_eq!(steps[0].state(), "intent");
    assert_eq!(
        ledger.run(run.as_str(), Secrets::Hidden).unwrap().outcome(),
        "running"
    );
}

#[test]
fn worlds_and_outcomes_are_read_as_they_were_written() {
    let folder = Folder::new();
    let mut ledger = folder.open().unwrap();
    for world in [Kind::Live, Kind::Local, Kind::DryRun] {
        for outcome in [
            RunOutcome::Done,
            RunOutcome::Failed("no".into()),
            RunOutcome::Refused("never".into()),
            RunOutcome::Deadline,
            RunOutcome::Interrupted,
        ] {
            let new = NewRun {
                world,
                ..new_run("web")
            };
            let run = ledger.begin_run(&new).unwrap();
            ledger.end_run(&run, &outcome, at(3)).unwrap();
            let run = ledger.run(run.as_str(), Secrets::Hidden).unwrap();
            assert_eq!(run.world, world);
            assert_eq!(run.end.unwrap().outcome, outcome);
        }
    }
}

#[test]
fn secrets_are_nowhere_in_plain() {
    let folder = Folder::new();
    let mut ledger = folder.open().unwrap();
    fill(&mut ledger);
    for file in std::fs::read_dir(folder.db().parent().unwrap()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("p4ssw0rd") && !text.contains("cDRzc3cwcm"));
    }
    drop(ledger);
    let other = Seal::file(folder.0.path().join("elsewhere/ledger.key"));
    let mut ledger = Ledger::open_with(&folder.db(), other).unwrap();
    let run = ledger.runs(None, 1).unwrap().remove(0);
    assert_eq!(run.params["token"], Secret::new("").into());
    let error = ledger.steps(&run.id, Secrets::Opened).unwrap_err();
    assert!(matches!(error, Error::WrongKey { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn the_key_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    fill(&mut folder.open().unwrap());
    for file in [folder.0.path().join("state/ledger.key"), folder.db()] {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn nothing_is_made_by_looking() {
    let folder = Folder::new();
    assert!(Ledger::open_existing(&folder.db()).unwrap().is_none());
    assert!(!folder.db().parent().unwrap().exists());
    assert_eq!(Ledger::copy_of(&folder.db()).unwrap().stacks().unwrap(), []);
    assert!(!folder.db().parent().unwrap().exists());
}

#[test]
fn a_copy_leaves_the_original_alone() {
    let folder = Folder::new();
    fill(&mut folder.open().unwrap());
    let before = std::fs::read(folder.db()).unwrap();
    let mut copy = Ledger::copy_of(&folder.db()).unwrap();
    assert_eq!(copy.resources("web").unwrap().len(), 2);
    fill(&mut copy);
    assert_eq!(copy.verify().unwrap(), 20);
    drop(copy);
    assert_eq!(std::fs::read(folder.db()).unwrap(), before);
    assert_eq!(folder.open().unwrap().verify().unwrap(), 11);
}

#[test]
fn looking_while_another_writes_is_never_a_loss() {
    let folder = Folder::new();
    fill(&mut folder.open().unwrap());
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut ledger = folder.open().unwrap();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                fill(&mut ledger);
            }
        });
        for _ in 0..100 {
            folder.open().unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    folder.open().unwrap().verify().unwrap();
}

#[test]
fn processes_share_a_ledger() {
    let folder = Folder::new();
    let mut one = folder.open().unwrap();
    let mut two = folder.open().unwrap();
    fill(&mut one);
    fill(&mut two);
    fill(&mut one);
    // The first run made two resources; the others found them known.
    assert_eq!(two.verify().unwrap(), 11 + 9 + 9);
}
