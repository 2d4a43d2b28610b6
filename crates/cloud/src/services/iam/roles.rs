//! Roles.

use super::{
    Page, Role, arn, conflict, encoded, exists, new_name, new_tags, no_such, path_of,
    policy_document, tags_xml, time, unique,
};
use crate::api::xml::Xml;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state::State;

pub(super) fn find<'c>(cloud: &'c State, name: &str) -> Result<&'c Role, ApiError> {
    cloud
        .iam
        .roles
        .get(name)
        .ok_or_else(|| no_such("role", name))
}

pub(super) fn find_mut<'c>(cloud: &'c mut State, name: &str) -> Result<&'c mut Role, ApiError> {
    cloud
        .iam
        .roles
        .get_mut(name)
        .ok_or_else(|| no_such("role", name))
}

pub(super) fn xml(account: &str, name: &str, role: &Role, xml: Xml) -> Xml {
    let xml = xml
        .text("Path", &role.path)
        .text("RoleName", name)
        .text("RoleId", &role.id)
        .text("Arn", arn(account, "role", &role.path, name))
        .text("CreateDate", time(role.created))
        .text("AssumeRolePolicyDocument", encoded(&role.trust))
        .optional("Description", role.description.as_ref())
        .text("MaxSessionDuration", role.max_session);
    tags_xml(xml, &role.tags)
}

pub(super) fn create(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&[
        "RoleName",
        "Path",
        "AssumeRolePolicyDocument",
        "Description",
        "MaxSessionDuration",
        "Tags",
    ])?;
    let name = new_name(request, "RoleName", 64)?;
    let trust = policy_document(request, "AssumeRolePolicyDocument")?;
    if cloud.iam.roles.contains_key(name) {
        return Err(exists("Role", name));
    }
    let role = Role {
        id: unique(&mut cloud.ids, "AROA"),
        path: path_of(request)?,
        created: cloud.now,
        trust,
        description: request.param("Description").map(str::to_owned),
        max_session: max_session(request)?.unwrap_or(3600),
        tags: new_tags(request)?,
        inline: std::collections::BTreeMap::new(),
        attached: Vec::new(),
    };
    let answer =
        request.xml(Xml::new().node("Role", |into| xml(&cloud.account, name, &role, into)));
    cloud.iam.roles.insert(name.to_owned(), role);
    Ok(answer)
}

fn max_session(request: &ApiRequest) -> Result<Option<i64>, ApiError> {
    let seconds = request.integer("MaxSessionDuration")?;
    if seconds.is_some_and(|seconds| !(3600..=43_200).contains(&seconds)) {
        return Err(ApiError::new(
            "ValidationError",
            "MaxSessionDuration must be between 3600 and 43200 seconds",
        ));
    }
    Ok(seconds)
}

pub(super) fn get(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName"])?;
    let name = request.required("RoleName")?;
    let role = find(cloud, name)?;
    Ok(request.xml(Xml::new().node("Role", |into| xml(&cloud.account, name, role, into))))
}

pub(super) fn list(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["PathPrefix", "Marker", "MaxItems"])?;
    let prefix = request.param("PathPrefix").unwrap_or("/");
    let found = cloud
        .iam
        .roles
        .iter()
        .filter(|(_, role)| role.path.starts_with(prefix))
        .collect();
    let page = Page::of(request, found)?;
    Ok(request.xml(page.xml("Roles", |(name, role), into| {
        xml(&cloud.account, name, role, into)
    })))
}

pub(super) fn delete(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName"])?;
    let name = request.required("RoleName")?;
    let role = find(cloud, name)?;
    let used = cloud
        .iam
        .profiles
        .values()
        .any(|profile| profile.role.as_deref() == Some(name));
    if used {
        return Err(conflict(
            "Cannot delete entity, must remove roles from instance profile first.",
        ));
    }
    if !role.attached.is_empty() {
        return Err(conflict(
            "Cannot delete entity, must detach all policies first.",
        ));
    }
    if !role.inline.is_empty() {
        return Err(conflict(
            "Cannot delete entity, must delete policies first.",
        ));
    }
    cloud.iam.roles.remove(name);
    Ok(request.done())
}

pub(super) fn update(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName", "Description", "MaxSessionDuration"])?;
    let seconds = max_session(request)?;
    let role = find_mut(cloud, request.required("RoleName")?)?;
    if let Some(description) = request.param("Description") {
        role.description = Some(description.to_owned());
    }
    if let Some(seconds) = seconds {
        role.max_session = seconds;
    }
    Ok(request.done())
}

pub(super) fn trust(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName", "PolicyDocument"])?;
    let document = policy_document(request, "PolicyDocument")?;
    find_mut(cloud, request.required("RoleName")?)?.trust = document;
    Ok(request.done())
}

pub(super) fn tag(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName", "Tags"])?;
    let tags = new_tags(request)?;
    find_mut(cloud, request.required("RoleName")?)?
        .tags
        .extend(tags);
    Ok(request.done())
}

pub(super) fn untag(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName", "TagKeys"])?;
    let role = find_mut(cloud, request.required("RoleName")?)?;
    for key in request.list("TagKeys") {
        role.tags.remove(key);
    }
    Ok(request.done())
}

pub(super) fn tags(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName", "Marker", "MaxItems"])?;
    let role = find(cloud, request.required("RoleName")?)?;
    let page = Page::of(request, role.tags.iter().collect())?;
    Ok(request.xml(page.xml("Tags", |(key, value), xml| {
        xml.text("Key", key).text("Value", value)
    })))
}
