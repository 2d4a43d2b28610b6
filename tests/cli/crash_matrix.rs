//! Killed by SIGKILL at every point of a step's passage, and gone on with.
//!
//! `cargo test` takes each write of `newwebserver` at one point;
//! `OPSH_CRASH_MATRIX=all cargo test --test main crash_matrix` takes all of them at all points.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::shipped;
use crate::support::opsh::User;

const POINTS: [&str; 5] = [
    "before-intent",
    "after-intent",
    "accepted",
    "answered",
    "recorded",
];

/// What of the account's state is there to stay: figures and logs come and go.
const LASTING: [&str; 9] = [
    "/state/ec2/region/groups",
    "/state/ec2/region/key_pairs",
    "/state/ec2/region/volumes",
    "/state/ec2/region/instances",
    "/state/ec2/region/interfaces",
    "/state/ec2/region/snapshots",
    "/state/s3/buckets",
    "/state/cloudwatch/alarms",
    "/state/iam",
];

/// What an alarm says of the figures, not of itself.
const PASSING: [&str; 6] = [
    "verdict",
    "reason",
    "reason_data",
    "generation",
    "fingerprint",
    "etag",
];

/// Everything that there is, without what differs from one run to the next.
fn world(user: &User) -> Vec<String> {
    let path = user.home().join(".opsh/local/state.json");
    let state: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut all = Vec::new();
    for place in LASTING {
        let part = state
            .pointer(place)
            .unwrap_or_else(|| panic!("no {place} in the state"));
        let entries = part.as_object().unwrap().values();
        all.extend(entries.map(|entry| format!("{place} {}", plain(entry))));
    }
    all.sort();
    all
}

/// A value without ids, times and keys; maps by id as sorted lists.
fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) => plain_text(text).into(),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(map) => {
            let by_id = map.keys().any(|name| plain_text(name) != *name);
            let kept = map
                .iter()
                .filter(|(name, _)| !PASSING.contains(&name.as_str()));
            if by_id {
                let mut values: Vec<String> =
                    kept.map(|(_, item)| plain(item).to_string()).collect();
                values.sort();
                json!(values)
            } else {
                kept.map(|(name, item)| (name.clone(), plain(item)))
                    .collect()
            }
        }
        other => other.clone(),
    }
}

