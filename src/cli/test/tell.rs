//! Verdicts as text, as they come.

use std::path::{Path, PathBuf};

use console::style;

use super::Arguments;
use super::snapshot::Mode;
use super::verdict::{Change, Status, Verdict};
use super::{coverage, lines};
use crate::cases::{Covered, Suite, Tried};
use crate::cli::console::Output;
use crate::cli::say;
use crate::script::difference;
use crate::script::error::ScriptError;
use crate::script::source::Sources;

/// Tells people or programs of one case after the other.
pub(super) struct Teller {
    output: Output,
    verbose: bool,
    quiet: bool,
    /// Whether each difference is shown when it is asked about.
    reviews: bool,
    /// The suite that was told of last.
    suite: Option<usize>,
}

impl Teller {
    pub fn new(arguments: &Arguments) -> Self {
        Self {
            output: arguments.output,
            verbose: arguments.verbose,
            quiet: arguments.quiet,
            reviews: arguments.review,
            suite: None,
        }
    }

    /// One case.
    pub fn case(&mut self, suites: &[Suite], verdict: &Verdict) {
        let suite = &suites[verdict.place.0];
        if self.output == Output::Json {
            say::out(lines::case(suite, verdict));
            return;
        }
        if self.quiet && verdict.status == Status::Passed {
            return;
        }
        if self.suite.replace(verdict.place.0) != Some(verdict.place.0) {
            say::out(suite.path.display());
        }
        let word = match verdict.status {
            Status::Passed if verdict.accepted => style("accepted").yellow(),
            Status::Passed => style("ok      ").green(),
            Status::Failed => style("FAILED  ").red().bold(),
            Status::New => style("new     ").yellow(),
        };
        say::out(format_args!(
            "  {word}  {}",
            suite.cases[verdict.place.1].said.name
        ));
        if self.verbose {
            for step in &verdict.steps {
                let mark = if step.is_write() { "+" } else { " " };
                say::out(format_args!(
                    "      {:>5} {mark} {}",
                    step.path,
                    step.operation.full_name()
                ));
            }
        }
        for problem in &verdict.problems {
            say::out(indented(problem));
        }
        if let Some(change) = verdict.change.as_ref().filter(|_| !self.reviews) {
            say::out(indented(&changed(change, true)));
        }
    }

    /// Snapshots that no case has.
    pub fn strangers(&self, strangers: &[PathBuf], mode: Mode) {
        for path in strangers {
            match (self.output, mode) {
                (Output::Json, _) => say::out(lines::stranger(path, mode)),
                (Output::Human, Mode::Accept) => {
                    say::err(format_args!("removed {}: no case has it", path.display()));
                }
                (Output::Human, _) => say::err(format_args!(
                    "warning: no case has the snapshot {}; --accept removes it",
                    path.display()
                )),
            }
        }
    }

    /// Which lines were reached.
    pub fn coverage(&self, files: &[Covered]) {
        match self.output {
            Output::Json => say::out(lines::coverage(files)),
            Output::Human => say::out(coverage::table(files)),
        }
    }

    /// How many of each there were, and what to do next.
    pub fn count(&self, verdicts: &[Verdict], seconds: f64) {
        let count = |status| {
            let of = verdicts.iter().filter(|verdict| verdict.status == status);
            of.count()
        };
        let [passed, failed, new] = [Status::Passed, Status::Failed, Status::New].map(count);
        if self.output == Output::Json {
            say::out(lines::count([passed, failed, new], seconds));
            return;
        }
        let words: Vec<String> = [(passed, "passed"), (failed, "failed"), (new, "new")]
            .into_iter()
            .filter(|(count, word)| *count > 0 || *word == "passed")
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        say::out(format_args!("\n{} in {seconds:.2} s", words.join(", ")));
        if verdicts.iter().any(|verdict| verdict.change.is_some()) {
            say::err(
                "  next: opsh test --review shows each difference and asks, --accept takes all",
            );
        }
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text
        .trim_end()
        .lines()
        .map(|line| format!("      {line}").trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// How a run differs from its snapshot, or that there is none; in colours if `paint`, on
/// a terminal.
pub(super) fn changed(change: &Change, paint: bool) -> String {
    let path = change.snapshot.path.display();
    let Some(old) = &change.old else {
        let new = &change.new;
        return format!("there is no snapshot {path} yet; what the run did:\n{new}");
    };
    let mut changes = difference::of(old, &change.new);
    if paint {
        let lines: Vec<String> = changes.lines().map(painted).collect();
        changes = lines.join("\n");
    }
    format!("the run (+) differs from the snapshot {path} (-):\n{changes}")
}

fn painted(line: &str) -> String {
    match line.chars().next() {
        Some('-') => style(line).red().to_string(),
        Some('+') => style(line).green().to_string(),
        _ => line.to_owned(),
    }
}

/// What is wrong with a case, each with the error behind it.
pub(super) fn problems(suite: &Suite, tried: &Tried) -> Vec<String> {
    let one = |problem: &crate::cases::Problem| {
        let text = match &problem.error {
            None => problem.message.clone(),
            Some(error) => {
                let error = placed(error, &suite.path, &tried.sources);
                let text = error.render(&tried.sources);
                format!("{}\n{}", problem.message, text.trim_end())
            }
        };
        tried.clean(&text)
    };
    tried.problems.iter().map(one).collect()
}

/// The error with the places in the folder of `path` as they are seen from here.
pub(super) fn placed(error: &ScriptError, path: &Path, sources: &Sources) -> ScriptError {
    let mut error = error.clone();
    let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    else {
        return error;
    };
    let findings = error.findings.iter_mut().chain(&mut error.calls);
    for site in findings.filter_map(|finding| finding.site.as_mut()) {
        let seen = folder.join(&site.source);
        if let Some(source) = sources.get(&site.source)
            && seen.is_file()
        {
            site.source = seen.display().to_string();
            sources.insert(&site.source, source);
        }
    }
    error
}
