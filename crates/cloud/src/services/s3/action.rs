//! Which action a request means: by method, by bucket or key, by the query.

use bytes::Bytes;
use http::Method;

use super::place::Place;
use crate::router::{header, pairs};

/// What names an action when it is among the query's parameters.
///
/// Method, whether a key is meant, parameter, action; the first that fits.
const BY_PARAMETER: [(&str, bool, &str, &str); 45] = [
    ("GET", false, "location", "GetBucketLocation"),
    (
        "GET",
        false,
        "accelerate",
        "GetBucketAccelerateConfiguration",
    ),
    ("GET", false, "acl", "GetBucketAcl"),
    ("GET", false, "cors", "GetBucketCors"),
    ("GET", false, "lifecycle", "GetBucketLifecycleConfiguration"),
    ("GET", false, "logging", "GetBucketLogging"),
    ("GET", false, "object-lock", "GetObjectLockConfiguration"),
    ("GET", false, "replication", "GetBucketReplication"),
    ("GET", false, "requestPayment", "GetBucketRequestPayment"),
    ("GET", false, "website", "GetBucketWebsite"),
    (
        "GET",
        false,
        "notification",
        "GetBucketNotificationConfiguration",
    ),
    (
        "PUT",
        false,
        "notification",
        "PutBucketNotificationConfiguration",
    ),
    ("GET", false, "policy", "GetBucketPolicy"),
    ("GET", false, "policyStatus", "GetBucketPolicyStatus"),
    ("GET", false, "publicAccessBlock", "GetPublicAccessBlock"),
    ("GET", false, "tagging", "GetBucketTagging"),
    ("GET", false, "versioning", "GetBucketVersioning"),
    (
        "GET",
        false,
        "ownershipControls",
        "GetBucketOwnershipControls",
    ),
    ("GET", false, "encryption", "GetBucketEncryption"),
    ("GET", false, "versions", "ListObjectVersions"),
    ("GET", false, "uploads", "ListMultipartUploads"),
    ("GET", false, "list-type", "ListObjectsV2"),
    ("PUT", false, "policy", "PutBucketPolicy"),
    ("PUT", false, "publicAccessBlock", "PutPublicAccessBlock"),
    ("PUT", false, "tagging", "PutBucketTagging"),
    ("PUT", false, "versioning", "PutBucketVersioning"),
    ("PUT", false, "encryption", "PutBucketEncryption"),
    (
        "PUT",
        false,
        "ownershipControls",
        "PutBucketOwnershipControls",
    ),
    ("DELETE", false, "policy", "DeleteBucketPolicy"),
    (
        "DELETE",
        false,
        "publicAccessBlock",
        "DeletePublicAccessBlock",
    ),
    ("DELETE", false, "tagging", "DeleteBucketTagging"),
    ("DELETE", false, "encryption", "DeleteBucketEncryption"),
    (
        "DELETE",
        false,
        "ownershipControls",
        "DeleteBucketOwnershipControls",
    ),
    ("POST", false, "delete", "DeleteObjects"),
    ("GET", true, "tagging", "GetObjectTagging"),
    ("GET", true, "uploadId", "ListParts"),
    ("GET", true, "attributes", "GetObjectAttributes"),
    ("PUT", true, "tagging", "PutObjectTagging"),
    ("PUT", true, "uploadId", "UploadPart"),
    ("DELETE", true, "tagging", "DeleteObjectTagging"),
    ("DELETE", true, "uploadId", "AbortMultipartUpload"),
    ("POST", true, "uploads", "CreateMultipartUpload"),
    ("POST", true, "uploadId", "CompleteMultipartUpload"),
    ("GET", true, "acl", "GetObjectAcl"),
    ("PUT", true, "acl", "PutObjectAcl"),
];

/// Parameters that say how, not what.
const HOW: [&str; 21] = [
    "x-id",
    "AWSAccessKeyId",
    "Expires",
    "Signature",
    "versionId",
    "partNumber",
    "prefix",
    "delimiter",
    "max-keys",
    "marker",
    "start-after",
    "continuation-token",
    "encoding-type",
    "fetch-owner",
    "key-marker",
    "version-id-marker",
    "upload-id-marker",
    "max-uploads",
    "max-buckets",
    "bucket-region",
    "response-content-type",
];

/// The action; what cannot be told is named by method and parameter.
#[must_use]
pub fn action(http: &http::Request<Bytes>) -> String {
    let params = pairs(http.uri().query().unwrap_or_default());
    let place = Place::of(http);
    let method = http.method().as_str();
    let has_key = place.key.is_some();
    for (by, key, parameter, action) in BY_PARAMETER {
        if by == method && key == has_key && params.contains_key(parameter) {
            return match action {
                "UploadPart" if !header(http, "x-amz-copy-source").is_empty() => "UploadPartCopy",
                action => action,
            }
            .to_owned();
        }
    }
    let strange = params.keys().find(|name| {
        !HOW.contains(&name.as_str())
            && !name.starts_with("X-Amz-")
            && !name.starts_with("response-")
    });
    if let Some(name) = strange {
        return format!("{method}?{name}");
    }
    let action = match (http.method(), &place.bucket, has_key) {
        (&Method::GET, None, _) => "ListBuckets",
        (&Method::GET, Some(_), false) => "ListObjects",
        (&Method::PUT, Some(_), false) => "CreateBucket",
        (&Method::DELETE, Some(_), false) => "DeleteBucket",
        (&Method::HEAD, Some(_), false) => "HeadBucket",
        (&Method::GET, Some(_), true) => "GetObject",
        (&Method::HEAD, Some(_), true) => "HeadObject",
        (&Method::DELETE, Some(_), true) => "DeleteObject",
        (&Method::PUT, Some(_), true) => {
            if header(http, "x-amz-copy-source").is_empty() {
                "PutObject"
            } else {
                "CopyObject"
            }
        }
        _ => method,
    };
    action.to_owned()
}
