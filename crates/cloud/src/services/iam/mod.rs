//! IAM: roles, their policies, managed policies, instance profiles.
//!
//! What the account may do is not evaluated: its one user may do everything.

use std::collections::BTreeMap;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::api::xml::Xml;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::ids::Ids;
use crate::state::State as Cloud;

mod managed;
mod policies;
mod profiles;
mod roles;
mod trust;

pub use trust::{allows, trusts};

/// The name of the account's one user.
pub const USER: &str = "opsh";
/// Its id, an example of AWS's documentation.
pub const USER_ID: &str = "AIDACKCEVSQ6C2EXAMPLE";

/// What there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    roles: BTreeMap<String, Role>,
    profiles: BTreeMap<String, Profile>,
    /// The account's own managed policies by ARN.
    policies: BTreeMap<String, Managed>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Role {
    id: String,
    path: String,
    created: Timestamp,
    trust: String,
    description: Option<String>,
    max_session: i64,
    tags: BTreeMap<String, String>,
    inline: BTreeMap<String, String>,
    attached: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Profile {
    id: String,
    path: String,
    created: Timestamp,
    tags: BTreeMap<String, String>,
    role: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Managed {
    id: String,
    name: String,
    path: String,
    created: Timestamp,
    description: Option<String>,
    tags: BTreeMap<String, String>,
    document: String,
}

/// What EC2 needs to know of an instance profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceProfile {
    /// Its ARN.
    pub arn: String,
    /// Its id, `AIPA…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The name of its role, if it has one.
    pub role: Option<String>,
}

/// Finds an instance profile by name or ARN.
#[must_use]
pub fn instance_profile(cloud: &Cloud, name_or_arn: &str) -> Option<InstanceProfile> {
    cloud.iam.instance_profile(&cloud.account, name_or_arn)
}

impl State {
    /// Finds an instance profile of the account by name or ARN.
    pub(super) fn instance_profile(
        &self,
        account: &str,
        name_or_arn: &str,
    ) -> Option<InstanceProfile> {
        self.profiles.iter().find_map(|(name, profile)| {
            let arn = arn(account, "instance-profile", &profile.path, name);
            (name == name_or_arn || arn == name_or_arn).then(|| InstanceProfile {
                arn,
                id: profile.id.clone(),
                name: name.clone(),
                role: profile.role.clone(),
            })
        })
    }
}

/// A role, as STS needs it.
pub(super) struct Assumable {
    pub id: String,
    pub name: String,
}

/// Finds a role by its ARN.
pub(super) fn role_by_arn(cloud: &Cloud, wanted: &str) -> Option<Assumable> {
    cloud.iam.roles.iter().find_map(|(name, role)| {
        (arn(&cloud.account, "role", &role.path, name) == wanted).then(|| Assumable {
            id: role.id.clone(),
            name: name.clone(),
        })
    })
}

/// Answers a request.
///
/// # Errors
/// The service's own refusals.
pub fn handle(cloud: &mut Cloud, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    match request.action.as_str() {
        "GetUser" => user(cloud, request),
        "CreateRole" => roles::create(cloud, request),
        "GetRole" => roles::get(cloud, request),
        "ListRoles" => roles::list(cloud, request),
        "DeleteRole" => roles::delete(cloud, request),
        "UpdateRole" => roles::update(cloud, request),
        "UpdateAssumeRolePolicy" => roles::trust(cloud, request),
        "TagRole" => roles::tag(cloud, request),
        "UntagRole" => roles::untag(cloud, request),
        "ListRoleTags" => roles::tags(cloud, request),
        "PutRolePolicy" => policies::put(cloud, request),
        "GetRolePolicy" => policies::get(cloud, request),
        "DeleteRolePolicy" => policies::delete(cloud, request),
        "ListRolePolicies" => policies::list(cloud, request),
        "AttachRolePolicy" => policies::attach(cloud, request),
        "DetachRolePolicy" => policies::detach(cloud, request),
        "ListAttachedRolePolicies" => policies::attached(cloud, request),
        "CreatePolicy" => managed::create(cloud, request),
        "GetPolicy" => managed::get(cloud, request),
        "GetPolicyVersion" => managed::version(cloud, request),
        "ListPolicies" => managed::list(cloud, request),
        "DeletePolicy" => managed::delete(cloud, request),
        "CreateInstanceProfile" => profiles::create(cloud, request),
        "GetInstanceProfile" => profiles::get(cloud, request),
        "ListInstanceProfiles" => profiles::list(cloud, request),
        "ListInstanceProfilesForRole" => profiles::of_role(cloud, request),
        "DeleteInstanceProfile" => profiles::delete(cloud, request),
        "AddRoleToInstanceProfile" => profiles::add_role(cloud, request),
        "RemoveRoleFromInstanceProfile" => profiles::remove_role(cloud, request),
        other => Err(ApiError::not_modelled(format_args!("iam:{other}"))),
    }
}

/// The account's one user: who calls.
fn user(cloud: &Cloud, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["UserName"])?;
    let name = request.param("UserName").unwrap_or(USER);
    if name != USER {
        return Err(no_such("user", name));
    }
    Ok(request.xml(Xml::new().node("User", |xml| {
        xml.text("Path", "/")
            .text("UserName", USER)
            .text("UserId", USER_ID)
            .text("Arn", arn(&cloud.account, "user", "/", USER))
            .text("CreateDate", time(Timestamp::UNIX_EPOCH))
    })))
}

