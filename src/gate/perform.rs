//! The one place where what an operation does is called.

use opsh_aws::{Attempts, Binding};
use opsh_operation::{Effect, Fault, FaultKind, Value};

use super::Gate;
use super::hushed::Hushed;
use super::prepare::{self, Prepared};
use crate::modules::{Context, Entry, Handler, Native};
use crate::world::Cancel;

/// Who sends a request again whose answer did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retries {
    /// The SDK.
    Usual,
    /// Nobody.
    None,
}

impl Gate {
    /// Lets `entry` do its work with what was prepared for it.
    pub(super) fn perform(
        &self,
        entry: &Entry,
        prepared: &Prepared,
        retries: Retries,
    ) -> Result<Value, Fault> {
        // A request to change something that has left is waited for: the first Ctrl-C
        // stops before the next one. What may take long, such as a command on a host,
        // is broken off, and settled when the run is gone on with.
        let cancel = match (&entry.operation.effect, entry.handler) {
            (Effect::Write(_), Handler::Aws(_)) => self.cancel.patient(),
            _ => self.cancel.clone(),
        };
        match entry.handler {
            Handler::Aws(binding) => self.ask(entry, binding, prepared, retries, &cancel),
            Handler::Native(function) => self.work(entry, function, prepared, &cancel),
            Handler::Ledger(function) => function(&self.journal, &prepared.input),
            Handler::Gate | Handler::Script { .. } | Handler::Library { .. } => Err(Fault::new(
                FaultKind::Failed,
                format!("{} cannot be called from here", entry.operation.full_name()),
            )),
        }
    }

    /// Asks AWS.
    fn ask(
        &self,
        entry: &Entry,
        binding: &Binding,
        prepared: &Prepared,
        retries: Retries,
        cancel: &Cancel,
    ) -> Result<Value, Fault> {
        let mut session = self.world.aws(&prepared.scope, cancel)?;
        if retries == Retries::None {
            session = session.once();
        }
        let endpoint = session.config().endpoint_url().map(str::to_owned);
        let mut future = (binding.call)(&session, prepared.input.clone(), prepared.controls);
        let attempts = Attempts::default();
        if entry.operation.write().is_some() {
            future = attempts.of(future);
        }
        self.world.complete(future, cancel).map_err(|mut fault| {
            fault.open |= attempts.are_open();
            if let (FaultKind::Unreachable, Some(endpoint)) = (fault.kind, endpoint) {
                fault.message = format!("{endpoint}: {}", fault.message);
            }
            fault
        })
    }

    /// Calls a function of opsh's own.
    fn work(
        &self,
        entry: &Entry,
        function: Native,
        prepared: &Prepared,
        cancel: &Cancel,
    ) -> Result<Value, Fault> {
        let limit = prepared.controls.timeout;
        let cancel = limit.map_or_else(|| cancel.clone(), |limit| cancel.within(limit));
        let hushed = Hushed(self.terminal.as_ref());
        let context = Context {
            world: self.world.as_ref(),
            cancel: &cancel,
            terminal: if self.journal.replays() {
                &hushed
            } else {
                self.terminal.as_ref()
            },
            files: &self.files,
            scope: &prepared.scope,
            conceal: &|secret| self.redactor.add(secret),
        };
        match function(&context, &prepared.input) {
            Ok(mut value) => {
                prepare::show_paths(self, &entry.operation.output, &mut value);
                Ok(value)
            }
            Err(fault) => {
                let mut fault = self.timed_out(prepared, fault);
                fault.message = self.files.shown(&fault.message, self.world.files());
                Err(fault)
            }
        }
    }

    /// That a call's own time is up is no end of the run.
    fn timed_out(&self, prepared: &Prepared, fault: Fault) -> Fault {
        match prepared.controls.timeout {
            Some(limit) if fault.kind == FaultKind::Deadline && self.cancel.reason().is_none() => {
                Fault::new(
                    FaultKind::Timeout,
                    format!("it did not end within {limit:?}"),
                )
            }
            _ => fault,
        }
    }
}
