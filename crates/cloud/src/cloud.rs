//! The cloud as its users see it: one value with doors.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use bytes::Bytes;
use jiff::Timestamp;

use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::clock::Clock;
use crate::faults::{Fault, Faults, Reset, Rule, throttling};
use crate::functions::Invoker;
use crate::furnish::Options;
use crate::processors::Processors;
use crate::programs::{Landlord, Programs};
use crate::router;
use crate::services::{
    autoscaling, cloudwatch, ec2, elbv2, iam, lambda, s3, scheduler, sns, sqs, ssm, sts,
};
use crate::state::State;
use crate::store::{self, Store, StoreError};
use crate::talk::Ears;
use crate::tenants::Tenants;

/// The embedded cloud; clones are the same cloud.
#[derive(Debug, Clone)]
pub struct Cloud {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    state: Mutex<State>,
    pub(crate) clock: Clock,
    store: Option<Store>,
    faults: Mutex<Faults>,
    /// How far the state on disk is.
    saved: Mutex<Progress>,
    /// Who runs the code of functions, once somebody does.
    pub(crate) invoker: OnceLock<Arc<dyn Invoker>>,
    /// Only what is under way goes on: see [`Cloud::rest`].
    pub(crate) resting: AtomicBool,
    /// Who answers HTTP beside the cloud's own code.
    pub(crate) tenants: Tenants,
    /// Who runs the programs of services, once somebody does.
    pub(crate) landlord: OnceLock<Arc<dyn Landlord>>,
    pub(crate) programs: Programs,
    /// Who computes on which host.
    pub(crate) processors: Processors,
    /// Who waits for something to be said on Discord.
    pub(crate) ears: Ears,
    pub(crate) this: Weak<Inner>,
    /// Called once, when something has been done and kept.
    kept: Mutex<Option<Then>>,
}

/// What is called when something has been done and kept.
pub struct Then(pub Box<dyn FnOnce() + Send>);

impl std::fmt::Debug for Then {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Then")
    }
}

/// How far a state is: what changes without anybody's having asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progress {
    happened: u64,
    now: Timestamp,
}

impl Progress {
    fn of(state: &State) -> Self {
        Self {
            happened: state.events.happened(),
            now: state.now,
        }
    }
}

impl Inner {
    /// The state as it is, however late the clock.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cloud {
    /// A new cloud that is thrown away in the end.
    #[must_use]
    pub fn furnished(options: &Options) -> Self {
        Self::holding(State::furnished(options), None)
    }

    /// The cloud that persists in `folder`; a new one, furnished by `options`, if
    /// the folder holds none. Each write is on disk before it is answered.
    ///
    /// # Errors
    /// The folder cannot be used, or another process uses it.
    pub fn open(folder: &Path, options: &Options) -> Result<Self, StoreError> {
        let (store, state) = Store::open(folder)?;
        Ok(Self::holding(begin(state, folder, options)?, Some(store)))
    }

