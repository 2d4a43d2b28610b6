//! How a command that runs playbooks starts: gate, observers, service.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use opsh_operation::{Fault, FaultKind, Value};

use super::console::{Console, Output, Verbosity};
use super::interrupts::Interrupts;
use super::json::Lines;
use super::log_file::LogFile;
use super::progress::{Keeper, Progress, Reporter};
use super::settings::{self, Settings};
use super::worlds::world;
use crate::gate::Gate;
use crate::gate::consent::Consent;
use crate::gate::crash::Crash;
use crate::gate::event::Observer;
use crate::gate::journal::{Journal, Place};
use crate::gate::plan::Plan;
use crate::gate::policy::Policy;
use crate::gate::redact::Redactor;
use crate::gate::rehearsal::Rehearsal;
use crate::modules::Files;
use crate::script::engine::Runtime;
use crate::script::error::{Class, ScriptError};
use crate::script::run::{Playbook, conclude, plain_io};
use crate::script::source::Sources;
use crate::service::{Service, Timing, rehearsal as rehearsed_events};
use crate::world::{Cancel, Kind, Reason};

/// Everything that is there once a command has started.
pub struct Started {
    /// What the script acts through.
    pub runtime: Arc<Runtime>,
    /// Where output goes.
    pub console: Arc<Console>,
    /// What has been done so far.
    pub plan: Arc<Plan>,
    /// What a plan stands on, in words.
    pub base: String,
    /// Whether this is a dry run.
    pub dry: bool,
    /// What Ctrl-C does.
    pub interrupts: Interrupts,
}

/// What is done in the world that is started.
pub enum Manner {
    /// One playbook from its beginning to its end.
    Playbook,
    /// What somebody types by and by, seen by these as well: nothing is held back until
    /// its end, and writing on the real AWS is asked about.
    Shell(Vec<Arc<dyn Observer>>),
}

/// Makes world, gate and observers as `settings` say.
///
/// # Errors
/// Settings that contradict each other, a world that cannot be opened.
pub fn start(
    settings: &Settings,
    stack: &str,
    playbook: &str,
    sources: Arc<Sources>,
) -> Result<Started, ScriptError> {
    start_as(settings, stack, playbook, sources, |journal| journal)
}

/// The same with a journal that `as_what` has made one of a certain run.
///
/// # Errors
/// As [`start`].
pub fn start_as(
    settings: &Settings,
    stack: &str,
    playbook: &str,
    sources: Arc<Sources>,
    as_what: impl FnOnce(Journal) -> Journal,
) -> Result<Started, ScriptError> {
    let journal = |place| as_what(Journal::new(place, stack, playbook));
    start_in(settings, playbook, sources, Manner::Playbook, journal)
}

/// The same for a shell whose inputs are called `name`, with those who watch it.
///
/// # Errors
/// As [`start`].
pub fn start_shell(
    settings: &Settings,
    stack: &str,
    name: &str,
    sources: Arc<Sources>,
    watching: Vec<Arc<dyn Observer>>,
) -> Result<Started, ScriptError> {
    let journal = |place| Journal::new(place, stack, name);
    start_in(settings, name, sources, Manner::Shell(watching), journal)
}

fn start_in(
    settings: &Settings,
    playbook: &str,
    sources: Arc<Sources>,
    manner: Manner,
    journal: impl FnOnce(Place) -> Journal,
) -> Result<Started, ScriptError> {
    let shell = matches!(manner, Manner::Shell(_));
    let cancel = Cancel::new(
        settings
            .deadline
            .and_then(|limit| Instant::now().checked_add(limit)),
    );
    let redactor = Arc::new(Redactor::default());
    let timing = timing(settings)?;
    let authority = authority(settings)?;
    let (world, place, base) = world(settings, &cancel)?;
    let console = Arc::new(Console {
        redactor: Arc::clone(&redactor),
        verbosity: verbosity(settings),
        output: settings.output,
        progress: Arc::new(Progress::new(
            settings.output == Output::Human && !settings.quiet && (shell || !settings.dry_run),
        )),
        log_file: match &settings.log_file {
            None => None,
            Some(path) => Some(LogFile::open(path, Arc::clone(&world)).map_err(|error| {
                ScriptError::plain(
                    Class::Start,
                    format!("cannot open --log-file '{}': {error}", path.display()),
                )
            })?),
        },
        consents: settings.yes || settings.dry_run,
        held: (!shell && settings.dry_run && settings.output == Output::Human).then(Mutex::default),
        stdout: Mutex::new(()),
    });
    let plan = Arc::new(Plan::default());
    let mut observers: Vec<Arc<dyn Observer>> = Vec::new();
    // Only a plan is shown at the end; a long run must not keep every step in memory.
    if settings.dry_run && !shell {
        observers.push(Arc::clone(&plan) as _);
    }
    match settings.output {
        Output::Json => observers.push(Arc::new(Lines(Arc::clone(&console)))),
        Output::Human if shell || !settings.dry_run => {
            observers.push(Arc::new(Reporter(Arc::clone(&console))));
        }
        Output::Human => {}
    }
    if settings.log_file.is_some() {
        observers.push(Arc::new(Keeper(Arc::clone(&console))));
    }
    let asks = shell && world.kind() == Kind::Live && !settings.yes;
    if let Manner::Shell(watching) = manner {
        observers.extend(watching);
    }
    let files = std::env::current_dir()
        .and_then(|folder| Files::new(&folder))
        .map(|files| {
            let folder = Path::new(playbook).parent();
            files
                .of_program_in(folder.unwrap_or(Path::new("")))
                .sparing(&settings::own(settings.ledger.as_deref()))
        })
        .map_err(|error| {
            ScriptError::plain(
                Class::Start,
                format!("the working directory cannot be read: {error}"),
            )
        })?;
    let service = Service::new(timing).trusting(authority);
    let interrupts = Interrupts::heard(&cancel, &console, service.alive());
    alarm(&cancel);
    let gate = Gate {
        policy: Policy::new(&settings.allow, &settings.deny),
        observers,
        redactor,
        consent: if asks {
            Consent::missing("on the real AWS")
        } else {
            Consent::default()
        },
        crashes: crashes(settings),
        ..Gate::new(
            world,
            files,
            Arc::clone(&console) as _,
            cancel,
            journal(place),
        )
    };
    Ok(Started {
        runtime: Arc::new(Runtime::new(gate, sources, service)),
        console,
        plan,
        base,
        dry: settings.dry_run,
        interrupts,
    })
}

