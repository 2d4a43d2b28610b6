//! A whole case: its run, what it leaves after a crash, and its own check.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use opsh_operation::Value;

use super::account::Accounts;
use super::attempt::{Attempt, Ran, Start, patience};
use super::coverage::Coverage;
use super::folder::Folder;
use super::left::Left;
use super::outcome::Outcome;
use super::stage;
use super::suite::{Case, Suite};
use crate::modules::Files;
use crate::script::error::{Class, ScriptError};
use crate::script::param;
use crate::script::run::plain_io;
use crate::script::source::Sources;

/// Where cases are tried; several at a time if several threads ask.
#[derive(Default)]
pub struct Trials {
    accounts: Accounts,
    coverage: Option<Coverage>,
}

/// A case that has been tried.
pub struct Tried {
    /// What came of its run.
    pub outcome: Outcome,
    /// All that is wrong beside what a snapshot would tell.
    pub problems: Vec<Problem>,
    /// How long it took, in real time.
    pub seconds: f64,
    /// The texts that its errors are about.
    pub sources: Arc<Sources>,
    /// The beginnings of paths that are so only on this machine.
    folders: Vec<String>,
}

/// Something that is wrong.
pub struct Problem {
    /// What, in words.
    pub message: String,
    /// The error behind it.
    pub error: Option<ScriptError>,
}

impl Problem {
    fn plain(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            error: None,
        }
    }

    fn of(message: impl Into<String>, error: ScriptError) -> Self {
        Self {
            message: message.into(),
            error: Some(error),
        }
    }
}

impl Trials {
    /// The same, where it is noted which lines of playbooks are reached, too.
    #[must_use]
    pub fn noting_lines() -> Self {
        Self {
            coverage: Some(Coverage::default()),
            ..Self::default()
        }
    }

    /// What was reached, if that is noted.
    #[must_use]
    pub fn coverage(&self) -> Option<&Coverage> {
        self.coverage.as_ref()
    }

    /// Tries `case`.
    #[must_use]
    pub fn run(&self, suite: &Suite, case: &Case) -> Tried {
        let began = Instant::now();
        let trial = Trial {
            accounts: &self.accounts,
            coverage: self.coverage.as_ref(),
            suite,
            sources: Arc::new(suite.sources.copy()),
            folders: RefCell::new(vec![suite.folder.clone()]),
        };
        let mut problems = Vec::new();
        let outcome = trial.tried(case, &mut problems).unwrap_or_else(|error| {
            problems.push(Problem::of("it cannot be tried", error.clone()));
            Outcome::refused(error)
        });
        let folders = trial.folders.into_inner();
        Tried {
            outcome,
            problems,
            seconds: began.elapsed().as_secs_f64(),
            sources: trial.sources,
            folders: folders
                .iter()
                .map(|folder| format!("{}/", folder.display()))
                .collect(),
        }
    }
}

/// One case being tried.
struct Trial<'a> {
    accounts: &'a Accounts,
    coverage: Option<&'a Coverage>,
    suite: &'a Suite,
    sources: Arc<Sources>,
    /// Where files are that it may speak of.
    folders: RefCell<Vec<PathBuf>>,
}

