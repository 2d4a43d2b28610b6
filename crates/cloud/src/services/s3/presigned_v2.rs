//! Presigned URLs of Signature Version 2, which boto3 and the AWS CLI still make for the
//! regions that are older than Version 4.
//!
//! Source: Amazon S3 user guide, "Signing and authenticating REST requests (AWS signature
//! version 2)", "Query string request authentication alternative".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha1::Sha1;

use super::place::bucket_of_host;
use super::presigned::{expired, mismatch};
use crate::api::{ApiError, ApiRequest};
use crate::furnish::{ACCESS_KEY, SECRET_KEY};
use crate::router::{header, host};
use crate::state::State;

/// The parameters that carry the signature.
const OWN: [&str; 3] = ["AWSAccessKeyId", "Expires", "Signature"];

/// The parameters that say what is asked, and are signed; so is all that begins with
/// `response-`.
const SIGNED: [&str; 15] = [
    "acl",
    "delete",
    "lifecycle",
    "location",
    "logging",
    "notification",
    "partNumber",
    "policy",
    "requestPayment",
    "tagging",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
];

/// Whether a request carries such a signature.
pub(super) fn is(request: &ApiRequest) -> bool {
    OWN.iter().all(|name| request.params.contains_key(*name))
}

/// The request without its signature, which is good.
pub(super) fn signed(cloud: &State, request: &ApiRequest) -> Result<ApiRequest, ApiError> {
    let param = |name| request.param(name).unwrap_or_default();
    let end = param("Expires")
        .parse()
        .ok()
        .and_then(|second| Timestamp::from_second(second).ok())
        .ok_or_else(|| {
            ApiError::new(
                "AccessDenied",
                "Invalid date (should be seconds since epoch)",
            )
            .with_status(403)
        })?;
    if cloud.now > end {
        return Err(expired());
    }
    if param("AWSAccessKeyId") != ACCESS_KEY {
        return Err(ApiError::new(
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        )
        .with_status(403));
    }
    if param("Signature") != signature(request) {
        return Err(mismatch());
    }
    let mut bare = request.clone();
    for name in OWN {
        bare.params.remove(name);
    }
    Ok(bare)
}

fn signature(request: &ApiRequest) -> String {
    let http = &request.http;
    let mut amazon: Vec<String> = http
        .headers()
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-amz-"))
        .map(|(name, value)| format!("{name}:{}\n", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    amazon.sort();
    let bucket = match bucket_of_host(&host(http)) {
        Some(Some(bucket)) => format!("/{bucket}"),
        _ => String::new(),
    };
    let asked: Vec<String> = request
        .params
        .iter()
        .filter(|(name, _)| SIGNED.contains(&name.as_str()) || name.starts_with("response-"))
        .map(|(name, value)| match value.as_str() {
            "" => name.clone(),
            value => format!("{name}={value}"),
        })
        .collect();
    let asked = if asked.is_empty() {
        String::new()
    } else {
        format!("?{}", asked.join("&"))
    };
    let text = format!(
        "{}\n{}\n{}\n{}\n{}{bucket}{}{asked}",
        http.method(),
        header(http, "content-md5"),
        header(http, "content-type"),
        request.param("Expires").unwrap_or_default(),
        amazon.concat(),
        http.uri().path(),
    );
    match Hmac::<Sha1>::new_from_slice(SECRET_KEY.as_bytes()) {
        Ok(mut mac) => {
            mac.update(text.as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        }
        // HMAC takes keys of any length.
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;

    use super::signature;
    use crate::api::ApiRequest;

    /// The user guide's example, whose key is the furnished one.
    #[test]
    fn the_example_of_the_user_guide_is_signed_as_there() {
        let mut request = ApiRequest::query("s3", "GetObject", &[("Expires", "1175139620")]);
        request.http = http::Request::builder()
            .uri("https://johnsmith.s3.amazonaws.com/photos/puppy.jpg?Expires=1175139620")
            .body(Bytes::new())
            .unwrap();
        assert_eq!(signature(&request), "NpgCjnDzrM+WFzoENXmpNDUsSn8=");
    }
}
