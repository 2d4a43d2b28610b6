//! What somebody outside sees: URLs of objects, of hosts, of balancers.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::api::{ApiError, ApiRequest, Protocol};
use crate::cloud::Cloud;
use crate::course::{Course, PATIENCE};
use crate::discord;
use crate::faults::Fault;
use crate::furnish::CALLER_ADDRESS;
use crate::hosts;
use crate::login::{address_of, arrives, arrives_from, silence};
use crate::router::{self, host, is_endpoint, pairs};
use crate::services::{ec2, elbv2, s3, sns};
use crate::state::State;
use crate::tenants::{self, Place};

/// Why nobody answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Unreachable {
    /// The name means nothing here; outside it may.
    #[error("the host '{0}' is not simulated")]
    NoSuchHost(String),
    /// The host answers that nothing listens there.
    #[error("connection refused by {0}")]
    Refused(String),
    /// No answer: it is off, or a security group drops the packets.
    #[error("no answer from {0}")]
    TimedOut(String),
    /// The connection broke.
    #[error("connection reset by {0}")]
    Reset(String),
}

/// Who visits, and for how long an answer is waited for.
#[derive(Clone, Copy)]
pub struct Visitor<'a> {
    /// Where the visitor is.
    pub place: &'a Place,
    /// For how long a tenant's answer is waited for, in virtual time.
    pub patience: Duration,
    /// Whether to wait no longer.
    pub stop: &'a dyn Fn() -> bool,
}

impl Default for Visitor<'_> {
    /// The caller, who waits as long as it takes.
    fn default() -> Self {
        Self {
            place: &Place::Caller,
            patience: PATIENCE,
            stop: &|| false,
        }
    }
}

/// The address that the caller comes from.
fn caller(to: &str) -> Ipv4Addr {
    if to == "localhost" || address_of(to).is_some_and(|to| to.is_loopback()) {
        return Ipv4Addr::LOCALHOST;
    }
    CALLER_ADDRESS.parse().unwrap_or(Ipv4Addr::UNSPECIFIED)
}

/// Services that tell callers their address.
const ADDRESS_SERVICES: [&str; 1] = ["checkip.amazonaws.com"];

/// What a service does for a request that nobody has signed: the links in SNS's messages.
const OPEN: [(&str, &str); 2] = [("sns", "ConfirmSubscription"), ("sns", "Unsubscribe")];

