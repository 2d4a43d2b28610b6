//! The person at the terminal: questions, results on stdout, messages on stderr.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use opsh_operation::{Fault, FaultKind};

use crate::gate::redact::Redactor;
use crate::modules::Terminal;
use crate::modules::term::progress::line;
use crate::world::Cancel;

use super::harmless::harmless;
use super::log_file::LogFile;
use super::progress::Progress;
use super::{json, keyboard, say};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only (`-q`).
    Quiet,
    /// What changes, warnings and messages.
    Normal,
    /// Reads too (`-v`).
    Verbose,
}

/// In which form results come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Output {
    /// Text for people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Prints; everything is scrubbed of secrets on its way.
pub struct Console {
    /// What must never be seen.
    pub redactor: Arc<Redactor>,
    /// How much is said.
    pub verbosity: Verbosity,
    /// In which form.
    pub output: Output,
    /// The line at the bottom that says what is under way.
    pub progress: Arc<Progress>,
    /// Where everything is written down too.
    pub log_file: Option<LogFile>,
    /// Whether every confirmation is given beforehand.
    pub consents: bool,
    /// What a playbook prints in a dry run, kept until the plan has been shown.
    pub held: Option<Mutex<Vec<String>>>,
    /// Keeps lines of parallel branches apart.
    pub stdout: Mutex<()>,
}

impl Console {
    /// A line on stdout.
    pub fn out(&self, text: &str) {
        let _lock = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        let clean = self.redactor.scrub(text);
        self.progress.suspend(|| {
            say::out(&clean);
        });
    }

    /// A line on stderr.
    pub fn err(&self, text: &str) {
        let clean = self.redactor.scrub(text);
        self.progress.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{}", harmless(&clean));
        });
    }

    /// A line in the log file, if there is one.
    pub fn note(&self, level: tracing::Level, text: &str) {
        if let Some(file) = &self.log_file {
            file.write(level, &self.redactor.scrub(text));
        }
    }
}

impl Terminal for Console {
    fn interactive(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    fn consents(&self) -> bool {
        self.consents
    }

    fn ask(&self, question: &str, secret: bool, cancel: &Cancel) -> Result<String, Fault> {
        if !self.interactive() {
            return Err(Fault::new(
                FaultKind::Failed,
                format!("nobody can be asked: {question}"),
            )
            .hint("run opsh on a terminal, or give the answer as a parameter"));
        }
        let question = self.redactor.scrub(question);
        self.progress.suspend(|| {
            let mut error = std::io::stderr();
            let _ = write!(error, "{}", harmless(&question));
            let _ = error.flush();
            let answer = keyboard::line(secret, cancel);
            if answer.is_err() {
                // What is said next does not belong on the question's line.
                let _ = writeln!(error);
            }
            answer
        })
    }

    fn print(&self, text: &str) {
        match (&self.held, self.output) {
            (Some(held), _) => {
                held.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(text.to_owned());
            }
            (None, Output::Human) => self.out(text),
            (None, Output::Json) => self.out(&json::print(&self.redactor.scrub(text))),
        }
        self.note(tracing::Level::INFO, text);
    }

    fn log(&self, level: tracing::Level, message: &str) {
        self.note(level, message);
        let shown = match level {
            tracing::Level::ERROR => Some("error: "),
            tracing::Level::WARN if self.verbosity > Verbosity::Quiet => Some("warning: "),
            tracing::Level::INFO if self.verbosity > Verbosity::Quiet => Some(""),
            _ if self.verbosity == Verbosity::Verbose => Some("debug: "),
            _ => None,
        };
        let Some(lead) = shown else { return };
        match self.output {
            Output::Human => self.err(&format!("{lead}{message}")),
            Output::Json => self.out(&json::log(level, &self.redactor.scrub(message))),
        }
    }

    fn progress(&self, label: &str, percent: i64, note: &str) {
        let clean = |text: &str| self.redactor.scrub(text);
        let (label, note) = (clean(label), clean(note));
        let line = line(&label, percent, &note);
        if !self.progress.is_news(&label, &line) {
            return;
        }
        self.note(tracing::Level::DEBUG, &line);
        if self.verbosity == Verbosity::Quiet {
            return;
        }
        match self.output {
            Output::Json => self.out(&json::progress(&label, percent, &note)),
            Output::Human if self.progress.draw(&label, percent, &note) => {}
            Output::Human => self.err(&line),
        }
    }

    fn width(&self) -> u16 {
        // What is piped is not cut to a window that nobody looks through.
        if std::io::stdout().is_terminal() {
            console::Term::stdout().size().1
        } else {
            80
        }
    }
}