fn plain_text(text: &str) -> String {
    if text.parse::<jiff::Timestamp>().is_ok() {
        return "(a time)".to_owned();
    }
    if text.starts_with("ssh-ed25519 ") {
        return "(a key)".to_owned();
    }
    let hex = |word: &str, length: usize| {
        word.len() == length && word.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    text.split_inclusive([' ', '/', ':', '"', ','])
        .map(|word| match word.split_once('-') {
            Some((kind, id)) if hex(id, 17) || hex(id, 32) => format!("{kind}-…"),
            _ => word.to_owned(),
        })
        .collect()
}

/// The steps of an undisturbed run, and what it leaves.
struct Undisturbed {
    writes: Vec<(String, String)>,
    reads: Vec<String>,
    world: Vec<String>,
    resources: usize,
}

impl Undisturbed {
    fn run() -> Self {
        let user = User::new();
        let ended = user
            .opsh([
                "run",
                &shipped("newwebserver"),
                "--local",
                "--output",
                "json",
            ])
            .done();
        let steps = |effect: &str| {
            let mut events = ended.events();
            events.retain(|event| event["event"] == "step" && event["effect"] == effect);
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            events
                .iter()
                .map(|step| (text(&step["step"]), text(&step["operation"])))
                .collect::<Vec<_>>()
        };
        Self {
            writes: steps("write"),
            reads: steps("read").into_iter().map(|(step, _)| step).collect(),
            world: world(&user),
            resources: resources(&user),
        }
    }
}

fn resources(user: &User) -> usize {
    let listed = user
        .opsh(["ls", "newwebserver", "--local", "--output", "json"])
        .done();
    let events = listed.events();
    let ids: BTreeSet<String> = events
        .iter()
        .map(|event| format!("{} {}", event["kind"], event["id"]))
        .collect();
    assert_eq!(ids.len(), events.len(), "a resource is there twice");
    ids.len()
}

/// Runs until the crash, and gives the user whose run died.
fn crashed(step: &str, point: &str) -> User {
    let user = User::new();
    let crash = format!("crash {step} {point}");
    let killed = user.opsh([
        "run",
        &shipped("newwebserver"),
        "--local",
        "-q",
        "--fault",
        &crash,
    ]);
    assert_eq!(
        killed.code, -1,
        "{crash}: it was not killed: {}",
        killed.err
    );
    user
}

/// What makes the key: the only resource that nobody can look for.
const KEY: &str = "ssh::generate_key";

/// Goes on; where nobody knows, the answer is what is so.
fn resume(user: &User, point: &str) -> Result<bool, String> {
    let resumed = user.opsh(["resume", "--local", "-q"]);
    if resumed.code == 0 {
        return Ok(false);
    }
    if !resumed.err.contains("nobody knows whether step") {
        return Err(resumed.err);
    }
    let done = if ["accepted", "answered"].contains(&point) {
        "done"
    } else {
        "not-done"
    };
    let answered = user.opsh(["resume", "--local", "-q", "--assume", done]);
    if answered.code == 0 {
        Ok(true)
    } else {
        Err(answered.err)
    }
}

#[test]
fn the_writes_of_newwebserver_are_those_of_its_plan() {
    let undisturbed = Undisturbed::run();
    let operations: Vec<&str> = undisturbed
        .writes
        .iter()
        .map(|(_, operation)| operation.as_str())
        .collect();
    assert_eq!(operations.len(), 16, "{operations:#?}");
}

#[test]
fn a_run_that_is_killed_anywhere_ends_as_if_nothing_had_happened() {
    let undisturbed = Undisturbed::run();
    let all = std::env::var("OPSH_CRASH_MATRIX").is_ok_and(|which| which == "all");
    let mut cases = Vec::new();
    for (index, (step, operation)) in undisturbed.writes.iter().enumerate() {
        for (at, point) in POINTS.into_iter().enumerate() {
            if all || at == index % POINTS.len() {
                cases.push((step.clone(), operation.clone(), point));
            }
        }
    }
    let middle = &undisturbed.reads[undisturbed.reads.len() / 2];
    for point in ["before-intent", "answered"] {
        cases.push((middle.clone(), "a read".to_owned(), point));
    }
    let asked = Mutex::new(BTreeSet::new());
    let wrong = each(cases, |(step, operation, point), wrong| {
        let user = crashed(&step, point);
        let name = format!("{operation} (step {step}) {point}");
        match resume(&user, point) {
            Err(error) => wrong.push(format!("{name}: {error}")),
            Ok(was_asked) => {
                if was_asked {
                    asked.lock().unwrap().insert(operation.clone());
                }
                let left = world(&user);
                // What is only taken as done has no result, so the ledger does not know what it made.
                let unknown = usize::from(
                    operation == KEY && was_asked && matches!(point, "accepted" | "answered"),
                );
                if left != undisturbed.world || resources(&user) + unknown != undisturbed.resources
                {
                    let differing: Vec<&String> = left
                        .iter()
                        .filter(|line| !undisturbed.world.contains(line))
                        .collect();
                    wrong.push(format!(
                        "{name}: {} things, not {}: {differing:#?}",
                        left.len(),
                        undisturbed.world.len()
                    ));
                }
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Nothing else needs a person: nobody can look for the key's file, or for a datapoint.
    let asked = asked.into_inner().unwrap();
    let known: BTreeSet<String> = [KEY, "cloudwatch::put_metric_data"]
        .map(str::to_owned)
        .into();
    assert!(asked.is_subset(&known), "{asked:?}");
}

/// Does `work` for each case, on as many threads as the machine has; gives what was wrong.
fn each<T: Send>(cases: Vec<T>, work: impl Fn(T, &mut Vec<String>) + Sync) -> Vec<String> {
    let waiting = Mutex::new(cases);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(case) = waiting.lock().unwrap().pop() else {
                        return;
                    };
                    let mut found = Vec::new();
                    work(case, &mut found);
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

/// What there is when what was terminated is not listed any more.
fn world_later(user: &User) -> Vec<String> {
    std::fs::write(user.home().join("later.rhai"), "sleep(7200);").unwrap();
    user.opsh(["run", "later.rhai", "--local"]).done();
    world(user)
}

/// Undoes; that there is nothing to undo is fine, where there is nothing.
fn undo(user: &User) -> Result<(), String> {
    let ended = user.opsh(["undo", "--local", "--yes", "-q"]);
    match ended.code {
        0 => Ok(()),
        2 if ended.err.contains("has anything left to undo") => Ok(()),
        _ => Err(ended.err),
    }
}

#[test]
fn a_run_that_is_killed_anywhere_is_undone_to_nothing() {
    let nothing = world_later(&User::new());
    let all = std::env::var("OPSH_CRASH_MATRIX").is_ok_and(|which| which == "all");
    let mut cases = Vec::new();
    for (index, (step, operation)) in Undisturbed::run().writes.into_iter().enumerate() {
        // The key's file is the only thing that nobody can look for.
        if operation == KEY {
            continue;
        }
        for (at, point) in POINTS.into_iter().enumerate() {
            if all || at == (index + 2) % POINTS.len() {
                cases.push((step.clone(), operation.clone(), point));
            }
        }
    }
    let wrong = each(cases, |(step, operation, point), wrong| {
        let user = crashed(&step, point);
        let name = format!("{operation} (step {step}) {point}");
        if let Err(error) = undo(&user) {
            wrong.push(format!("{name}: {error}"));
        }
        let left = world_later(&user);
        if left != nothing {
            let differing: Vec<&String> =
                left.iter().filter(|line| !nothing.contains(line)).collect();
            wrong.push(format!("{name}: {differing:#?}"));
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_undo_that_is_killed_anywhere_goes_on() {
    let nothing = world_later(&User::new());
    let made = || {
        let user = User::new();
        user.opsh(["run", &shipped("newwebserver"), "--local", "-q"])
            .done();
        user
    };
    let writes = |ended: &crate::support::opsh::Ended| -> Vec<(String, String)> {
        let mut events = ended.events();
        events.retain(|event| event["effect"] == "write" && event["ok"] == true);
        let step = |event: &Value| event["step"].as_str().unwrap().to_owned();
        let what = |event: &Value| format!("{} {}", event["operation"], event["input"]);
        events
            .iter()
            .map(|event| (step(event), what(event)))
            .collect()
    };
    let undo = ["undo", "--local", "--yes", "--output", "json"];
    let steps = writes(&made().opsh(undo).done());
    assert_eq!(steps.len(), 9, "{steps:?}");
    let cases: Vec<_> = steps.iter().cloned().enumerate().collect();
    let wrong = each(cases, |(index, (step, _)), wrong| {
        let point = POINTS[index % POINTS.len()];
        let user = made();
        let crash = format!("crash {step} {point}");
        let killed = user.opsh(undo.iter().chain(&["--fault", &crash]));
        if killed.code != -1 {
            wrong.push(format!("{crash}: it was not killed: {}", killed.err));
            return;
        }
        let again = user.opsh(undo);
        if again.code != 0 {
            wrong.push(format!("{crash}: {}{}", again.out, again.err));
        }
        // What the first had recorded as done, the second does not do again.
        let done = writes(&killed);
        for (_, what) in writes(&again) {
            if done.iter().any(|(_, before)| *before == what) {
                wrong.push(format!("{crash}: it did twice {what}"));
            }
        }
        if world_later(&user) != nothing {
            wrong.push(format!("{crash}: something is left"));
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
