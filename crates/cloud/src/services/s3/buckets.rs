//! Making, finding, describing and removing buckets.

use super::ask::{self, bucket, document as parse, given, only, tags_of};
use super::state::{Bucket, Versioning};
use super::{denied, document, iso, names, no_such_bucket, nothing, set};
use crate::api::xml::Xml;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state::State;

/// The owner's id in answers: stable, as the account's canonical user id is.
pub(super) fn owner(account: &str) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(account.as_bytes()))
}

pub(super) fn list(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(
        request,
        &[],
        &[
            "prefix",
            "max-buckets",
            "bucket-region",
            "continuation-token",
        ],
    )?;
    let prefix = request.param("prefix").unwrap_or_default();
    let after = request.param("continuation-token").unwrap_or_default();
    let most = match request.integer("max-buckets")? {
        None => usize::MAX,
        Some(most) => usize::try_from(most).unwrap_or(1).max(1),
    };
    let other_region = request
        .param("bucket-region")
        .is_some_and(|region| region != cloud.region);
    let found: Vec<_> = cloud
        .s3
        .buckets
        .iter()
        .filter(|(name, _)| !other_region && name.starts_with(prefix) && name.as_str() > after)
        .collect();
    let shown = &found[..found.len().min(most)];
    let next = (shown.len() < found.len())
        .then(|| shown.last().map(|(name, _)| (*name).clone()))
        .flatten();
    let xml = Xml::new()
        .list("Buckets", "Bucket", shown, |(name, bucket), xml| {
            xml.text("Name", name)
                .text("BucketRegion", &cloud.region)
                .text("CreationDate", iso(bucket.created))
        })
        .node("Owner", |xml| xml.text("ID", owner(&cloud.account)))
        .optional("ContinuationToken", next)
        .optional("Prefix", request.param("prefix"));
    Ok(document(request, "ListAllMyBucketsResult", xml))
}

/// Source: API reference, `CreateBucket`; in us-east-1 a bucket of one's own is
/// made again with success.
pub(super) fn create(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &["x-amz-object-ownership", "x-amz-acl"], &[])?;
    // Tools say it although it is what any new bucket has.
    if let Some(acl) = ask::given(request, "x-amz-acl").filter(|acl| acl != "private") {
        return Err(ApiError::not_modelled(format_args!(
            "s3:CreateBucket header 'x-amz-acl: {acl}'"
        )));
    }
    let name = bucket(request)?;
    if !names::valid(&name) {
        return Err(ApiError::new(
            "InvalidBucketName",
            "The specified bucket is not valid.",
        ));
    }
    let mut tags = Vec::new();
    let mut constraint = None;
    if !request.http.body().is_empty() {
        let configuration = parse(request)?;
        configuration.only(request, &["LocationConstraint", "Tags"])?;
        constraint = configuration
            .text_of("LocationConstraint")
            .map(str::to_owned);
        if let Some(set) = configuration.child("Tags") {
            tags = tags_of(set, 50)?;
        }
    }
    match (constraint.as_deref(), cloud.region.as_str()) {
        (None, "us-east-1") => {}
        (Some(constraint), region) if constraint == region && region != "us-east-1" => {}
        (Some("us-east-1"), _) => {
            return Err(ApiError::new(
                "InvalidLocationConstraint",
                "The specified location-constraint is not valid",
            ));
        }
        (constraint, _) => {
            let constraint = constraint.unwrap_or("unspecified");
            return Err(ApiError::new(
                "IllegalLocationConstraintException",
                format!(
                    "The {constraint} location constraint is incompatible for the region \
                     specific endpoint this request was sent to."
                ),
            ));
        }
    }
    if cloud.s3.taken.contains(&name) {
        return Err(ApiError::new(
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by \
             all users of the system. Please select a different name and try again.",
        )
        .with_status(409));
    }
    if cloud.s3.buckets.contains_key(&name) {
        if cloud.region != "us-east-1" {
            return Err(ApiError::new(
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
            )
            .with_status(409));
        }
    } else {
        let mut bucket = Bucket::new(cloud.now);
        bucket.tags = tags;
        if let Some(ownership) = given(request, "x-amz-object-ownership") {
            check_ownership(&ownership)?;
            bucket.ownership = Some(ownership);
        }
        cloud.s3.buckets.insert(name.clone(), bucket);
    }
    let mut response = nothing(request, 200);
    set(&mut response, "location", format!("/{name}"));
    Ok(response)
}

pub(super) fn delete(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &[])?;
    let name = bucket(request)?;
    if !cloud.s3.bucket(&name)?.objects.is_empty() {
        return Err(ApiError::new(
            "BucketNotEmpty",
            "The bucket you tried to delete is not empty",
        )
        .with_status(409));
    }
    cloud.s3.buckets.remove(&name);
    cloud.s3.uploads.retain(|_, upload| upload.bucket != name);
    Ok(nothing(request, 204))
}

