//! The way of a request through the cloud: answered on the spot, or by a tenant, whose
//! answer goes back through the proxies and balancers that it came by.

use std::time::Duration;

use bytes::Bytes;

use crate::hosts::{self, Unreachable, Via};
use crate::services::elbv2;
use crate::state::State;
use crate::tenants::Place;

/// For how long a program is waited for where nobody says so.
pub(crate) const PATIENCE: Duration = Duration::from_hours(1);

/// What comes of a request.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one at a time")]
pub(crate) enum Course {
    /// Somebody of the cloud has answered.
    Answer(http::Response<Bytes>),
    /// A tenant is to be asked.
    Ask(Box<Asked>),
}

/// A question to a tenant.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// On which machine it is, at which port.
    pub door: (Place, u16),
    /// The address that the request comes from.
    pub client: String,
    /// The request as the tenant gets it.
    pub request: http::Request<Bytes>,
    /// For how long those on the way wait.
    pub patience: Duration,
    /// Through whom the answer goes back, the first one first.
    pub back: Vec<Back>,
}

/// Somebody through whom an answer goes back.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "one or two")]
pub(crate) enum Back {
    /// The machine of this instance.
    Machine(String, Via),
    /// A balancer.
    Balancer(Box<elbv2::Passage>),
}

impl Course {
    /// What comes of a request that the machine of `instance` got.
    pub fn at_machine(instance: &str, reply: hosts::Reply) -> Self {
        match reply {
            hosts::Reply::Answer(answer) => Self::Answer(answer),
            hosts::Reply::Forward(forward) => Self::Ask(Box::new(Asked {
                door: (Place::Instance(instance.to_owned()), forward.port),
                client: forward.client,
                request: forward.request,
                patience: forward.patience,
                back: vec![Back::Machine(instance.to_owned(), forward.via)],
            })),
        }
    }
}

impl Asked {
    /// Takes what the tenant answered back to who asked.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn conclude(
        &self,
        state: &mut State,
        answer: Result<http::Response<Bytes>, Unreachable>,
    ) -> Result<http::Response<Bytes>, Unreachable> {
        self.back.iter().fold(answer, |answer, back| match back {
            Back::Machine(id, via) => {
                let now = state.now;
                match state.hosts.get_mut(id) {
                    Some(host) => host.relay(via, answer, now),
                    None => Err(Unreachable::Silent),
                }
            }
            Back::Balancer(passage) => Ok(passage.conclude(state, answer)),
        })
    }
}
