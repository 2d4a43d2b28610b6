//! Managed policies: the account's own, and those of AWS by name.

use super::{
    Managed, Page, arn as arn_of, conflict, encoded, new_name, new_tags, path_of, policy_document,
    tags_xml, time, unique,
};
use crate::api::xml::Xml;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state::State;

/// Policies of AWS that can be attached; their documents are not kept.
const OF_AWS: [&str; 14] = [
    "AWSLambda_FullAccess",
    "AdministratorAccess",
    "AmazonEC2FullAccess",
    "AmazonEC2ReadOnlyAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSSMManagedInstanceCore",
    "AmazonSSMReadOnlyAccess",
    "CloudWatchAgentServerPolicy",
    "CloudWatchReadOnlyAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "service-role/AWSLambdaBasicExecutionRole",
    "service-role/AWSLambdaRole",
];

fn not_found(arn: &str) -> ApiError {
    ApiError::new(
        "NoSuchEntity",
        format!("Policy {arn} does not exist or is not attachable."),
    )
    .with_status(404)
}

/// The name of a policy that can be attached.
pub(super) fn name_of(cloud: &State, arn: &str) -> Result<String, ApiError> {
    if let Some(path) = arn.strip_prefix("arn:aws:iam::aws:policy/") {
        return if OF_AWS.contains(&path) {
            Ok(path.rsplit('/').next().unwrap_or(path).to_owned())
        } else {
            Err(ApiError::not_modelled(format_args!(
                "the AWS managed policy '{path}' (known: {})",
                OF_AWS.join(", ")
            )))
        };
    }
    own(cloud, arn).map(|policy| policy.name.clone())
}

fn own<'c>(cloud: &'c State, arn: &str) -> Result<&'c Managed, ApiError> {
    if arn.starts_with("arn:aws:iam::aws:policy/") {
        return Err(ApiError::not_modelled(format_args!(
            "the content of the AWS managed policy '{arn}'"
        )));
    }
    cloud.iam.policies.get(arn).ok_or_else(|| not_found(arn))
}

fn attachments(cloud: &State, arn: &str) -> usize {
    cloud
        .iam
        .roles
        .values()
        .filter(|role| role.attached.iter().any(|attached| attached == arn))
        .count()
}

fn xml(cloud: &State, arn: &str, policy: &Managed, xml: Xml) -> Xml {
    let xml = xml
        .text("PolicyName", &policy.name)
        .text("PolicyId", &policy.id)
        .text("Arn", arn)
        .text("Path", &policy.path)
        .text("DefaultVersionId", "v1")
        .text("AttachmentCount", attachments(cloud, arn))
        .text("PermissionsBoundaryUsageCount", 0)
        .text("IsAttachable", true)
        .optional("Description", policy.description.as_ref())
        .text("CreateDate", time(policy.created))
        .text("UpdateDate", time(policy.created));
    tags_xml(xml, &policy.tags)
}

pub(super) fn create(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&[
        "PolicyName",
        "Path",
        "PolicyDocument",
        "Description",
        "Tags",
    ])?;
    let name = new_name(request, "PolicyName", 128)?.to_owned();
    let document = policy_document(request, "PolicyDocument")?;
    let path = path_of(request)?;
    let taken = cloud
        .iam
        .policies
        .values()
        .any(|policy| policy.name == name);
    if taken {
        return Err(ApiError::new(
            "EntityAlreadyExists",
            format!("A policy called {name} already exists. Duplicate names are not allowed."),
        )
        .with_status(409));
    }
    let arn = arn_of(&cloud.account, "policy", &path, &name);
    let policy = Managed {
        id: unique(&mut cloud.ids, "ANPA"),
        name,
        path,
        created: cloud.now,
        description: request.param("Description").map(str::to_owned),
        tags: new_tags(request)?,
        document,
    };
    let answer = request.xml(Xml::new().node("Policy", |into| xml(cloud, &arn, &policy, into)));
    cloud.iam.policies.insert(arn, policy);
    Ok(answer)
}

pub(super) fn get(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["PolicyArn"])?;
    let arn = request.required("PolicyArn")?;
    let policy = own(cloud, arn)?;
    Ok(request.xml(Xml::new().node("Policy", |into| xml(cloud, arn, policy, into))))
}

pub(super) fn version(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["PolicyArn", "VersionId"])?;
    let policy = own(cloud, request.required("PolicyArn")?)?;
    let id = request.required("VersionId")?;
    if id != "v1" {
        return Err(ApiError::new(
            "NoSuchEntity",
            format!("Policy version {id} does not exist or is not attachable."),
        )
        .with_status(404));
    }
    Ok(request.xml(Xml::new().node("PolicyVersion", |xml| {
        xml.text("Document", encoded(&policy.document))
            .text("VersionId", id)
            .text("IsDefaultVersion", true)
            .text("CreateDate", time(policy.created))
    })))
}

/// The account's own policies; those of AWS are known by name only.
pub(super) fn list(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["Scope", "OnlyAttached", "PathPrefix", "Marker", "MaxItems"])?;
    if request.param("Scope") != Some("Local") {
        return Err(ApiError::not_modelled(
            "iam:ListPolicies parameter 'Scope' other than 'Local'",
        ));
    }
    let only_attached = request.boolean("OnlyAttached")?.unwrap_or(false);
    let prefix = request.param("PathPrefix").unwrap_or("/");
    let found = cloud
        .iam
        .policies
        .iter()
        .filter(|(arn, policy)| {
            policy.path.starts_with(prefix) && !(only_attached && attachments(cloud, arn) == 0)
        })
        .collect();
    let page = Page::of(request, found)?;
    Ok(request.xml(page.xml("Policies", |(arn, policy), into| {
        xml(cloud, arn, policy, into)
    })))
}

pub(super) fn delete(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["PolicyArn"])?;
    let arn = request.required("PolicyArn")?;
    own(cloud, arn)?;
    if attachments(cloud, arn) > 0 {
        return Err(conflict("Cannot delete a policy attached to entities."));
    }
    cloud.iam.policies.remove(arn);
    Ok(request.done())
}
