//! The cloud as its users see it: one value with doors.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::clock::Clock;
use crate::furnish::Options;
use crate::router;
use crate::services::{autoscaling, cloudwatch, ec2, elbv2, s3, sns};
use crate::state::State;

/// The embedded cloud; clones are the same cloud.
#[derive(Debug, Clone)]
pub struct Cloud {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    clock: Clock,
}

impl Cloud {
    /// A new cloud that is thrown away in the end.
    #[must_use]
    pub fn furnished(options: &Options) -> Self {
        Self::holding(State::furnished(options))
    }

    fn holding(state: State) -> Self {
        let clock = Clock::new(state.now);
        Self {
            inner: Arc::new(Inner {
                state: Mutex::new(state),
                clock,
            }),
        }
    }

    /// A cloud of its own that begins as this one is now.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self::holding(self.state().clone())
    }

    /// The clock on which everything here happens.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The state, up to date with the clock.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self
            .inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        state.advance(self.inner.clock.now());
        state
    }

    /// Looks at the state.
    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state())
    }

    /// Changes the state behind the services' backs: for tests and for furnishing.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state())
    }

    /// Answers a request of an AWS SDK.
    #[allow(clippy::unused_async)] // the contract leaves room for services that wait
    pub async fn aws(&self, request: http::Request<Bytes>) -> ApiResponse {
        let mut state = self.state();
        let request_id = state.requests.uuid();
        match router::decode(request, request_id) {
            Ok(request) => {
                dispatch(&mut state, &request).unwrap_or_else(|error| request.refusal(&error))
            }
            Err(refused) => refused.0.refusal(&refused.1),
        }
    }
}

/// Hands a decoded request to its service.
fn dispatch(state: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    let global = matches!(request.service.as_str(), "iam" | "sts");
    if request.region != state.region && !global {
        return Err(ApiError::not_modelled(format_args!(
            "the region '{}' (this cloud has '{}' only)",
            request.region, state.region
        )));
    }
    match request.service.as_str() {
        "ec2" => ec2::handle(state, request),
        "s3" => s3::handle(state, request),
        "cloudwatch" => cloudwatch::handle(state, request),
        "sns" => sns::handle(state, request),
        "autoscaling" => autoscaling::handle(state, request),
        "elbv2" => elbv2::handle(state, request),
        other => Err(ApiError::not_modelled(format_args!(
            "the service '{other}'"
        ))),
    }
}