    /// A copy of the cloud in `folder`, which stays as it is.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn copy_of(folder: &Path, options: &Options) -> Result<Self, StoreError> {
        let state = store::read(folder)?;
        Ok(Self::holding(begin(state, folder, options)?, None))
    }

    /// The cloud that persists in `folder`, whatever its region; nothing if there is none.
    ///
    /// # Errors
    /// The folder cannot be used, or another process uses it.
    pub fn open_existing(folder: &Path) -> Result<Option<Self>, StoreError> {
        if !store::exists(folder) {
            return Ok(None);
        }
        let (store, state) = Store::open(folder)?;
        Ok(state.map(|state| Self::holding(state, Some(store))))
    }

    /// A copy of the cloud in `folder`, whatever its region; nothing if there is none.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn copy_of_existing(folder: &Path) -> Result<Option<Self>, StoreError> {
        let state = store::read(folder)?;
        Ok(state.map(|state| Self::holding(state, None)))
    }

    fn holding(mut state: State, store: Option<Store>) -> Self {
        let clock = Clock::new(state.now);
        let saved = Progress::of(&state);
        let faults = Faults::none(state.ids.seed());
        state.lambda.recover();
        let inner = Arc::new_cyclic(|this| Inner {
            state: Mutex::new(state),
            clock,
            store,
            faults: Mutex::new(faults),
            saved: Mutex::new(saved),
            invoker: OnceLock::new(),
            resting: AtomicBool::new(false),
            tenants: Tenants::default(),
            landlord: OnceLock::new(),
            programs: Programs::default(),
            processors: Processors::default(),
            ears: Ears::default(),
            this: Weak::clone(this),
            kept: Mutex::new(None),
        });
        let tide: Weak<Inner> = Arc::downgrade(&inner);
        inner.clock.attend(tide);
        Self { inner }
    }

    /// A cloud of its own that begins as this one is now.
    #[must_use]
    pub fn copy(&self) -> Self {
        let mut state = self.state().clone();
        state.leave_tenants();
        Self::holding(state, None)
    }

    /// Puts the state on disk, if it persists.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save(&self) -> Result<(), StoreError> {
        self.keep(&self.state())
    }

    pub(crate) fn keep(&self, state: &State) -> Result<(), StoreError> {
        if let Some(store) = &self.inner.store {
            store.save(state)?;
        }
        *self.saved() = Progress::of(state);
        let then = self
            .inner
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(Then(then)) = then {
            then();
        }
        Ok(())
    }

    /// Lets happen what is due, and puts on disk what has happened by itself.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn catch_up(&self) -> Result<(), StoreError> {
        // Whoever leaves the clock gives the baton away, and whatever is due begins.
        self.clock().as_branch(|_| {});
        let state = self.state();
        if state.events.happened() == self.saved().happened {
            return Ok(());
        }
        self.keep(&state)
    }

    /// Puts on disk how far the time has come, if anything went on at all.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save_progress(&self) -> Result<(), StoreError> {
        let state = self.state();
        if Progress::of(&state) == *self.saved() {
            return Ok(());
        }
        self.keep(&state)
    }

    fn saved(&self) -> MutexGuard<'_, Progress> {
        self.inner
            .saved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on time passes at the pace of the real clock.
    ///
    /// A cloud that lags behind the present is brought there as if it had been paused:
    /// what was to happen in five minutes still happens in five minutes. One that is
    /// ahead of it goes on from where it is.
    pub fn follow_real_time(&self) {
        let real = Timestamp::now();
        let mut state = self.state();
        let lag = real.duration_since(state.now);
        if lag.is_positive() {
            state.events.postpone(lag);
            state.now = real;
        }
        drop(state);
        self.clock().follow();
    }

    /// Calls `then` as soon as the next change has been made and is on disk, before
    /// anybody gets an answer: a rehearsed crash.
    pub fn once_kept(&self, then: Then) {
        *self
            .inner
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(then);
    }

    /// The clock on which everything here happens.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The region that there is.
    #[must_use]
    pub fn region(&self) -> String {
        self.state().region.clone()
    }

    /// How many made-up values have been drawn: differs from run to run on a
    /// cloud that persists.
    #[must_use]
    pub fn drawn(&self) -> u64 {
        self.state().ids.drawn()
    }

    /// Lets something go wrong on purpose.
    pub fn inject(&self, rule: Rule) {
        self.faults().add(rule);
    }

    /// Lets the next request meet `fault`, whatever it is, or only what the rules say.
    /// Whether the fault before was met.
    #[must_use]
    pub fn arm(&self, fault: Option<Fault>) -> bool {
        self.faults().arm(fault)
    }

    /// How often each rule has made something go wrong, in the order of their injection.
    #[must_use]
    pub fn struck(&self) -> Vec<u32> {
        self.faults().struck()
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.inner
            .faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn strike(&self, action: &str) -> Option<Fault> {
        self.faults().strike(action)
    }

    /// The state, up to date with the clock.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.inner.lock();
        state.advance(self.inner.clock.now());
        state.lambda.cause = self.cause(&state);
        state
    }

    /// Looks at the state.
    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state())
    }

    /// Changes the state behind the services' backs: for tests and for furnishing.
    ///
    /// # Errors
    /// The change could not be put on disk.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T, StoreError> {
        let mut state = self.state();
        let result = change(&mut state);
        self.keep(&state).map(|()| result)
    }

    /// Answers a request of an AWS SDK.
    ///
    /// # Errors
    /// [`Reset`] where a fault was injected; refusals are answers.
    pub async fn aws(&self, request: http::Request<Bytes>) -> Result<ApiResponse, Reset> {
        let request_id = self.state().requests.uuid();
        let request = match router::decode(request, request_id) {
            Ok(request) => request,
            Err(refused) => return Ok(refused.0.refusal(&refused.1)),
        };
        let action = format!("{}:{}", request.service, request.action);
        let fault = self.strike(&action);
        let refusal = match &fault {
            Some(Fault::Reset) => return Err(Reset),
            Some(Fault::Delay(duration)) => {
                self.clock().timer(*duration).await;
                None
            }
            Some(Fault::Throttle) => Some(throttling(&request.service)),
            Some(Fault::Server(status)) => Some(
                ApiError::new("InternalError", "An internal error has occurred.")
                    .with_status(*status),
            ),
            Some(Fault::Refuse(error)) => Some(error.clone()),
            Some(Fault::Lost) | None => None,
        };
        let result = match refusal {
            Some(error) => Err(error),
            None if action == "lambda:Invoke" => self.invoke(&request),
            None if action == "sqs:ReceiveMessage" => self.receive(&request).await,
            None => self.answer(&request),
        };
        if fault == Some(Fault::Lost) {
            return Err(Reset);
        }
        Ok(result.unwrap_or_else(|error| request.refusal(&error)))
    }

    pub(crate) fn answer(&self, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
        let mut state = self.state();
        let answer = dispatch(&mut state, request)?;
        if !reads(&request.action) {
            self.keep(&state)
                .map_err(|error| ApiError::new("LocalStore", error.to_string()))?;
        }
        Ok(answer)
    }
}

