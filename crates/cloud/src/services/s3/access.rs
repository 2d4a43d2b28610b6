//! Who may see a bucket: Block Public Access and the bucket's policy.
//!
//! Source: Amazon S3 user guide, "Blocking public access to your Amazon S3 storage".

use super::ask::{self, bucket, document as parse, only};
use super::policy::Policy;
use super::state::{Block, Bucket};
use super::{document, nothing};
use crate::api::xml::Xml;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state::State;

pub(super) fn block(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["publicAccessBlock"])?;
    let Some(block) = cloud.s3.bucket(&bucket(request)?)?.block else {
        return Err(ApiError::new(
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        )
        .with_status(404));
    };
    let xml = Xml::new()
        .text("BlockPublicAcls", block.acls)
        .text("IgnorePublicAcls", block.ignore_acls)
        .text("BlockPublicPolicy", block.policy)
        .text("RestrictPublicBuckets", block.restrict);
    Ok(document(request, "PublicAccessBlockConfiguration", xml))
}

pub(super) fn put_block(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["publicAccessBlock"])?;
    ask::verify(request)?;
    let configuration = parse(request)?;
    configuration.only(
        request,
        &[
            "BlockPublicAcls",
            "IgnorePublicAcls",
            "BlockPublicPolicy",
            "RestrictPublicBuckets",
        ],
    )?;
    let on = |name: &str| configuration.text_of(name) == Some("true");
    cloud.s3.bucket_mut(&bucket(request)?)?.block = Some(Block {
        acls: on("BlockPublicAcls"),
        ignore_acls: on("IgnorePublicAcls"),
        policy: on("BlockPublicPolicy"),
        restrict: on("RestrictPublicBuckets"),
    });
    Ok(nothing(request, 200))
}

pub(super) fn delete_block(
    cloud: &mut State,
    request: &ApiRequest,
) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["publicAccessBlock"])?;
    cloud.s3.bucket_mut(&bucket(request)?)?.block = None;
    Ok(nothing(request, 204))
}

fn no_policy() -> ApiError {
    ApiError::new("NoSuchBucketPolicy", "The bucket policy does not exist").with_status(404)
}

pub(super) fn policy(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["policy"])?;
    let policy = cloud.s3.bucket(&bucket(request)?)?.policy.clone();
    Ok(request.answer(200, "application/json", policy.ok_or_else(no_policy)?))
}

pub(super) fn policy_status(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["policyStatus"])?;
    let name = bucket(request)?;
    let text = cloud
        .s3
        .bucket(&name)?
        .policy
        .clone()
        .ok_or_else(no_policy)?;
    let public = Policy::parse(&text, &name)?.is_public();
    Ok(document(
        request,
        "PolicyStatus",
        Xml::new().text("IsPublic", if public { "TRUE" } else { "FALSE" }),
    ))
}

pub(super) fn put_policy(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["policy"])?;
    ask::verify(request)?;
    let name = bucket(request)?;
    let account_block = cloud.s3.account_block;
    let bucket = cloud.s3.bucket_mut(&name)?;
    let text = String::from_utf8_lossy(request.http.body()).into_owned();
    if text.len() > 20 * 1024 {
        return Err(ApiError::new(
            "PolicyTooLarge",
            "Normalized policy document exceeds the maximum allowed size",
        ));
    }
    let policy = Policy::parse(&text, &name)?;
    let blocked = bucket.block.is_some_and(|block| block.policy);
    if policy.is_public() && (blocked || account_block.policy) {
        return Err(ApiError::new(
            "AccessDenied",
            format!(
                "User: {} is not authorized to perform: s3:PutBucketPolicy on resource: \
                 \"arn:aws:s3:::{name}\" because public policies are prevented by the \
                 BlockPublicPolicy setting in S3 Block Public Access.",
                crate::furnish::caller(&cloud.account)
            ),
        )
        .with_status(403));
    }
    bucket.policy = Some(text);
    Ok(nothing(request, 204))
}

pub(super) fn delete_policy(
    cloud: &mut State,
    request: &ApiRequest,
) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["policy"])?;
    cloud.s3.bucket_mut(&bucket(request)?)?.policy = None;
    Ok(nothing(request, 204))
}

/// Whether anybody may do `action` to an object of the bucket.
pub(super) fn allows_anybody(
    account_block: Block,
    name: &str,
    bucket: &Bucket,
    action: &str,
    key: &str,
    secure: bool,
) -> bool {
    let restricted = account_block.restrict || bucket.block.is_some_and(|block| block.restrict);
    let policy = bucket
        .policy
        .as_deref()
        .and_then(|text| Policy::parse(text, name).ok());
    !restricted
        && policy.is_some_and(|policy| {
            policy.allows_anybody(action, &format!("arn:aws:s3:::{name}/{key}"), secure)
        })
}
