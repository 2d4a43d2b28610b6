//! Every operation's example, run as a dry run on an embedded cloud of its own:
//! what the reference shows works, and shows what it is about. What an example
//! has made is then removed as the shipped teardown removes it.

#![allow(clippy::unwrap_used)] // a test that cannot go on says where

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opsh_cloud::api::ApiError;
use opsh_cloud::faults::{Rule, When};
use opsh_operation::{Effect, Fault, FaultKind, Operation, Settle, Value};

use crate::cases::declaration::TEST;
use crate::cases::{Suite, Trials};
use crate::cli::doc::stage::{STACK, Stage};
use crate::gate::event::{Event, Observer};
use crate::modules::registry::registry;
use crate::modules::{Handler, Terminal};
use crate::script::limits::STACK_SIZE;
use crate::surface::{self, Callable, Origin};
use crate::world::Cancel;

/// Operations that fail in a dry run, and how: their examples show that.
const FAIL_BY_NATURE: &[(&str, FaultKind)] = &[
    // A dry run has nobody to ask.
    ("term::secret", FaultKind::Failed),
    // Its token comes in a message to an endpoint.
    ("sns::confirm_subscription", FaultKind::Invalid),
];

/// Removes what the ledger knows of, by the inverses of what made it.
const TEARDOWN: &str = include_str!("../playbooks/teardown.rhai");

/// More than any example takes, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(2);

#[test]
fn every_example_does_what_it_shows() {
    let operations = registry().operations().map(|entry| entry.operation);
    all(operations, &|operation| run(operation, Vec::new()));
}

/// Those of the standard library and of the functions that belong to no module.
#[test]
fn every_functions_example_does_what_it_shows() {
    let functions = surface::modules()
        .filter(|module| module.origin != Origin::Registry && module.name != surface::CASES)
        .flat_map(|module| &module.callables);
    all(functions, &play);
}

/// That of `test`, in a file of cases beside a playbook that makes queues.
#[test]
fn the_example_of_a_case_passes() {
    let folder = tempfile::tempdir().unwrap();
    let playbook = r#"let count = param("count", #{ default: 1 });
for n in 0..count { sqs::create_queue(#{ queue_name: `work-${n}` }); }"#;
    std::fs::write(folder.path().join("demo.rhai"), playbook).unwrap();
    let cases = folder.path().join("demo.test.rhai");
    std::fs::write(&cases, TEST.operation.example).unwrap();
    let suite = Suite::load(&cases, &Arc::default()).unwrap();
    let [case] = &suite.cases[..] else {
        panic!("{} cases", suite.cases.len());
    };
    let tried = Trials::default().run(&suite, case);
    let problems: Vec<_> = tried.problems.iter().map(|one| &one.message).collect();
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(tried.outcome.steps.len(), 3);
}

/// Runs the example of a function; that it calls it is all there is to see.
fn play(function: &'static Callable) -> Result<(), String> {
    if !function
        .doc
        .example
        .contains(&format!("{}(", function.called()))
    {
        let given = function
            .doc
            .setup
            .contains(&format!("{}(", function.called()));
        if !given {
            return Err("its example does not call it".to_owned());
        }
    }
    let seen = Arc::new(Seen::default());
    let stage = Stage::new(seen.clone(), Arc::new(Nobody), PATIENCE, Vec::new());
    let stage = stage.map_err(|fault| fault.to_string())?;
    stage
        .run(&function.doc.playbook(), BTreeMap::new())
        .map_err(|error| error.render(&stage.sources))?;
    if stage.is_soiled() {
        return Err("its dry run wrote a real file".to_owned());
    }
    let warnings = seen.warnings.lock().unwrap();
    if !warnings.is_empty() {
        return Err(format!("it is warned of: {}", warnings.join("; ")));
    }
    tear_down(&stage)
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

/// What has an example.
trait Named: Sync {
    fn name(&self) -> String;
}

impl Named for Operation {
    fn name(&self) -> String {
        self.full_name()
    }
}

impl Named for Callable {
    fn name(&self) -> String {
        format!("{}/{}", self.full_name(), self.parameters().len())
    }
}

/// Does `check` for each of `those`, several at a time; all complaints at once.
fn all<T: Named>(
    those: impl Iterator<Item = &'static T> + Send,
    check: &(dyn Fn(&'static T) -> Result<(), String> + Sync),
) {
    let waiting = Mutex::new(those);
    let failures = Mutex::new(BTreeMap::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let work = || {
                loop {
                    let next = waiting.lock().unwrap().next();
                    let Some(one) = next else { return };
                    if let Err(why) = check(one) {
                        failures.lock().unwrap().insert(one.name(), why);
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
    let seen = Arc::new(Seen {
        operation: Some(operation),
        ..Seen::default()
    });
    let stage = Stage::new(seen.clone(), Arc::new(Nobody), PATIENCE, faults);
    let stage = stage.map_err(|fault| fault.to_string())?;
    stage
        .run(operation.example, BTreeMap::new())
        .map_err(|error| error.render(&stage.sources))?;
    if stage.is_soiled() {
        return Err("its dry run wrote a real file".to_owned());
    }
    seen.judge(operation)?;
    tear_down(&stage)
}

/// Runs the shipped teardown; nothing may be left.
fn tear_down(stage: &Stage) -> Result<(), String> {
    let parameters = BTreeMap::from([("stack".to_owned(), STACK.into())]);
    let result = stage.run(TEARDOWN, parameters).map_err(|error| {
        let why = error.render(&stage.sources);
        format!("what it makes cannot be removed: {why}")
    })?;
    match result.get("left").and_then(Value::as_list) {
        Some([]) => Ok(()),
        left => Err(format!("the teardown leaves {left:?}")),
    }
}

/// What an example had the gate do with its operation.
#[derive(Default)]
struct Seen {
    operation: Option<&'static Operation>,
    outcomes: Mutex<Vec<Result<usize, FaultKind>>>,
    warnings: Mutex<Vec<String>>,
}

impl Seen {
    /// Whether the operation ended at least once as it should, and made what it declares.
    fn judge(&self, operation: &Operation) -> Result<(), String> {
        let name = operation.full_name();
        let warnings = self.warnings.lock().unwrap();
        if !warnings.is_empty() {
            return Err(format!("it is warned of: {}", warnings.join("; ")));
        }
        let handler = registry().get(&name).unwrap().handler;
        let calls_others = matches!(handler, Handler::Gate | Handler::Library { .. });
        if matches!(operation.effect, Effect::Pure) || calls_others {
            // No steps of their own: that the example calls it is all there is to see.
            let called = crate::modules::service::called(operation);
            return if operation.example.contains(&format!("{called}(")) {
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
        let declares = operation
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
            Event::Finished(step)
                if self
                    .operation
                    .is_some_and(|operation| std::ptr::eq(step.operation, operation)) =>
            {
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