/// A HEAD's refusal has no body, so its code is lost: S3 itself says as little.
pub(super) fn head(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &[])?;
    let name = bucket(request)?;
    let status = if cloud.s3.taken.contains(&name) {
        denied().status
    } else if cloud.s3.buckets.contains_key(&name) {
        200
    } else {
        no_such_bucket().status
    };
    let mut response = nothing(request, status);
    set(&mut response, "x-amz-bucket-region", &cloud.region);
    Ok(response)
}

pub(super) fn location(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["location"])?;
    cloud.s3.bucket(&bucket(request)?)?;
    let region = match cloud.region.as_str() {
        "us-east-1" => "",
        region => region,
    };
    Ok(document(
        request,
        "LocationConstraint",
        Xml::new().raw(region),
    ))
}

pub(super) fn tagging(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["tagging"])?;
    let tags = &cloud.s3.bucket(&bucket(request)?)?.tags;
    if tags.is_empty() {
        return Err(ApiError::new("NoSuchTagSet", "The TagSet does not exist").with_status(404));
    }
    Ok(document(request, "Tagging", tag_set(tags)))
}

pub(super) fn tag_set(tags: &[(String, String)]) -> Xml {
    Xml::new().list("TagSet", "Tag", tags, |(key, value), xml| {
        xml.text("Key", key).text("Value", value)
    })
}

pub(super) fn put_tagging(
    cloud: &mut State,
    request: &ApiRequest,
) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["tagging"])?;
    ask::verify(request)?;
    let tagging = parse(request)?;
    let tags = match tagging.child("TagSet") {
        Some(set) => tags_of(set, 50)?,
        None => Vec::new(),
    };
    cloud.s3.bucket_mut(&bucket(request)?)?.tags = tags;
    Ok(nothing(request, 204))
}

pub(super) fn delete_tagging(
    cloud: &mut State,
    request: &ApiRequest,
) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["tagging"])?;
    cloud.s3.bucket_mut(&bucket(request)?)?.tags.clear();
    Ok(nothing(request, 204))
}

pub(super) fn versioning(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["versioning"])?;
    let status = match cloud.s3.bucket(&bucket(request)?)?.versioning {
        Versioning::Off => None,
        Versioning::Enabled => Some("Enabled"),
        Versioning::Suspended => Some("Suspended"),
    };
    Ok(document(
        request,
        "VersioningConfiguration",
        Xml::new().optional("Status", status),
    ))
}

pub(super) fn put_versioning(
    cloud: &mut State,
    request: &ApiRequest,
) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["versioning"])?;
    ask::verify(request)?;
    let configuration = parse(request)?;
    configuration.only(request, &["Status"])?;
    let versioning = match configuration.text_of("Status") {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        _ => {
            return Err(ApiError::new(
                "IllegalVersioningConfigurationException",
                "The Versioning element must be specified",
            ));
        }
    };
    cloud.s3.bucket_mut(&bucket(request)?)?.versioning = versioning;
    Ok(nothing(request, 200))
}

/// Every bucket is encrypted with SSE-S3 since January 2023; other
/// configurations are not modelled.
pub(super) fn encryption(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["encryption"])?;
    cloud.s3.bucket(&bucket(request)?)?;
    let xml = Xml::new().node("Rule", |xml| {
        xml.node("ApplyServerSideEncryptionByDefault", |xml| {
            xml.text("SSEAlgorithm", "AES256")
        })
        .text("BucketKeyEnabled", false)
    });
    Ok(document(request, "ServerSideEncryptionConfiguration", xml))
}

pub(super) fn ownership(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["ownershipControls"])?;
    let bucket = cloud.s3.bucket(&bucket(request)?)?;
    let Some(ownership) = &bucket.ownership else {
        return Err(ApiError::new(
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
        )
        .with_status(404));
    };
    let xml = Xml::new().node("Rule", |xml| xml.text("ObjectOwnership", ownership));
    Ok(document(request, "OwnershipControls", xml))
}

/// Ownership matters for access control lists only, and those are refused by name.
fn check_ownership(ownership: &str) -> Result<(), ApiError> {
    if [
        "BucketOwnerEnforced",
        "BucketOwnerPreferred",
        "ObjectWriter",
    ]
    .contains(&ownership)
    {
        return Ok(());
    }
    Err(ApiError::new(
        "MalformedXML",
        format!("'{ownership}' is no object ownership"),
    ))
}

pub(super) fn put_ownership(
    cloud: &mut State,
    request: &ApiRequest,
) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["ownershipControls"])?;
    ask::verify(request)?;
    let controls = parse(request)?;
    controls.only(request, &["Rule"])?;
    let ownership = controls
        .child("Rule")
        .and_then(|rule| rule.text_of("ObjectOwnership"))
        .unwrap_or_default()
        .to_owned();
    check_ownership(&ownership)?;
    cloud.s3.bucket_mut(&bucket(request)?)?.ownership = Some(ownership);
    Ok(nothing(request, 200))
}

pub(super) fn delete_ownership(
    cloud: &mut State,
    request: &ApiRequest,
) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["ownershipControls"])?;
    cloud.s3.bucket_mut(&bucket(request)?)?.ownership = None;
    Ok(nothing(request, 204))
}
