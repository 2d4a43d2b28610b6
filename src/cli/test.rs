//! `opsh test [PATH…]`: the cases of people's own playbooks.
//!
//! - `run`: all cases, several at a time, told in their order;
//! - `verdict`: a case compared with its snapshot; `snapshot`: the files of those;
//! - `tell`: verdicts as text; `lines`: the same as JSON; `junit`: the same for CI;
//! - `init`: a first file of cases;
//! - `review`: asks about what differs; `coverage`: which lines were reached.

mod coverage;
mod init;
mod junit;
mod lines;
mod review;
mod run;
mod snapshot;
mod tell;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;

use super::console::Output;
use super::{exit_code, say};
use crate::cases::{Suite, Trials, find};
use crate::script::error::{Class, ScriptError};
use crate::script::run::plain_io;
use crate::script::source::Sources;
pub use init::begin;
use snapshot::Mode;
use tell::Teller;
use verdict::{Status, Verdict};

/// Run the cases of playbooks: each a dry run on an embedded cloud of its own
///
/// Files *.test.rhai declare cases: test("two machines", #{ params: #{ count: 2 } }); or a
/// table in the playbook's header does: // | case | params |. What a run plans, prints and
/// gives is compared with the snapshot beside the file: demo.snapshots/two-machines.snap
/// for demo.test.rhai or demo.rhai. A snapshot that is missing is proposed (….snap.new),
/// with --ci it is a failure. See docs/test.md.
/// Exit codes: 0 all passed, 1 some failed, 2 nothing could be run.
#[derive(Args)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of the command line
pub struct Arguments {
    /// Files of cases, playbooks, or folders in which all below are meant
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Write a first file of cases for PLAYBOOK, with the snapshot of one
    #[arg(long, value_name = "PLAYBOOK", conflicts_with_all = ["paths", "ci", "review", "list"])]
    init: Option<PathBuf>,
    /// Only cases with TEXT in their names
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// List the cases and run none
    #[arg(long)]
    list: bool,
    /// Take what the runs do now for the snapshots
    #[arg(long, conflicts_with_all = ["review", "ci"])]
    accept: bool,
    /// Show each difference and ask whether it is meant
    #[arg(long, conflicts_with = "ci")]
    review: bool,
    /// Write no file: a snapshot that is missing is a failure
    ///
    /// So it is where the environment has CI=true.
    #[arg(long)]
    ci: bool,
    /// Say which lines of the playbooks no case reaches
    #[arg(long)]
    coverage: bool,
    /// Write a report for CI to FILE, in the XML of `JUnit`
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// How many cases run at a time [default: as many as there are processors]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    /// Say more: the steps of each run, with their numbers
    #[arg(short, long)]
    verbose: bool,
    /// Say less: what failed, and the count
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
}

/// A case by the places of its suite and of itself.
type Place = (usize, usize);

/// Runs the cases and gives the exit code.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    match test(arguments) {
        Ok(code) => code,
        Err(error) => complain(arguments.output, &error, &Sources::default()),
    }
}

fn complain(output: Output, error: &ScriptError, sources: &Sources) -> ExitCode {
    let _ = say::error(error, output, sources);
    exit_code(Class::Start)
}

