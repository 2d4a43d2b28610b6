//! S3: buckets, objects, who may see them.
//!
//! All of it is this crate's own: bodies are plain bytes in memory, so that a
//! copy of the cloud is cheap and its times and ids are the virtual ones.

use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state::State as Cloud;

mod access;
mod action;
mod ask;
mod buckets;
mod delivery;
mod listing;
mod multipart;
mod names;
mod notification;
mod notify;
mod objects;
mod place;
mod policy;
mod presigned;
mod presigned_v2;
mod read;
mod state;
mod unset;

pub use action::action;
pub use delivery::deliver;
pub use place::bucket_of_host;
pub use presigned::visit;
pub use read::fetch;
pub use state::{Block, State, Stored, written_since};

/// Answers a request.
///
/// # Errors
/// The service's own refusals.
pub fn handle(cloud: &mut Cloud, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    if let Some(owner) = ask::given(request, "x-amz-expected-bucket-owner")
        && owner != cloud.account
    {
        return Err(denied());
    }
    match request.action.as_str() {
        "ListBuckets" => buckets::list(cloud, request),
        "CreateBucket" => buckets::create(cloud, request),
        "DeleteBucket" => buckets::delete(cloud, request),
        "HeadBucket" => buckets::head(cloud, request),
        "GetBucketLocation" => buckets::location(cloud, request),
        "GetBucketTagging" => buckets::tagging(cloud, request),
        "PutBucketTagging" => buckets::put_tagging(cloud, request),
        "DeleteBucketTagging" => buckets::delete_tagging(cloud, request),
        "GetBucketVersioning" => buckets::versioning(cloud, request),
        "PutBucketVersioning" => buckets::put_versioning(cloud, request),
        "GetBucketEncryption" => buckets::encryption(cloud, request),
        "GetBucketOwnershipControls" => buckets::ownership(cloud, request),
        "PutBucketOwnershipControls" => buckets::put_ownership(cloud, request),
        "DeleteBucketOwnershipControls" => buckets::delete_ownership(cloud, request),
        "GetPublicAccessBlock" => access::block(cloud, request),
        "PutPublicAccessBlock" => access::put_block(cloud, request),
        "DeletePublicAccessBlock" => access::delete_block(cloud, request),
        "GetBucketPolicy" => access::policy(cloud, request),
        "GetBucketPolicyStatus" => access::policy_status(cloud, request),
        "PutBucketPolicy" => access::put_policy(cloud, request),
        "DeleteBucketPolicy" => access::delete_policy(cloud, request),
        "GetBucketNotificationConfiguration" => notification::get(cloud, request),
        "PutBucketNotificationConfiguration" => notification::put(cloud, request),
        "ListObjects" | "ListObjectsV2" => listing::objects(cloud, request),
        "ListObjectVersions" => listing::versions(cloud, request),
        "PutObject" => objects::put(cloud, request),
        "CopyObject" => objects::copy(cloud, request),
        "DeleteObject" => objects::delete(cloud, request),
        "DeleteObjects" => objects::delete_many(cloud, request),
        "GetObjectTagging" => objects::tagging(cloud, request),
        "PutObjectTagging" => objects::put_tagging(cloud, request),
        "DeleteObjectTagging" => objects::delete_tagging(cloud, request),
        "GetObject" | "HeadObject" => read::object(cloud, request),
        "CreateMultipartUpload" => multipart::create(cloud, request),
        "UploadPart" => multipart::part(cloud, request),
        "CompleteMultipartUpload" => multipart::complete(cloud, request),
        "AbortMultipartUpload" => multipart::abort(cloud, request),
        "ListParts" => multipart::parts(cloud, request),
        "ListMultipartUploads" => multipart::list(cloud, request),
        other => unset::show(cloud, request)
            .unwrap_or_else(|| Err(ApiError::not_modelled(format_args!("s3:{other}")))),
    }
}

impl State {
    fn bucket(&self, name: &str) -> Result<&state::Bucket, ApiError> {
        if self.taken.contains(name) {
            return Err(denied());
        }
        self.buckets.get(name).ok_or_else(no_such_bucket)
    }

    fn bucket_mut(&mut self, name: &str) -> Result<&mut state::Bucket, ApiError> {
        if self.taken.contains(name) {
            return Err(denied());
        }
        self.buckets.get_mut(name).ok_or_else(no_such_bucket)
    }
}

fn no_such_bucket() -> ApiError {
    ApiError::new("NoSuchBucket", "The specified bucket does not exist").with_status(404)
}

fn no_such_key() -> ApiError {
    ApiError::new("NoSuchKey", "The specified key does not exist.").with_status(404)
}

fn denied() -> ApiError {
    ApiError::new("AccessDenied", "Access Denied").with_status(403)
}

/// An answer with nothing in it.
fn nothing(request: &ApiRequest, status: u16) -> ApiResponse {
    let mut response = request.answer(status, "application/xml", "");
    response.headers_mut().remove(http::header::CONTENT_TYPE);
    response
}

/// An XML answer with this root.
fn document(request: &ApiRequest, root: &str, inside: crate::api::xml::Xml) -> ApiResponse {
    let inside = inside.into_string();
    request.answer(
        200,
        "application/xml",
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} \
             xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inside}</{root}>"
        ),
    )
}

/// A time as S3's XML has it.
fn iso(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// A time as HTTP's headers have it (RFC 9110, 5.6.7).
fn http_date(at: jiff::Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Puts a header on an answer; a value that HTTP forbids is left out.
fn set(response: &mut ApiResponse, name: &str, value: impl AsRef<str>) {
    if let (Ok(name), Ok(value)) = (
        name.parse::<http::HeaderName>(),
        http::HeaderValue::from_str(value.as_ref()),
    ) {
        response.headers_mut().insert(name, value);
    }
}
