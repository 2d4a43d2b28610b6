//! A request to an AWS service, its answer, its error.

use std::collections::BTreeMap;

use bytes::Bytes;

/// A decoded request to one service.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    /// The service, e.g. `ec2`.
    pub service: String,
    /// The action, e.g. `RunInstances`; for S3, what the router made of method and query.
    pub action: String,
    /// The region that the request was signed for.
    pub region: String,
    /// The parameters of the query protocol (`Filter.1.Name`), decoded.
    pub params: BTreeMap<String, String>,
    /// The HTTP request as it came.
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

    /// A refusal because the embedded cloud would have to ignore something.
    pub fn not_modelled(what: impl std::fmt::Display) -> Self {
        Self {
            status: 501,
            code: NOT_MODELLED.to_owned(),
            message: format!("not modelled by the embedded cloud: {what}"),
        }
    }
}
