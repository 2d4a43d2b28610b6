//! Every operation's example, run as a dry run on an embedded cloud of its own:
//! what the reference shows works, and shows what it is about. What an example
//! has made is then removed as the shipped teardown removes it.

#![allow(clippy::unwrap_used)] // a test that cannot go on says where

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use opsh_cloud::api::ApiError;
use opsh_cloud::faults::{Rule, When};
use opsh_cloud::furnish::Options;
use opsh_operation::{Effect, Fault, FaultKind, Operation, Settle, Value};

use crate::fleet::records::Records;
use crate::gate::Gate;
use crate::gate::consent::Consent;
use crate::gate::event::{Event, Observer};
use crate::gate::journal::{Journal, Place};
use crate::gate::policy::Policy;
use crate::gate::redact::Redactor;
use crate::lambda::hosted;
use crate::modules::registry::registry;
use crate::modules::{Files, Handler, Terminal};
use crate::script::engine::Runtime;
use crate::script::limits::STACK_SIZE;
use crate::script::run::Playbook;
use crate::script::source::Sources;
use crate::service::{Service, Timing};
use crate::world::Cancel;
use crate::world::local::{Fixtures, Local};

/// Operations that fail in a dry run, and how: their examples show that.
const FAIL_BY_NATURE: &[(&str, FaultKind)] = &[
    // A dry run has nobody to ask.
    ("term::secret", FaultKind::Failed),
    // Its token comes in a message to an endpoint.
    ("sns::confirm_subscription", FaultKind::Invalid),
];

/// The stack that every example makes its things in.
const STACK: &str = "example";

/// Removes what the ledger knows of, by the inverses of what made it.
const TEARDOWN: &str = include_str!("../playbooks/teardown.rhai");

/// More than any example takes, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(2);

#[test]
fn every_example_does_what_it_shows() {
    let operations = registry().operations().map(|entry| entry.operation);
    all(operations, &|operation| run(operation, Vec::new()));
}

/// Each write that is settled by looking for it, with its answer lost: it is found
/// by what it declares, and not sent again, which is refused here. Its example goes on
/// with what was found.
#[test]
fn what_a_lost_answer_would_have_said_is_found() {
    let operations: Vec<_> = registry()
        .operations()
        .map(|entry| entry.operation)
        .filter(|operation| {
            let settle = operation.write().map(|write| write.settle);
            matches!(settle, Some(Settle::Find(_)))
        })
        .collect();
    assert!(operations.len() >= 17, "{}", operations.len());
    all(operations.into_iter(), &|operation| {
        let rule = |when: &[u32], fault| Rule {
            action: api_action(operation),
            when: When::Nth(when.iter().copied().collect()),
            fault,
        };
        let again = ApiError::new("SentTwice", "It has been sent already.");
        let again = opsh_cloud::faults::Fault::Refuse(again);
        run(
            operation,
            vec![
                rule(&[1], opsh_cloud::faults::Fault::Lost),
                rule(&[2, 3, 4], again),
            ],
        )
    });
}

/// `ec2:CreateImage`, as the embedded cloud names it.
fn api_action(operation: &Operation) -> String {
    let words = operation.name.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    format!("{}:{}", operation.module, words.collect::<String>())
}

/// Does `check` for each operation, several at a time; all complaints at once.
fn all(
    operations: impl Iterator<Item = &'static Operation> + Send,
    check: &(dyn Fn(&'static Operation) -> Result<(), String> + Sync),
) {
    let waiting = Mutex::new(operations);
    let failures = Mutex::new(BTreeMap::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let work = || {
                loop {
                    let next = waiting.lock().unwrap().next();
                    let Some(operation) = next else { return };
                    if let Err(why) = check(operation) {
                        failures.lock().unwrap().insert(operation.full_name(), why);
                    }
                }
            };
            let thread = std::thread::Builder::new().stack_size(STACK_SIZE);
            thread.spawn_scoped(scope, work).unwrap();
        }
    });
    let failures = failures.into_inner().unwrap();
    let text: Vec<String> = failures
        .iter()
        .map(|(name, why)| format!("{name}: {why}"))
        .collect();
    assert!(
        failures.is_empty(),
        "{} examples fail:\n{}",
        text.len(),
        text.join("\n")
    );
}

