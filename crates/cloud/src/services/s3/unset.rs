//! What every bucket has as long as nobody sets it; and nobody can set it here.
//!
//! Terraform asks for all of it whenever it looks at a bucket.

use super::ask::{bucket, only};
use super::buckets::owner;
use super::document;
use crate::api::xml::Xml;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state::State;

/// Configurations that a bucket has not: the action, the refusal's code and words, as in
/// the API reference's list of error codes.
const ABSENT: [(&str, &str, &str); 5] = [
    (
        "GetBucketCors",
        "NoSuchCORSConfiguration",
        "The CORS configuration does not exist",
    ),
    (
        "GetBucketLifecycleConfiguration",
        "NoSuchLifecycleConfiguration",
        "The lifecycle configuration does not exist",
    ),
    (
        "GetBucketReplication",
        "ReplicationConfigurationNotFoundError",
        "The replication configuration was not found",
    ),
    (
        "GetBucketWebsite",
        "NoSuchWebsiteConfiguration",
        "The specified bucket does not have a website configuration",
    ),
    (
        "GetObjectLockConfiguration",
        "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket",
    ),
];

/// Answers what asks for such a thing; `None` for other actions.
pub(super) fn show(cloud: &State, request: &ApiRequest) -> Option<Result<ApiResponse, ApiError>> {
    let absent = ABSENT
        .iter()
        .find(|(action, _, _)| *action == request.action);
    let (parameter, root, inside) = match request.action.as_str() {
        "GetBucketAccelerateConfiguration" => ("accelerate", "AccelerateConfiguration", Xml::new()),
        "GetBucketLogging" => ("logging", "BucketLoggingStatus", Xml::new()),
        "GetBucketRequestPayment" => (
            "requestPayment",
            "RequestPaymentConfiguration",
            Xml::new().text("Payer", "BucketOwner"),
        ),
        "GetBucketAcl" => ("acl", "AccessControlPolicy", access(&owner(&cloud.account))),
        _ => {
            let (_, code, words) = absent?;
            let refused = existing(cloud, request, None)
                .and_then(|()| Err(ApiError::new(*code, *words).with_status(404)));
            return Some(refused);
        }
    };
    let shown = existing(cloud, request, Some(parameter));
    Some(shown.map(|()| document(request, root, inside)))
}

/// The bucket must be there, and nothing else be asked.
fn existing(cloud: &State, request: &ApiRequest, only_one: Option<&str>) -> Result<(), ApiError> {
    if let Some(parameter) = only_one {
        only(request, &[], &[parameter])?;
    }
    cloud.s3.bucket(&bucket(request)?).map(|_| ())
}

/// The list of a bucket without access control lists: its owner may do everything.
fn access(owner: &str) -> Xml {
    let grantee = format!(
        "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:type=\"CanonicalUser\"><ID>{owner}</ID></Grantee>"
    );
    Xml::new()
        .node("Owner", |xml| xml.text("ID", owner))
        .node("AccessControlList", |xml| {
            xml.node("Grant", |xml| {
                xml.raw(&grantee).text("Permission", "FULL_CONTROL")
            })
        })
}