fn crashes(settings: &Settings) -> Vec<Crash> {
    let rehearsals = settings.fault.iter();
    let crashes = rehearsals.filter_map(|rehearsal| match rehearsal {
        Rehearsal::Crash(crash) => Some(crash.clone()),
        Rehearsal::Request(_) | Rehearsal::Step(..) => None,
    });
    crashes.collect()
}

impl Started {
    /// Runs `playbook` with `parameters`.
    ///
    /// # Errors
    /// Whatever ended it.
    pub fn run(
        &self,
        playbook: &Playbook,
        parameters: BTreeMap<String, Value>,
    ) -> Result<Value, ScriptError> {
        let outcome = playbook.run(&self.runtime, parameters);
        conclude(&self.runtime.gate, outcome)
    }
}

/// A fault that ends a command; of `class`, unless it says that the run had to stop.
#[must_use]
pub fn stopped(fault: &Fault, class: Class) -> ScriptError {
    let class = match fault.kind {
        FaultKind::Deadline => Class::Deadline,
        FaultKind::Interrupted => Class::Interrupted,
        _ => class,
    };
    let error = ScriptError::plain(class, fault.message.clone());
    match &fault.hint {
        Some(hint) => error.hint(hint.clone()),
        None => error,
    }
}

/// How the time of a service goes, if the playbook is one.
fn timing(settings: &Settings) -> Result<Timing, ScriptError> {
    let refused = |message: String| ScriptError::plain(Class::Start, message);
    let events = match &settings.events {
        None => Vec::new(),
        Some(_) if !settings.embedded() && !settings.dry_run => {
            return Err(refused(
                "--events needs --local or --dry-run: live, events come by themselves".to_owned(),
            ));
        }
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                let why = plain_io(&error);
                refused(format!("cannot read --events '{}': {why}", path.display()))
            })?;
            rehearsed_events::read(&text)
                .map_err(|why| refused(format!("--events '{}': {why}", path.display())))?
        }
    };
    let asked = settings.length.is_some() || settings.events.is_some();
    Ok(if settings.dry_run || (settings.embedded() && asked) {
        Timing::Rehearsed(settings.length, events)
    } else {
        Timing::Real(settings.length)
    })
}

/// Who vouches for SNS besides those that the platform trusts.
fn authority(settings: &Settings) -> Result<Option<Vec<u8>>, ScriptError> {
    let Some(path) = &settings.sns_ca else {
        return Ok(None);
    };
    let refused = |message: String| ScriptError::plain(Class::Start, message);
    if settings.embedded() || settings.dry_run {
        return Err(refused(
            "--sns-ca is for a live run: the embedded cloud has an authority of its own".to_owned(),
        ));
    }
    let read = std::fs::read(path).map_err(|error| plain_io(&error));
    let trusted = read.and_then(|pem| opsh_snsmessage::Trust::of_pem(&pem).map(|_| pem));
    trusted
        .map(Some)
        .map_err(|why| refused(format!("cannot use --sns-ca '{}': {why}", path.display())))
}

fn verbosity(settings: &Settings) -> Verbosity {
    if settings.quiet {
        Verbosity::Quiet
    } else if settings.verbose > 0 {
        Verbosity::Verbose
    } else {
        Verbosity::Normal
    }
}

/// Raises the deadline's flag when it passes, so that a script whose operations are
/// slow need not look at the clock to see it.
fn alarm(cancel: &Cancel) {
    let Some(left) = cancel.remaining() else {
        return;
    };
    let cancel = cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(left);
        cancel.raise(Reason::Deadline);
    });
}