/// Runs the example of `operation`, in a cloud where `faults` happen, and looks at
/// what went through the gate.
fn run(operation: &'static Operation, faults: Vec<Rule>) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let sources = Arc::new(Sources::default());
    let seen = Arc::new(Seen::of(operation));
    let world = Local::furnished(&Options::default(), Fixtures::default()).unwrap();
    let cancel = Cancel::new(Instant::now().checked_add(PATIENCE));
    hosted::employ(&world, Records::Passing, &cancel);
    for fault in faults {
        world.cloud().inject(fault);
    }
    let runtime = Arc::new(Runtime {
        gate: Gate {
            world: Arc::new(world),
            policy: Policy::new(&[], &[]),
            observers: vec![Arc::clone(&seen) as _],
            redactor: Arc::new(Redactor::default()),
            files: Files::new(folder.path()).unwrap(),
            terminal: Arc::new(Nobody),
            cancel,
            journal: Journal::new(Place::Memory(None), STACK, "example"),
            crashes: Vec::new(),
            consent: Consent::default(),
        },
        sources: Arc::clone(&sources),
        parameters: RwLock::default(),
        service: Service::new(Timing::Rehearsed(None, Vec::new())),
        reach: RwLock::default(),
    });
    Playbook::parse("example", operation.example, folder.path(), &sources)
        .and_then(|playbook| playbook.run(&runtime, BTreeMap::new()))
        .map_err(|error| error.render(&sources))?;
    if std::fs::read_dir(folder.path()).unwrap().next().is_some() {
        return Err("its dry run wrote a real file".to_owned());
    }
    seen.judge()?;
    tear_down(&runtime, &sources)
}

/// Runs the shipped teardown; nothing may be left.
fn tear_down(runtime: &Arc<Runtime>, sources: &Sources) -> Result<(), String> {
    let parameters = BTreeMap::from([("stack".to_owned(), STACK.into())]);
    let result = Playbook::parse("teardown", TEARDOWN, Path::new("."), sources)
        .and_then(|playbook| playbook.run(runtime, parameters))
        .map_err(|error| format!("what it makes cannot be removed: {}", error.render(sources)))?;
    match result.get("left").and_then(Value::as_list) {
        Some([]) => Ok(()),
        left => Err(format!("the teardown leaves {left:?}")),
    }
}

/// What an example had the gate do with its operation.
struct Seen {
    operation: &'static Operation,
    outcomes: Mutex<Vec<Result<usize, FaultKind>>>,
    warnings: Mutex<Vec<String>>,
}

impl Seen {
    fn of(operation: &'static Operation) -> Self {
        Self {
            operation,
            outcomes: Mutex::default(),
            warnings: Mutex::default(),
        }
    }

    /// Whether the operation ended at least once as it should, and made what it declares.
    fn judge(&self) -> Result<(), String> {
        let name = self.operation.full_name();
        let warnings = self.warnings.lock().unwrap();
        if !warnings.is_empty() {
            return Err(format!("it is warned of: {}", warnings.join("; ")));
        }
        let handler = registry().get(&name).unwrap().handler;
        let calls_others = matches!(handler, Handler::Gate | Handler::Library { .. });
        if matches!(self.operation.effect, Effect::Pure) || calls_others {
            // No steps of their own: that the example calls it is all there is to see.
            let called = crate::modules::service::called(self.operation);
            return if self.operation.example.contains(&format!("{called}(")) {
                Ok(())
            } else {
                Err("its example does not call it".to_owned())
            };
        }
        let outcomes = self.outcomes.lock().unwrap();
        let by_nature = FAIL_BY_NATURE.iter().find(|(failing, _)| *failing == name);
        if let Some((_, kind)) = by_nature {
            return if outcomes.contains(&Err(*kind)) {
                Ok(())
            } else {
                Err(format!("it does not fail as {kind:?}: {outcomes:?}"))
            };
        }
        let made: Vec<usize> = outcomes.iter().filter_map(|outcome| outcome.ok()).collect();
        if made.is_empty() {
            return Err(format!("its example does not succeed: {outcomes:?}"));
        }
        let declares = self
            .operation
            .write()
            .is_some_and(|write| !write.makes.is_empty());
        if declares && made.iter().all(|made| *made == 0) {
            return Err("what it makes is not where it declares it".to_owned());
        }
        Ok(())
    }
}

impl Observer for Seen {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Finished(step) if std::ptr::eq(step.operation, self.operation) => {
                let outcome = match &step.outcome {
                    Ok(_) => Ok(step.made.len()),
                    Err(fault) => Err(fault.kind),
                };
                self.outcomes.lock().unwrap().push(outcome);
            }
            Event::Started(_) | Event::Finished(_) | Event::Served(_) => {}
            Event::Warning { message, .. } => {
                self.warnings.lock().unwrap().push((*message).to_owned());
            }
        }
    }
}

/// The terminal of a dry run that nobody sits at.
struct Nobody;

impl Terminal for Nobody {
    fn interactive(&self) -> bool {
        false
    }

    fn consents(&self) -> bool {
        true
    }

    fn ask(&self, question: &str, _: bool, _: &Cancel) -> Result<String, Fault> {
        panic!("asked: {question}")
    }

    fn print(&self, _: &str) {}

    fn log(&self, _: tracing::Level, _: &str) {}

    fn width(&self) -> u16 {
        80
    }
}
