//! The policies of a role: its own, and managed ones that are attached.

use super::roles::{find, find_mut};
use super::{Page, encoded, managed, new_name, policy_document};
use crate::api::xml::Xml;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state::State;

fn no_such_policy(name: &str) -> ApiError {
    ApiError::new(
        "NoSuchEntity",
        format!("The role policy with name {name} cannot be found."),
    )
    .with_status(404)
}

pub(super) fn put(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName", "PolicyName", "PolicyDocument"])?;
    let document = policy_document(request, "PolicyDocument")?;
    let name = new_name(request, "PolicyName", 128)?.to_owned();
    find_mut(cloud, request.required("RoleName")?)?
        .inline
        .insert(name, document);
    Ok(request.done())
}

pub(super) fn get(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName", "PolicyName"])?;
    let (role, name) = (
        request.required("RoleName")?,
        request.required("PolicyName")?,
    );
    let document = find(cloud, role)?
        .inline
        .get(name)
        .ok_or_else(|| no_such_policy(name))?;
    Ok(request.xml(
        Xml::new()
            .text("RoleName", role)
            .text("PolicyName", name)
            .text("PolicyDocument", encoded(document)),
    ))
}

pub(super) fn delete(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName", "PolicyName"])?;
    let name = request.required("PolicyName")?;
    find_mut(cloud, request.required("RoleName")?)?
        .inline
        .remove(name)
        .ok_or_else(|| no_such_policy(name))?;
    Ok(request.done())
}

pub(super) fn list(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName", "Marker", "MaxItems"])?;
    let role = find(cloud, request.required("RoleName")?)?;
    let page = Page::of(request, role.inline.keys().collect())?;
    Ok(request.xml(page.xml("PolicyNames", |name, xml| {
        xml.raw(&crate::api::xml::escape(name))
    })))
}

pub(super) fn attach(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName", "PolicyArn"])?;
    let arn = request.required("PolicyArn")?;
    managed::name_of(cloud, arn)?;
    let role = find_mut(cloud, request.required("RoleName")?)?;
    if !role.attached.iter().any(|attached| attached == arn) {
        if role.attached.len() == 10 {
            return Err(ApiError::new(
                "LimitExceeded",
                "Cannot exceed quota for PoliciesPerRole: 10",
            )
            .with_status(409));
        }
        role.attached.push(arn.to_owned());
    }
    Ok(request.done())
}

pub(super) fn detach(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName", "PolicyArn"])?;
    let arn = request.required("PolicyArn")?;
    let role = find_mut(cloud, request.required("RoleName")?)?;
    let before = role.attached.len();
    role.attached.retain(|attached| attached != arn);
    if role.attached.len() == before {
        return Err(
            ApiError::new("NoSuchEntity", format!("Policy {arn} was not found.")).with_status(404),
        );
    }
    Ok(request.done())
}

pub(super) fn attached(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName", "Marker", "MaxItems"])?;
    let role = find(cloud, request.required("RoleName")?)?;
    let page = Page::of(request, role.attached.iter().collect())?;
    Ok(request.xml(page.xml("AttachedPolicies", |arn, xml| {
        let name = managed::name_of(cloud, arn).unwrap_or_default();
        xml.text("PolicyName", name).text("PolicyArn", arn)
    })))
}
