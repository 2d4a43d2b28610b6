//! Objects that AWS's own services put into a bucket.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::objects::etag;
use super::policy::Policy;
use super::state::Object;
use super::{denied, notify};
use crate::api::ApiError;
use crate::body::Body;
use crate::state::State as Cloud;

/// Puts an object for the service `principal`, if the bucket's policy lets it.
///
/// # Errors
/// `NoSuchBucket`, `AccessDenied`.
pub fn deliver(
    cloud: &mut Cloud,
    principal: &str,
    bucket: &str,
    key: &str,
    content_type: &str,
    content: Bytes,
) -> Result<(), ApiError> {
    let found = cloud.s3.bucket_mut(bucket)?;
    let resource = format!("arn:aws:s3:::{bucket}/{key}");
    let allowed = found
        .policy
        .as_deref()
        .and_then(|policy| Policy::parse(policy, bucket).ok())
        .is_some_and(|policy| policy.allows_service(principal, "s3:PutObject", &resource));
    if !allowed {
        return Err(denied());
    }
    let object = Object {
        etag: etag(&content),
        body: Body::new(content),
        headers: BTreeMap::from([("content-type".to_owned(), content_type.to_owned())]),
        tags: Vec::new(),
    };
    found.store(key.to_owned(), Some(object), cloud.now, &mut cloud.ids);
    notify::created(cloud, bucket, key, "Put");
    Ok(())
}
