//! From an HTTP request to a decoded request of one service.

use std::collections::BTreeMap;
use std::io::Read as _;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, HOST};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::api::{ApiError, ApiRequest, Protocol, cbor, rest};
use crate::services::{lambda, s3, scheduler};

mod chunked;

/// A service's name in credentials and host names, its module's, and how it speaks.
const SERVICES: [(&str, &str, Protocol); 12] = [
    ("ec2", "ec2", Protocol::Ec2),
    ("s3", "s3", Protocol::Rest),
    ("monitoring", "cloudwatch", Protocol::Cbor),
    ("sns", "sns", Protocol::Query),
    ("sqs", "sqs", Protocol::Json),
    ("autoscaling", "autoscaling", Protocol::Query),
    ("elasticloadbalancing", "elbv2", Protocol::Query),
    ("iam", "iam", Protocol::Query),
    ("sts", "sts", Protocol::Query),
    ("ssm", "ssm", Protocol::Json),
    ("lambda", "lambda", Protocol::RestJson),
    ("scheduler", "scheduler", Protocol::RestJson),
];

/// The largest body that is unpacked.
const LIMIT: u64 = 1 << 30;

/// A request that no service gets, as far as it could be understood.
pub type Refused = Box<(ApiRequest, ApiError)>;

/// Decodes a request of an SDK.
///
/// # Errors
/// No such service here, or a body that is not what the protocol wants.
pub fn decode(mut http: http::Request<Bytes>, request_id: String) -> Result<ApiRequest, Refused> {
    let (scope, region) = scope(&http);
    let known = SERVICES.iter().find(|(name, _, _)| *name == scope);
    let unpacked = unpack(&mut http, scope != "s3");
    let mut request = ApiRequest {
        service: known
            .map_or(scope.as_str(), |(_, module, _)| module)
            .to_owned(),
        action: String::new(),
        region,
        protocol: known.map_or_else(|| guessed(&http), |(_, _, usual)| spoken(&http, *usual)),
        request_id,
        params: pairs(http.uri().query().unwrap_or_default()),
        json: Value::Null,
        http,
    };
    if known.is_none() {
        let error = ApiError::not_modelled(format_args!("the service '{scope}'"));
        return Err(Box::new((request, error)));
    }
    match unpacked.and_then(|()| fill(&mut request)) {
        Ok(()) => Ok(request),
        Err(error) => Err(Box::new((request, error))),
    }
}

/// The protocol of a request: a service that has learnt `rpc-v2-cbor` still understands
/// the tools that speak `awsJson` or the query protocol with it.
fn spoken(http: &http::Request<Bytes>, usual: Protocol) -> Protocol {
    if usual != Protocol::Cbor || http.uri().path().contains("/operation/") {
        usual
    } else if header(http, "x-amz-target").is_empty() {
        Protocol::Query
    } else {
        Protocol::Json
    }
}

/// The protocol that a request of an unknown service seems to speak, so that the tool reads
/// why it is refused.
fn guessed(http: &http::Request<Bytes>) -> Protocol {
    if !header(http, "x-amz-target").is_empty() {
        Protocol::Json
    } else if header(http, "content-type").starts_with("application/json") {
        Protocol::RestJson
    } else {
        Protocol::Query
    }
}