impl Cloud {
    /// Answers a request as the host in its URL would.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub fn visit(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, Unreachable> {
        self.visit_as(&Visitor::default(), request)
    }

    /// The same for somebody who is elsewhere, or does not wait as long.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub fn visit_as(
        &self,
        visitor: &Visitor<'_>,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, Unreachable> {
        let name = host(&request);
        let fault = self.strike(&format!("http:{}", request.method()));
        match fault {
            Some(Fault::Reset | Fault::Lost) => return Err(Unreachable::Reset(name)),
            Some(Fault::Delay(duration)) => {
                // Nothing stops it: the caller's own limit is in real time.
                let _ = self.clock().sleep(duration, &|| false);
            }
            Some(Fault::Throttle) => return Ok(failure(429)),
            Some(Fault::Server(status)) => return Ok(failure(status)),
            Some(Fault::Refuse(error)) => return Ok(failure(error.status)),
            None => {}
        }
        if ADDRESS_SERVICES.contains(&name.as_str()) {
            return Ok(http::Response::new(Bytes::from(format!(
                "{CALLER_ADDRESS}\n"
            ))));
        }
        if name == discord::HOST {
            return Ok(self.visit_discord(&request));
        }
        if s3::bucket_of_host(&name).is_some() {
            return Ok(self.visit_s3(request));
        }
        if let Some(certificate) = sns::signing::visit(&name, &request) {
            return Ok(certificate);
        }
        if is_endpoint(&name) {
            return Ok(self.visit_endpoint(request));
        }
        let course = match self.visit_balancer(visitor, &request, &name) {
            Some(course) => course?,
            None => self.visit_machine(visitor, &request, &name)?,
        };
        let asked = match course {
            Course::Answer(answer) => return Ok(answer),
            Course::Ask(asked) => asked,
        };
        let answer = self.ask(&asked, visitor.patience, visitor.stop);
        let mut state = self.state();
        let answer = asked.conclude(&mut state, answer);
        // What it did is kept with the next write: a line in a log, some traffic.
        answer.map_err(|why| silence(why, &name))
    }

    /// A web server answers from the machine's disk, and logs the visit there; or a program
    /// is to be asked.
    fn visit_machine(
        &self,
        visitor: &Visitor<'_>,
        request: &http::Request<Bytes>,
        name: &str,
    ) -> Result<Course, Unreachable> {
        let secure = request.uri().scheme_str() == Some("https");
        let port = request
            .uri()
            .port_u16()
            .unwrap_or(if secure { 443 } else { 80 });
        let mut state = self.state();
        let nobody = || Unreachable::NoSuchHost(name.to_owned());
        let (id, client) = match visitor.place {
            Place::Caller => {
                let from = caller(name);
                if let Some(asked) = tenants::at_caller(&state, name, request, from) {
                    return Ok(Course::Ask(Box::new(asked)));
                }
                let address = address_of(name).ok_or_else(nobody)?;
                (arrives(&state, address, port)?, from)
            }
            Place::Instance(instance) => {
                let from = ec2::facts(&state, instance).and_then(|facts| facts.public);
                if name == CALLER_ADDRESS
                    && let Some(from) = from
                    && let Some(asked) = tenants::at_caller(&state, name, request, from)
                {
                    return Ok(Course::Ask(Box::new(asked)));
                }
                if name == hosts::METADATA {
                    return Self::metadata(&mut state, instance, request);
                }
                let local = (name == "localhost").then_some(Ipv4Addr::LOCALHOST);
                let address = local.or_else(|| address_of(name)).ok_or_else(nobody)?;
                arrives_from(&state, instance, address, port)?
            }
        };
        let (now, to) = (state.now, name.to_owned());
        let machine = state
            .hosts
            .get_mut(&id)
            .ok_or_else(|| Unreachable::TimedOut(to.clone()))?;
        let reply = machine
            .serve(port, request, &client.to_string(), now)
            .map_err(|why| silence(why, &to))?;
        if matches!(reply, hosts::Reply::Answer(_)) {
            self.keep(&state)
                .map_err(|error| Unreachable::Reset(format!("{to} ({error})")))?;
        }
        Ok(Course::at_machine(&id, reply))
    }

    /// What the metadata service says to a program on an instance.
    fn metadata(
        state: &mut State,
        instance: &str,
        request: &http::Request<Bytes>,
    ) -> Result<Course, Unreachable> {
        let silent = || Unreachable::TimedOut(hosts::METADATA.to_owned());
        let now = state.now;
        let machine = state.hosts.get_mut(instance).ok_or_else(silent)?;
        let answer = machine.metadata(request, now).map_err(|_| silent())?;
        Ok(Course::Answer(answer))
    }

    /// A balancer answers, or a machine behind it, which logs the visit.
    fn visit_balancer(
        &self,
        visitor: &Visitor<'_>,
        request: &http::Request<Bytes>,
        name: &str,
    ) -> Option<Result<Course, Unreachable>> {
        let mut state = self.state();
        let client = match visitor.place {
            Place::Caller => CALLER_ADDRESS.to_owned(),
            Place::Instance(instance) => ec2::facts(&state, instance)?.public?.to_string(),
        };
        let answer = elbv2::visit(&mut state, request, &client)?;
        if matches!(answer, Ok(Course::Ask(_))) {
            return Some(answer.map_err(|why| silence(why, name)));
        }
        let kept = self
            .keep(&state)
            .map_err(|error| Unreachable::Reset(format!("{name} ({error})")));
        Some(kept.and_then(|()| answer.map_err(|why| silence(why, name))))
    }

    /// A service answers somebody who has no credentials.
    fn visit_endpoint(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let request_id = self.state().requests.uuid();
        let request = match router::decode(request, request_id) {
            Ok(request) => request,
            Err(refused) => return refused.0.refusal(&refused.1),
        };
        let result = if OPEN.contains(&(request.service.as_str(), request.action.as_str())) {
            self.answer(&request)
        } else {
            Err(ApiError::new(
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            )
            .with_status(403))
        };
        result.unwrap_or_else(|error| request.refusal(&error))
    }

    fn visit_s3(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let secure = request.uri().scheme_str() == Some("https");
        let mut state = self.state();
        let request = ApiRequest {
            service: "s3".to_owned(),
            action: s3::action(&request),
            region: state.region.clone(),
            protocol: Protocol::Rest,
            request_id: state.requests.uuid(),
            params: pairs(request.uri().query().unwrap_or_default()),
            json: serde_json::Value::Null,
            http: request,
        };
        s3::visit(&mut state, &request, secure)
    }
}

fn failure(status: u16) -> http::Response<Bytes> {
    let mut response = http::Response::new(Bytes::new());
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response
}
