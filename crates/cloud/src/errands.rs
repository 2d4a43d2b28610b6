//! What the cloud asks of tenants on its own account: SNS delivers, balancers check.
//!
//! Such a request is set off by an event, while the state is locked; it waits in the state
//! until the clock begins a detached branch for it, before time moves on.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::Cloud;
use crate::cloud::Inner;
use crate::course::Asked;
use crate::hosts::Unreachable;
use crate::services::{elbv2, sns};
use crate::state::State;

/// A question to a tenant that nobody waits for.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    /// The question.
    pub asked: Asked,
    /// For how long the answer is waited for.
    pub patience: Duration,
    /// What the answer is for.
    pub purpose: Purpose,
}

/// What an answer is for.
#[derive(Debug, Clone)]
pub(crate) enum Purpose {
    /// SNS wants to know whether a message was taken.
    Delivery(sns::post::Post),
    /// A balancer wants to know whether a target is healthy.
    Check(elbv2::health::Check),
}

impl Purpose {
    fn serve(&self, state: &mut State, answer: Result<http::Response<Bytes>, Unreachable>) {
        match self {
            Self::Delivery(post) => sns::post::conclude(state, post, answer),
            Self::Check(check) => elbv2::health::conclude(state, check, answer),
        }
    }
}

impl Inner {
    /// Starts the thread that runs an errand on the branch at `path`.
    pub(crate) fn run_errand(
        self: &Arc<Self>,
        errand: Errand,
        path: Vec<u32>,
    ) -> std::io::Result<()> {
        let cloud = Cloud {
            inner: Arc::clone(self),
        };
        let work = move || {
            let waiting = cloud.clock().enter(&path);
            let answer = cloud.ask(&errand.asked, errand.patience, &|| false);
            let mut state = cloud.state();
            let answer = errand.asked.conclude(&mut state, answer);
            errand.purpose.serve(&mut state, answer);
            // The next write shows what the disk has against it.
            let _ = cloud.keep(&state);
            drop(state);
            drop(waiting);
        };
        std::thread::Builder::new()
            .name("errand".to_owned())
            .spawn(work)
            .map(drop)
    }
}
