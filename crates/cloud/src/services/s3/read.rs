//! Reading an object or what is known about it.

use bytes::Bytes;
use http::Method;

use super::ask::{bucket, given, key, only};
use super::state::{Object, Version, Versioning};
use super::{http_date, no_such_key, nothing, set};
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state::State;

/// Parameters that replace headers of the answer.
const OVERRIDES: [(&str, &str); 6] = [
    ("response-content-type", "content-type"),
    ("response-content-language", "content-language"),
    ("response-expires", "expires"),
    ("response-cache-control", "cache-control"),
    ("response-content-disposition", "content-disposition"),
    ("response-content-encoding", "content-encoding"),
];

/// What an object holds, for another service of the same account.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchKey`.
pub fn fetch(
    cloud: &State,
    bucket: &str,
    key: &str,
    version: Option<&str>,
) -> Result<Bytes, ApiError> {
    let versions = cloud.s3.bucket(bucket)?.objects.get(key);
    let found = match version {
        None => versions.and_then(|versions| versions.last()),
        Some(id) => versions.and_then(|versions| versions.iter().find(|version| version.id == id)),
    };
    found
        .and_then(|version| version.object.as_ref())
        .map(|object| object.body.bytes().clone())
        .ok_or_else(no_such_key)
}

pub(super) fn object(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(
        request,
        &["range", "if-match", "if-none-match"],
        &["versionId", "response-"],
    )?;
    let (name, key) = (bucket(request)?, key(request)?);
    let bucket = cloud.s3.bucket(&name)?;
    let versions = bucket.objects.get(&key);
    let head = request.http.method() == Method::HEAD;
    let version = match request.param("versionId") {
        None => versions.and_then(|versions| versions.last()),
        Some(id) => versions.and_then(|versions| versions.iter().find(|version| version.id == id)),
    };
    let Some((version, object)) =
        version.and_then(|version| Some((version, version.object.as_ref()?)))
    else {
        let error = no_such_key();
        let mut response = if head {
            nothing(request, error.status)
        } else {
            request.refusal(&error)
        };
        if version.is_some() {
            set(&mut response, "x-amz-delete-marker", "true");
        }
        return Ok(response);
    };
    if let Some(response) = precondition(request, object) {
        return Ok(response);
    }
    let mut response = content(request, object)?;
    describe(&mut response, request, version, object);
    if bucket.versioning != Versioning::Off {
        set(&mut response, "x-amz-version-id", &version.id);
    }
    if head {
        *response.body_mut() = Bytes::new();
    }
    Ok(response)
}

fn precondition(request: &ApiRequest, object: &Object) -> Option<ApiResponse> {
    let names = |list: String| {
        list.split(',')
            .any(|tag| tag.trim() == "*" || tag.trim() == object.etag)
    };
    if let Some(wanted) = given(request, "if-match")
        && !names(wanted)
    {
        return Some(
            request.refusal(
                &ApiError::new(
                    "PreconditionFailed",
                    "At least one of the pre-conditions you specified did not hold",
                )
                .with_status(412),
            ),
        );
    }
    if let Some(known) = given(request, "if-none-match")
        && names(known)
    {
        return Some(nothing(request, 304));
    }
    None
}

/// The whole body or the range that was asked for (RFC 9110, 14).
fn content(request: &ApiRequest, object: &Object) -> Result<ApiResponse, ApiError> {
    let body = object.body.bytes();
    let whole = || {
        let mut response = request.answer(200, "binary/octet-stream", body.clone());
        set(&mut response, "content-length", body.len().to_string());
        response
    };
    let Some(range) = given(request, "range") else {
        return Ok(whole());
    };
    let Some(range) = range
        .strip_prefix("bytes=")
        .filter(|range| !range.contains(','))
    else {
        return Ok(whole());
    };
    let (first, last) = range.split_once('-').unwrap_or((range, ""));
    let length = body.len();
    let span = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(length),
        (Ok(first), Err(_)) if last.is_empty() => first..length,
        (Err(_), Ok(count)) if first.is_empty() => length.saturating_sub(count)..length,
        _ => return Ok(whole()),
    };
    if span.start >= length {
        return Err(
            ApiError::new("InvalidRange", "The requested range is not satisfiable")
                .with_status(416),
        );
    }
    let part = body.slice(span.clone());
    let mut response = request.answer(206, "binary/octet-stream", part);
    set(&mut response, "content-length", span.len().to_string());
    set(
        &mut response,
        "content-range",
        format!("bytes {}-{}/{length}", span.start, span.end - 1),
    );
    Ok(response)
}

fn describe(response: &mut ApiResponse, request: &ApiRequest, version: &Version, object: &Object) {
    let partial = response.status() == http::StatusCode::PARTIAL_CONTENT;
    let checks = given(request, "x-amz-checksum-mode").is_some() && !partial;
    for (name, value) in &object.headers {
        if checks || !name.starts_with("x-amz-checksum-") {
            set(response, name, value);
        }
    }
    for (parameter, name) in OVERRIDES {
        if let Some(value) = request.param(parameter) {
            set(response, name, value);
        }
    }
    set(response, "etag", &object.etag);
    set(response, "last-modified", http_date(version.modified));
    set(response, "accept-ranges", "bytes");
    set(response, "x-amz-server-side-encryption", "AES256");
    if !object.tags.is_empty() {
        set(
            response,
            "x-amz-tagging-count",
            object.tags.len().to_string(),
        );
    }
}