fn test(arguments: &Arguments) -> Result<ExitCode, ScriptError> {
    if arguments.review {
        review::possible()?;
    }
    let began = Instant::now();
    let mut unread = None;
    let mut suites = Vec::new();
    for path in files(arguments)? {
        let sources = Arc::new(Sources::default());
        match Suite::load(&path, &sources) {
            Ok(suite) => suites.push(suite),
            Err(error) => {
                let shown = tell::placed(&error, &path, &sources);
                unread = Some(complain(arguments.output, &shown, &sources));
            }
        }
    }
    let wanted = wanted(arguments, &suites);
    if wanted.is_empty() {
        return unread.ok_or_else(|| nothing(arguments));
    }
    if arguments.list {
        list(arguments.output, &suites, &wanted);
        return Ok(unread.unwrap_or(ExitCode::SUCCESS));
    }
    let mode = if arguments.accept || arguments.init.is_some() {
        Mode::Accept
    } else if arguments.ci || (!arguments.review && is_ci()) {
        Mode::Compare
    } else {
        Mode::Propose
    };
    let mut teller = Teller::new(arguments);
    let mut verdicts: Vec<Verdict> = Vec::new();
    let trials = if arguments.coverage {
        Trials::noting_lines()
    } else {
        Trials::default()
    };
    run::all(&suites, &wanted, &trials, arguments.jobs, |place, tried| {
        let verdict = verdict::of(&suites, place, tried, mode);
        teller.case(&suites, &verdict);
        verdicts.push(verdict);
    })?;
    let strangers = snapshot::strangers(&suites, mode)?;
    teller.strangers(&strangers, mode);
    if arguments.review {
        review::all(&suites, &mut verdicts)?;
    }
    if let Some(coverage) = trials.coverage() {
        teller.coverage(&coverage.files(&suites));
    }
    let seconds = began.elapsed().as_secs_f64();
    if let Some(path) = &arguments.junit {
        let report = junit::report(&suites, &verdicts, trials.coverage(), seconds);
        write(path, "--junit", &report)?;
    }
    teller.count(&verdicts, seconds);
    let failed = verdicts
        .iter()
        .any(|verdict| verdict.status == Status::Failed);
    Ok(match (unread, failed) {
        (Some(code), _) => code,
        (None, true) => ExitCode::FAILURE,
        (None, false) => ExitCode::SUCCESS,
    })
}

/// Whether the environment is that of a machine that nobody sits at.
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// All files of cases that are meant, each once.
fn files(arguments: &Arguments) -> Result<Vec<PathBuf>, ScriptError> {
    if let Some(playbook) = &arguments.init {
        return Ok(vec![init::file(playbook, "as it is")?]);
    }
    let mut files = Vec::new();
    for path in &arguments.paths {
        let found = find::files(path).map_err(|error| {
            let why = format!("{}: {}", path.display(), plain_io(&error));
            ScriptError::plain(Class::Start, why)
        })?;
        for file in found {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    if files.is_empty() {
        let folders: Vec<String> = arguments
            .paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let error = ScriptError::plain(
            Class::Start,
            format!("there are no cases in {}", folders.join(", ")),
        );
        return Err(error.hint("`opsh test --init demo.rhai` writes a first one for demo.rhai"));
    }
    Ok(files)
}

fn wanted(arguments: &Arguments, suites: &[Suite]) -> Vec<Place> {
    let filter = arguments.filter.as_deref().unwrap_or_default();
    let all = suites.iter().enumerate().flat_map(|(suite, of)| {
        let cases = of.cases.iter().enumerate();
        cases.map(move |(case, of)| ((suite, case), &of.said.name))
    });
    all.filter(|(_, name)| name.contains(filter))
        .map(|(place, _)| place)
        .collect()
}

fn nothing(arguments: &Arguments) -> ScriptError {
    let why = match &arguments.filter {
        Some(filter) => format!("no case has {filter:?} in its name"),
        None => "no case is declared".to_owned(),
    };
    ScriptError::plain(Class::Start, why).hint("`opsh test --list` lists the cases")
}

fn list(output: Output, suites: &[Suite], wanted: &[Place]) {
    for (suite, case) in wanted {
        let suite = &suites[*suite];
        match output {
            Output::Human => say::out(format_args!(
                "{}: {}",
                suite.path.display(),
                suite.cases[*case].said.name
            )),
            Output::Json => say::out(lines::declared(suite, &suite.cases[*case])),
        }
    }
}

fn write(path: &std::path::Path, flag: &str, text: &str) -> Result<(), ScriptError> {
    std::fs::write(path, text).map_err(|error| {
        let why = format!("{flag} {}: {}", path.display(), plain_io(&error));
        ScriptError::plain(Class::Start, why)
    })
}
