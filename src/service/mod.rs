//! Services: playbooks that stay and react.
//!
//! `serve`, `every` and their like register a [`Source`] and return at once;
//! `run_forever` opens all sources and hands what they bring, [`Event`]s, to
//! handlers of the playbook until it is told to stop. Each event is a small run of its
//! own in the ledger, under the lock that the service holds.
//!
//! - [`source`]: what a source is, and what an event is;
//! - [`hub`]: from an event to its handler and back: numbers, deadlines, records;
//! - `desk`: an engine with its gate, at which one event at a time is handled;
//! - `branch`: the branch of the world's clock on which that happens;
//! - `watch`: stops handlers that overrun their time;
//! - [`locks`]: what must never happen twice at once;
//! - [`forever`]: all sources alive together, and how they end;
//! - [`timer`]; [`http`]; [`alarms`]; [`discord`]: `every`, `serve`, `on_alarm`, `discord::on_message`;
//! - [`rehearsal`]: events from a file.

pub mod alarms;
mod branch;
mod desk;
pub mod discord;
pub mod forever;
pub mod http;
pub mod hub;
pub mod locks;
pub mod rehearsal;
pub mod source;
pub mod timer;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use opsh_operation::{Fault, FaultKind};

use http::answer::Route;
pub use hub::Hub;
use locks::Locks;
use rehearsal::Planned;
pub use source::{Bounds, Event, Handler, Source};

/// How a service's time goes.
#[derive(Debug, Clone, Default)]
pub enum Timing {
    /// There are no services here: a function, a shell.
    #[default]
    Never,
    /// As the real clock goes, until it is told to stop, or for so long.
    Real(Option<Duration>),
    /// On the virtual clock, without a socket: for so long, or until the last of these
    /// events; with neither, until each timer has come once.
    Rehearsed(Option<Duration>, Vec<Planned>),
    /// On the virtual clock of a cloud that has lodged the playbook, until it is told to stop.
    Lodged,
}

/// What the playbook of a run has registered, and how it is to be run.
#[derive(Default)]
pub struct Service {
    timing: Timing,
    folder: OnceLock<PathBuf>,
    registered: Mutex<Registered>,
    locks: Arc<Locks>,
    /// Whether it waits for events.
    alive: Arc<AtomicBool>,
    authority: Option<Vec<u8>>,
    /// It is an event's own: what is registered here would never be heard.
    inside: bool,
}

#[derive(Default)]
struct Registered {
    sources: Vec<Arc<dyn Source>>,
    routes: Vec<Route>,
    handlers: BTreeMap<String, Handler>,
}

impl Service {
    /// What a playbook may register whose service's time goes like this.
    #[must_use]
    pub fn new(timing: Timing) -> Self {
        Self {
            timing,
            ..Self::default()
        }
    }

    /// The same where somebody else vouches for SNS, too; a file of PEM.
    #[must_use]
    pub fn trusting(self, authority: Option<Vec<u8>>) -> Self {
        Self { authority, ..self }
    }

    /// The same for an event of it, which shares its locks.
    fn of_event(&self) -> Self {
        let inside = Self {
            locks: Arc::clone(&self.locks),
            inside: true,
            ..Self::default()
        };
        if let Some(folder) = self.folder.get() {
            inside.set_folder(folder);
        }
        inside
    }

    /// Whether it waits for events, for those who are to stop it.
    #[must_use]
    pub fn alive(&self) -> &Arc<AtomicBool> {
        &self.alive
    }

    /// How its time goes.
    #[must_use]
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// Where the playbook's imports come from; only the first that is given counts.
    pub fn set_folder(&self, folder: &Path) {
        let _ = self.folder.set(folder.to_path_buf());
    }

    /// Where the playbook's imports come from.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.get().map(PathBuf::as_path)
    }

    /// What must never happen twice at once.
    #[must_use]
    pub fn locks(&self) -> &Arc<Locks> {
        &self.locks
    }

    /// Registers where events come from.
    ///
    /// # Errors
    /// `invalid` within a handler, and where there are no services.
    pub fn register(&self, source: Arc<dyn Source>) -> Result<(), Fault> {
        self.possible(&source.label())?;
        self.registered().sources.push(source);
        Ok(())
    }

    /// Adds a route to every server of the service.
    ///
    /// # Errors
    /// Another takes the same requests.
    pub fn join(&self, route: Route) -> Result<(), Fault> {
        let mut registered = self.registered();
        let clashes = |other: &&Route| other.pattern.clashes(&route.pattern);
        if let Some(other) = registered.routes.iter().find(clashes) {
            let words = format!("the route '{}' is taken already", other.pattern);
            return Err(Fault::new(FaultKind::Invalid, words).hint("give another path"));
        }
        registered.routes.push(route);
        Ok(())
    }

    fn routes(&self) -> Vec<Route> {
        self.registered().routes.clone()
    }

    fn authority(&self) -> Option<&[u8]> {
        self.authority.as_deref()
    }

    /// Registers what handles events under a `name`, by which it is found when an event
    /// is gone on with; a name that is taken gets a number.
    #[must_use]
    pub fn handler(&self, name: &str, handler: &Handler) -> Handler {
        let mut registered = self.registered();
        let mut own = name.to_owned();
        let mut number = 2;
        while registered.handlers.contains_key(&own) {
            own = format!("{name} #{number}");
            number += 1;
        }
        let handler = handler.named(&own);
        registered.handlers.insert(own, handler.clone());
        handler
    }

    /// The handler of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Handler> {
        self.registered().handlers.get(name).cloned()
    }

    /// Everything that was registered.
    fn sources(&self) -> Vec<Arc<dyn Source>> {
        self.registered().sources.clone()
    }

    /// Whether `what` can be there at all.
    ///
    /// # Errors
    /// `invalid` within a handler, and where there are no services.
    pub fn possible(&self, what: &str) -> Result<(), Fault> {
        let why = match self.timing {
            _ if self.inside => "a handler of an event cannot open another source",
            Timing::Never => "there are no services here",
            _ => return Ok(()),
        };
        Err(Fault::new(FaultKind::Invalid, format!("{what}: {why}"))
            .hint("register sources at the top of a playbook that `opsh run` runs"))
    }

    fn registered(&self) -> MutexGuard<'_, Registered> {
        self.registered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
