//! One run of a case's playbook, gone on with in this process after each crash.
//!
//! A crash cancels the run at its point: nothing is recorded any more, as if the process
//! had died. What is on disk then is what the next one finds here, too: the cloud, the
//! ledger and the files of the working directory.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opsh_cloud::Cloud;
use opsh_cloud::faults::When;
use opsh_operation::Map;

use super::folder::Folder;
use super::options::Said;
use super::outcome::Outcome;
use super::stage::{self, Setting};
use super::suite::Case;
use super::terminal::Heard;
use crate::fleet::records::Records;
use crate::gate::branch;
use crate::gate::crash::{Crash, Point};
use crate::gate::journal::{Assumption, Journal, Place, Resumes, Shared};
use crate::gate::plan::Plan;
use crate::gate::rehearsal::Rehearsal;
use crate::lambda::hosted;
use crate::ledger::Ledger;
use crate::lock::lock;
use crate::modules::Files;
use crate::script::engine::Runtime;
use crate::script::error::{Class, ScriptError};
use crate::script::reach::Reach;
use crate::script::reached::Reached;
use crate::script::run::conclude;
use crate::script::source::Sources;
use crate::service::Timing;
use crate::world::local::Local;
use crate::world::{Cancel, Reason};

/// More than any dry run takes: a playbook that never ends is stopped.
const PATIENCE: Duration = Duration::from_mins(2);

/// How long a case may take from now on.
pub(super) fn patience() -> Cancel {
    Cancel::new(Instant::now().checked_add(PATIENCE))
}

/// A case with all that its playbook is run with.
pub(super) struct Attempt<'a> {
    pub case: &'a Case,
    pub parameters: &'a Map,
    pub files: &'a Files,
    pub folder: &'a Arc<Folder>,
    pub sources: &'a Arc<Sources>,
    /// What the case's `check` can call.
    pub reach: &'a Arc<Reach>,
    /// Where it is noted which lines are reached, if somebody asks.
    pub reached: Option<Arc<Reached>>,
}

/// What an attempt begins with.
pub(super) struct Start {
    pub cloud: Cloud,
    pub ledger: Shared,
}

impl Start {
    /// With `cloud`, on which nothing has been run.
    ///
    /// # Errors
    /// No memory.
    pub fn new(cloud: Cloud) -> Result<Self, ScriptError> {
        let ledger = Ledger::in_memory().map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            cloud,
            ledger: Arc::new(Mutex::new(ledger)),
        })
    }

    /// With what another run has left.
    pub fn behind(ran: &Ran) -> Self {
        Self {
            cloud: ran.world.cloud().copy(),
            ledger: Arc::clone(&ran.ledger),
        }
    }
}

/// A run that has come to its end.
pub(super) struct Ran {
    pub outcome: Outcome,
    /// Where it has been.
    pub world: Arc<Local>,
    pub ledger: Shared,
    pub stack: String,
    /// The faults that never struck.
    pub unstruck: Vec<String>,
    /// Its working directory, as it has left it.
    pub folder: Arc<Folder>,
    files: Files,
    sources: Arc<Sources>,
    reach: Arc<Reach>,
}

/// A run until it ends or crashes.
struct Process {
    world: Arc<Local>,
    plan: Arc<Plan>,
    heard: Arc<Heard>,
    runtime: Arc<Runtime>,
}