impl Trial<'_> {
    fn tried(&self, case: &Case, problems: &mut Vec<Problem>) -> Result<Outcome, ScriptError> {
        let ran = match self.ran(case, true) {
            Ok(ran) => ran,
            Err(error) if error.class == Class::Start => {
                judge(case, &Err(error.clone()), problems);
                return Ok(Outcome::refused(error));
            }
            Err(error) => return Err(error),
        };
        judge(case, &ran.outcome.result, problems);
        for fault in &ran.unstruck {
            let last = ran.outcome.steps.last().map_or_else(
                || "no step".to_owned(),
                |step| format!("steps up to {}", step.path),
            );
            problems.push(Problem::plain(format!(
                "the fault '{fault}' never struck; the run has {last}"
            )));
        }
        if ran.outcome.resumed > 0 && problems.is_empty() {
            let undisturbed = self.ran(case, false)?;
            let unlike = Left::by(&ran)?.unlike(&Left::by(&undisturbed)?);
            if !unlike.is_empty() {
                problems.push(Problem::plain(format!(
                    "gone on with after the crash, it does not leave what an undisturbed run leaves:\n  {}",
                    unlike.join("\n  ")
                )));
            }
        }
        if let Some(check) = case.said.check.as_ref().filter(|_| problems.is_empty()) {
            let runtime = ran.look();
            let place = (self.suite.name.as_str(), self.suite.folder.as_path());
            match stage::call(&runtime, place, check, &[ran.outcome.value()]) {
                Ok(Value::Bool(false)) => problems.push(Problem::plain("its check gives false")),
                Ok(_) => {}
                Err(error) => problems.push(Problem::of("its check fails", error)),
            }
        }
        Ok(ran.outcome)
    }

    /// The run of a case, behind the one of the case that comes before it.
    fn ran(&self, case: &Case, crashing: bool) -> Result<Ran, ScriptError> {
        let suite = self.suite;
        let before = case
            .said
            .after
            .as_ref()
            .and_then(|after| suite.cases.iter().find(|case| case.said.name == *after))
            .map(|before| self.ran(before, false))
            .transpose()?;
        let folder = match &before {
            Some(before) => Arc::clone(&before.folder),
            None => self.folder(case)?,
        };
        let program = Path::new(&case.playbook.name).parent();
        let files = Files::new(folder.path())
            .map_err(|error| ScriptError::plain(Class::Failed, plain_io(&error)))?
            .of_program_in(&suite.folder.join(program.unwrap_or(Path::new(""))));
        let start = match &before {
            None => {
                let (sources, cancel) = (&self.sources, patience());
                let account = self.accounts.of(suite, case, &files, sources, &cancel)?;
                Start::new(account)?
            }
            Some(before) => Start::behind(before),
        };
        let parameters = param::resolve(
            &case.playbook.name,
            &case.playbook.parameters,
            &case.said.parameters,
            &mut |_| Ok(None),
        )?;
        let attempt = Attempt {
            case,
            parameters: &parameters,
            files: &files,
            folder: &folder,
            sources: &self.sources,
            reach: &suite.reach,
            reached: self.coverage.map(|coverage| coverage.of(suite, case)),
        };
        attempt.run(start, crashing)
    }

    /// A new working directory for `case`.
    fn folder(&self, case: &Case) -> Result<Arc<Folder>, ScriptError> {
        let begin = case.said.files.as_deref();
        let folder = Folder::new(begin).map_err(|error| {
            let shown = begin.map_or_else(String::new, |begin| format!("{}: ", begin.display()));
            let why = format!("'files': {shown}{}", plain_io(&error));
            ScriptError::plain(Class::Failed, why)
        })?;
        self.folders.borrow_mut().push(folder.path().to_owned());
        Ok(Arc::new(folder))
    }
}

/// Whether the run ended as the case wants it.
fn judge(case: &Case, result: &Result<Value, ScriptError>, problems: &mut Vec<Problem>) {
    match (result, &case.said.fails) {
        (Ok(_), None) => {}
        (Ok(_), Some(words)) => problems.push(Problem::plain(format!(
            "it was to fail and to say {words:?}, but comes to its end"
        ))),
        (Err(error), None) => problems.push(Problem::of("the playbook fails", error.clone())),
        (Err(error), Some(words)) if error.summary().contains(words) => {}
        (Err(error), Some(words)) => problems.push(Problem::of(
            format!("it was to fail and to say {words:?}, but says:"),
            error.clone(),
        )),
    }
}

impl Tried {
    /// `text` without secrets, and without what is so only on this machine.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let mut text = self.outcome.redactor.scrub(text);
        for folder in &self.folders {
            text = text.replace(folder, "");
        }
        text
    }
}
