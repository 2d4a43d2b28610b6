//! Where a session works, and the runs that what it does belongs to.

use std::sync::Arc;

use rhai::Engine;

use super::{NAME, Session};
use crate::cli::settings::Settings;
use crate::cli::start;
use crate::gate::event::Observer;
use crate::gate::journal::{Journal, Place};
use crate::gate::{Failure, Gate};
use crate::ledger::RunOutcome;
use crate::script::error::{Class, ScriptError};

impl Session {
    /// A gate in the same world, for a run of its own under this run's lock.
    ///
    /// # Errors
    /// The session's run has not begun.
    pub fn apart(&self, name: &str) -> Result<Gate, ScriptError> {
        let gate = self.gate();
        let (ledger, _) = gate
            .journal
            .shared()
            .map_err(|fault| start::stopped(&fault, Class::Failed))?;
        let journal = Journal::new(Place::Within(ledger), &gate.journal.stack(), name);
        Ok(gate.beside(gate.cancel.clone(), journal))
    }

    /// Records the end of such a run.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn conclude(gate: &Gate, failed: bool) -> Result<(), Failure> {
        let outcome = if failed {
            RunOutcome::Failed("something is left".to_owned())
        } else {
            RunOutcome::Done
        };
        Ok(gate.journal.end(&outcome, gate.world.now())?)
    }

    /// Goes on with what is remembered in the world that `settings` say.
    ///
    /// # Errors
    /// It cannot be opened; the session stays where it was.
    pub fn move_to(&mut self, settings: Settings) -> Result<(), ScriptError> {
        let before = self.settings.clone();
        let stack = self.gate().journal.stack();
        self.end(false);
        // The world that is left is to be gone before another is opened: of the embedded
        // cloud on disk there is one at a time.
        let nowhere = Settings {
            local: false,
            local_at: None,
            dry_run: true,
            profile: None,
            endpoint_url: None,
            log_file: None,
            ..before.clone()
        };
        self.enter(nowhere, &stack)?;
        if let Err(error) = self.enter(settings, &stack) {
            self.enter(before, &stack)?;
            return Err(error);
        }
        Ok(())
    }

    fn enter(&mut self, settings: Settings, stack: &str) -> Result<(), ScriptError> {
        self.list(None);
        self.engine = Engine::new_raw();
        let watching = vec![Arc::clone(&self.written) as Arc<dyn Observer>];
        let sources = Arc::clone(&self.started.runtime.sources);
        self.started = start::start_shell(&settings, stack, NAME, sources, watching)?;
        self.settings = settings;
        self.settle_in();
        Ok(())
    }

    /// Works on another stack from now on, in a run of its own.
    pub fn work_on(&mut self, stack: &str) {
        self.end(false);
        self.settings.stack = Some(stack.to_owned());
        self.gate().journal.turn_to_stack(stack);
    }

    /// Records the end of the shell's run.
    pub fn end(&mut self, failed: bool) {
        let gate = self.gate();
        let outcome = if failed {
            RunOutcome::Failed("an input failed".to_owned())
        } else {
            RunOutcome::Done
        };
        if let Err(fault) = gate.journal.end(&outcome, gate.world.now()) {
            self.started.console.err(&format!("error: {fault}"));
        }
    }
}

/// The mode, the region and the stack of a session, in words.
#[must_use]
pub fn where_it_works(session: &Session) -> String {
    let settings = session.settings();
    let region = match &settings.region {
        Some(region) => format!(", region {region}"),
        None => String::new(),
    };
    let profile = match &settings.profile {
        Some(profile) => format!(", profile {profile}"),
        None => String::new(),
    };
    format!(
        "{}{region}{profile}, stack '{}'",
        session.kind().word(),
        session.gate().journal.stack()
    )
}
