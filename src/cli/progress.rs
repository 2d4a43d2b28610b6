//! What happens, on stderr: a line for each finished write, and on a terminal
//! one moving line for what is under way, above it the bars of `term::progress`.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use opsh_operation::Effect;

use super::console::{Console, Verbosity};
use super::harmless::harmless;
use super::show;
use crate::gate::event::{Event, Observer, Passage};

/// What moves at the bottom; hidden where nobody looks.
pub struct Progress {
    all: MultiProgress,
    lines: Mutex<Lines>,
    shown: bool,
}

#[derive(Default)]
struct Lines {
    /// What is under way.
    step: Option<ProgressBar>,
    /// What playbooks show the progress of, by label.
    bars: BTreeMap<String, ProgressBar>,
    /// What was said last of each.
    said: BTreeMap<String, String>,
}

impl Progress {
    /// Moving lines if `shown` and stderr is a terminal.
    #[must_use]
    pub fn new(shown: bool) -> Self {
        Self {
            all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            lines: Mutex::default(),
            shown: shown && std::io::stderr().is_terminal(),
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, message: impl FnOnce() -> String) {
        if !self.shown {
            return;
        }
        let mut lines = self.lines();
        let bar = lines.step.get_or_insert_with(|| {
            let bar = self.all.add(ProgressBar::with_draw_target(
                None,
                ProgressDrawTarget::hidden(),
            ));
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.reset_elapsed();
        bar.set_message(one_line(&message()));
    }

    /// Whether something else was said last of `label`.
    pub fn is_news(&self, label: &str, line: &str) -> bool {
        let before = self.lines().said.insert(label.to_owned(), line.to_owned());
        before.as_deref() != Some(line)
    }

    /// Moves the bar of `label`; whether there is one. With 100 percent it goes, and a
    /// line is to stay in its place.
    pub fn draw(&self, label: &str, percent: i64, note: &str) -> bool {
        if !self.shown {
            return false;
        }
        let mut lines = self.lines();
        if percent >= 100 {
            if let Some(bar) = lines.bars.remove(label) {
                bar.finish_and_clear();
                self.all.remove(&bar);
            }
            return false;
        }
        let step = lines.step.clone();
        let bar = lines.bars.entry(label.to_owned()).or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(100), ProgressDrawTarget::hidden());
            let bar = match step {
                Some(step) => self.all.insert_before(&step, bar),
                None => self.all.add(bar),
            };
            let template = "{prefix} {bar:30} {percent:>3} %  {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_prefix(one_line(label));
            bar
        });
        bar.set_message(one_line(note));
        bar.set_position(percent.unsigned_abs());
        true
    }

    /// Runs `print` with what moves out of the way.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.all.suspend(print)
    }

    /// Takes away what moves.
    pub fn clear(&self) {
        let mut lines = self.lines();
        let bars = std::mem::take(&mut lines.bars);
        for bar in bars.into_values().chain(lines.step.take()) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }
}

/// What fits into a line that moves.
fn one_line(text: &str) -> String {
    harmless(text).replace('\n', " ")
}

/// Reports steps on the console.
pub struct Reporter(pub Arc<Console>);

impl Observer for Reporter {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Started(step) => {
                self.0.progress.set(|| {
                    let input = opsh_operation::Value::Map(step.input.clone());
                    let line = format!("{} {}", step.operation.full_name(), show::line(&input));
                    self.0.redactor.scrub(&line)
                });
            }
            Event::Finished(step) => {
                let wanted = match step.operation.effect {
                    Effect::Write(_) if step.passage != Passage::Replayed => Verbosity::Normal,
                    _ => Verbosity::Verbose,
                };
                if self.0.verbosity >= wanted {
                    self.0.err(&step.ended(&show::subject(step)));
                }
            }
            Event::Warning { site, message } => {
                if self.0.verbosity > Verbosity::Quiet {
                    self.0.err(&format!("warning: {site}: {message}"));
                }
            }
            Event::Served(served) => {
                if self.0.verbosity > Verbosity::Quiet {
                    self.0.err(&served.to_string());
                }
            }
        }
    }
}

/// Writes steps and warnings to the log file.
pub struct Keeper(pub Arc<Console>);

impl Observer for Keeper {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Started(step) => self.0.note(
                tracing::Level::DEBUG,
                &format!(
                    "step {} {} begins at {}",
                    step.path,
                    step.operation.full_name(),
                    step.site
                ),
            ),
            Event::Finished(step) => {
                let level = if step.outcome.is_ok() {
                    tracing::Level::INFO
                } else {
                    tracing::Level::ERROR
                };
                let input = opsh_operation::Value::Map(step.input.clone()).to_json();
                self.0.note(
                    level,
                    &format!("step {} {} input {input}", step.path, step.ended("")),
                );
            }
            Event::Warning { site, message } => {
                self.0
                    .note(tracing::Level::WARN, &format!("{site}: {message}"));
            }
            Event::Served(served) => self.0.note(tracing::Level::INFO, &served.to_string()),
        }
    }
}
