//! STS: who calls, and as whom else.

use jiff::SignedDuration;

use super::iam;
use crate::api::xml::Xml;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::furnish::{ACCESS_KEY, SECRET_KEY, caller};
use crate::state::State;

/// Answers a request.
///
/// # Errors
/// The service's own refusals.
pub fn handle(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    match request.action.as_str() {
        "GetCallerIdentity" => {
            request.only(&[])?;
            Ok(request.xml(
                Xml::new()
                    .text("Arn", caller(&cloud.account))
                    .text("UserId", iam::USER_ID)
                    .text("Account", &cloud.account),
            ))
        }
        "AssumeRole" => assume(cloud, request),
        other => Err(ApiError::not_modelled(format_args!("sts:{other}"))),
    }
}

/// Temporary credentials; the embedded cloud takes any, because it evaluates no
/// permissions of the account's own principals.
fn assume(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleArn", "RoleSessionName", "DurationSeconds"])?;
    let arn = request.required("RoleArn")?;
    let session = request.required("RoleSessionName")?;
    let seconds = request.integer("DurationSeconds")?.unwrap_or(3600);
    let role = iam::role_by_arn(cloud, arn).ok_or_else(|| {
        ApiError::new(
            "AccessDenied",
            format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
                caller(&cloud.account)
            ),
        )
        .with_status(403)
    })?;
    let end = cloud
        .now
        .checked_add(SignedDuration::from_secs(seconds.clamp(900, 43_200)))
        .unwrap_or(cloud.now);
    let token = hex::encode(cloud.ids.bytes::<32>());
    let assumed = format!(
        "arn:aws:sts::{}:assumed-role/{}/{session}",
        cloud.account, role.name
    );
    Ok(request.xml(
        Xml::new()
            .node("AssumedRoleUser", |xml| {
                xml.text("AssumedRoleId", format!("{}:{session}", role.id))
                    .text("Arn", assumed)
            })
            .node("Credentials", |xml| {
                xml.text("AccessKeyId", ACCESS_KEY.replacen("AKIA", "ASIA", 1))
                    .text("SecretAccessKey", SECRET_KEY)
                    .text("SessionToken", token)
                    .text("Expiration", end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
            }),
    ))
}
