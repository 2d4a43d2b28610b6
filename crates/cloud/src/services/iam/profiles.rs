//! Instance profiles: what carries a role to an instance.

use super::{
    Page, Profile, arn, conflict, exists, new_name, new_tags, no_such, path_of, roles, tags_xml,
    time, unique,
};
use crate::api::xml::Xml;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state::State;

fn find<'c>(cloud: &'c mut State, name: &str) -> Result<&'c mut Profile, ApiError> {
    cloud.iam.profiles.get_mut(name).ok_or_else(|| {
        ApiError::new(
            "NoSuchEntity",
            format!("Instance Profile {name} cannot be found."),
        )
        .with_status(404)
    })
}

fn xml(cloud: &State, name: &str, profile: &Profile, xml: Xml) -> Xml {
    let role = profile
        .role
        .as_ref()
        .and_then(|role| Some((role, cloud.iam.roles.get(role)?)));
    let xml = xml
        .text("Path", &profile.path)
        .text("InstanceProfileName", name)
        .text("InstanceProfileId", &profile.id)
        .text(
            "Arn",
            arn(&cloud.account, "instance-profile", &profile.path, name),
        )
        .text("CreateDate", time(profile.created))
        .list("Roles", "member", role, |(name, role), xml| {
            roles::xml(&cloud.account, name, role, xml)
        });
    tags_xml(xml, &profile.tags)
}

pub(super) fn create(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["InstanceProfileName", "Path", "Tags"])?;
    let name = new_name(request, "InstanceProfileName", 128)?;
    if cloud.iam.profiles.contains_key(name) {
        return Err(exists("Instance Profile", name));
    }
    let profile = Profile {
        id: unique(&mut cloud.ids, "AIPA"),
        path: path_of(request)?,
        created: cloud.now,
        tags: new_tags(request)?,
        role: None,
    };
    let answer =
        request.xml(Xml::new().node("InstanceProfile", |into| xml(cloud, name, &profile, into)));
    cloud.iam.profiles.insert(name.to_owned(), profile);
    Ok(answer)
}

pub(super) fn get(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["InstanceProfileName"])?;
    let name = request.required("InstanceProfileName")?;
    let profile = find(cloud, name)?.clone();
    Ok(request.xml(Xml::new().node("InstanceProfile", |into| xml(cloud, name, &profile, into))))
}

pub(super) fn list(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["PathPrefix", "Marker", "MaxItems"])?;
    let prefix = request.param("PathPrefix").unwrap_or("/");
    let found = cloud
        .iam
        .profiles
        .iter()
        .filter(|(_, profile)| profile.path.starts_with(prefix))
        .collect();
    page(cloud, request, found)
}

pub(super) fn of_role(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["RoleName", "Marker", "MaxItems"])?;
    let role = request.required("RoleName")?;
    roles::find(cloud, role)?;
    let found = cloud
        .iam
        .profiles
        .iter()
        .filter(|(_, profile)| profile.role.as_deref() == Some(role))
        .collect();
    page(cloud, request, found)
}

fn page(
    cloud: &State,
    request: &ApiRequest,
    found: Vec<(&String, &Profile)>,
) -> Result<ApiResponse, ApiError> {
    let page = Page::of(request, found)?;
    Ok(
        request.xml(page.xml("InstanceProfiles", |(name, profile), into| {
            xml(cloud, name, profile, into)
        })),
    )
}

pub(super) fn delete(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["InstanceProfileName"])?;
    let name = request.required("InstanceProfileName")?;
    if find(cloud, name)?.role.is_some() {
        return Err(conflict(
            "Cannot delete entity, must remove roles from instance profile first.",
        ));
    }
    cloud.iam.profiles.remove(name);
    Ok(request.done())
}

pub(super) fn add_role(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["InstanceProfileName", "RoleName"])?;
    let role = request.required("RoleName")?;
    roles::find(cloud, role)?;
    let profile = find(cloud, request.required("InstanceProfileName")?)?;
    if profile.role.is_some() {
        return Err(ApiError::new(
            "LimitExceeded",
            "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
        )
        .with_status(409));
    }
    profile.role = Some(role.to_owned());
    Ok(request.done())
}

pub(super) fn remove_role(
    cloud: &mut State,
    request: &ApiRequest,
) -> Result<ApiResponse, ApiError> {
    request.only(&["InstanceProfileName", "RoleName"])?;
    let role = request.required("RoleName")?;
    let profile = find(cloud, request.required("InstanceProfileName")?)?;
    if profile.role.as_deref() != Some(role) {
        return Err(no_such("role", role));
    }
    profile.role = None;
    Ok(request.done())
}
