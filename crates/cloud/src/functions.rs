//! Running Lambda functions: the host lends the cloud an [`Invoker`].
//!
//! The cloud knows no language. It keeps functions, decides when one runs, and hands
//! the code with the event to the [`Invoker`] that [`Cloud::employ`] was given. A run
//! has a thread and a branch of the clock of its own, so what it asks comes back into
//! the same cloud as any other request, and it sleeps in virtual time:
//!
//! - one that somebody waits for (`RequestResponse`) is a branch below the caller's;
//! - one that an event sets off is a detached branch, which begins at the virtual time
//!   of the event, before the time moves on.
//!
//! The state is never locked while a function runs. A run that lasts longer than the
//! function's timeout is stopped where it waits (see [`Clock::limit`]).
//!
//! [`Clock::limit`]: crate::clock::Clock::limit

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::Cloud;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::clock::{Flow, Tide};
use crate::cloud::{Inner, here};
use crate::services::lambda::invoke::{Accepted, Report};
use crate::services::lambda::package::Package;
use crate::services::lambda::run::Run;
use crate::services::lambda::{invoke, queue};
use crate::state::State;

/// The number in the path of a branch that the branch before it waits for.
const AWAITED: u32 = u32::MAX - 2;

/// What an interpreter may need. Address space only: pages are taken as they are used.
const STACK: usize = 256 * 1024 * 1024;

/// How long [`Cloud::rest`] sleeps between two looks.
const PATIENCE: Duration = Duration::from_millis(5);

/// Who runs the code of functions.
pub trait Invoker: Send + Sync {
    /// Runs a function once, on a thread of its own.
    ///
    /// It works on the branch [`Invocation::branch`] of the cloud's clock, which the
    /// thread already is; branches that it enters are below that path.
    ///
    /// # Errors
    /// What the function, or its start, ended with.
    fn invoke(&self, invocation: &Invocation) -> Result<String, FunctionError>;
}

impl std::fmt::Debug for dyn Invoker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Invoker")
    }
}

/// What a function ended with instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct FunctionError {
    /// The kind, e.g. `Runtime.UserCodeSyntaxError`.
    pub kind: String,
    /// What went wrong.
    pub message: String,
    /// Where, innermost first.
    pub trace: Vec<String>,
}

impl FunctionError {
    /// An error without a trace.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            message: message.into(),
            trace: Vec::new(),
        }
    }
}

/// One run of a function.
#[derive(Debug)]
pub struct Invocation {
    /// Where its requests go.
    pub cloud: Cloud,
    /// The path of its branch on the cloud's clock.
    pub branch: Vec<u32>,
    /// The id of the request.
    pub request_id: String,
    /// The function's name.
    pub function: String,
    /// The function's ARN.
    pub arn: String,
    /// Its memory in MiB.
    pub memory: u32,
    /// The ARN of its role.
    pub role: String,
    /// Its files.
    pub package: Package,
    /// Its environment variables, those of the runtime included.
    pub environment: BTreeMap<String, String>,
    /// The event: JSON.
    pub event: String,
    /// When it must have ended.
    pub deadline: Timestamp,
    /// What the caller's client sent along, base64.
    pub client_context: Option<String>,
    log: Mutex<Vec<(Timestamp, String)>>,
}

impl Invocation {
    /// Notes a line of the function's log.
    pub fn log(&self, line: impl Into<String>) {
        let entry = (self.cloud.clock().now(), line.into());
        self.lines().push(entry);
    }

    fn lines(&self) -> MutexGuard<'_, Vec<(Timestamp, String)>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cloud {
    /// Lets `invoker` run functions from now on; only the first that is given counts.
    ///
    /// The cloud keeps it as long as it lives: it must not hold what holds the cloud. Each
    /// [`Invocation`] brings the cloud along.
    pub fn employ(&self, invoker: Arc<dyn Invoker>) {
        let _ = self.inner.invoker.set(invoker);
    }

    /// Whether somebody runs functions.
    #[must_use]
    fn runs_functions(&self) -> bool {
        self.inner.invoker.get().is_some()
    }

    /// Lets what is under way come to its end: functions that run, and those that they
    /// and earlier requests set off. Schedules do not fire meanwhile, and retries wait.
    /// For the end of a command, since no time passes between commands.
    pub fn rest(&self, stop: &dyn Fn() -> bool) {
        let busy = || {
            let state = self.inner.lock();
            let waits = next(&state, true).is_some();
            drop(state);
            self.clock().has_detached() || waits
        };
        self.inner.resting.store(true, Ordering::SeqCst);
        // Whoever leaves gives the baton away, and whatever is due begins.
        let own = self.clock().path().is_some();
        self.clock().as_branch(|_| {});
        while busy() && !stop() {
            if own {
                let _ = self.clock().sleep(PATIENCE, stop);
            } else {
                self.clock().as_branch(|_| {});
                std::thread::sleep(PATIENCE);
            }
        }
        self.inner.resting.store(false, Ordering::SeqCst);
    }