impl Attempt<'_> {
    /// Runs the playbook, with its crashes or without.
    ///
    /// # Errors
    /// It cannot begin; what ended it is an outcome.
    pub fn run(&self, start: Start, crashing: bool) -> Result<Ran, ScriptError> {
        let (crashes, mut faults): (Vec<_>, Vec<_>) = self
            .case
            .said
            .faults
            .iter()
            .map(|(text, rehearsal)| (text.as_str(), rehearsal))
            .partition(|(_, rehearsal)| matches!(rehearsal, Rehearsal::Crash(_)));
        let crashes = crashes.into_iter().filter_map(|(text, rehearsal)| {
            let Rehearsal::Crash(crash) = rehearsal else {
                return None;
            };
            crashing.then_some((text, crash))
        });
        let mut crashes = crashes.peekable();
        let Start { mut cloud, ledger } = start;
        let mut onward = None;
        let mut resumed = 0;
        loop {
            let crash = crashes.peek().map(|(_, crash)| (*crash).clone());
            let process = self.process(cloud, &ledger, &faults, crash, onward.take())?;
            let result = self.once(&process.runtime, resumed > 0);
            faults.retain(unmet(&process.world));
            let gate = &process.runtime.gate;
            if gate.cancel.raised() == Some(Reason::Crashed)
                && let Some((_, crash)) = crashes.next()
            {
                let shared = gate.journal.shared();
                let (_, run) = shared.map_err(|fault| failed(fault.message))?;
                lock(&ledger).crash();
                onward = Some(Resumes {
                    run,
                    assumptions: vec![known(crash)],
                });
                resumed += 1;
                cloud = process.world.cloud().copy();
                continue;
            }
            let result = conclude(gate, result);
            let unstruck = faults.iter().map(|(text, _)| *text);
            let unstruck = unstruck.chain(crashes.map(|(text, _)| text));
            return Ok(Ran {
                outcome: Outcome {
                    base: self.base(),
                    steps: process.plan.steps(),
                    printed: process.heard.printed(),
                    logged: process.heard.logged(),
                    result,
                    resumed,
                    redactor: Arc::clone(&gate.redactor),
                },
                unstruck: unstruck.map(str::to_owned).collect(),
                world: process.world,
                ledger,
                stack: self.case.playbook.stack(),
                folder: Arc::clone(self.folder),
                files: self.files.clone(),
                sources: Arc::clone(self.sources),
                reach: Arc::clone(self.reach),
            });
        }
    }

    /// What stands for the process that a run would have: it ends at `crash`.
    fn process(
        &self,
        cloud: Cloud,
        ledger: &Shared,
        faults: &[(&str, &Rehearsal)],
        crash: Option<Crash>,
        onward: Option<Resumes>,
    ) -> Result<Process, ScriptError> {
        let said = &self.case.said;
        let world = Local::thrown_away(cloud, said.fixtures.clone())
            .map_err(|fault| failed(fault.message))?;
        let world = Arc::new(world);
        for (_, fault) in faults {
            fault.prepare(&world);
        }
        let cancel = patience();
        hosted::employ(&world, Records::Passing, &cancel);
        let plan = Arc::new(Plan::default());
        let heard = Arc::new(Heard::default());
        let playbook = &self.case.playbook;
        let place = Place::Within(Arc::clone(ledger));
        let journal = Journal::new(place, &playbook.stack(), &playbook.name);
        let runtime = stage::runtime(Setting {
            world: Arc::clone(&world),
            cancel,
            journal: match onward {
                None => journal,
                Some(behind) => journal.resuming(behind),
            },
            observers: vec![Arc::clone(&plan) as _],
            crashes: crash.into_iter().collect(),
            redactor: Arc::default(),
            heard: Arc::clone(&heard),
            files: self.files.clone(),
            sources: Arc::clone(self.sources),
            timing: said.timing.clone(),
            // The playbook says itself what it can call.
            reach: Arc::default(),
            reached: self.reached.clone(),
        });
        Ok(Process {
            world,
            plan,
            heard,
            runtime,
        })
    }

    fn once(
        &self,
        runtime: &Arc<Runtime>,
        resumed: bool,
    ) -> Result<opsh_operation::Value, ScriptError> {
        let gate = &runtime.gate;
        branch::within(Vec::new(), || {
            if resumed {
                gate.journal
                    .begin(gate.world.as_ref())
                    .map_err(|fault| failed(fault.message))?;
            }
            self.case.playbook.run(runtime, self.parameters.clone())
        })
    }

    fn base(&self) -> String {
        let Said { region, seed, .. } = &self.case.said;
        match (&self.case.said.given, &self.case.said.after) {
            (_, Some(after)) => format!("what the case {after:?} leaves ({region}, seed {seed})"),
            (Some(_), _) => format!("an embedded cloud as the case has it ({region}, seed {seed})"),
            _ => format!("a freshly furnished embedded cloud ({region}, seed {seed})"),
        }
    }
}

impl Ran {
    /// Something to look at what is there with: its calls are no steps of the run.
    pub fn look(&self) -> Arc<Runtime> {
        stage::runtime(Setting {
            world: Arc::clone(&self.world),
            cancel: patience(),
            journal: Journal::new(Place::Memory(None), &self.stack, "check"),
            observers: Vec::new(),
            crashes: Vec::new(),
            redactor: Arc::clone(&self.outcome.redactor),
            heard: Arc::new(Heard::default()),
            files: self.files.clone(),
            sources: Arc::clone(&self.sources),
            timing: Timing::Never,
            reach: Arc::clone(&self.reach),
            reached: None,
        })
    }
}

fn failed(why: String) -> ScriptError {
    ScriptError::plain(Class::Failed, why)
}

/// Tells which faults, in the order in which they were injected, have not struck in `world`.
///
/// One that goes on striking after a crash is no other one: what has struck is not told again.
fn unmet(world: &Local) -> impl FnMut(&(&str, &Rehearsal)) -> bool {
    let mut struck = world.cloud().struck().into_iter();
    let steps = world.unstruck();
    move |(_, fault)| match fault {
        Rehearsal::Request(rule) => {
            // One that comes by chance may as well not come.
            struck.next() == Some(0) && !matches!(rule.when, When::Percent(_))
        }
        Rehearsal::Step(step, _) => steps.contains(&step.0),
        Rehearsal::Crash(_) => false,
    }
}

/// What somebody would find out who looked where the run died.
fn known(crash: &Crash) -> Assumption {
    Assumption {
        step: Some(crash.step.clone()),
        done: matches!(
            crash.point,
            Point::Accepted | Point::Answered | Point::Recorded
        ),
    }
}