/// What a folder held, or a new account; the region must be the wanted one.
fn begin(held: Option<State>, folder: &Path, options: &Options) -> Result<State, StoreError> {
    match held {
        None => Ok(State::furnished(options)),
        Some(state) if state.region == options.region => Ok(state),
        Some(state) => Err(StoreError::Region {
            path: folder.to_owned(),
            has: state.region,
            wanted: options.region.clone(),
        }),
    }
}

/// Whether an action only looks, by its name.
fn reads(action: &str) -> bool {
    ["Describe", "Get", "List", "Head", "Simulate"]
        .iter()
        .any(|verb| action.starts_with(verb))
}

/// Refuses a request to another region than the one that there is.
pub(crate) fn here(state: &State, request: &ApiRequest) -> Result<(), ApiError> {
    let global = matches!(request.service.as_str(), "iam" | "sts");
    if request.region == state.region || global {
        return Ok(());
    }
    Err(ApiError::not_modelled(format_args!(
        "the region '{}' (this cloud has '{}' only)",
        request.region, state.region
    )))
}

/// Hands a decoded request to its service.
fn dispatch(state: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    here(state, request)?;
    match request.service.as_str() {
        "ec2" => ec2::handle(state, request),
        "s3" => s3::handle(state, request),
        "cloudwatch" => cloudwatch::handle(state, request),
        "sns" => sns::handle(state, request),
        "sqs" => sqs::handle(state, request),
        "autoscaling" => autoscaling::handle(state, request),
        "elbv2" => elbv2::handle(state, request),
        "iam" => iam::handle(state, request),
        "ssm" => ssm::handle(state, request),
        "lambda" => lambda::handle(state, request),
        "scheduler" => scheduler::handle(state, request),
        "sts" => sts::handle(state, request),
        other => Err(ApiError::not_modelled(format_args!(
            "the service '{other}'"
        ))),
    }
}
