//! Where events come from, and what an event is.

use std::sync::Arc;
use std::time::Duration;

use opsh_operation::{Fault, FaultKind, Value};
use rhai::{Dynamic, EvalAltResult, FnPtr, NativeCallContext};

use super::Hub;
use crate::script::values::to_dynamic;

/// Where events come from: a listener, a timer, a queue.
///
/// `run_forever` opens all sources in the order of their registration, lets each run on a
/// thread of its own, and waits until all have returned.
pub trait Source: Send + Sync {
    /// What it is, for logs and history: `serve 127.0.0.1:8080`, `every 60s`.
    fn label(&self) -> String;

    /// Gets ready: binds a port, subscribes. An error ends the service before it began.
    ///
    /// # Errors
    /// Whatever keeps it from getting ready.
    fn open(&self, _hub: &Arc<Hub>) -> Result<(), Fault> {
        Ok(())
    }

    /// Gives events to [`Hub::handle`] until [`Hub::stop`] says that it is enough and all
    /// of them are handled.
    ///
    /// It has a thread with a stack for scripts, which is a branch of the world's clock: in
    /// the embedded cloud it holds up everybody else unless it waits by
    /// [`Hub::sleep_until`], [`Hub::rest`] or [`Hub::wait_for`]. Threads for more than one event at a
    /// time come from [`Hub::thread`].
    ///
    /// # Errors
    /// What cannot be gone on with: it ends the service.
    fn run(&self, hub: &Arc<Hub>) -> Result<(), Fault>;

    /// The service is over: all sources have returned from [`Source::run`].
    fn close(&self) {}

    /// The name of its events in an events file: `request`, `alarm`.
    fn kind(&self) -> Option<&'static str> {
        None
    }

    /// Handles an event of a file as if it had come by itself; on a branch of its own.
    ///
    /// # Errors
    /// The event is not one of these; a handler's failure is none.
    fn replay(&self, _hub: &Arc<Hub>, _event: &Value) -> Result<Value, Fault> {
        Err(Fault::new(
            FaultKind::Invalid,
            format!("{} takes no events from a file", self.label()),
        ))
    }
}

/// Something that happened and that a handler of the playbook is to handle.
#[derive(Clone)]
pub struct Event {
    /// What handles it.
    pub handler: Handler,
    /// What it is about, for logs and history: `POST /alarms`.
    pub label: String,
    /// What the handler is called with.
    pub input: Vec<Value>,
}

impl Event {
    /// How long an event may take to be handled, if nobody says.
    pub const PATIENCE: Duration = Duration::from_mins(10);

    /// An event for `handler` that is about `label`.
    #[must_use]
    pub fn new(handler: &Handler, label: impl Into<String>, input: Vec<Value>) -> Self {
        Self {
            handler: handler.clone(),
            label: label.into(),
            input,
        }
    }

    /// How long it may take to be handled.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.handler.bounds.limit.unwrap_or(Self::PATIENCE)
    }

    /// Of all events with this name, one is handled at a time.
    #[must_use]
    pub fn exclusive(&self) -> Option<&str> {
        self.handler.bounds.exclusive.as_deref()
    }
}

/// What holds for every event of a handler, also for one that the next process goes on with.
#[derive(Debug, Clone, Default)]
pub struct Bounds {
    /// How long an event may take to be handled; [`Event::PATIENCE`] if it is not said.
    pub limit: Option<Duration>,
    /// Of all events with this name, one is handled at a time.
    pub exclusive: Option<String>,
}

/// A function of the playbook, with copies of what it captures, and the place that it was
/// registered at.
#[derive(Clone)]
pub struct Handler {
    name: Arc<str>,
    function: FnPtr,
    #[allow(deprecated)] // volatile API of Rhai, pinned: the only way to call it on another engine
    context: Arc<rhai::NativeCallContextStore>,
    bounds: Bounds,
}

impl Handler {
    /// `function`, as it was given to the call at `context`.
    #[must_use]
    pub fn new(context: &NativeCallContext, function: &FnPtr) -> Self {
        // Captured variables are shared locks with a short try limit: it gets copies.
        let mut own = function.clone();
        for captured in own.iter_curry_mut() {
            *captured = captured.flatten_clone();
        }
        #[allow(deprecated)]
        let context = Arc::new(context.store_data());
        Self {
            name: Arc::from(function.fn_name()),
            function: own,
            context,
            bounds: Bounds::default(),
        }
    }

    /// The same with bounds for its events.
    #[must_use]
    pub fn within(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// The same under another name.
    #[must_use]
    pub(super) fn named(&self, name: &str) -> Self {
        Self {
            name: Arc::from(name),
            ..self.clone()
        }
    }

    /// Whether it captures variables: then it is more than its name.
    #[must_use]
    pub fn captures(&self) -> bool {
        self.function.is_curried()
    }

    /// The name under which it was registered.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Calls it on `engine`.
    ///
    /// # Errors
    /// What it says.
    pub fn call(
        &self,
        engine: &rhai::Engine,
        input: &[Value],
    ) -> Result<Dynamic, Box<EvalAltResult>> {
        let arguments: Vec<Dynamic> = input.iter().map(to_dynamic).collect();
        #[allow(deprecated)]
        let context = self.context.create_context(engine);
        self.function.call_within_context(&context, arguments)
    }
}
