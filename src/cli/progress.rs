//! What happens, on stderr: a line for each finished write, and on a terminal
//! one moving line for what is under way.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use opsh_operation::Effect;

use super::console::{Console, Verbosity};
use super::show;
use crate::gate::event::{Event, Observer, Passage};

/// The moving line at the bottom; hidden where nobody looks.
pub struct Progress {
    bar: Mutex<Option<ProgressBar>>,
    shown: bool,
}

impl Progress {
    /// A moving line if `shown` and stderr is a terminal.
    #[must_use]
    pub fn new(shown: bool) -> Self {
        Self {
            bar: Mutex::new(None),
            shown,
        }
    }

    fn set(&self, message: String) {
        if !self.shown {
            return;
        }
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.reset_elapsed();
        bar.set_message(message);
    }

    /// Runs `print` with the moving line out of the way.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        let bar = self
            .bar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the moving line away.
    pub fn clear(&self) {
        if let Some(bar) = self
            .bar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            bar.finish_and_clear();
        }
    }
}

/// Reports steps on the console.
pub struct Reporter(pub Arc<Console>);

impl Observer for Reporter {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Started(step) => {
                self.0.progress.set(self.0.redactor.scrub(&format!(
                    "{} {}",
                    step.operation.full_name(),
                    show::line(&opsh_operation::Value::Map(step.input.clone()))
                )));
            }
            Event::Finished(step) => {
                let wanted = match step.operation.effect {
                    Effect::Write(_) if step.passage != Passage::Replayed => Verbosity::Normal,
                    _ => Verbosity::Verbose,
                };
                if self.0.verbosity >= wanted {
                    self.0.err(&step.ended());
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
                    &format!("step {} {} input {input}", step.path, step.ended()),
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
