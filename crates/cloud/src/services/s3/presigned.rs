//! A browser's view: public objects, and what a presigned URL opens.
//!
//! Source: Amazon S3 API reference, "Authenticating requests: using query
//! parameters (AWS Signature Version 4)".

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Method;
use http::header::HOST;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::access::allows_anybody;
use super::ask::key;
use super::{denied, handle, no_such_bucket, presigned_v2};
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::furnish::SECRET_KEY;
use crate::router::{header, host};
use crate::state::State;

/// Answers a request that carries no `Authorization`: `secure` says whether it
/// came over TLS.
#[must_use]
pub fn visit(cloud: &mut State, request: &ApiRequest, secure: bool) -> ApiResponse {
    let result = if request.params.contains_key("X-Amz-Signature") {
        signed(cloud, request).and_then(|()| handle(cloud, request))
    } else if presigned_v2::is(request) {
        presigned_v2::signed(cloud, request).and_then(|bare| handle(cloud, &bare))
    } else {
        anonymous(cloud, request, secure)
    };
    let mut response = result.unwrap_or_else(|error| request.refusal(&error));
    if request.http.method() == Method::HEAD {
        *response.body_mut() = Bytes::new();
    }
    response
}

/// What the bucket's policy lets anybody do; reading objects is all that is modelled.
fn anonymous(
    cloud: &mut State,
    request: &ApiRequest,
    secure: bool,
) -> Result<ApiResponse, ApiError> {
    if !matches!(request.action.as_str(), "GetObject" | "HeadObject") {
        return Err(denied());
    }
    let (name, key) = (super::ask::bucket(request)?, key(request)?);
    if cloud.s3.taken.contains(&name) {
        return Err(denied());
    }
    let bucket = cloud.s3.buckets.get(&name).ok_or_else(no_such_bucket)?;
    let may = |action| allows_anybody(cloud.s3.account_block, &name, bucket, action, &key, secure);
    // Who may not list is not told whether a key exists either.
    if !may("s3:GetObject") || bucket.current(&key).is_none() {
        return Err(denied());
    }
    handle(cloud, request)
}

/// Checks a presigned URL: complete, not expired, signed with the furnished key.
fn signed(cloud: &State, request: &ApiRequest) -> Result<(), ApiError> {
    let param = |name: &str| {
        request.param(name).ok_or_else(|| {
            ApiError::new(
                "AuthorizationQueryParametersError",
                "Query-string authentication version 4 requires the X-Amz-Algorithm, \
                 X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and \
                 X-Amz-Expires parameters.",
            )
        })
    };
    let date = param("X-Amz-Date")?;
    let begun = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date)
        .ok()
        .and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC).ok())
        .map(|at| at.timestamp())
        .ok_or_else(|| {
            ApiError::new(
                "AuthorizationQueryParametersError",
                "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
            )
        })?;
    let seconds: i64 = param("X-Amz-Expires")?.parse().unwrap_or(-1);
    if !(0..=604_800).contains(&seconds) {
        return Err(ApiError::new(
            "AuthorizationQueryParametersError",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given \
             X-Amz-Expires must be less than 604800 seconds",
        ));
    }
    let end = begun
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX);
    if cloud.now > end {
        return Err(expired());
    }
    let credential = param("X-Amz-Credential")?;
    let scope = credential.split_once('/').map_or("", |(_, scope)| scope);
    let headers = param("X-Amz-SignedHeaders")?;
    if param("X-Amz-Signature")? == signature(&request.http, scope, date, headers) {
        Ok(())
    } else {
        Err(mismatch())
    }
}

pub(super) fn mismatch() -> ApiError {
    ApiError::new(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. \
         Check your key and signing method.",
    )
    .with_status(403)
}

pub(super) fn expired() -> ApiError {
    ApiError::new("AccessDenied", "Request has expired").with_status(403)
}

fn signature(http: &http::Request<Bytes>, scope: &str, date: &str, headers: &str) -> String {
    // The query is encoded as it must be for the signature; only its order may differ.
    let mut query: Vec<&str> = http
        .uri()
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.starts_with("X-Amz-Signature="))
        .collect();
    query.sort_unstable();
    let values: BTreeMap<&str, String> = headers
        .split(';')
        .map(|name| match name {
            "host" => (name, authority(http)),
            name => (name, header(http, name).trim().to_owned()),
        })
        .collect();
    let mut canonical = format!(
        "{}\n{}\n{}\n",
        http.method(),
        http.uri().path(),
        query.join("&")
    );
    for (name, value) in &values {
        let _ = writeln!(canonical, "{name}:{value}");
    }
    let _ = write!(canonical, "\n{headers}\nUNSIGNED-PAYLOAD");
    let text = format!(
        "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
        hex::encode(Sha256::digest(canonical.as_bytes()))
    );
    let mut key = format!("AWS4{SECRET_KEY}").into_bytes();
    for part in scope.split('/') {
        key = keyed(&key, part);
    }
    hex::encode(keyed(&key, &text))
}

/// The host as it was sent: with a port that is not the scheme's own.
fn authority(http: &http::Request<Bytes>) -> String {
    let sent = header(http, HOST.as_str());
    if !sent.is_empty() {
        return sent;
    }
    match (http.uri().port_u16(), http.uri().scheme_str()) {
        (None, _) | (Some(443), Some("https")) | (Some(80), Some("http")) => host(http),
        (Some(port), _) => format!("{}:{port}", host(http)),
    }
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(text.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }
        // HMAC takes keys of any length.
        Err(_) => Vec::new(),
    }
}
