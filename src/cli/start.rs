//! What commands that run playbooks have in common: world, gate, observers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use clap::Args;
use opsh_operation::validate::parse_duration;
use opsh_operation::{Fault, FaultKind, Value};

use super::console::{Console, Output, Verbosity};
use super::interrupts::Interrupts;
use super::json::{self, Lines};
use super::log_file::LogFile;
use super::progress::{Keeper, Progress, Reporter};
use super::{exit_code, say};
use crate::fleet::records::Records;
use crate::gate::Gate;
use crate::gate::consent::Consent;
use crate::gate::crash::Crash;
use crate::gate::event::Observer;
use crate::gate::journal::{Journal, Place};
use crate::gate::plan::Plan;
use crate::gate::policy::Policy;
use crate::gate::redact::Redactor;
use crate::gate::rehearsal::{self, Rehearsal};
use crate::lambda::hosted;
use crate::modules::Files;
use crate::script::engine::Runtime;
use crate::script::error::{Class, ScriptError};
use crate::script::run::{Playbook, conclude, plain_io};
use crate::script::source::Sources;
use crate::service::{Service, Timing, rehearsal as rehearsed_events};
use crate::world::live::{self, ConnectTo, Live};
use crate::world::local::{Fixtures, Local};
use crate::world::served::Served;
use crate::world::{Cancel, Kind, Reason, World, http};

/// Options that say in which world, with which limits and how loudly.
#[derive(Args, Clone)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of the command line
pub struct Settings {
    /// Run on the embedded cloud, which persists in .opsh/local/
    #[arg(long)]
    pub local: bool,
    /// Run on the embedded cloud that `opsh local serve` has at URL, from this folder
    #[arg(long, value_name = "URL", conflicts_with = "local")]
    pub local_at: Option<String>,
    /// Show what would be done: really run on an embedded cloud that is thrown away
    #[arg(long)]
    pub dry_run: bool,
    /// Keep the ledger at PATH [default: .opsh/ledger.db, with --local .opsh/local/ledger.db]
    #[arg(long, value_name = "PATH")]
    pub ledger: Option<PathBuf>,
    /// The stack that everything made belongs to [default: the playbook's file stem]
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// AWS region
    #[arg(long)]
    pub region: Option<String>,
    /// Profile of the shared AWS configuration
    #[arg(long)]
    pub profile: Option<String>,
    /// Send AWS requests to this endpoint
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Form of results
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
    /// Connect to ADDR:PORT whenever HOST:PORT is asked for (HOST or PORT may be empty)
    #[arg(long, value_name = "HOST:PORT:ADDR:PORT")]
    pub connect_to: Vec<String>,
    /// Answer GET requests for URL with FILE (embedded cloud only)
    #[arg(long, value_name = "URL=FILE")]
    pub fixture: Vec<String>,
    /// Let something go wrong on purpose, e.g. 'lost ec2:RunInstances' or 'crash 7 accepted'
    /// (embedded cloud only)
    ///
    /// throttle [ACTION] [WHEN]: asked too often. server STATUS [ACTION] [WHEN]: a 5xx,
    /// nothing done. refuse CODE [ACTION] [WHEN], e.g. `ExpiredToken`. capacity [ACTION]
    /// [WHEN]. reset [ACTION] [WHEN]: the connection breaks, nothing done. lost [ACTION]
    /// [WHEN]: done, the answer lost. delay DURATION [ACTION] [WHEN]. crash STEP POINT:
    /// killed there; the points are before-intent, after-intent, accepted, answered and
    /// recorded. WHEN: 1, 2,3, every 3 or 20%; or, without an action, step 4.
    #[arg(long, value_name = "RULE", value_parser = rehearsal::parse)]
    pub fault: Vec<Rehearsal>,
    /// Append everything that happens to FILE
    #[arg(long, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    /// Say more: reads too
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say less: errors only
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Answer yes to every confirmation
    #[arg(long)]
    pub yes: bool,
    /// Allow only these actions, e.g. 'ec2:Describe*'
    #[arg(long, value_name = "ACTION")]
    pub allow: Vec<String>,
    /// Refuse these actions, e.g. 's3:*'
    #[arg(long, value_name = "ACTION")]
    pub deny: Vec<String>,
    /// Seed of everything random on the embedded cloud
    #[arg(long)]
    pub seed: Option<u64>,
    /// Stop after this time, e.g. 10m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub deadline: Option<Duration>,
    /// Let a service run for this time; on the embedded cloud in virtual time, without a socket
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub length: Option<Duration>,
    /// Let the events of FILE, JSON lines, come to a service (embedded cloud only)
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Let the authority in FILE (PEM) vouch for messages of SNS, too (live only)
    #[arg(long, value_name = "FILE")]
    pub sns_ca: Option<PathBuf>,
}