/// Reads action and parameters as the protocol has them.
fn fill(request: &mut ApiRequest) -> Result<(), ApiError> {
    match request.protocol {
        Protocol::Ec2 | Protocol::Query => {
            let body = String::from_utf8_lossy(request.http.body()).into_owned();
            request.params.extend(pairs(&body));
            request.action = request.params.remove("Action").ok_or_else(|| {
                ApiError::new("MissingAction", "The request must contain an Action")
            })?;
            let version = request.params.remove("Version").unwrap_or_default();
            if request.service == "elbv2" && version != "2015-12-01" {
                return Err(ApiError::not_modelled(format_args!(
                    "version {version} of elasticloadbalancing (classic load balancers)"
                )));
            }
        }
        Protocol::Json => {
            let target = header(&request.http, "x-amz-target");
            if target.is_empty() {
                return Err(ApiError::not_modelled(format_args!(
                    "{} without X-Amz-Target (it is spoken to in JSON)",
                    request.service
                )));
            }
            let action = target.rsplit('.').next().unwrap_or_default();
            action.clone_into(&mut request.action);
            request.json = serde_json::from_slice(request.http.body())
                .map_err(|error| ApiError::new("SerializationException", error.to_string()))?;
        }
        Protocol::Cbor => {
            let path = request.http.uri().path();
            let (_, action) = path.rsplit_once("/operation/").unwrap_or_default();
            action.clone_into(&mut request.action);
            request.json = cbor::decode(request.http.body())
                .map_err(|error| ApiError::new("SerializationException", error.to_string()))?;
        }
        Protocol::Rest => request.action = s3::action(&request.http),
        Protocol::RestJson => {
            let routes = match request.service.as_str() {
                "lambda" => lambda::ROUTES,
                _ => scheduler::ROUTES,
            };
            (request.action, request.json) = rest::read(routes, &request.http)?;
        }
    }
    Ok(())
}

/// The service and the region that the request was signed for or is sent to.
fn scope(http: &http::Request<Bytes>) -> (String, String) {
    let query = pairs(http.uri().query().unwrap_or_default());
    let authorization = header(http, AUTHORIZATION.as_str());
    let credential = authorization
        .split_once("Credential=")
        .map(|(_, rest)| rest.split(',').next().unwrap_or_default().to_owned())
        .or_else(|| query.get("X-Amz-Credential").cloned())
        .unwrap_or_default();
    let parts: Vec<&str> = credential.trim().split('/').collect();
    if let [_, _, region, service, _] = parts[..] {
        return (service.to_owned(), region.to_owned());
    }
    let host = host(http);
    let labels: Vec<&str> = host.split('.').collect();
    for (index, label) in labels.iter().enumerate() {
        if SERVICES.iter().any(|(name, _, _)| name == label) {
            let region = labels.get(index + 1).copied().unwrap_or_default();
            let region = match region {
                "amazonaws" | "" => "us-east-1",
                region => region,
            };
            return ((*label).to_owned(), region.to_owned());
        }
    }
    (host, "us-east-1".to_owned())
}

/// Whether a host is one of a service's own, e.g. `sns.us-east-1.amazonaws.com`.
#[must_use]
pub fn is_endpoint(host: &str) -> bool {
    host.strip_suffix(".amazonaws.com")
        .and_then(|name| name.split('.').next())
        .is_some_and(|label| SERVICES.iter().any(|(name, _, _)| *name == label))
}

/// The host that is meant, without port, in lower case.
#[must_use]
pub fn host(http: &http::Request<Bytes>) -> String {
    let host = match http.uri().host() {
        Some(host) => host.to_owned(),
        None => header(http, HOST.as_str()),
    };
    match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name.to_ascii_lowercase(),
        _ => host.to_ascii_lowercase(),
    }
}

/// A header's value, empty if absent.
#[must_use]
pub fn header(http: &http::Request<Bytes>, name: &str) -> String {
    http.headers()
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default()
}

/// The names and values of a form or a query.
#[must_use]
pub fn pairs(form: &str) -> BTreeMap<String, String> {
    form.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescape(name), unescape(value))
        })
        .collect()
}

