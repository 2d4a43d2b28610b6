//! Telling functions what has happened to an object.
//!
//! Source: Amazon S3 user guide, "Event message structure".

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::buckets::owner;
use super::notification::{Notification, PRINCIPAL};
use crate::furnish::CALLER_ADDRESS;
use crate::services::{iam, lambda};
use crate::state::State as Cloud;

/// What stays as it is in a key that is told.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*')
    .remove(b'/')
    .remove(b' ');

/// What is known of the object.
struct Subject {
    size: Option<u64>,
    etag: Option<String>,
    version: Option<String>,
}

/// Tells that an object was made: `how` is `Put`, `Copy`, ….
pub(super) fn created(cloud: &mut Cloud, bucket: &str, key: &str, how: &str) {
    let current = cloud
        .s3
        .buckets
        .get(bucket)
        .and_then(|bucket| bucket.current(key));
    let Some((version, object)) = current else {
        return;
    };
    let subject = Subject {
        size: Some(object.body.length()),
        etag: Some(object.etag.trim_matches('"').to_owned()),
        version: (version.id != "null").then(|| version.id.clone()),
    };
    tell(
        cloud,
        bucket,
        key,
        &format!("ObjectCreated:{how}"),
        &subject,
    );
}

/// Tells that an object was removed: `how` is `Delete` or `DeleteMarkerCreated`.
pub(super) fn removed(
    cloud: &mut Cloud,
    bucket: &str,
    key: &str,
    how: &str,
    version: Option<&str>,
) {
    let subject = Subject {
        size: None,
        etag: None,
        version: version.map(str::to_owned),
    };
    tell(
        cloud,
        bucket,
        key,
        &format!("ObjectRemoved:{how}"),
        &subject,
    );
}

fn tell(cloud: &mut Cloud, bucket: &str, key: &str, kind: &str, subject: &Subject) {
    let Some(found) = cloud.s3.buckets.get(bucket) else {
        return;
    };
    let told: Vec<Notification> = found
        .notifications
        .iter()
        .filter(|notification| notification.is_about(kind, key))
        .cloned()
        .collect();
    for notification in told {
        let event = event(cloud, bucket, key, kind, subject, &notification.id);
        let source = format!("arn:aws:s3:::{bucket}");
        // What the function's policy does not let in any more is lost, as with AWS.
        lambda::invoked_by(cloud, PRINCIPAL, &source, &notification.function, event);
    }
}

fn event(
    cloud: &mut Cloud,
    bucket: &str,
    key: &str,
    kind: &str,
    subject: &Subject,
    id: &str,
) -> String {
    let mut object = json!({
        "key": utf8_percent_encode(key, KEPT).to_string().replace(' ', "+"),
        "sequencer": format!("{:018X}", cloud.now.as_nanosecond()),
    });
    if let Some(size) = subject.size {
        object["size"] = json!(size);
    }
    if let Some(etag) = &subject.etag {
        object["eTag"] = json!(etag);
    }
    if let Some(version) = &subject.version {
        object["versionId"] = json!(version);
    }
    json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": cloud.region,
        "eventTime": cloud.now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        "eventName": kind,
        "userIdentity": {"principalId": format!("AWS:{}", iam::USER_ID)},
        "requestParameters": {"sourceIPAddress": CALLER_ADDRESS},
        "responseElements": {"x-amz-request-id": cloud.requests.uuid()},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": id,
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": owner(&cloud.account)},
                "arn": format!("arn:aws:s3:::{bucket}"),
            },
            "object": object,
        },
    }]})
    .to_string()
}