impl Settings {
    /// Whether the embedded cloud is meant, in this process or in another.
    #[must_use]
    pub fn embedded(&self) -> bool {
        self.local || self.local_at.is_some()
    }
}

/// A duration of the command line.
///
/// # Errors
/// It is none.
pub fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "write a duration such as 90s or 10m".to_owned())
}

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
            files.of_program_in(folder.unwrap_or(Path::new("")))
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
        world,
        policy: Policy::new(&settings.allow, &settings.deny),
        observers,
        redactor,
        files,
        terminal: Arc::clone(&console) as _,
        cancel,
        journal: journal(place),
        consent: if asks {
            Consent::missing("on the real AWS")
        } else {
            Consent::default()
        },
        crashes: crashes(settings),
    };
    let runtime = Arc::new(Runtime {
        gate,
        sources,
        parameters: RwLock::default(),
        service,
        reach: RwLock::default(),
        reached: None,
    });
    Ok(Started {
        runtime,
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

/// Says why a command that began no playbook ended, and gives the exit code.
#[must_use]
pub fn complain(error: &ScriptError, output: Output) -> ExitCode {
    match output {
        Output::Human => say::err(error.render(&Sources::default()).trim_end()),
        Output::Json => say::out(json::error(error)),
    }
    exit_code(error.class)
}

/// The folder that opsh keeps its own things in.
pub const FOLDER: &str = ".opsh";

/// The ledger that is named; else that of the embedded cloud, or of everything else.
#[must_use]
pub fn ledger(named: Option<&Path>, local: bool) -> PathBuf {
    let folder = Path::new(FOLDER);
    match named {
        Some(path) => path.to_owned(),
        None if local => folder.join("local").join("ledger.db"),
        None => folder.join("ledger.db"),
    }
}

/// Where the records of runs go; the locks are beside their ledger.
fn place(settings: &Settings) -> Place {
    let ledger = ledger(settings.ledger.as_deref(), settings.embedded());
    let named = settings.ledger.is_some();
    let locks = if named {
        let mut path = ledger.clone().into_os_string();
        path.push("-locks");
        path.into()
    } else {
        ledger.with_file_name("locks")
    };
    Place::Files {
        ledger,
        locks,
        named,
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

/// The world that is asked for, where its records go, and a plan's base in words.
fn world(
    settings: &Settings,
    cancel: &Cancel,
) -> Result<(Arc<dyn World>, Place, String), ScriptError> {
    let local = Path::new(FOLDER).join("local");
    let refused = |fault: Fault| stopped(&fault, Class::Start);
    let embedded = settings.embedded();
    if embedded || settings.dry_run {
        for (flag, given) in [
            ("--profile", &settings.profile),
            ("--endpoint-url", &settings.endpoint_url),
        ] {
            if given.is_some() {
                return Err(ScriptError::plain(
                    Class::Start,
                    format!("{flag} has no meaning on the embedded cloud"),
                ));
            }
        }
        let mut options = opsh_cloud::furnish::Options::default();
        if let Some(region) = &settings.region {
            options.region.clone_from(region);
        }
        options.seed = settings.seed.unwrap_or(0);
        let fixtures = fixtures(settings)?;
        // What is served is on disk, too.
        if settings.dry_run && embedded {
            let base = format!("a copy of the embedded cloud in {}", local.display());
            let ledger = ledger(settings.ledger.as_deref(), true);
            let world = Local::copy_of(&local, &options, fixtures).map_err(refused)?;
            hosted::employ(&world, Records::CopiedFrom(local.clone()), cancel);
            rehearse(&world, &settings.fault);
            return Ok((Arc::new(world), Place::Memory(Some(ledger)), base));
        }
        if settings.dry_run {
            let base = format!(
                "a freshly furnished embedded cloud ({}, seed {})",
                options.region, options.seed
            );
            let world = Local::furnished(&options, fixtures).map_err(refused)?;
            hosted::employ(&world, Records::Passing, cancel);
            rehearse(&world, &settings.fault);
            return Ok((Arc::new(world), Place::Memory(None), base));
        }
        let outside = crate::world::live::http::Client::new(connect_to(settings)?);
        let outside: Option<Box<dyn http::Transport>> = Some(Box::new(outside));
        let world: Arc<dyn World> = match &settings.local_at {
            Some(_) if settings.fault.iter().any(Rehearsal::is_of_a_request) => {
                return Err(ScriptError::plain(
                    Class::Start,
                    "what goes wrong in a cloud that another process serves is said there, to \
                     `opsh local serve --fault`; here only --fault 'crash …' is",
                ));
            }
            Some(url) => {
                let region = settings.region.as_deref();
                let served = Served::connect(&local, url, region).map_err(refused)?;
                Arc::new(Local::served(served, &local, options.seed, outside).map_err(refused)?)
            }
            None => {
                let world = Local::persistent(&local, &options, outside).map_err(refused)?;
                hosted::employ(&world, Records::Beside(local.clone()), cancel);
                rehearse(&world, &settings.fault);
                Arc::new(world)
            }
        };
        return Ok((world, place(settings), String::new()));
    }
    if !settings.fixture.is_empty() {
        return Err(ScriptError::plain(
            Class::Start,
            "--fixture needs --dry-run",
        ));
    }
    if !settings.fault.is_empty() {
        return Err(ScriptError::plain(
            Class::Start,
            "--fault needs --local or --dry-run: nothing goes wrong on purpose on the real AWS",
        ));
    }
    let world = Live::new(live::Settings {
        aws: live::Overrides {
            region: settings.region.clone(),
            profile: settings.profile.clone(),
            endpoint_url: settings.endpoint_url.clone(),
        },
        connect_to: connect_to(settings)?,
        home: None,
    });
    Ok((Arc::new(world), place(settings), String::new()))
}

/// Lets requests to the embedded cloud go wrong as it was asked for.
fn rehearse(world: &Local, faults: &[Rehearsal]) {
    for rehearsal in faults {
        match rehearsal {
            Rehearsal::Request(rule) => world.cloud().inject(rule.clone()),
            Rehearsal::Step(step, fault) => world.strike_at(&step.0, fault.clone()),
            Rehearsal::Crash(_) => {}
        }
    }
}

fn connect_to(settings: &Settings) -> Result<Vec<ConnectTo>, ScriptError> {
    settings
        .connect_to
        .iter()
        .map(|text| {
            text.parse().map_err(|error: live::connect_to::Malformed| {
                ScriptError::plain(Class::Start, error.to_string())
            })
        })
        .collect()
}

fn fixtures(settings: &Settings) -> Result<Fixtures, ScriptError> {
    let mut fixtures = Fixtures::default();
    for pair in &settings.fixture {
        let (url, file) = pair.rsplit_once('=').ok_or_else(|| {
            ScriptError::plain(
                Class::Start,
                format!("--fixture '{pair}' is not of the form URL=FILE"),
            )
        })?;
        let body = std::fs::read(file).map_err(|error| {
            ScriptError::plain(
                Class::Start,
                format!("cannot read the fixture '{file}': {}", plain_io(&error)),
            )
        })?;
        fixtures.insert(url, Path::new(file), body);
    }
    Ok(fixtures)
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