    /// Answers a request to invoke a function.
    pub(crate) fn invoke(&self, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
        let accepted = {
            let mut state = self.state();
            here(&state, request)?;
            let accepted = invoke::accept(&mut state, request, self.runs_functions())?;
            self.keep(&state)
                .map_err(|error| ApiError::new("LocalStore", error.to_string()))?;
            accepted
        };
        let run = match accepted {
            Accepted::Answer(answer) => return Ok(answer),
            Accepted::Run(run) => run,
        };
        let id = run.id.clone();
        let report = self.clock().as_branch(|caller| {
            let mut path = caller.to_vec();
            path.extend([AWAITED, run.number]);
            self.clock().announce(std::slice::from_ref(&path));
            let thread = self.inner.start(*run, path.clone());
            let report = thread.ok().and_then(|thread| thread.join().ok());
            self.clock().retract(&[path]);
            let _ = self.clock().regain(caller, &|| false);
            report
        });
        let Some(report) = report else {
            queue::ended(&mut self.state(), &id, false);
            return Err(ApiError::new(
                "ServiceException",
                "there is no thread for the function",
            ));
        };
        Ok(invoke::answer(request, &report))
    }

    /// How many runs in a row have led to what the calling thread asks.
    pub(crate) fn cause(&self, state: &State) -> u32 {
        self.clock()
            .path()
            .map_or(0, |path| state.lambda.depth(&path))
    }
}

impl Inner {
    /// Starts the thread of a run whose branch is at `path`.
    fn start(
        self: &Arc<Self>,
        run: Run,
        path: Vec<u32>,
    ) -> std::io::Result<std::thread::JoinHandle<Report>> {
        let cloud = Cloud {
            inner: Arc::clone(self),
        };
        std::thread::Builder::new()
            .name(format!("lambda {}", run.function.name))
            .stack_size(STACK)
            .spawn(move || perform(&cloud, &run, path))
    }
}

impl Tide for Inner {
    /// The state follows the time; where events have set functions off, these begin.
    fn flow(&self, to: Timestamp) -> Flow {
        let triggers_only = self.resting.load(Ordering::SeqCst);
        let programs = self.programs_change();
        let (at, runs, errands) = {
            let mut state = self.lock();
            let at = state.advance_until(to, |state| {
                let all = [next(state, triggers_only), programs(state)];
                all.into_iter().flatten().min()
            });
            let somebody_runs = self.invoker.get().is_some();
            let runs = queue::begin(&mut state, triggers_only, somebody_runs);
            (at, runs, std::mem::take(&mut state.errands))
        };
        let begin = |run: Run| {
            let (path, id) = (self.clock.detach(), run.id.clone());
            let started = self
                .this
                .upgrade()
                .map(|this| this.start(run, path.clone()));
            if matches!(started, Some(Ok(_))) {
                return Some(path);
            }
            queue::ended(&mut self.lock(), &id, false);
            None
        };
        let mut begins: Vec<Vec<u32>> = runs.into_iter().filter_map(begin).collect();
        begins.extend(errands.into_iter().filter_map(|errand| {
            let path = self.clock.detach();
            let this = self.this.upgrade()?;
            this.run_errand(errand, path.clone()).ok().map(|()| path)
        }));
        if let Some(this) = self.this.upgrade() {
            begins.extend(this.turn_programs());
        }
        Flow { at, begins }
    }
}

/// When the next function runs or the next errand begins.
fn next(state: &State, triggers_only: bool) -> Option<Timestamp> {
    let errand = (!state.errands.is_empty()).then_some(state.now);
    errand.or_else(|| queue::next(state, triggers_only))
}

/// Runs a function to its end and notes what became of it.
fn perform(cloud: &Cloud, run: &Run, path: Vec<u32>) -> Report {
    let timeout = SignedDuration::from_secs(i64::from(run.function.timeout));
    let waiting = cloud.clock().enter(&path);
    let begun = cloud.clock().now();
    let deadline = begun.checked_add(timeout).unwrap_or(Timestamp::MAX);
    cloud.clock().limit(&path, deadline);
    cloud.state().lambda.place(&run.id, path.clone());
    let invocation = Invocation {
        branch: path,
        request_id: run.id.clone(),
        function: run.function.name.clone(),
        arn: run.arn.clone(),
        memory: run.function.memory,
        role: run.function.role.clone(),
        package: Package::new(run.function.code.bytes().clone()),
        environment: run.environment(),
        event: run.payload.clone(),
        deadline,
        client_context: run.client_context.clone(),
        log: Mutex::default(),
        cloud: cloud.clone(),
    };
    let ended = cloud.inner.invoker.get().map_or_else(
        || Err(nobody()),
        |invoker| match invoke::entrance(&invocation.package) {
            Ok(()) => catch_unwind(AssertUnwindSafe(|| invoker.invoke(&invocation)))
                .unwrap_or_else(|_| {
                    Err(FunctionError::new(
                        "Runtime.ExitError",
                        "Runtime exited with error",
                    ))
                }),
            Err(error) => Err(error),
        },
    );
    let lines = std::mem::take(&mut *invocation.lines());
    let report = {
        let mut state = cloud.state();
        let report = run.finish(&mut state, begun, deadline, ended, lines);
        // The run is over either way; the next write shows what the disk has against it.
        let _ = cloud.keep(&state);
        report
    };
    drop(waiting);
    report
}

fn nobody() -> FunctionError {
    FunctionError::new(
        "Runtime.Unavailable",
        "nobody runs functions on this embedded cloud",
    )
}
