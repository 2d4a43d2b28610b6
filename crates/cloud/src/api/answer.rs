//! Rendering answers and refusals the way each protocol wants them.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::xml::{Xml, escape};
use super::{ApiError, ApiRequest, ApiResponse, Protocol, cbor};
use crate::services::sqs;

impl ApiRequest {
    /// A successful answer of EC2 or the query protocol around `inside`.
    #[must_use]
    pub fn xml(&self, inside: Xml) -> ApiResponse {
        let inside = inside.into_string();
        let action = &self.action;
        let namespace = namespace(&self.service);
        let id = &self.request_id;
        let body = match self.protocol {
            Protocol::Ec2 => format!(
                "<{action}Response xmlns=\"{namespace}\"><requestId>{id}</requestId>\
                 {inside}</{action}Response>"
            ),
            _ => format!(
                "<{action}Response xmlns=\"{namespace}\"><{action}Result>{inside}</{action}Result>\
                 <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"
            ),
        };
        self.answer(200, "text/xml;charset=UTF-8", body)
    }

    /// EC2's answer to an action that has nothing to tell.
    #[must_use]
    pub fn done(&self) -> ApiResponse {
        match self.protocol {
            Protocol::Ec2 => self.xml(Xml::new().text("return", true)),
            Protocol::Query => self.xml(Xml::new()),
            Protocol::Json | Protocol::Cbor | Protocol::RestJson => self.value(&json!({})),
            Protocol::Rest => self.answer(200, "application/xml", String::new()),
        }
    }

    /// A successful answer of the JSON and CBOR protocols.
    ///
    /// What the API types as a time comes from [`cbor::time`], as a blob from
    /// [`cbor::blob`]; what it types as a double must be a float (`1.0`, not `1`).
    #[must_use]
    pub fn value(&self, body: &Value) -> ApiResponse {
        match self.protocol {
            Protocol::Cbor => self.cbor_answer(200, body),
            Protocol::RestJson => self.rest(200, body),
            _ => self.answer(200, self.json_type(), cbor::plain(body).to_string()),
        }
    }

    /// The content type of the version of `awsJson` that the service speaks.
    fn json_type(&self) -> &'static str {
        match self.service.as_str() {
            "sqs" => "application/x-amz-json-1.0",
            _ => "application/x-amz-json-1.1",
        }
    }

    /// The answer that tells `error`.
    #[must_use]
    pub fn refusal(&self, error: &ApiError) -> ApiResponse {
        let (code, message) = (escape(&error.code), escape(&error.message));
        let kind = if error.status < 500 {
            "Sender"
        } else {
            "Receiver"
        };
        let id = &self.request_id;
        match self.protocol {
            Protocol::Ec2 => self.answer(
                error.status,
                "text/xml;charset=UTF-8",
                format!(
                    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message>\
                     </Error></Errors><RequestID>{id}</RequestID></Response>"
                ),
            ),
            Protocol::Query => self.answer(
                error.status,
                "text/xml;charset=UTF-8",
                format!(
                    "<ErrorResponse xmlns=\"{}\"><Error><Type>{kind}</Type><Code>{code}</Code>\
                     <Message>{message}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>",
                    namespace(&self.service)
                ),
            ),
            Protocol::Rest => self.answer(
                error.status,
                "application/xml",
                format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
                     <Message>{message}</Message><RequestId>{id}</RequestId></Error>"
                ),
            ),
            Protocol::RestJson => {
                let mut response = self.rest(
                    error.status,
                    &json!({"Type": kind, "message": error.message}),
                );
                if let Ok(code) = error.code.parse() {
                    response.headers_mut().insert("x-amzn-errortype", code);
                }
                response
            }
            Protocol::Json | Protocol::Cbor => {
                let kind_of_error = match self.service.as_str() {
                    "sqs" => sqs::shape(&error.code),
                    _ => error.code.clone(),
                };
                let body = json!({"__type": kind_of_error, "message": error.message});
                let mut response = if self.protocol == Protocol::Cbor {
                    self.cbor_answer(error.status, &body)
                } else {
                    self.answer(error.status, self.json_type(), body.to_string())
                };
                // A client of the query protocol's days knows the error by this.
                if let Ok(header) = format!("{};{kind}", error.code).parse() {
                    response.headers_mut().insert("x-amzn-query-error", header);
                }
                response
            }
        }
    }

    /// An answer with a body of some type.
    #[must_use]
    pub fn answer(&self, status: u16, content_type: &str, body: impl Into<Bytes>) -> ApiResponse {
        let mut response = http::Response::new(body.into());
        *response.status_mut() =
            http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if let Ok(value) = content_type.parse() {
            headers.insert(CONTENT_TYPE, value);
        }
        if let Ok(value) = self.request_id.parse::<http::HeaderValue>() {
            let name = match self.protocol {
                Protocol::Rest => "x-amz-request-id",
                _ => "x-amzn-requestid",
            };
            headers.insert(name, value);
        }
        response
    }

    fn cbor_answer(&self, status: u16, body: &Value) -> ApiResponse {
        let mut response = self.answer(status, "application/cbor", cbor::encode(body));
        response.headers_mut().insert(
            "smithy-protocol",
            http::HeaderValue::from_static("rpc-v2-cbor"),
        );
        response
    }
}

/// The XML namespace of a service's answers, as in its API model.
fn namespace(service: &str) -> &'static str {
    match service {
        "ec2" => "http://ec2.amazonaws.com/doc/2016-11-15/",
        "sns" => "http://sns.amazonaws.com/doc/2010-03-31/",
        "autoscaling" => "http://autoscaling.amazonaws.com/doc/2011-01-01/",
        "elbv2" => "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
        "iam" => "https://iam.amazonaws.com/doc/2010-05-08/",
        "sts" => "https://sts.amazonaws.com/doc/2011-06-15/",
        "cloudwatch" => "http://monitoring.amazonaws.com/doc/2010-08-01/",
        _ => "http://s3.amazonaws.com/doc/2006-03-01/",
    }
}
