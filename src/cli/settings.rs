//! The options of commands that run playbooks, and the files that they mean.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use opsh_operation::duration;

use super::console::Output;
use crate::gate::journal::Place;
use crate::gate::rehearsal::{self, Rehearsal};

/// Options that say in which world, with which limits and how loudly.
#[derive(Args, Clone, Default)]
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
    #[arg(long, value_name = "NAME", value_parser = stack)]
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
    /// Answer GET requests for URL with FILE (needs --dry-run)
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

    /// The ledger that is meant.
    #[must_use]
    pub fn ledger_path(&self) -> PathBuf {
        ledger(self.ledger.as_deref(), self.embedded())
    }

    /// The flags with which that ledger is found again.
    #[must_use]
    pub fn flags(&self) -> String {
        flags(self.ledger.as_deref(), self.embedded())
    }
}

/// The longest name of a stack: tags and the names of locks have it in them.
const LONGEST: usize = 128;

/// A stack's name, wherever somebody gives it.
///
/// # Errors
/// It is empty, too long, nothing that a terminal shows, or a pattern.
pub fn stack(name: &str) -> Result<String, String> {
    if name.is_empty() {
        return Err("a stack has a name".to_owned());
    }
    if name.chars().count() > LONGEST {
        return Err(format!("a stack's name has at most {LONGEST} characters"));
    }
    if name.contains(char::is_control) {
        return Err("a stack's name has no control characters".to_owned());
    }
    if name.contains(['*', '?', '\\']) {
        return Err(
            "a stack's name has no *, ? or \\: where AWS looks for its tag they stand for other \
             stacks, too"
                .to_owned(),
        );
    }
    Ok(name.to_owned())
}

/// A duration of the command line.
///
/// # Errors
/// It is none.
pub fn duration(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "write a duration such as 90s or 10m".to_owned())
}

/// The folder that opsh keeps its own things in.
pub const FOLDER: &str = ".opsh";

/// The folder of the embedded cloud in it.
pub const LOCAL: &str = "local";

/// The name of the ledger in it.
const LEDGER: &str = "ledger.db";

/// The ledger that is named; else that of the embedded cloud, or of everything else.
#[must_use]
pub fn ledger(named: Option<&Path>, local: bool) -> PathBuf {
    let folder = Path::new(FOLDER);
    match named {
        Some(path) => path.to_owned(),
        None if local => folder.join(LOCAL).join(LEDGER),
        None => folder.join(LEDGER),
    }
}

/// The flags with which the ledger that is named, or that of the embedded cloud, is found.
#[must_use]
pub fn flags(named: Option<&Path>, local: bool) -> String {
    let world = if local { " --local" } else { "" };
    format!("{world}{}", place(named, local).flag())
}

/// Where the records of runs go; the locks are beside their ledger.
#[must_use]
pub fn place(named: Option<&Path>, local: bool) -> Place {
    let ledger = ledger(named, local);
    Place::Files {
        locks: locks(&ledger),
        ledger,
        named: named.is_some(),
    }
}

/// What opsh keeps for itself, wherever it runs: its ledgers, their locks, and the embedded
/// cloud.
#[must_use]
pub fn own(named: Option<&Path>) -> Vec<PathBuf> {
    let mut own = vec![Path::new(FOLDER).join(LOCAL)];
    for ledger in [Some(ledger(None, false)), named.map(Path::to_owned)] {
        let ledger = ledger.into_iter();
        own.extend(ledger.flat_map(|ledger| [locks(&ledger), ledger]));
    }
    own
}

/// The folder of the locks of a ledger: the same by whatever name that is found, or two
/// runs could be at one stack.
fn locks(ledger: &Path) -> PathBuf {
    let real = if ledger.is_symlink() {
        ledger.canonicalize().ok()
    } else {
        None
    };
    let ledger = real.as_deref().unwrap_or(ledger);
    if ledger.file_name() == Some(OsStr::new(LEDGER)) {
        return ledger.with_file_name("locks");
    }
    let mut locks = ledger.as_os_str().to_owned();
    locks.push("-locks");
    locks.into()
}
