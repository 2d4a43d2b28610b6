//! A request to an AWS service, its answer, its error.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

pub mod answer;
pub mod cbor;
pub mod params;
pub mod rest;
pub mod xml;

/// How a service speaks over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// EC2's query protocol: form in, XML out, its own error shape.
    Ec2,
    /// The query protocol: form in, XML out (SNS, Auto Scaling, ELB, IAM, STS).
    Query,
    /// `awsJson1.0` and `1.1`: the action in `X-Amz-Target` (SQS, SSM).
    Json,
    /// `rpc-v2-cbor`: the action in the path (`CloudWatch`).
    Cbor,
    /// REST with XML bodies (S3).
    Rest,
    /// `restJson1`: REST with JSON bodies (Lambda, Scheduler).
    RestJson,
}

/// A decoded request to one service.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    /// The service by the name of its opsh module, e.g. `ec2`, `elbv2`.
    pub service: String,
    /// The action, e.g. `RunInstances`; for S3, what the router made of method and query.
    pub action: String,
    /// The region that the request was signed for.
    pub region: String,
    /// How the service speaks.
    pub protocol: Protocol,
    /// The id that the answer carries.
    pub request_id: String,
    /// The parameters of the query protocols (`Filter.1.Name`), decoded, without
    /// `Action` and `Version`; for S3 the parameters of the URL's query.
    pub params: BTreeMap<String, String>,
    /// The decoded body of the JSON and CBOR protocols (times are epoch seconds,
    /// blobs base64), for `restJson1` with what path and query say; `Null` for the others.
    pub json: Value,
    /// The HTTP request as it came, its body collected and, where it was
    /// compressed or chunked, plain.
    pub http: http::Request<Bytes>,
}

/// An answer as it goes over the wire.
pub type ApiResponse = http::Response<Bytes>;

/// A refusal as the service words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// The service's code, e.g. `InvalidInstanceID.NotFound`.
    pub code: String,
    /// The service's sentence.
    pub message: String,
}

/// The code with which the embedded cloud refuses what it does not model.
pub const NOT_MODELLED: &str = "NotModelled";

impl ApiError {
    /// A refusal that is the caller's fault (400).
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: code.into(),
            message: message.into(),
        }
    }

    /// The same refusal with another HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// A refusal because the embedded cloud would have to ignore something.
    ///
    /// It is a 400, because an SDK sends a request again that got a 5xx.
    pub fn not_modelled(what: impl std::fmt::Display) -> Self {
        Self::new(
            NOT_MODELLED,
            format!("not modelled by the embedded cloud: {what}"),
        )
    }
}