fn unescape(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

/// Makes the body plain: unpacks `aws-chunked` (its trailers become headers) and, where
/// it is how the request came and not what an object is, `gzip`.
fn unpack(http: &mut http::Request<Bytes>, compressed: bool) -> Result<(), ApiError> {
    let encodings = header(http, CONTENT_ENCODING.as_str());
    let mut kept = Vec::new();
    for encoding in encodings.split(',').map(str::trim).rev() {
        match encoding {
            "" => {}
            "aws-chunked" => chunked::unpack(http)?,
            "gzip" if compressed => {
                let mut plain = Vec::new();
                flate2::read::GzDecoder::new(&http.body()[..])
                    .take(LIMIT)
                    .read_to_end(&mut plain)
                    .map_err(|error| ApiError::new("SerializationException", error.to_string()))?;
                *http.body_mut() = Bytes::from(plain);
            }
            other => kept.insert(0, other.to_owned()),
        }
    }
    if header(http, "x-amz-content-sha256").starts_with("STREAMING-")
        && !encodings.contains("aws-chunked")
    {
        chunked::unpack(http)?;
    }
    http.headers_mut().remove(CONTENT_ENCODING);
    if let Ok(value) = kept.join(",").parse::<http::HeaderValue>()
        && !kept.is_empty()
    {
        http.headers_mut().insert(CONTENT_ENCODING, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;

    use super::decode;
    use crate::api::Protocol;

    fn signed(service: &str) -> http::request::Builder {
        http::Request::builder().method("POST").header(
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/{service}/aws4_request, \
                 SignedHeaders=host, Signature=0"
            ),
        )
    }

    #[test]
    fn the_credential_scope_names_service_and_region() {
        let request = signed("elasticloadbalancing")
            .uri("https://localhost/")
            .body(Bytes::from_static(
                b"Action=DescribeLoadBalancers&Version=2015-12-01&Names.member.1=a%20b+c",
            ))
            .unwrap();
        let request = decode(request, "id".to_owned()).unwrap();
        assert_eq!(request.service, "elbv2");
        assert_eq!(request.action, "DescribeLoadBalancers");
        assert_eq!(request.region, "eu-west-1");
        assert_eq!(request.protocol, Protocol::Query);
        assert_eq!(request.list("Names"), ["a b c"]);
    }

    #[test]
    fn without_a_signature_the_host_does() {
        let request = http::Request::builder()
            .uri("https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15")
            .body(Bytes::new())
            .unwrap();
        let request = decode(request, "id".to_owned()).unwrap();
        assert_eq!(
            (request.service.as_str(), request.region.as_str()),
            ("sts", "eu-west-1")
        );
        assert_eq!(request.action, "GetCallerIdentity");
    }

    #[test]
    fn an_unknown_service_is_refused_by_name() {
        let request = signed("batch")
            .uri("https://x/")
            .body(Bytes::new())
            .unwrap();
        let refused = decode(request, "id".to_owned()).unwrap_err();
        assert_eq!(
            refused.1.message,
            "not modelled by the embedded cloud: the service 'batch'"
        );
    }

    #[test]
    fn an_unknown_service_is_refused_in_its_own_protocol() {
        let request = signed("logs")
            .uri("https://x/")
            .header("x-amz-target", "Logs_20140328.DescribeLogGroups")
            .body(Bytes::from_static(b"{}"))
            .unwrap();
        let (request, error) = *decode(request, "id".to_owned()).unwrap_err();
        let body = request.refusal(&error).into_body();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let message = "not modelled by the embedded cloud: the service 'logs'";
        assert_eq!(
            body,
            serde_json::json!({"__type": "NotModelled", "message": message})
        );
    }

    #[test]
    fn chunks_are_put_together_and_trailers_become_headers() {
        let request = signed("s3")
            .method("PUT")
            .uri("https://b.s3.eu-west-1.amazonaws.com/k")
            .header("content-encoding", "aws-chunked")
            .header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
            .header("x-amz-trailer", "x-amz-checksum-crc32")
            .body(Bytes::from_static(
                b"5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n",
            ))
            .unwrap();
        let request = decode(request, "id".to_owned()).unwrap();
        assert_eq!(request.http.body(), &Bytes::from_static(b"hello world"));
        assert_eq!(request.http.headers()["x-amz-checksum-crc32"], "DUoRhQ==");
        assert!(!request.http.headers().contains_key("content-encoding"));
    }
}