fn arn(account: &str, kind: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:{kind}{path}{name}")
}

/// A unique id: four letters that tell the kind, and 17 more.
///
/// Source: IAM user guide, "Unique identifiers".
fn unique(ids: &mut Ids, prefix: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let rest = ids
        .bytes::<17>()
        .map(|byte| char::from(ALPHABET[usize::from(byte) % 32]));
    prefix.chars().chain(rest).collect()
}

fn no_such(kind: &str, name: &str) -> ApiError {
    ApiError::new(
        "NoSuchEntity",
        format!("The {kind} with name {name} cannot be found."),
    )
    .with_status(404)
}

fn exists(kind: &str, name: &str) -> ApiError {
    ApiError::new(
        "EntityAlreadyExists",
        format!("{kind} with name {name} already exists."),
    )
    .with_status(409)
}

fn conflict(message: &str) -> ApiError {
    ApiError::new("DeleteConflict", message).with_status(409)
}

/// A name that IAM takes for a new role, profile or policy.
fn new_name<'r>(
    request: &'r ApiRequest,
    parameter: &str,
    longest: usize,
) -> Result<&'r str, ApiError> {
    let name = request.required(parameter)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    if name.is_empty() || name.len() > longest || !name.chars().all(fits) {
        return Err(ApiError::new(
            "ValidationError",
            format!(
                "The specified value for {parameter} is invalid. It must contain only \
                 alphanumeric characters and/or the following: +=,.@_- and have at most \
                 {longest} characters"
            ),
        ));
    }
    Ok(name)
}

fn path_of(request: &ApiRequest) -> Result<String, ApiError> {
    let path = request.param("Path").unwrap_or("/");
    if path.starts_with('/') && path.ends_with('/') && !path.contains("//") {
        return Ok(path.to_owned());
    }
    Err(ApiError::new(
        "ValidationError",
        "The specified value for path is invalid. It must begin and end with / and contain \
         only alphanumeric characters and/or / characters.",
    ))
}

/// A policy document: JSON with at least one statement.
fn policy_document(request: &ApiRequest, parameter: &str) -> Result<String, ApiError> {
    let text = request.required(parameter)?;
    let malformed = |message: &str| ApiError::new("MalformedPolicyDocument", message);
    let document: serde_json::Value =
        serde_json::from_str(text).map_err(|_| malformed("Syntax errors in policy."))?;
    let statements = match document.get("Statement") {
        Some(serde_json::Value::Array(all)) => all.clone(),
        Some(one @ serde_json::Value::Object(_)) => vec![one.clone()],
        _ => Vec::new(),
    };
    if statements.is_empty() {
        return Err(malformed("Syntax errors in policy."));
    }
    for statement in &statements {
        if !matches!(
            statement.get("Effect").and_then(serde_json::Value::as_str),
            Some("Allow" | "Deny")
        ) {
            return Err(malformed("Syntax errors in policy."));
        }
        if statement.get("Action").is_none() && statement.get("NotAction").is_none() {
            return Err(malformed("Policy statement must contain actions."));
        }
    }
    Ok(text.to_owned())
}

/// Documents come back URL-encoded (RFC 3986).
fn encoded(document: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(document, KEPT).to_string()
}

fn new_tags(request: &ApiRequest) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for item in request.items("Tags") {
        let key = request.required(&format!("{item}.Key"))?.to_owned();
        let value = request.param(&format!("{item}.Value")).unwrap_or_default();
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(ApiError::new(
                "ValidationError",
                "Tag keys have 1 to 128 characters, values at most 256",
            ));
        }
        if tags.insert(key, value.to_owned()).is_some() {
            return Err(ApiError::new(
                "InvalidInput",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    if tags.len() > 50 {
        return Err(ApiError::new(
            "LimitExceeded",
            "The number of tags has reached the maximum limit.",
        )
        .with_status(409));
    }
    Ok(tags)
}

fn tags_xml(xml: Xml, tags: &BTreeMap<String, String>) -> Xml {
    if tags.is_empty() {
        return xml;
    }
    xml.list("Tags", "member", tags, |(key, value), xml| {
        xml.text("Key", key).text("Value", value)
    })
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// One page of a listing: what follows `Marker`, at most `MaxItems`.
struct Page<T> {
    items: Vec<T>,
    marker: Option<String>,
}

impl<T> Page<T> {
    fn of(request: &ApiRequest, all: Vec<T>) -> Result<Self, ApiError> {
        let from: usize = request
            .param("Marker")
            .unwrap_or("0")
            .parse()
            .map_err(|_| ApiError::new("ValidationError", "Invalid Marker."))?;
        let most = request.integer("MaxItems")?.unwrap_or(100);
        let most = usize::try_from(most).unwrap_or(0).clamp(1, 1000);
        let more = all.len() > from.saturating_add(most);
        Ok(Self {
            items: all.into_iter().skip(from).take(most).collect(),
            marker: more.then(|| (from + most).to_string()),
        })
    }

    fn xml(self, name: &str, each: impl FnMut(T, Xml) -> Xml) -> Xml {
        Xml::new()
            .list(name, "member", self.items, each)
            .text("IsTruncated", self.marker.is_some())
            .optional("Marker", self.marker)
    }
}

#[cfg(test)]
mod tests;
