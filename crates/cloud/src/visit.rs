//! What somebody outside sees: URLs of objects, of hosts, of balancers.

use std::net::Ipv4Addr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::api::{ApiError, ApiRequest, Protocol};
use crate::cloud::Cloud;
use crate::faults::Fault;
use crate::furnish::CALLER_ADDRESS;
use crate::login::{address_of, arrives, silence};
use crate::router::{self, host, is_endpoint, pairs};
use crate::services::{elbv2, s3};

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
        if s3::bucket_of_host(&name).is_some() {
            return Ok(self.visit_s3(request));
        }
        if is_endpoint(&name) {
            return Ok(self.visit_endpoint(request));
        }
        if let Some(answer) = self.visit_balancer(&request, &name) {
            return answer;
        }
        match address_of(&name) {
            Some(address) => self.visit_machine(address, &request),
            None => Err(Unreachable::NoSuchHost(name)),
        }
    }

    /// A web server answers from the machine's disk, and logs the visit there.
    fn visit_machine(
        &self,
        address: Ipv4Addr,
        request: &http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, Unreachable> {
        let secure = request.uri().scheme_str() == Some("https");
        let port = request
            .uri()
            .port_u16()
            .unwrap_or(if secure { 443 } else { 80 });
        let mut state = self.state();
        let id = arrives(&state, address, port)?;
        let (now, to) = (state.now, address.to_string());
        let machine = state
            .hosts
            .get_mut(&id)
            .ok_or_else(|| Unreachable::TimedOut(to.clone()))?;
        let answer = machine
            .serve(port, request, CALLER_ADDRESS, now)
            .map_err(|why| silence(why, &to))?;
        self.keep(&state)
            .map_err(|error| Unreachable::Reset(format!("{to} ({error})")))?;
        Ok(answer)
    }

    /// A balancer answers, or a machine behind it, which logs the visit.
    fn visit_balancer(
        &self,
        request: &http::Request<Bytes>,
        name: &str,
    ) -> Option<Result<http::Response<Bytes>, Unreachable>> {
        let mut state = self.state();
        let answer = elbv2::visit(&mut state, request, CALLER_ADDRESS)?;
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
