//! CloudWatch for endpoints that speak its JSON protocol only.
//!
//! CloudWatch answers in three protocols; the SDK for Rust speaks the newest of them
//! (`rpc-v2-cbor`), emulators behind `AWS_ENDPOINT_URL` often only an older one, and say 404.
//! A service that knows the protocol must name it in a header of each answer
//! (<https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>), so a 404
//! without that header is from one that does not; the same request then goes to it as
//! AWS JSON 1.0, and later ones at once. Never so at AWS, whose answers have the header. The request
//! is not signed again: such endpoints do not check signatures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use jiff::Timestamp;
use opsh_cloud::api::cbor;
use serde_json::{Map, Number, Value};

const PROTOCOL: &str = "smithy-protocol";
const CBOR: &str = "rpc-v2-cbor";
/// Members that are doubles, which JSON may write as integers.
const DOUBLES: [&str; 8] = [
    "Average",
    "Counts",
    "Maximum",
    "Minimum",
    "SampleCount",
    "Sum",
    "Threshold",
    "Values",
];

/// A client that falls back as this module says.
#[derive(Debug)]
pub(super) struct AlsoJson {
    inner: SharedHttpClient,
    older: Arc<AtomicBool>,
}

impl AlsoJson {
    pub(super) fn over(inner: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Self {
            inner,
            older: Arc::default(),
        })
    }
}

impl HttpClient for AlsoJson {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            inner: self.inner.http_connector(settings, components),
            older: Arc::clone(&self.older),
        })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    older: Arc<AtomicBool>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some(json) = in_json(&request) else {
            return self.inner.call(request);
        };
        let (inner, older) = (self.inner.clone(), Arc::clone(&self.older));
        HttpConnectorFuture::new(async move {
            if !older.load(Ordering::Relaxed) {
                let answer = inner.call(request).await?;
                if answer.status().as_u16() != 404 || answer.headers().contains_key(PROTOCOL) {
                    return Ok(answer);
                }
            }
            let (answer, understood) = in_cbor(inner.call(json).await?).await?;
            older.fetch_or(understood, Ordering::Relaxed);
            Ok(answer)
        })
    }
}

/// The request as AWS JSON 1.0; `None` if it is none of the newer protocol, or is compressed.
fn in_json(request: &HttpRequest) -> Option<HttpRequest> {
    if request.headers().get(PROTOCOL) != Some(CBOR)
        || request.headers().contains_key("content-encoding")
    {
        return None;
    }
    // …/service/NAME/operation/OPERATION
    let (before, call) = request.uri().split_once("/service/")?;
    let (service, operation) = call.split_once("/operation/")?;
    let body = cbor::decode(request.body().bytes()?).ok()?;
    let (uri, target) = (format!("{before}/"), format!("{service}.{operation}"));
    let mut json = request.try_clone()?;
    json.set_uri(uri).ok()?;
    *json.body_mut() = SdkBody::from(cbor::plain(&body).to_string());
    let headers = json.headers_mut();
    for name in [PROTOCOL, "accept", "content-length"] {
        headers.remove(name);
    }
    headers.insert("content-type", "application/x-amz-json-1.0");
    headers.insert("x-amz-target", target);
    Some(json)
}

/// The answer as the SDK expects it, or as it is if it is no JSON object; and whether it was one.
///
/// Its content type is not asked: emulators call it text.
async fn in_cbor(mut answer: HttpResponse) -> Result<(HttpResponse, bool), ConnectorError> {
    let body = ByteStream::new(answer.take_body())
        .collect()
        .await
        .map_err(|error| ConnectorError::io(error.into()))?
        .into_bytes();
    let Ok(object) = serde_json::from_slice::<Map<String, Value>>(&body) else {
        *answer.body_mut() = SdkBody::from(body);
        return Ok((answer, false));
    };
    *answer.body_mut() = SdkBody::from(cbor::encode(&typed("", object.into())));
    let headers = answer.headers_mut();
    headers.remove("content-length");
    headers.insert("content-type", "application/cbor");
    headers.insert(PROTOCOL, CBOR);
    Ok((answer, true))
}

/// What JSON does not tell apart, told by the name of the member that it is in.
fn typed(member: &str, value: Value) -> Value {
    match value {
        Value::Object(entries) => entries
            .into_iter()
            .map(|(name, value)| {
                let value = typed(&name, value);
                (name, value)
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(|item| typed(member, item)).collect(),
        Value::Number(_) | Value::String(_) if member.contains("Timestamp") => {
            moment(&value).map_or(value, cbor::time)
        }
        Value::Number(number) if DOUBLES.contains(&member) => number
            .as_f64()
            .and_then(Number::from_f64)
            .map_or(Value::Null, Value::Number),
        other => other,
    }
}

/// Epoch seconds, or the text of a time.
fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        #[allow(clippy::cast_possible_truncation)] // milliseconds of this era
        Value::Number(seconds) => {
            Timestamp::from_millisecond((seconds.as_f64()? * 1000.0).round() as i64).ok()
        }
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aws_smithy_runtime_api::http::StatusCode;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_of_the_newer_protocol_is_said_in_json() {
        let mut request = HttpRequest::new(SdkBody::from(cbor::encode(&json!({"Period": 60}))));
        request
            .set_uri("http://127.0.0.1:9/service/Granite/operation/ListMetrics")
            .unwrap();
        request.headers_mut().insert(PROTOCOL, CBOR);
        let said = in_json(&request).unwrap();
        assert_eq!(said.uri(), "http://127.0.0.1:9/");
        assert_eq!(
            said.headers().get("x-amz-target"),
            Some("Granite.ListMetrics")
        );
        assert_eq!(said.body().bytes(), Some(br#"{"Period":60}"#.as_slice()));
        request.headers_mut().remove(PROTOCOL);
        assert!(in_json(&request).is_none(), "other services are left alone");
    }

    #[tokio::test]
    async fn an_answer_gets_its_types_back() {
        let json = r#"{"Datapoints":[{"Timestamp":1767225600,"Average":1}],"Period":60}"#;
        let answer = HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::from(json));
        let (said, understood) = in_cbor(answer).await.unwrap();
        assert!(understood);
        assert_eq!(said.headers().get(PROTOCOL), Some(CBOR));
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let expected = json!({
            "Datapoints": [{"Timestamp": cbor::time(at), "Average": 1.0}], "Period": 60,
        });
        assert_eq!(
            said.body().bytes(),
            Some(cbor::encode(&expected).as_slice())
        );
    }
}
